// Waiting for the loss of a connection without asking anything: a thread that sleeps until it is told.

import assert from "node:assert/strict";
import { Connection, connect, errors } from "mahout";

const dsn = process.env.DATABASE_URL;

// Somebody ends our session in a while. (The server does it by itself: this thread will be asleep.)
const watched = Connection.connect(dsn);
const killer = await connect(dsn);
const killing = killer.execute(
  `select pg_sleep(0.3), pg_terminate_backend(${watched.info.backendPid})`,
);
await new Promise((resolve) => setTimeout(resolve, 50));

// The thread sleeps until the server has something to say, or the system that it is gone.
const start = performance.now();
try {
  for (const notify of watched.notifies(60_000)) console.log("activity:", notify);
  assert.fail("nobody ended it");
} catch (error) {
  if (!(error instanceof errors.OperationalError)) throw error;
  console.log("we lost our database:", error.message);
  assert(error instanceof errors.AdminShutdown);
}
assert(performance.now() - start < 10_000);
assert.deepEqual([watched.closed, watched.broken], [true, true]);
await killing;

// A blocking connection of a program with an event loop is told by an event, as an asynchronous one is.
const idle = Connection.connect(dsn);
const lost = new Promise<Event>((resolve) => {
  idle.disconnected.addEventListener("abort", resolve);
});
await killer.execute("select pg_terminate_backend($1)", [idle.info.backendPid]);
await lost;
console.log("and this one:", (idle.disconnected.reason as Error).message);
await killer.close();
