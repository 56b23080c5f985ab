// What connectors find out from what they are opened with, and how they do without.

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Kysely, PostgresDialect } from "kysely";
import { Pool } from "pg";
import { conninfoOfPg } from "../../src/queue/connectors/pg.ts";
import {
  App,
  ConnectorException,
  KyselyConnector,
  PgConnector,
  type WorkerEvent,
} from "../../src/queue/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { dropSchema, type Engine, kinds, newName, Rollback } from "./connectors.ts";

const schema = newName("queue");

beforeAll(async () => {
  const pool = new Pool({ connectionString: defaultServer().dsn() });
  const app = new App({ connector: new PgConnector(pool, { schema }) });
  await app.open();
  await app.schemaManager.apply();
  await app.close();
  await pool.end();
});
afterAll(() => dropSchema(schema));

describe("where a pool of node-postgres connects", () => {
  const host = process.env["PGHOST"] === undefined ? { host: "localhost" } : {};

  test.each<[string, unknown, unknown]>([
    ["a connection string", { connectionString: "postgresql://a/b" }, "postgresql://a/b"],
    ["a string", "postgresql://a/b", "postgresql://a/b"],
    [
      "fields",
      { host: "a", port: 5433, user: "u", password: "p", database: "d", max: 3 },
      { host: "a", port: 5433, user: "u", password: "p", dbname: "d" },
    ],
    ["nothing said", {}, host],
    ["no encryption", { host: "a", ssl: false }, { host: "a" }],
    ["certificates", { host: "a", ssl: { ca: "..." } }, null],
    ["encryption", { connectionString: "postgresql://a/b", ssl: true }, null],
    ["a password that is asked for", { host: "a", password: () => "p" }, null],
    ["several hosts", { host: ["a", "b"] }, null],
    ["no options", undefined, null],
    ["a function", () => ({}), null],
  ])("%s", (_, options, expected) => {
    expect(conninfoOfPg(options)).toEqual(expected);
  });
});

test("a worker that can't be told asks instead", async () => {
  const pool = new Pool({ connectionString: defaultServer().dsn() });
  const db = new Kysely<Record<string, never>>({ dialect: new PostgresDialect({ pool }) });
  const app = new App({ connector: new KyselyConnector({ schema }) });
  const stop = new AbortController();
  const events: WorkerEvent["kind"][] = [];
  const task = app.task({ name: "task", queue: newName("queue") }, () => stop.abort());
  await app.open(db);
  const working = app.runWorker({
    queues: [task.queue],
    pollingInterval: 50,
    signal: stop.signal,
    installSignalHandlers: false,
    onEvent: ({ kind }) => events.push(kind),
  });
  await task.defer();
  await working;
  expect(events).toEqual(expect.arrayContaining(["worker:deaf", "job:succeeded"]));
  expect(events).not.toContain("worker:listening");
  await app.close();
  await db.destroy();
});

test("an answer that doesn't come in time is not waited for", async () => {
  const pool = new Pool({ connectionString: defaultServer().dsn(), max: 1 });
  const app = new App({ connector: new PgConnector(pool, { schema }) });
  await app.open();
  const client = await pool.connect();
  try {
    const late = app.jobManager.listJobs({}, { timeout: 30 });
    await expect(late).rejects.toBeInstanceOf(ConnectorException);
    await expect(late).rejects.toMatchObject({ message: "listJobs took longer than 30 ms" });
    const stop = new AbortController();
    const stopped = app.jobManager.listJobs({}, { signal: stop.signal });
    stop.abort();
    await expect(stopped).rejects.toThrow("listJobs was aborted by its signal");
    await expect(app.jobManager.listJobs({}, { signal: stop.signal })).rejects.toMatchObject({
      outcome: "not sent",
    });
  } finally {
    client.release();
  }
  await app.close();
  await pool.end();
});

/** Those that work with what a program has. */
const sharing = kinds.filter(({ name }) => /^(Pg|Kysely|Knex|Drizzle)/.test(name));

describe.each(sharing)("$name", (kind) => {
  test("stores what a task defers with the caller's commit, and never without", async () => {
    const { connector, engine } = kind.make(schema) as ReturnType<typeof kind.make> & {
      engine: Engine;
    };
    const app = new App({ connector });
    const task = app.task({ name: "task", queue: newName("queue") }, (n: number) => n);
    await app.open(engine.value);
    const count = async (): Promise<number> =>
      (await app.jobManager.listJobs({ queue: task.queue })).length;
    try {
      const rolledBack = engine.transaction(async (connection) => {
        await task.configure({ connection }).defer(1);
        await task.configure({ connection }).batchDefer([2, 3]);
        const [job] = await app.jobManager.listJobs({ queue: task.queue }, { connection });
        expect(await app.jobManager.cancelJobById(job!.id, {}, { connection })).toBe(true);
        throw new Rollback();
      });
      await expect(rolledBack).rejects.toBeInstanceOf(Rollback);
      expect(await count()).toBe(0);
      await engine.transaction(async (connection) => {
        await task.configure({ connection }).batchDefer([1, 2]);
        expect(await count()).toBe(0);
      });
      expect(await count()).toBe(2);
    } finally {
      await app.close();
      await engine.end();
    }
  });
});
