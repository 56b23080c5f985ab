// `npm run bench:queue`: our queue and its peers, one process each, on one server with fsync on, in
// alternated rounds. Rates are jobs a second until the storage says that they are done.

import { fork } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startServer } from "../server.mjs";
import { ownFigures } from "./own.mjs";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    jobs: { type: "string", default: "20000" },
    latencies: { type: "string", default: "200" },
    only: { type: "string" },
  },
});
const [rounds, jobs, latencies] = [flags.rounds, flags.jobs, flags.latencies].map(Number);
const files = (flags.only ?? "mahout,graphile,pg-boss").split(",");
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const binary = here(`node_modules/node-${process.platform}-${process.arch}/bin/node`);
// The peers want a newer Node.js than this one may be; all contenders run on the same.
const execPath = existsSync(binary) ? binary : process.execPath;

const server = await startServer({ isDurable: true });
const user = `postgresql://postgres@${server.host}:${server.port}/postgres`;
const settings = { conninfo: user, concurrency: 24, prefetch: 500 };
const children = [];
process.prependOnceListener("exit", () => children.forEach((child) => child.kill("SIGKILL")));

async function start(file) {
  const child = fork(here("child.mjs"), [file, JSON.stringify(settings)], { execPath });
  children.push(child);
  let settle;
  child.on("message", (reply) => settle(reply));
  child.once("exit", (code) => settle?.({ error: `its process ended with ${code}` }));
  const reply = () =>
    new Promise((resolve, reject) => {
      settle = ({ answer, error }) =>
        error === undefined ? resolve(answer) : reject(new Error(`${file}: ${error}`));
    });
  const name = await reply();
  const ask = (command, request = {}) => {
    const answer = reply();
    child.send({ command, ...request });
    return answer;
  };
  return { name, ask, bulk: [], drain: [], waits: [] };
}

const contenders = [];
for (const file of files) contenders.push(await start(file));
for (let round = 0; round <= rounds; round++) {
  for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) {
    const { ask } = contender;
    const bulk = await ask("bulk", { count: jobs });
    const { took, done } = await ask("drain", { count: jobs });
    if (done !== jobs)
      throw new Error(`${contender.name} called ${done} handlers for ${jobs} jobs`);
    const waits = await ask("latency", { count: latencies });
    // The first round warms everybody up.
    if (round === 0) continue;
    contender.bulk.push((1000 * jobs) / bulk);
    contender.drain.push((1000 * jobs) / took);
    contender.waits.push(...waits);
  }
}

const sorted = (list) => list.toSorted((one, other) => one - other);
const at = (list, share) =>
  sorted(list)[Math.min(list.length - 1, Math.floor(list.length * share))];
const result = contenders.map(({ name, bulk, drain, waits }) => ({
  name,
  bulk: { median: at(bulk, 0.5), least: at(bulk, 0), most: at(bulk, 1) },
  drain: { median: at(drain, 0.5), least: at(drain, 0), most: at(drain, 1) },
  latency: { p50: at(waits, 0.5), p95: at(waits, 0.95), p99: at(waits, 0.99) },
}));
for (const contender of contenders) await contender.ask("close").catch(() => {});
const own = files.includes("mahout") ? await ownFigures(user, {}) : null;
await server.stop();

const round0 = (value) => Math.round(value).toLocaleString("en");
const line = ({ median, least, most }) => `${round0(median)} (${round0(least)}-${round0(most)})`;
for (const { name, bulk, drain, latency } of result) {
  console.log(
    `${name.padEnd(16)} bulk ${line(bulk)}/s  process ${line(drain)}/s  ` +
      `add to start p50 ${latency.p50.toFixed(1)} p95 ${latency.p95.toFixed(1)} p99 ${latency.p99.toFixed(1)} ms`,
  );
}
const [first, ...peers] = result;
if (own && peers.length > 0) {
  const best = (key) => Math.max(...peers.map((peer) => peer[key].median));
  const graphile = peers.find(({ name }) => name === "graphile-worker");
  console.log(`bulk: ${(first.bulk.median / best("bulk")).toFixed(2)} x the best peer (goal 1.5)`);
  if (graphile) {
    const ratio = first.drain.median / graphile.drain.median;
    console.log(`process: ${ratio.toFixed(2)} x graphile-worker (goal 1.4)`);
  }
}
if (own) {
  const { chainRate, retryGap, late, idlePerMinute } = own;
  console.log(
    `mahout alone: one lock ${round0(chainRate)} jobs/s (goal 300), next attempt p50 ${retryGap.p50.toFixed(1)} p99 ${retryGap.p99.toFixed(1)} ms (goal 20), ` +
      `late p50 ${late.p50} p99 ${late.p99} ms (goal 30), idle ${idlePerMinute.toFixed(0)} statements/min (goal 6)`,
  );
}
const folder = here("../results/");
mkdirSync(folder, { recursive: true });
const stamp = new Date().toISOString().slice(0, 16).replace(":", "");
const machine = { cores: cpus().length, model: cpus()[0]?.model, load: loadavg() };
const about = { date: new Date(), node: execPath === binary ? "22" : process.version, machine };
const { version } = server;
const file = `${folder}queue-${stamp}.json`;
writeFileSync(
  file,
  `${JSON.stringify({ ...about, version, rounds, jobs, result, own }, null, 2)}\n`,
);
console.log(`kept in ${file}`);
process.exit();
