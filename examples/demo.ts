// The demo: what mahout does today, on a real server. `npm run demo` starts one and passes its address
// in DATABASE_URL; any other server will do as well, nothing is left behind in it.

import assert from "node:assert/strict";
import { inspect } from "node:util";
import { connect, Connection, errors, isRetryable, scalarRow, tupleRow } from "mahout";
import type { AsyncConnection, DictRow } from "mahout";
import { App, MahoutConnector } from "mahout/queue";

const dsn = process.env.DATABASE_URL;
const ROUND_TRIPS = 300;

function section(title: string): void {
  console.log(`\n${title}\n${"-".repeat(title.length)}`);
}

function line(name: string, ...values: unknown[]): void {
  const shown = values.map((value) => (typeof value === "string" ? value : brief(value)));
  console.log(`  ${name.padEnd(25)} ${shown.join("  ")}`);
}

function brief(value: unknown): string {
  return inspect(value, { breakLength: Infinity, compact: true, depth: 4 });
}

function kindOf(value: unknown): string {
  return typeof value === "object" && value !== null ? value.constructor.name : typeof value;
}

/** A value of each type of the first set, as JavaScript says it. */
const specimens: readonly [type: string, value: unknown][] = [
  ["bool", true],
  ["int2", -32768],
  ["int4", 2147483647],
  ["int8", 9007199254740993n],
  ["oid", 4294967295],
  ["float4", 0.1],
  ["float8", Number.MIN_VALUE],
  ["numeric", "12345678901234567890.123456789"],
  ["text", "héllo, 🐘"],
  ["varchar(10)", "ten"],
  ["char(5)", "pad  "],
  ["name", "an_identifier"],
  ["bytea", Buffer.from([0, 127, 255])],
  ["json", { list: [1, null, "two"] }],
  ["jsonb", [{ deep: { down: true } }]],
  ["uuid", "6f9619ff-8b86-d011-b42d-00c04fc964ff"],
  ["date", "2024-02-29"],
  ["time", "13:05:00.25"],
  ["timetz", "13:05:00+05:30"],
  ["timestamp", "2024-02-29 13:05:00.678901"],
  ["timestamptz", new Date("2024-02-29T13:05:00.678Z")],
  ["int4[]", [1, null, 3]],
  [
    "text[]",
    [
      ["a b", 'c"d'],
      ["{e}", "NULL"],
    ],
  ],
  ["timestamptz[]", [new Date(0), null]],
];

async function typedRows(conn: AsyncConnection): Promise<void> {
  section("Typed rows: every value goes to the server and comes back");
  for (const [type, value] of specimens) {
    const [row] = await conn.query(`select $1::${type} as value`, [value]);
    assert.deepEqual(row, { value });
    line(type, kindOf(value).padEnd(8), brief(value));
  }
}

async function cursors(conn: AsyncConnection): Promise<void> {
  section("Cursors and rows");
  const text = "select n as id, chr(64 + n) as letter from generate_series(1, 5) as n";
  const cursor = await conn.execute(text);
  line("rowCount, statusMessage", cursor.rowCount, cursor.statusMessage);
  line(
    "description",
    cursor.description?.map((column) => `${column.name} ${column.typeDisplay}`),
  );
  line("fetchOne()", await cursor.fetchOne());
  line("fetchMany(2)", await cursor.fetchMany(2));
  for await (const row of cursor) line("for await", row);
  line("tupleRow", await conn.query(text, [], { rowFactory: tupleRow }));
  line("scalarRow", await conn.query(text, [], { rowFactory: scalarRow }));
  const several = await conn.execute("select 1 as one; select 2 as two");
  for await (const result of several.results())
    line("one of several results", await result.fetchAll());
}

async function notices(conn: AsyncConnection): Promise<void> {
  section("A notice");
  conn.addNoticeHandler((diag) => line("handler", diag));
  await conn.execute("do $$ begin raise notice 'the elephant is %', 'awake'; end $$");
}

async function failures(conn: AsyncConnection): Promise<void> {
  section("An error with its fields");
  await conn.execute("create temp table users (email text constraint one_each unique)");
  const insert = "insert into users values ($1)";
  await conn.execute(insert, ["ada@example.org"]);
  try {
    await conn.execute(insert, ["ada@example.org"]);
    assert.fail("the second row should have been refused");
  } catch (error) {
    assert(error instanceof errors.UniqueViolation && error instanceof errors.IntegrityError);
    line("class, sqlstate", error.name, error.sqlstate);
    line("statement", error.statement);
    line("isRetryable", isRetryable(error));
    for (const [field, value] of Object.entries(error.diag)) {
      if (value !== null) line(`diag.${field}`, value);
    }
  }
  const refused = conn.query("select $1::int4", [1.5]);
  await refused.catch((error: Error) => line("refused before sending", error.message));
}

