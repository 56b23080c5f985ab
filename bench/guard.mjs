// `npm run bench:guard`: how many bytes the hot paths allocate per operation, compared with what was recorded for this major
// of Node.js. Unlike times, that doesn't depend on how busy the machine is. A young generation larger than what a run
// allocates keeps the garbage collector away, so the heap's growth is the count and no sample. It fails when a path
// allocates notably more than it did. `--record` writes the record: for a change that is meant to, and after one that
// made something cheaper, so that it stays so.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { table } from "./report.mjs";
import { openStage } from "./stage.mjs";
import { ROWS } from "./values.mjs";
import { workloads } from "./workloads.mjs";

/** What may be above the record: a part of it, and bytes for the paths that allocate next to nothing. */
const [PART, BYTES] = [0.15, 24];
/** MiB: nothing below allocates as much in one run, its warm-up included. */
const YOUNG = 1_024;
const RUNS = 4;

/** A workload, its contender, and the size of a run, if it isn't the workload's own; rows count where there are rows. */
// Of the blocking shell only those where it doesn't matter how long it waits: looking whether bytes are there allocates.
const paths = [
  ["one", "mahout"],
  ["first", "mahout", { size: 1_000 }],
  ["at-once", "mahout"],
  ["pipeline", "mahout"],
  ["transaction", "mahout", { size: 500 }],
  ["wide", "mahout"],
  ["objects", "mahout", { rows: ROWS }],
  ["arrays", "mahout", { rows: ROWS }],
  ["copy-in", "mahout", { size: ROWS }],
  ["copy-out", "mahout", { rows: ROWS }],
  ["notify", "mahout"],
  ["notify-loop", "mahout"],
  ["pool-checkout", "mahout"],
  ["pool-waiters", "mahout"],
  ["pool-query", "mahout"],
  ["connect", "mahout"],
  ["pipeline", "mahout-blocking"],
  ["wide", "mahout-blocking"],
  ["copy-in", "mahout-blocking", { size: ROWS }],
  ["copy-out", "mahout-blocking", { rows: ROWS }],
];

const file = fileURLToPath(new URL("results/allocations.json", import.meta.url));
const [major] = process.versions.node.split(".");

/** Bytes per operation of a path: the fewest of some runs, because what comes on top depends on how bytes arrive. */
async function count([name, contenderName, { size, rows } = {}], { contenders, sql }) {
  const { tables, before } = workloads.find((workload) => workload.name === name);
  await sql.run(tables);
  const contender = contenders.find((candidate) => candidate.name === contenderName);
  const counts = [];
  for (let i = 0; i < RUNS; i++) {
    await sql.run(before);
    const request = { workload: name, ...(size === undefined ? {} : { size }) };
    const { bytes, operations } = await contender.ask("counted", request);
    counts.push(bytes / (rows ?? operations));
  }
  await contender.ask("leave");
  return [`${contenderName}: ${name}`, Math.min(...counts)];
}

async function countAll() {
  const execArgv = [`--min-semi-space-size=${YOUNG}`, `--max-semi-space-size=${YOUNG}`];
  const stage = await openStage(["mahout", "mahout-blocking"], execArgv);
  // A table for COPY that is as small as the others.
  await stage.sql.run(["create table bench_copy as select * from bench_rows"]);
  const counted = [];
  for (const path of paths) counted.push(await count(path, stage));
  await stage.close();
  return counted;
}

const {
  values: { record: isRecording },
} = parseArgs({ options: { record: { type: "boolean", default: false } } });
const records = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
const counted = await countAll();
const recorded = records[major]?.bytes ?? {};
const rows = counted.map(([path, bytes]) => {
  const before = recorded[path];
  const isMore = before !== undefined && bytes > before * (1 + PART) + BYTES;
  const verdict = before === undefined ? "not recorded" : isMore ? "MORE" : "ok";
  return [path, `${Math.round(bytes)} B`, before === undefined ? "-" : `${before} B`, verdict];
});
console.log(table([["per operation", "now", "recorded", ""], ...rows]).join("\n"));
if (isRecording) {
  const bytes = Object.fromEntries(counted.map(([path, count_]) => [path, Math.round(count_)]));
  const about = { node: process.version, date: new Date().toISOString().slice(0, 10) };
  writeFileSync(
    file,
    `${JSON.stringify({ ...records, [major]: { ...about, bytes } }, undefined, 1)}\n`,
  );
  console.log(`recorded in ${file}`);
} else if (records[major] === undefined) {
  console.log(`nothing is recorded for Node.js ${major}; --record does it`);
} else if (rows.some(([, , , verdict]) => verdict === "MORE")) {
  console.log("a hot path allocates more than it did; if that is meant, --record it");
  process.exitCode = 1;
}
