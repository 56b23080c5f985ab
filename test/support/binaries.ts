// Finds the PostgreSQL programs that npm installed under servers/, and makes them runnable: the
// packages ship a list of symbolic links instead of the links themselves, and a checkout below a
// private home directory cannot be entered by the server account, in which case a copy is run.

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, readFileSync, readdirSync } from "node:fs";
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { withLock } from "../../scripts/lock.js";
import { serverAccount, serverDirectory, serverEnvironment } from "./account.ts";

/** The PostgreSQL majors that the suite knows. */
export const majors: readonly number[] = [14, 15, 16, 17, 18];

/** Runnable PostgreSQL programs of one release. */
export interface Binaries {
  readonly major: number;
  /** The package's version, for example "18.4.0-beta.17". */
  readonly version: string;
  /** Full paths of the programs. */
  readonly initdb: string;
  readonly postgres: string;
}

interface LinkEntry {
  readonly source: string;
  readonly target: string;
}

const suffix = process.platform === "win32" ? ".exe" : "";
const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;

/** The folder of the installed package, or undefined when npm did not install that major. */
function findPackage(major: number): string | undefined {
  const folder = join(__dirname, "servers", "node_modules", `pg${major}-${platform}`);
  return existsSync(join(folder, "native", "bin", `postgres${suffix}`)) ? folder : undefined;
}

/** The majors whose servers are installed here. */
export function installedMajors(): readonly number[] {
  return majors.filter((major) => findPackage(major) !== undefined);
}

function createMissingLinks(folder: string): void {
  const list = join(folder, "native", "pg-symlinks.json");
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, "utf8")) as LinkEntry[]) {
    const link = join(folder, target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(relative(dirname(link), join(folder, source)), link);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}

function describe(major: number, version: string, folder: string): Binaries {
  const program = (name: string): string => join(folder, "native", "bin", name + suffix);
  return { major, version, initdb: program("initdb"), postgres: program("postgres") };
}

function canRun(binaries: Binaries): boolean {
  const probe = spawnSync(binaries.postgres, ["--version"], {
    ...serverAccount,
    env: serverEnvironment,
    cwd: serverDirectory("running"),
  });
  return probe.status === 0;
}

function openToEverybody(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) openToEverybody(path);
    else if (entry.isFile()) chmodSync(path, folder.endsWith("bin") ? 0o755 : 0o644);
  }
}

async function copyOut(major: number, version: string, folder: string): Promise<Binaries> {
  const cache = serverDirectory("binaries");
  const copy = join(cache, `${version}-${platform}`);
  await withLock(`${copy}.lock`, () => {
    if (existsSync(copy)) return;
    const staging = `${copy}.${process.pid}`;
    rmSync(staging, { recursive: true, force: true });
    mkdirSync(staging);
    cpSync(join(folder, "native"), join(staging, "native"), {
      recursive: true,
      verbatimSymlinks: true,
    });
    createMissingLinks(staging);
    openToEverybody(staging);
    // Only a complete copy ever has the final name.
    renameSync(staging, copy);
  });
  return describe(major, version, copy);
}

/** The programs of one major, runnable by the server account. Throws when they are not installed. */
export async function binariesOf(major: number): Promise<Binaries> {
  const folder = findPackage(major);
  if (folder === undefined) {
    throw new Error(
      `PostgreSQL ${major} for ${platform} is not installed under test/support/servers; ` +
        `run "node scripts/ensure.js" (installed: ${installedMajors().join(", ") || "none"})`,
    );
  }
  const manifest = readFileSync(join(folder, "package.json"), "utf8");
  const { version } = JSON.parse(manifest) as { version: string };
  try {
    createMissingLinks(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EACCES" && code !== "EPERM" && code !== "EROFS") throw error;
    return await copyOut(major, version, folder);
  }
  const inPlace = describe(major, version, folder);
  if (canRun(inPlace)) return inPlace;
  const copy = await copyOut(major, version, folder);
  if (canRun(copy)) return copy;
  throw new Error(`PostgreSQL ${version} does not run here: ${copy.postgres} --version fails`);
}
