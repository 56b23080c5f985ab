// `npm run bench`: every contender against the same server in the same run. This process starts the
// server and one child per contender, has each child's answers checked, and then lets them run one
// at a time, round by round, in an order that changes every round. How to read it: README.md.

import { parseArgs } from "node:util";
import { buildNative } from "./build-native.mjs";
import { findBun } from "./find-bun.mjs";
import { judge, renderGoals } from "./goals.mjs";
import { keep } from "./kept.mjs";
import { describeMachine } from "./machine.mjs";
import { measure } from "./measure.mjs";
import { renderWorkload, resultOf } from "./report.mjs";
import { openStage } from "./stage.mjs";
import { workloads } from "./workloads.mjs";

/** Who takes part; files of contenders/. */
const known = [
  "null",
  "null-awaited",
  "mahout",
  "mahout-roomy",
  "pg",
  "pg-pipeline",
  "postgres",
  "bun",
  "mahout-blocking",
  "pg-native",
  "pg-copy-streams",
  "psql",
];

/** Those that not every machine has, and what says why. */
const conditional = { "pg-native": buildNative, bun: () => findBun().reason };

const { values: flags } = parseArgs({
  options: {
    only: { type: "string", default: workloads.map(({ name }) => name).join(",") },
    contenders: { type: "string", default: known.join(",") },
    rounds: { type: "string", default: "7" },
    quick: { type: "boolean", default: false },
    cores: { type: "string" },
  },
});

const fail = (message) => {
  console.error(message);
  process.exit(2);
};

function chosen(flag, all) {
  const names = flags[flag].split(",");
  const stranger = names.find((name) => !all.includes(name));
  if (stranger !== undefined) fail(`--${flag}: no "${stranger}"; there are: ${all.join(", ")}`);
  return names;
}

async function main() {
  const names = chosen(
    "only",
    workloads.map(({ name }) => name),
  );
  const taking = chosen("contenders", [...known, "null-public"]);
  const roundCount = Number(flags.rounds);
  if (!Number.isInteger(roundCount) || roundCount < 1) fail("--rounds: a number of at least 1");
  const machine = describeMachine();
  for (const [file, look] of Object.entries(conditional)) {
    const reason = taking.includes(file) ? look() : undefined;
    if (reason === undefined) continue;
    taking.splice(taking.indexOf(file), 1);
    console.log(`${file} skipped: ${reason}`);
  }
  const stage = await openStage(taking);
  const { server, contenders, close } = stage;
  const versions = Object.fromEntries(contenders.map(({ name, version }) => [name, version]));
  console.log(`${server.version}, Node ${machine.node}, ${machine.cores} x ${machine.cpu}\n`);
  const present = contenders.map(({ file }) => file);
  const isComplete =
    process.argv.length === 2 && taking.every((file) => present.includes(file) || file === "psql");
  const all = [];
  const begin = Date.now();
  for (const workload of workloads.filter(({ name }) => names.includes(name))) {
    const { quick: isQuick, cores } = flags;
    const measured = await measure(workload, stage, { roundCount, isQuick, cores });
    all.push(measured);
    console.log(`${renderWorkload(resultOf(measured))}\n`);
  }
  const goals = judge(all);
  console.log(renderGoals(goals));
  await close();
  const date = new Date().toISOString();
  const minutes = (Date.now() - begin) / 60_000;
  const about = { date, minutes, machine, server: server.version, versions };
  const files = await keep({ ...about, goals, results: all.map(resultOf) }, isComplete);
  console.log(`\n${minutes.toFixed(1)} minutes; kept in ${files.join(", ")}`);
}

await main();
