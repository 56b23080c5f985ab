// What only our queue is asked for: a chain of jobs with one lock, the next attempt of a job that failed, jobs that are due at a
// moment, and how many statements a worker with nothing to do executes in a minute.

import { channel } from "node:diagnostics_channel";
import { createRequire } from "node:module";

const { App, MahoutConnector, RetryStrategy } = createRequire(import.meta.url)(
  "../../dist/queue/index.js",
);

const QUIET = { installSignalHandlers: false, deleteJobs: "successful" };
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A worker beside the measurement; gives what stops it. */
async function working(app, options = {}) {
  const stop = new AbortController();
  let listens;
  const listening = new Promise((resolve) => (listens = resolve));
  const ended = app.runWorker({
    ...QUIET,
    ...options,
    signal: stop.signal,
    onEvent: ({ kind }) => kind === "worker:listening" && listens(),
  });
  await Promise.race([listening, ended]);
  return async () => {
    stop.abort();
    await ended;
  };
}

/** Measures; everything is in milliseconds or per second. */
export async function ownFigures(
  conninfo,
  { chain = 1_000, tries = 100, due = 100, idle = 60_000 },
) {
  const app = new App({ connector: new MahoutConnector(conninfo) });
  await app.open();
  await app.schemaManager.apply();

  const linked = app.task({ name: "own.linked", lock: "chain" }, () => {});
  await linked.batchDefer(Array.from({ length: chain }, () => ({})));
  const began = performance.now();
  await app.runWorker({ ...QUIET, concurrency: 10, wait: false });
  const chainRate = (1000 * chain) / (performance.now() - began);

  const gaps = [];
  let failed = 0;
  let again;
  const retry = new RetryStrategy({ maxAttempts: 1 });
  const flaky = app.task({ name: "own.flaky", retry }, (_, { job }) => {
    if (job.attempts === 0) {
      failed = performance.now();
      throw new Error("again");
    }
    gaps.push(performance.now() - failed);
    again();
  });
  const stop = await working(app, { concurrency: 10 });
  for (let i = 0; i < tries; i++) {
    const done = new Promise((resolve) => (again = resolve));
    await flaky.defer({});
    await done;
  }

  const lates = [];
  const timed = app.task({ name: "own.timed" }, ({ at }) => {
    lates.push(Date.now() - at);
  });
  for (let i = 0; i < due; i++) {
    const at = Date.now() + 500 + 20 * i;
    await timed.configure({ scheduleAt: new Date(at) }).defer({ at });
  }
  while (lates.length < due) await sleep(10);

  // All statements of this process are the worker's, its listener's included.
  await sleep(2_000);
  let statements = 0;
  const count = () => statements++;
  channel("tracing:mahout:query:start").subscribe(count);
  await sleep(idle);
  channel("tracing:mahout:query:start").unsubscribe(count);
  const idlePerMinute = statements * (60_000 / idle);
  await stop();
  await app.close();

  const at = (list, share) => {
    const sorted = list.toSorted((one, other) => one - other);
    return sorted[Math.min(list.length - 1, Math.floor(list.length * share))];
  };
  return {
    chainRate,
    retryGap: { p50: at(gaps, 0.5), p99: at(gaps, 0.99) },
    late: { p50: at(lates, 0.5), p99: at(lates, 0.99) },
    idlePerMinute,
  };
}
