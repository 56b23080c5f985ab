// Data directories. initdb takes about a second, so it runs once per release and options into a
// template; every server gets a copy of that. Templates are shared by all test processes of a user:
// a lock lets one of them build, and the mark of a complete template is written last.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "../../scripts/lock.js";
import { asNobody, serverAccount, serverAccountHasName } from "./account.ts";
import { serverDirectory, serverEnvironment } from "./account.ts";
import type { Binaries } from "./binaries.ts";

/** The file that servers add their settings in; included by each data directory's postgresql.conf. */
export const SETTINGS_FILE = "mahout.conf";

const STANDARD_ARGUMENTS = [
  ["--username=postgres", "--auth=trust", "--no-sync", "--no-instructions"],
  // Small segments make a small template to copy.
  ["--encoding=UTF8", "--locale=C", "--wal-segsize=1"],
].flat();

function run(program: string, args: readonly string[]): void {
  const result = spawnSync(program, args, {
    ...serverAccount,
    env: serverEnvironment,
    cwd: serverDirectory("running"),
    encoding: "utf8",
  });
  if (result.error !== undefined) throw result.error;
  if (result.status !== 0) {
    throw new Error(`${program} failed (${result.status}): ${result.stderr}${result.stdout}`);
  }
}

function initialise(binaries: Binaries, args: readonly string[], directory: string): void {
  // initdb insists on its user's name; containers often run as a user id that has none.
  const [program, ...before] = serverAccountHasName()
    ? [binaries.initdb]
    : [...asNobody, binaries.initdb];
  run(program, [...before, ...STANDARD_ARGUMENTS, ...args, "-D", directory]);
  appendFileSync(join(directory, "postgresql.conf"), `\ninclude_if_exists = '${SETTINGS_FILE}'\n`);
}

function pathOf(binaries: Binaries, args: readonly string[]): string {
  const options = JSON.stringify([STANDARD_ARGUMENTS, args]);
  const key = createHash("sha256").update(options).digest("hex").slice(0, 12);
  return join(serverDirectory("templates"), `${binaries.version}-${key}`);
}

function countFiles(directory: string): string {
  return String(readdirSync(directory, { recursive: true }).length);
}

/** Complete, and not yet eaten from by a cleaner of temporary files. */
function isWhole(template: string): boolean {
  if (!existsSync(template) || !existsSync(`${template}.count`)) return false;
  return readFileSync(`${template}.count`, "utf8") === countFiles(template);
}

/** The template of a release and extra initdb arguments, built if this is its first use. */
async function templateOf(binaries: Binaries, args: readonly string[]): Promise<string> {
  const template = pathOf(binaries, args);
  if (isWhole(template)) return template;
  await withLock(`${template}.lock`, () => {
    if (isWhole(template)) return;
    rmSync(template, { recursive: true, force: true });
    const staging = `${template}.${process.pid}`;
    rmSync(staging, { recursive: true, force: true });
    initialise(binaries, args, staging);
    renameSync(staging, template);
    writeFileSync(`${template}.count`, countFiles(template));
  });
  return template;
}

/** Makes a fresh data directory at `target`, which must not exist. */
export async function createDataDirectory(
  binaries: Binaries,
  args: readonly string[],
  target: string,
): Promise<void> {
  const template = await templateOf(binaries, args);
  if (process.platform === "linux") run("cp", ["-a", "--reflink=auto", template, target]);
  else if (process.platform === "win32") cpSync(template, target, { recursive: true });
  else run("cp", ["-a", template, target]);
}
