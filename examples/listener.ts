// A Listener goes on: it has a connection of its own, makes it again when it is lost, and says so.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, Listener } from "mahout";

const dsn = process.env.DATABASE_URL;
await using conn = await connect(dsn);
await conn.execute("create table jobs (id int primary key, done boolean not null default false)");

await using listener = new Listener(dsn, { reconnect: { minDelay: 50, maxDelay: 5_000 } });
let session = 0;
const reconnected = new EventTarget();
listener.watch((event) => {
  console.log("listener:", event.kind);
  if (event.kind === "connected") session = event.pid;
  if (event.kind === "gap") reconnected.dispatchEvent(new Event("gap"));
});

// Listening first and reading then misses nothing. A gap says: read again.
const readJobs = async (): Promise<void> => {
  const rows = await conn.query("update jobs set done = true where not done returning id");
  console.log(
    "jobs done:",
    rows.map((row) => row["id"]),
  );
};
const events = await listener.events("jobs");
await readJobs();

await conn.execute("insert into jobs values (1)");
await listener.notify("jobs", "1");

// Somebody ends the session, and inserts a job while nobody listens.
const gap = once(reconnected, "gap");
await conn.execute("select pg_terminate_backend($1)", [session]);
await conn.execute("insert into jobs values (2)");
await conn.execute("notify jobs, '2'");
await gap;
await listener.notify("jobs", "stop");

for await (const event of events) {
  console.log("event:", event.kind);
  if (event.kind === "notification" && event.payload === "stop") break;
  await readJobs();
}
assert.deepEqual(await conn.query("select count(*) as open from jobs where not done"), [
  { open: 0n },
]);

// Any number of handlers and loops share the connection, and so can listeners of other modules.
await using other = Listener.shared(dsn);
await other.listen("Mixed Case", (event) => console.log("heard:", event));
await other.notify("Mixed Case", "names are taken as they are");
