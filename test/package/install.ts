// Packs the checkout as npm would publish it and installs the tarball into an empty folder. Its
// dependencies are copied from the checkout's own node_modules, so no network is needed.

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { npmCommand } from "../../scripts/ensure.js";

/** The checkout. */
export const root: string = resolve(__dirname, "../..");

// While a program runs nothing else does here, so it must not run for ever.
const PATIENCE_MILLISECONDS = 60_000;

/** What a program did. */
export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. Throws when it cannot be started or does not end in a minute. */
export function run(
  command: readonly [string, ...string[]],
  cwd: string,
  environment: Readonly<Record<string, string>> = {},
): Outcome {
  const [program, ...args] = command;
  // A nested jest must not believe that it is a worker of this one.
  const { JEST_WORKER_ID: _, NODE_OPTIONS: _options, ...inherited } = process.env;
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    encoding: "utf8",
    env: { ...inherited, ...environment },
    shell: program.endsWith(".cmd"),
    timeout: PATIENCE_MILLISECONDS,
    killSignal: "SIGKILL",
  });
  if (error !== undefined) {
    throw new Error(`${command.join(" ")}: ${error.message}\n${stdout}${stderr}`, { cause: error });
  }
  return { status, stdout, stderr };
}

/** Runs a program of Node's to its end and returns its output. Throws when it fails. */
export function runNode(
  args: readonly string[],
  cwd: string,
  environment: Readonly<Record<string, string>> = {},
): string {
  const { status, stdout, stderr } = run([process.execPath, ...args], cwd, environment);
  if (status !== 0) {
    throw new Error(`${args.join(" ")} ended with status ${status}:\n${stdout}${stderr}`);
  }
  return stdout;
}

/** An empty folder in which the packed package is installed. */
export interface Installation {
  /** The consumer's folder, with the files of consumers/ in it. */
  readonly folder: string;
  readonly tarball: string;
  /** Where the package landed. */
  readonly packageFolder: string;
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
}

function dependenciesOf(folder: string): string[] {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
  return Object.keys(manifest.dependencies ?? {});
}

/** Copies what the package in `from` depends on into `to`, and what that depends on. */
function copyDependencies(from: string, to: string): void {
  for (const name of dependenciesOf(from)) {
    const source = join(root, "node_modules", name);
    cpSync(source, join(to, name), { recursive: true });
    copyDependencies(source, to);
  }
}

function unpack(tarball: string, into: string): void {
  mkdirSync(into, { recursive: true });
  const { status, stderr } = run(["tar", "-xzf", tarball, "--strip-components=1"], into);
  if (status !== 0) throw new Error(`tar failed: ${stderr}`);
}

/** Packs, unpacks and surrounds the package with its dependencies and the consumers' files. */
export function install(): Installation {
  const folder = mkdtempSync(join(tmpdir(), "mahout-consumer-"));
  const [npm = "npm", ...before] = npmCommand();
  const flags = ["--ignore-scripts", "--json", "--pack-destination", folder];
  const packed = run([npm, ...before, "pack", ...flags], root, {
    npm_config_cache: join(folder, "npm-cache"),
  });
  if (packed.status !== 0) throw new Error(`npm pack failed: ${packed.stderr}`);
  const [{ filename } = { filename: "" }] = JSON.parse(packed.stdout) as { filename: string }[];
  const tarball = join(folder, filename);
  const modules = join(folder, "node_modules");
  const packageFolder = join(modules, "mahout");
  unpack(tarball, packageFolder);
  copyDependencies(packageFolder, modules);
  cpSync(join(__dirname, "consumers"), folder, { recursive: true });
  return { folder, tarball, packageFolder };
}
