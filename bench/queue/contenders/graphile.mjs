// graphile-worker, with the settings that its documentation gives for throughput: a local queue, completions in batches.

import { makeWorkerUtils, run } from "graphile-worker";

export async function create({ conninfo, prefetch, concurrency }) {
  const utils = await makeWorkerUtils({ connectionString: conninfo });
  await utils.migrate();
  const preset = (isBatching) => ({
    worker: isBatching
      ? { localQueue: { size: prefetch }, completeJobBatchDelay: 0, failJobBatchDelay: 0 }
      : {},
  });
  const quiet = { error() {}, warn() {}, info() {}, debug() {}, log() {} };
  const { Logger } = await import("graphile-worker");
  const start = (task, isBatching) =>
    run({
      connectionString: conninfo,
      concurrency,
      noHandleSignals: true,
      logger: new Logger(() => (level, message) => quiet[level]?.(message)),
      taskList: { task },
      preset: preset(isBatching),
    });
  return {
    name: "graphile-worker",
    async enqueue(count) {
      await utils.addJobs(
        Array.from({ length: count }, (_, n) => ({ identifier: "task", payload: { n } })),
      );
    },
    add: (payload) => utils.addJob("task", payload),
    remaining: "select count(*)::int as n from graphile_worker._private_jobs",
    async work(handler, { isBatching = true } = {}) {
      const runner = await start((payload) => handler(payload), isBatching);
      return () => runner.stop();
    },
    close: () => utils.release(),
  };
}
