// Who runs the test servers, and where they live. PostgreSQL refuses to run as root, so root hands
// its servers to the account "nobody"; everybody else runs them as themselves. The files live under
// the system's temporary directory: short enough for a unix socket, and open to that account even
// where the checkout is not.

import { chownSync, existsSync, lstatSync, mkdirSync, realpathSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

/** The account of the server processes; empty when it is our own. */
export interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

const NOBODY = 65534;
// A socket's path ends below 107 bytes (104 on macOS); ours adds about 40 to the base directory.
const LONGEST_BASE = 60;

/** The account to start server processes with. */
export const serverAccount: Account = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

/** Whether the server account has a name in the system's user database. */
export function serverAccountHasName(): boolean {
  if (serverAccount.uid !== undefined) return true;
  try {
    return userInfo().username !== "";
  } catch {
    return false;
  }
}

/** Starts a program under the name "nobody", which a nameless account may do in a namespace. */
export const asNobody: readonly [string, ...string[]] = [
  "unshare",
  "--user",
  `--map-user=${NOBODY}`,
  `--map-group=${NOBODY}`,
  "--",
];

/** The environment of the server processes: nothing of ours but the search path. */
export const serverEnvironment: Readonly<Record<string, string>> = {
  LC_ALL: "C",
  TZ: "UTC",
  PATH: process.env["PATH"] ?? "",
  ...(process.env["SystemRoot"] === undefined ? {} : { SystemRoot: process.env["SystemRoot"] }),
};

function claimBase(): string {
  const temporary = realpathSync(tmpdir());
  const parent = temporary.length > LONGEST_BASE && existsSync("/tmp") ? "/tmp" : temporary;
  const owner = process.getuid?.() ?? userInfo().username;
  const base = join(parent, `mahout-test-${owner}`);
  mkdirSync(base, { recursive: true, mode: 0o755 });
  const found = lstatSync(base);
  if (!found.isDirectory() || (process.getuid !== undefined && found.uid !== process.getuid())) {
    throw new Error(`${base} belongs to somebody else; remove it or set TMPDIR`);
  }
  return base;
}

let claimed: string | undefined;

/** A directory of this user's servers, made when first asked for and owned by the server account. */
export function serverDirectory(name: "binaries" | "templates" | "running"): string {
  claimed ??= claimBase();
  const directory = join(claimed, name);
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  giveToServer(directory);
  return directory;
}

/** Hands a file or directory to the server account. */
export function giveToServer(path: string): void {
  if (serverAccount.uid === undefined || serverAccount.gid === undefined) return;
  chownSync(path, serverAccount.uid, serverAccount.gid);
}
