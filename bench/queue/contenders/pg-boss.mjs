// pg-boss: handlers of batches for throughput, with its burst mode; notifications for latency.

import { PgBoss } from "pg-boss";

export async function create({ conninfo, prefetch }) {
  const boss = new PgBoss({ connectionString: conninfo, useListenNotify: true });
  boss.on("error", () => {});
  await boss.start();
  await boss.createQueue("task", { notify: true });
  const { table } = (await boss.getQueue("task")) ?? {};
  return {
    name: "pg-boss",
    enqueue: (count) =>
      boss.insert(
        "task",
        Array.from({ length: count }, (_, n) => ({ data: { n } })),
      ),
    add: (payload) => boss.send("task", payload),
    remaining: `select count(*)::int as n from pgboss.${table ?? "job"} where name = 'task' and state < 'completed'`,
    async work(handler, { isBatching = true } = {}) {
      const batching = { batchSize: prefetch, burstWhenBatchFull: true };
      const options = isBatching ? batching : { batchSize: 1 };
      const one = async (jobs) => {
        for (const { data } of jobs) handler(data);
      };
      const workers = isBatching ? 4 : 1;
      for (let i = 0; i < workers; i++)
        await boss.work("task", { pollingIntervalSeconds: 0.5, ...options }, one);
      return () => boss.offWork("task");
    },
    close: () => boss.stop({ graceful: false }),
  };
}
