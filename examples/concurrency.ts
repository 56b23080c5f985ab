// Many cursors on one connection share its session; many connections work side by side.

import assert from "node:assert/strict";
import { connect, errors } from "mahout";

const dsn = process.env.DATABASE_URL;
await using conn = await connect(dsn);

// Callers need not wait for each other. Statements run one at a time, in the order of the calls;
// they may travel together, and each caller gets its own result.
const squares = [1, 2, 3, 4, 5].map((n) => conn.query("select $1::int * $1::int as square", [n]));
console.log((await Promise.all(squares)).flat().map((row) => row.square));

// Cursors of one connection are in the same transaction: each sees what the others did ...
const [writer, reader] = [conn.cursor(), conn.cursor()];
await writer.execute("create temp table tally (n int)");
await writer.execute("begin");
await writer.execute("insert into tally values (1)");
await reader.execute("select count(*) as rows from tally");
assert.deepEqual(await reader.fetchOne(), { rows: 1n });

// ... and an error of one is an error of all, until the transaction is rolled back.
await assert.rejects(writer.execute("select 1 / 0"), errors.DivisionByZero);
await assert.rejects(reader.execute("select 1"), errors.InFailedSqlTransaction);
console.log(conn.info.transactionStatus); // inError
await conn.execute("rollback");
console.log(conn.info.transactionStatus, await conn.query("select n from tally")); // idle []

// One session does one thing at a time; for work side by side, take more sessions.
const nap = "select pg_sleep(0.2)";
const clock = async (work: Promise<unknown>[]): Promise<string> => {
  const start = performance.now();
  await Promise.all(work);
  return `${Math.round(performance.now() - start)} ms`;
};
console.log("three naps on one connection:", await clock([1, 2, 3].map(() => conn.query(nap))));

const several = await Promise.all([connect(dsn), connect(dsn), connect(dsn)]);
console.log("on three:", await clock(several.map((each) => each.query(nap))));
await Promise.all(several.map((each) => each.close()));
