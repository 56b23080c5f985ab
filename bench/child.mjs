// One contender in a process of its own, so that nobody's garbage or compiled code is in another's
// way. It does what the parent says (connect, check, round, close) and is idle in between.

import { Measured, peakMemory } from "./measured.mjs";
import { profiled } from "./profiler.mjs";
import { quickened, workloads } from "./workloads.mjs";

const [name, target] = [process.argv[2], JSON.parse(process.argv[3])];
let contender;

function workloadOf({ workload, isQuick }) {
  const found = workloads.find((candidate) => candidate.name === workload);
  return isQuick ? quickened(found) : found;
}

// Every Date becomes its ISO text, every class of row or result a plain object or array.
const normalised = (value) => JSON.stringify(value);

function differenceOf(result, workload) {
  const expected = workload.expected(workload.size);
  if (contender.countsOnly) {
    const count = workload.rowCount?.(workload.size) ?? workload.size;
    return result === count ? undefined : `${result} rows instead of ${count}`;
  }
  if (normalised(result) === normalised(expected)) return undefined;
  const isList = Array.isArray(result) && Array.isArray(expected);
  if (isList && result.length !== expected.length) {
    return `${result.length} rows instead of ${expected.length}`;
  }
  const pairs = isList ? expected.map((row, i) => [result[i], row]) : [[result, expected]];
  const [got, wanted] = pairs.find(([a, b]) => normalised(a) !== normalised(b));
  return `${normalised(got)} instead of ${normalised(wanted)}`;
}

/** One call, which is given as little else to do as possible. */
async function call({ method, size, login }) {
  const { value, figures } = Measured.of(await contender[method](size, login));
  return { value, figures };
}

const commands = {
  async connect() {
    const { create } = await import(`./contenders/${name}.mjs`);
    contender = await create(target);
    await contender.connect();
    const { version, blocking: isBlocking = false } = contender;
    return { name: contender.name, version, isBlocking };
  },

  /** "same" when the result is the expected one, "not offered", or else the difference. */
  async check(request) {
    const workload = workloadOf(request);
    if (contender[workload.method] === undefined) return "not offered";
    await contender.ready?.(workload.method, workload.size);
    const { value } = await call(workload);
    return value === null ? "not offered" : (differenceOf(value, workload) ?? "same");
  },

  /** One timed round; milliseconds of wall time and of this process's CPU, all threads. */
  async round(request) {
    const workload = workloadOf(request);
    const { method, size, calls = 1, rounds, fresh: isFresh } = workload;
    await contender.ready?.(method, size);
    // A full collection also throws away what the engine had made of the code: a run that is not timed
    // follows it, so that what is timed is a program that has been running. A heavy workload runs long enough.
    globalThis.gc();
    if (rounds === undefined) await call(workload);
    const cpuBefore = process.cpuUsage();
    const before = performance.now();
    let last;
    for (let i = 0; i < calls; i++) last = await call(workload);
    const wall = performance.now() - before;
    const { user, system } = process.cpuUsage(cpuBefore);
    const difference = rounds === undefined ? undefined : differenceOf(last.value, workload);
    if (difference !== undefined) throw new Error(`${method} was not repeatable: ${difference}`);
    const cpu = contender.worksElsewhere ? null : (user + system) / 1_000;
    const memory = isFresh ? { memory: peakMemory() } : {};
    return { wall, cpu, operations: calls * size, ...last.figures, ...memory };
  },

  /** A profile of so many rounds, after as many to warm up; "cpu" or "allocations". */
  async profile({ kind, roundCount, ...request }) {
    const run = async () => {
      let operations = 0;
      for (let i = 0; i < roundCount; i++) operations += (await commands.round(request)).operations;
      return operations;
    };
    await run();
    return profiled(kind, run);
  },

  close: () => contender?.close(),
};

async function serve({ command, ...request }) {
  try {
    process.send({ answer: await commands[command](request) });
  } catch (error) {
    process.send({ error: String(error?.message ?? error).split("\n")[0] });
  }
}

process.on("message", (message) => void serve(message));
process.on("disconnect", () => process.exit());
