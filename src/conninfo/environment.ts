// What the surroundings of a program say about a connection: its user, its home, its files.
//
// The only file besides service.ts and passfile.ts that asks the operating system anything. The
// environment is always handed in, never read here. PostgreSQL manual: 34.15 "Environment
// Variables"; on Windows the files live in %APPDATA%\postgresql and have no dots.

import { statSync } from "node:fs";
import type { Stats } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";

import { unavailable } from "./refusals.ts";
import type { Environment } from "./settings.ts";

const isWindows = process.platform === "win32";

/** Tells what a path leads to; null when it leads nowhere, or nowhere that may be looked at. */
export function statOf(path: string): Stats | null {
  try {
    // An error would cost more than everything else here, and mostly there is nothing.
    return statSync(path, { throwIfNoEntry: false }) ?? null;
  } catch {
    return null;
  }
}

/** The name of the operating system's user; throws OperationalError when it has none. */
export function operatingSystemUser(): string {
  try {
    return userInfo().username;
  } catch (cause) {
    throw unavailable(
      "no user name: set user, or PGUSER, because the operating system has no name for this user",
      cause,
    );
  }
}

function homeOf(environment: Environment): string | null {
  const home = isWindows ? environment["APPDATA"] : environment["HOME"];
  if (home) return home;
  try {
    return isWindows ? null : userInfo().homedir || null;
  } catch {
    return null;
  }
}

/** The path of a user's own file of PostgreSQL's, existing or not; null without a home. */
export function userFile(
  environment: Environment,
  unixName: string,
  windowsName: string,
): string | null {
  const home = homeOf(environment);
  if (home === null) return null;
  return isWindows ? join(home, "postgresql", windowsName) : join(home, unixName);
}

/** The folder of a user's own files about TLS; null when there is none. */
export function userFolder(environment: Environment): string | null {
  const path = userFile(environment, ".postgresql", "");
  return path !== null && statOf(path) !== null ? path : null;
}
