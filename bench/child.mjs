// One contender in a process of its own, so that nobody's garbage or compiled code is in another's
// way. It does what the parent says (connect, check, round, close) and is idle in between.

import { Measured, peakMemory, restartPeak } from "./measured.mjs";
import { profiled } from "./profiler.mjs";
import { quickened, workloads } from "./workloads.mjs";

const [name, target] = [process.argv[2], JSON.parse(process.argv[3])];
const [COUNT_WARM_UPS, COUNT_ATTEMPTS] = [3, 5];
let createContender;
/** How many bytes from one sample of allocations to the next: enough of them for an error of few percent. */
const [FINELY, COARSELY] = [1_024, 8_192];
let contender;
/** The same over the other ways to the server that workloads ask for. */
const detours = new Map();

/** The contender, on the workload's way to the server; undefined if it doesn't take part. */
async function racer({ method, via }) {
  if (contender[method] === undefined) return undefined;
  if (via === undefined) return contender;
  // Some contenders can't go that way, and some platforms have none.
  if (contender.lacks === via || target[via] === undefined) return undefined;
  if (!detours.has(via)) {
    const other = await createContender({ ...target, ...target[via] });
    await other.connect();
    detours.set(via, other);
  }
  return detours.get(via);
}

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

/**
 * Lets the event loop turn, which nothing that blocks does: what a blocking driver has closed isn't gone before, and
 * libpq's binding doesn't survive a collection of garbage in between.
 */
const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

/** One call, which is given as little else to do as possible. */
async function call(on, { method, size, with: given }) {
  const { value, figures } = Measured.of(await on[method](size, given));
  return { value, figures };
}

/** Milliseconds of each of some operations. They are not in a round's time: looking at the clock takes some. */
async function timedSingly(on, { method, singles, with: given }) {
  if (singles === undefined) return {};
  const latencies = new Float64Array(singles);
  for (let i = 0; i < singles; i++) {
    const begin = performance.now();
    // What a blocking driver gives needs no turn of the event loop.
    const result = on[method](1, given);
    if (typeof result?.then === "function") await result;
    latencies[i] = performance.now() - begin;
    if (contender.blocking) await turn();
  }
  return { latencies };
}

const commands = {
  async connect() {
    ({ create: createContender } = await import(`./contenders/${name}.mjs`));
    contender = await createContender(target);
    await contender.connect();
    const { version, blocking: isBlocking = false } = contender;
    return { name: contender.name, version, isBlocking };
  },

  /** "same" when the result is the expected one, "not offered", or else the difference. */
  async check(request) {
    const workload = workloadOf(request);
    const on = await racer(workload);
    if (on === undefined) return "not offered";
    await on.ready?.(workload.method, workload.size, workload.with);
    const { value } = await call(on, workload);
    return value === null ? "not offered" : (differenceOf(value, workload) ?? "same");
  },

  /** One timed round; milliseconds of wall time and of this process's CPU, all threads. */
  async round(request) {
    const workload = workloadOf(request);
    const { method, size, calls = 1, rounds } = workload;
    const on = await racer(workload);
    await on.ready?.(method, size, workload.with);
    // A full collection also throws away what the engine had made of the code: a run that is not timed
    // follows it, so that what is timed is a program that has been running. A heavy workload runs long enough.
    await turn();
    globalThis.gc();
    if (rounds === undefined) await call(on, workload);
    restartPeak();
    const cpuBefore = process.cpuUsage();
    const before = performance.now();
    let last;
    for (let i = 0; i < calls; i++) last = await call(on, workload);
    const wall = performance.now() - before;
    const { user, system } = process.cpuUsage(cpuBefore);
    const memory = contender.worksElsewhere ? undefined : peakMemory();
    const difference = rounds === undefined ? undefined : differenceOf(last.value, workload);
    if (difference !== undefined) throw new Error(`${method} was not repeatable: ${difference}`);
    const cpu = contender.worksElsewhere ? null : (user + system) / 1_000;
    const latencies = await timedSingly(on, workload);
    const own = Object.fromEntries(
      Object.entries({ ...latencies, ...last.figures }).map(([key, value]) => [
        key,
        ArrayBuffer.isView(value) ? [...value] : value,
      ]),
    );
    return { wall, cpu, operations: calls * size, memory, ...own };
  },

  /** Bytes that an operation allocates on the heap of the thread that calls, garbage included; null if unknown. */
  async allocated(request) {
    if (contender.worksElsewhere || process.versions.bun !== undefined) return null;
    const workload = workloadOf(request);
    const on = await racer(workload);
    await on.ready?.(workload.method, workload.size, workload.with);
    const work = async () => {
      await call(on, workload);
      await turn();
      return workload.size;
    };
    const interval = workload.rounds === undefined ? FINELY : COARSELY;
    const { operations, functions } = await profiled("allocations", work, interval);
    return functions.reduce((sum, [, bytes]) => sum + bytes, 0) / operations;
  },

  /**
   * Bytes that a run of the workload, or of one of another size, allocates on the heap, counted; for a process whose
   * young generation is so large that nothing is collected meanwhile.
   */
  async counted({ size, ...request }) {
    const found = workloadOf(request);
    const workload = { ...found, size: size ?? found.size };
    const on = await racer(workload);
    await on.ready?.(workload.method, workload.size, workload.with);
    let collectionCount = 0;
    const observer = new PerformanceObserver((list) => {
      collectionCount += list.getEntries().length;
    });
    observer.observe({ entryTypes: ["gc"] });
    for (let attempt = 0; attempt < COUNT_ATTEMPTS; attempt++) {
      globalThis.gc();
      // Code that has just been made again allocates more than it will.
      for (let i = 0; i < COUNT_WARM_UPS; i++) await call(on, workload);
      await turn();
      const collectionsBefore = collectionCount;
      const before = process.memoryUsage().heapUsed;
      await call(on, workload);
      const bytes = process.memoryUsage().heapUsed - before;
      // The observer is told at the next turn.
      await turn();
      if (collectionCount !== collectionsBefore) continue;
      observer.disconnect();
      return { bytes, operations: workload.size };
    }
    throw new Error("garbage was collected in the middle, each time");
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

  /** After the last round of a workload. */
  leave: () => contender.leave?.(),

  async close() {
    for (const one of [contender, ...detours.values()]) await one?.close();
  },
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
