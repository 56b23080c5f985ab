// A task queue: an order is stored together with the job that confirms it, in one transaction, and a worker runs the job.
// An order that is rolled back leaves no job.

import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "mahout";
import { App, MahoutConnector } from "mahout/queue";
import type { JobContext, WorkerEvent } from "mahout/queue";

const app = new App({ connector: new MahoutConnector() });

const confirm = app.task(
  { name: "orders.confirm", retry: 3 },
  async ({ order }: { order: bigint | number }, { job, signal }: JobContext) => {
    await sleep(5, undefined, { signal });
    if (job.attempts === 0) throw new Error("the mail server is busy");
    return `order ${order} confirmed`;
  },
);

await using opened = await app.open();
await opened.schemaManager.apply();

await using conn = await connect();
await conn.execute("create table orders (id int generated always as identity, item text)");

async function order(item: string): Promise<void> {
  await conn.transaction(async () => {
    const [row] = await conn.query<{ id: number }>(
      "insert into orders (item) values ($1) returning id",
      [item],
    );
    await confirm.configure({ connection: conn }).defer({ order: row?.id ?? 0 });
    if (item === "") throw new Error("an order of nothing");
  });
}

await order("umbrella");
await order("").catch((error: Error) => console.log(`rolled back: ${error.message}`));
await order("boots");

const show = (event: WorkerEvent): void => {
  if (event.kind === "job:succeeded") console.log(event.result);
  if (event.kind === "job:retried") console.log(`again: ${String(event.error)}`);
};
// Without `wait: false` it would go on until SIGTERM.
await app.runWorker({ concurrency: 2, wait: false, onEvent: show });
console.log(await app.jobManager.listQueues());
