// Run by contexts.test.ts with a conninfo as JSON: prints, before, in and after blocks, whether the process
// follows asynchronous contexts. With Node.js 24 it never does so in this sense.

import { executionAsyncId } from "node:async_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { AsyncConnection, ConnectionPool } from "../../../src/index.ts";

const conninfo = JSON.parse(process.argv[2] ?? "{}") as Record<string, string | number>;

/** A promise has an id only while somebody wants to know. */
async function isFollowed(): Promise<boolean> {
  const settled = Promise.resolve();
  return (await settled.then(() => executionAsyncId())) !== 0;
}

async function main(): Promise<void> {
  const conn = await AsyncConnection.connect(conninfo);
  const seen: Record<string, boolean> = { before: await isFollowed() };
  await conn.query("select 1");
  const look = async (name: string): Promise<void> => void (seen[name] = await isFollowed());
  const after = async (name: string): Promise<void> => {
    for (let round = 0; round < 200 && (await isFollowed()); round++) await sleep(10);
    await look(`after ${name}`);
  };
  await conn.transaction(() => look("transaction"));
  await after("transaction");
  {
    await using block = await conn.transaction();
    await look("block");
    await block.commit();
  }
  await after("block");
  await conn.pipeline(() => look("pipeline"));
  await after("pipeline");
  await conn.cursor().copy("copy (select 1) to stdout", () => look("copy"));
  await after("copy");
  for await (const _row of conn.cursor().stream("select 1")) await look("stream");
  await after("stream");
  const items = async function* (): AsyncGenerator<number[]> {
    await look("items");
    yield [1];
  };
  await conn.cursor().executeMany("select $1::int", items());
  await after("items");
  await Promise.all([1, 2].map(() => conn.transaction(() => look("waiting"))));
  await conn.transaction(() => Promise.reject(new Error("mine"))).catch(() => {});
  const gone = await AsyncConnection.connect(conninfo);
  await gone.close();
  await gone.transaction(() => 1).catch(() => {});
  await gone.transaction().catch(() => {});
  await after("failures");
  const pool = new ConnectionPool(conninfo, { minSize: 1, maxSize: 1 });
  await pool.connection(() => look("the pool's last connection"));
  await after("a pool");
  const asking = pool.query("select pg_sleep(0.05)");
  await look("a pool's own statement");
  await asking;
  await pool.close();
  // A context of before still knows its block, and others don't.
  await conn.transaction(async (outer) => {
    await sleep(120);
    await conn.transaction((inner) => {
      seen["nested"] = inner.savepointName !== null && outer.savepointName === null;
    });
  });
  await conn.close();
  console.log(JSON.stringify(seen));
}

void main();
