// libpq's own answers, as recorded in libpq-answers.json by record-libpq-answers.py.

import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A string that libpq parsed: into options, or not at all. */
export interface ParseCase {
  readonly input: string;
  readonly options?: Readonly<Record<string, string>>;
  readonly error?: string;
}

/** What libpq made of a string, an environment and files; "{dir}" is the home directory. */
export interface ConnectCase {
  readonly input: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly mode?: string;
  readonly attempts?: readonly (
    { readonly host: string; readonly port: number } | { readonly socket: string }
  )[];
  readonly password?: string;
  readonly options?: Readonly<Record<string, string>>;
  readonly warning?: string;
  readonly error?: string;
}

export interface Recording {
  readonly libpq: string;
  readonly keywords: readonly {
    readonly keyword: string;
    readonly environment: string | null;
    readonly compiled: string | null;
  }[];
  readonly parse: readonly ParseCase[];
  readonly connect: readonly ConnectCase[];
}

export const recording: Recording = JSON.parse(
  readFileSync(join(__dirname, "libpq-answers.json"), "utf8"),
) as Recording;

/** Writes files below a directory, with a mode that password files need. */
export function writeFiles(
  directory: string,
  files: Readonly<Record<string, string>>,
  mode: number = 0o600,
): void {
  for (const [name, text] of Object.entries(files)) {
    const path = join(directory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    chmodSync(path, mode);
  }
}
