// Programs of the tests that need a process of their own.

import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import { join } from "node:path";
import type { Conninfo } from "./address.ts";
import { defaultServer } from "./default-server.ts";

const loader = join(__dirname, "..", "..", "scripts", "load-typescript.js");

/** How a program is run. */
export interface ProgramOptions {
  /** Flags of Node.js. */
  readonly flags?: readonly string[];
  /** Where the program connects to, its first argument: the shared server if nothing is said. */
  readonly conninfo?: Conninfo;
  /** What it is given besides. */
  readonly args?: readonly string[];
  /** When it is ended, in milliseconds. */
  readonly timeout: number;
}

/** Runs a program in TypeScript to its end. */
export function runProgram(
  path: string,
  { flags = [], conninfo = defaultServer().conninfo(), args = [], timeout }: ProgramOptions,
): SpawnSyncReturns<string> {
  return spawnSync(
    process.execPath,
    [...flags, "--require", loader, path, JSON.stringify(conninfo), ...args],
    { encoding: "utf8", timeout },
  );
}
