// mahout's queue: one handler call for each job.

import { createRequire } from "node:module";

const { App, MahoutConnector } = createRequire(import.meta.url)("../../../dist/queue/index.js");

export async function create({ conninfo, prefetch, concurrency }) {
  const app = new App({ connector: new MahoutConnector(conninfo) });
  let handler = () => {};
  const task = app.task({ name: "task" }, (payload, context) => handler(payload, context));
  await app.open();
  await app.schemaManager.apply();
  return {
    name: "mahout",
    app,
    task,
    enqueue: (count) => task.batchDefer(Array.from({ length: count }, (_, n) => ({ n }))),
    add: (payload) => task.defer(payload),
    remaining: "select count(*)::int as n from mahout.jobs",
    async work(run, { isBatching = true } = {}) {
      handler = run;
      const stop = new AbortController();
      let started;
      const running = new Promise((resolve) => (started = resolve));
      const ended = app.runWorker({
        concurrency,
        prefetch: isBatching ? prefetch : 0,
        deleteJobs: "successful",
        installSignalHandlers: false,
        signal: stop.signal,
        onEvent: ({ kind }) => kind === "worker:listening" && started(),
      });
      await Promise.race([running, ended]);
      return async () => {
        stop.abort();
        await ended;
      };
    },
    close: () => app.close(),
  };
}
