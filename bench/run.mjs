// `npm run bench`: every contender against the same server in the same run. This process starts the
// server and one child per contender, has each child's answers checked, and then lets them run one
// at a time, round by round, in an order that changes every round. How to read it: README.md.

import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildNative } from "./build-native.mjs";
import { findBun } from "./find-bun.mjs";
import { judge, renderGoals } from "./goals.mjs";
import { describeMachine } from "./machine.mjs";
import { measure } from "./measure.mjs";
import { figuresOf, ratio, renderWorkload } from "./report.mjs";
import { openStage } from "./stage.mjs";
import { workloads } from "./workloads.mjs";

/** Who takes part; files of contenders/. */
const known = [
  "null",
  "mahout",
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

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const rounded = (_, value) => (typeof value === "number" ? Number(value.toPrecision(6)) : value);
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
  const files = chosen("contenders", [...known, "null-public"]);
  const roundCount = Number(flags.rounds);
  if (!Number.isInteger(roundCount) || roundCount < 1) fail("--rounds: a number of at least 1");
  const machine = describeMachine();
  for (const [file, look] of Object.entries(conditional)) {
    const reason = files.includes(file) ? look() : undefined;
    if (reason === undefined) continue;
    files.splice(files.indexOf(file), 1);
    console.log(`${file} skipped: ${reason}`);
  }
  const stage = await openStage(files);
  const { server, contenders, close } = stage;
  const versions = Object.fromEntries(contenders.map(({ name, version }) => [name, version]));
  console.log(`${server.version}, Node ${machine.node}, ${machine.cores} x ${machine.cpu}\n`);
  const present = contenders.map(({ file }) => file);
  const isComplete =
    process.argv.length === 2 && files.every((file) => present.includes(file) || file === "psql");
  const results = [];
  for (const workload of workloads.filter(({ name }) => names.includes(name))) {
    const { quick: isQuick, cores } = flags;
    const measured = await measure(workload, stage, { roundCount, isQuick, cores });
    results.push(measured);
    console.log(`${renderWorkload(measured)}\n`);
  }
  const goals = judge(results);
  console.log(renderGoals(goals));
  await close();
  keep(
    { date: new Date().toISOString(), machine, server: server.version, versions, goals, results },
    isComplete,
  );
}

/** Writes the figures as JSON; a partial run must not pass for a complete one. */
function keep(run, isComplete) {
  const results = run.results.map(({ rounds, allocated, ...rest }) => ({
    ...rest,
    contenders: Object.entries(figuresOf({ rounds, allocated })).map(([name, figures]) => ({
      name,
      ...figures,
      ratios: Object.fromEntries(
        Object.keys(rounds).map((other) => [other, ratio({ rounds }, name, other, "rate")]),
      ),
      // Milliseconds of each round, in the order of measuring.
      wallRounds: rounds[name].map(({ wall }) => wall),
      cpuRounds: rounds[name].map(({ cpu }) => cpu),
      operationsPerRound: rounds[name][0].operations,
    })),
  }));
  const folder = here(isComplete ? "results/" : ".cache/");
  const stamp = run.date.slice(0, 16).replace(":", "");
  const file = `${folder}${isComplete ? stamp : "partial"}.json`;
  mkdirSync(folder, { recursive: true });
  // Lists of numbers stay on one line.
  const text = JSON.stringify({ ...run, results }, rounded, 1).replace(/\[[\d.,\s]+\]/g, (list) =>
    list.replace(/\s+/g, " "),
  );
  writeFileSync(file, `${text}\n`);
  console.log(`\nkept in ${file}`);
}

await main();
