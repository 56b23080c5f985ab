// `npm run bench:profile -- <workload>`: where one workload spends its time, or its memory with
// --allocations. The profile itself is kept for Chrome's developer tools and for editors.

import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { placeOn } from "./cores.mjs";
import { table } from "./report.mjs";
import { openStage } from "./stage.mjs";
import { workloads } from "./workloads.mjs";

const names = workloads.map(({ name }) => name);
const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    contender: { type: "string", default: "mahout" },
    rounds: { type: "string" },
    top: { type: "string", default: "30" },
    allocations: { type: "boolean", default: false },
  },
});

const workload = positionals[0] ?? "one";
if (!names.includes(workload)) {
  console.error(`no workload "${workload}"; there are: ${names.join(", ")}`);
  process.exit(2);
}

const kind = flags.allocations ? "allocations" : "cpu";
const { serverPids, contenders, sql, close } = await openStage([flags.contender]);
if (contenders.length === 0) process.exit(1);
const { cores, rounds, tables, before } = workloads.find(({ name }) => name === workload);
placeOn(cores, [contenders[0].pid], serverPids);
await sql.run(tables);
await sql.run(before);
const request = { workload, kind, roundCount: Number(flags.rounds ?? (rounds ? 1 : 10)) };
const { operations, functions, profile } = await contenders[0].ask("profile", request);
await close();

const total = functions.reduce((sum, [, amount]) => sum + amount, 0);
const unit = flags.allocations ? "bytes" : "us";
const rows = functions
  .slice(0, Number(flags.top))
  .map(([place, amount]) => [
    `${((100 * amount) / total).toFixed(1).padStart(5)} %`,
    `${(amount / operations).toFixed(2)} ${unit}`,
    `  ${place}`,
  ]);
const longest = Math.max(...rows.map(([, , place]) => place.length));
const aligned = rows.map(([share, each, place]) => [share, each, place.padEnd(longest)]);
console.log(`${contenders[0].name}, ${workload}: self ${kind} of ${operations} operations, each`);
console.log(table([["share", unit, "".padEnd(longest)], ...aligned]).join("\n"));

const folder = fileURLToPath(new URL(".cache/", import.meta.url));
mkdirSync(folder, { recursive: true });
const file = `${folder}${contenders[0].name}-${workload}.${flags.allocations ? "heap" : "cpu"}profile`;
writeFileSync(file, JSON.stringify(profile));
console.log(`\nkept in ${file}`);
process.exit();
