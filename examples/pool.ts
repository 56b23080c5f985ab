// A pool: many users on few connections, what happens when all are taken, and what the numbers say.

import assert from "node:assert/strict";
import { BlockingConnectionPool, ConnectionPool, PoolTimeout } from "mahout";

const dsn = process.env.DATABASE_URL;
await using pool = new ConnectionPool(dsn, { minSize: 1, maxSize: 3 });
await pool.open({ wait: true });
await pool.execute("create table visits (visitor int)");

// A function gets a connection and gives it back by returning. A hundred at once share three.
const visit = (visitor: number) =>
  pool.connection((conn) => conn.execute("insert into visits values ($1)", [visitor]));
await Promise.all(Array.from({ length: 100 }, (_, n) => visit(n)));
assert.deepEqual(await pool.query("select count(*)::int as count from visits"), [{ count: 100 }]);

// What a function left open is kept when it returns, and taken back when it throws.
await assert.rejects(
  pool.connection(async (conn) => {
    await conn.execute("begin; delete from visits");
    throw new Error("rather not");
  }),
);
assert.deepEqual(await pool.query("select count(*)::int as count from visits"), [{ count: 100 }]);

// A connection for a block. When all are taken, others wait, and some give up.
{
  await using one = await pool.connection();
  await using two = await pool.connection();
  await using three = await pool.connection();
  await assert.rejects(pool.connection({ timeout: 50 }), (error) => {
    assert(error instanceof PoolTimeout);
    console.log(error.message);
    return true;
  });
  console.log([one, two, three].map((conn) => conn.info.backendPid));
}

// A connection that dies is replaced before anybody asks.
const replaced = new Promise<void>((resolve) => {
  pool.watch((event) => {
    console.log(event.kind);
    if (event.kind === "disconnected") resolve();
  });
});
const pid = await pool.connection((conn) => conn.info.backendPid);
await pool.query("select pg_terminate_backend($1)", [pid]).catch(() => {});
await replaced;
console.log(await pool.query("select 'still there' as it"));

const { poolSize, requestsNum, requestsQueued, connectionsLost } = pool.getStats();
console.log({ poolSize, requestsNum, requestsQueued, connectionsLost });

// Without promises: a request beyond the size fails at once, because nobody could return one meanwhile.
using blocking = new BlockingConnectionPool(dsn, { maxSize: 1 });
blocking.connection((conn) => {
  console.log(conn.query("select count(*)::int as count from visits"));
  assert.throws(() => blocking.connection(), PoolTimeout);
});
