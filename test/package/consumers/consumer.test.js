"use strict";

// A user's jest test, in jest's own CommonJS mode and realm.

const { connect, Connection } = require("mahout");

const dsn = process.env.CONSUMER_DSN;

test("blocking", () => {
  const connection = Connection.connect(dsn);
  expect(connection.execute("select 1 as one").fetchOne()).toEqual({ one: 1 });
  connection.close();
});

test("asynchronous", async () => {
  const connection = await connect(dsn);
  expect(await connection.query("select 2 as two")).toEqual([{ two: 2 }]);
  await connection.close();
});

test("an error of the server is an Error of the test", async () => {
  const connection = await connect(dsn);
  await expect(connection.execute("select 1/0")).rejects.toThrow("division by zero");
  await connection.close();
});
