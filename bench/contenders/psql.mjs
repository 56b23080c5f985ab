// psql, PostgreSQL's own client: \copy in text format from a file, and into nothing. Its start and its
// connection are in its time.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { devNull, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { passes, textPieces } from "../bulk.mjs";

const execute = promisify(execFile);

/** Debian's psql is a program that looks for psql; where there is pg_config, it knows the real one. */
async function findProgram() {
  try {
    const { stdout } = await execute("pg_config", ["--bindir"]);
    const program = join(stdout.trim(), "psql");
    await execute(program, ["--version"]);
    return program;
  } catch {
    return "psql";
  }
}

/** Makes the contender; fails where there is no psql. */
export async function create({ host, port, user, database }) {
  const program = await findProgram();
  const { stdout } = await execute(program, ["--version"]);
  const folder = mkdtempSync(join(tmpdir(), "mahout-bench-psql-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const fileFor = (n) => join(folder, `${n}.txt`);
  const made = new Set();
  const flags = ["--no-psqlrc", "-h", host, "-p", port, "-U", user, "-d", database, "-c"];
  /** Runs a command; gives the number of rows that psql says it copied. */
  const run = async (command) => {
    const done = await execute(program, [...flags, command].map(String));
    return Number(/^COPY (\d+)/m.exec(done.stdout)?.[1]);
  };
  return {
    name: "psql",
    version: /[\d.]+/.exec(stdout)[0],
    countsOnly: true,
    worksElsewhere: true,
    connect: () => run("select 1"),
    close: () => {},
    ready(method, n) {
      if (method !== "copyIn" || made.has(n)) return;
      writeFileSync(fileFor(n), Buffer.concat(passes(n).flatMap(textPieces)));
      made.add(n);
    },
    copyIn: (n) => run(`\\copy bench_target from '${fileFor(n)}'`),
    copyOut: () => run(`\\copy bench_copy to '${devNull}'`),
  };
}
