"use strict";

// A user's jest test, in jest's own CommonJS mode and realm.

const { connect, Connection } = require("mahout");
const { App, InMemoryConnector, InvalidPayload } = require("mahout/queue");

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

test("jobs", async () => {
  const app = new App({ connector: new InMemoryConnector() });
  const seen = [];
  const task = app.task({ name: "task" }, (payload) => seen.push(payload));
  await task.defer({ at: new Date(0) });
  await app.runWorker({ wait: false, installSignalHandlers: false });
  expect(seen).toEqual([{ at: "1970-01-01T00:00:00.000Z" }]);
  await expect(task.defer(new Map())).rejects.toBeInstanceOf(InvalidPayload);
});