async function timeout(conn: AsyncConnection): Promise<void> {
  section("A timeout: the server stops, too");
  const start = performance.now();
  try {
    await conn.execute("select pg_sleep(60)", [], { timeout: 200 });
    assert.fail("a minute can't have passed");
  } catch (error) {
    assert(error instanceof errors.QueryCanceled);
    line(`after ${Math.round(performance.now() - start)} ms`, error.message);
  }
  await using observer = await connect(dsn);
  const [seen] = await observer.query("select state from pg_stat_activity where pid = $1", [
    conn.info.backendPid,
  ]);
  line("the server's session is", seen?.state);
  line("and of use", await conn.query("select 'still here' as answer"));
}

function blocking(conn: Connection): void {
  section("The blocking shell: the same, without a promise");
  line("conn", conn);
  const cursor = conn.execute("select n, n * n as square from generate_series(1, $1) as n", [3]);
  for (const row of cursor) line("for", row);
  conn.addNoticeHandler((diag) => line("notice", diag.messagePrimary));
  conn.execute("do $$ begin raise warning 'low on hay'; end $$");
  try {
    conn.execute("select pg_sleep(60)", [], { timeout: 200 });
  } catch (error) {
    line("timeout", (error as Error).message);
  }
}

async function timing(conn: AsyncConnection, sync: Connection): Promise<void> {
  section(`Timing: ${ROUND_TRIPS} times select $1::int4 (one look; npm run bench measures)`);
  const text = "select $1::int4 as x";
  const report = (name: string, start: number, rows: DictRow[]): void => {
    const elapsed = performance.now() - start;
    assert.equal(rows.length, ROUND_TRIPS);
    line(
      name,
      `${elapsed.toFixed(1)} ms`,
      `${((1000 * elapsed) / ROUND_TRIPS).toFixed(0)} µs each`,
    );
  };
  // Once unmeasured, so that code is compiled and the statement prepared.
  for (const measured of [false, true]) {
    let start = performance.now();
    let rows: DictRow[] = [];
    for (let x = 0; x < ROUND_TRIPS; x++) rows.push(...(await conn.query(text, [x])));
    if (measured) report("async, one at a time", start, rows);
    start = performance.now();
    const all = Array.from({ length: ROUND_TRIPS }, (_, x) => conn.query(text, [x]));
    rows = (await Promise.all(all)).flat();
    if (measured) report("async, all at once", start, rows);
    start = performance.now();
    rows = [];
    for (let x = 0; x < ROUND_TRIPS; x++) rows.push(...sync.query(text, [x]));
    if (measured) report("blocking", start, rows);
  }
}

/** Notifications while statements run, in a transaction that sends them when it commits. */
async function notifications(conn: AsyncConnection): Promise<void> {
  section("Notifications, in a loop from which statements can be executed");
  await conn.execute("listen demo");
  await conn.transaction(async () => {
    await conn.execute("select pg_notify('demo', n::text) from generate_series(1, 2) n");
  });
  for await (const { channel, payload } of conn.notifies({ timeout: 2_000, stopAfter: 2 })) {
    const square = await conn.query("select $1::int ^ 2 as square", [Number(payload)]);
    line(`${channel} ${payload}`, square);
  }
  await conn.execute("unlisten demo");
}

/** Jobs that are stored asynchronously and blocking, and run by a worker. */
async function queue(): Promise<void> {
  section("A task queue: deferred here, run by a worker, gone when the demo ends");
  const schema = "mahout_demo";
  const app = new App({ connector: new MahoutConnector(dsn ?? "", { schema }) });
  const sum = app.task(
    { name: "sum", lock: "sums" },
    ({ a, b }: { a: number; b: number }) => a + b,
  );
  await app.open();
  try {
    await app.schemaManager.apply();
    const ids = [await sum.defer({ a: 1, b: 2 }), sum.deferSync({ a: 3, b: 4 })];
    line("jobs", ids, await app.jobManager.listQueues());
    await app.runWorker({
      wait: false,
      onEvent: (event) => {
        if (event.kind === "job:succeeded") line(`job ${event.job.id}`, event.result);
      },
    });
    assert.equal(await app.jobManager.getJobStatus(ids[1] ?? 0), "succeeded");
  } finally {
    await app.close();
    await using conn = await connect(dsn);
    await conn.execute(`drop schema if exists ${schema} cascade`);
  }
}

await using conn = await connect(dsn);
section("Connected");
line("conn", conn);
line("server version, pid", conn.info.serverVersion, conn.info.backendPid);
await typedRows(conn);
await cursors(conn);
await notices(conn);
await failures(conn);
await timeout(conn);
await notifications(conn);
await queue();
using sync = Connection.connect(dsn);
blocking(sync);
await timing(conn, sync);
