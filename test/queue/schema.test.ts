// The schema: applied by anybody, at any time, as often as one likes; and what is there when it can't be worked with.

import { randomBytes } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { MahoutConnector } from "../../src/queue/connectors/mahout.ts";
import { NativeStorage } from "../../src/queue/native/storage.ts";
import { SchemaManager } from "../../src/queue/schema-manager.ts";
import { quoteIdentifier } from "../../src/sql/identifier.ts";
import { defaultServer } from "../support/default-server.ts";
import { administer, failureOf } from "../support/shells.ts";
import { faces, schemaName, TestQueue } from "./storages.ts";

describe.each(faces)("the schema ($name)", (face) => {
  const isAsync = face.name === "async";
  const apply = async (manager: SchemaManager) => (isAsync ? manager.apply() : manager.applySync());
  const check = async (manager: SchemaManager) => (isAsync ? manager.check() : manager.checkSync());
  const version = async (manager: SchemaManager) =>
    isAsync ? manager.installedVersion() : manager.installedVersionSync();

  test("is applied once, however often it is asked for", async () => {
    const queue = await TestQueue.at(schemaName(), face);
    const manager = new SchemaManager(queue.connector);
    expect(await version(manager)).toBe(null);
    const missing = await failureOf(() => check(manager));
    expect([missing.name, missing.message]).toEqual([
      "SchemaError",
      expect.stringContaining("is missing"),
    ]);
    await apply(manager);
    await queue.defer({});
    await apply(manager);
    await check(manager);
    expect(await version(manager)).toBe(manager.version);
    expect(await queue.sql("select count(*) from {jobs}")).toEqual([["1"]]);
  });

  test("refuses to go back from a newer version, and can be worked with", async () => {
    const queue = await TestQueue.make(face);
    const manager = new SchemaManager(queue.connector);
    await queue.sql("insert into {version} (version, name) values (99, 'of the future')");
    const error = await failureOf(() => apply(manager));
    expect([error.name, error.message]).toEqual([
      "SchemaError",
      expect.stringContaining("version 99, which is newer"),
    ]);
    await check(manager);
    expect(await queue.defer({})).toEqual([1]);
  });

  test("has a name that no quoting gets wrong", async () => {
    const schema = `a'b"c\\ $body$ {jobs} %s $1 é`;
    const queue = await TestQueue.at(schema, face);
    try {
      await apply(new SchemaManager(queue.connector));
      await queue.defer({ lock: "x" }, { scheduledIn: 50_000 });
      const workerId = await queue.worker();
      expect((await queue.exchange(workerId, 5)).jobs).toHaveLength(1);
      expect(await version(new SchemaManager(queue.connector))).toBe(1);
    } finally {
      await administer(`drop schema ${quoteIdentifier(schema)} cascade`);
    }
  });
});

test("many processes apply it at once", async () => {
  const schema = schemaName();
  const queues = await Promise.all(Array.from({ length: 6 }, () => TestQueue.at(schema)));
  await Promise.all(queues.map(({ connector }) => new SchemaManager(connector).apply()));
  expect(await queues[0]!.sql("select version from {version}")).toEqual([["1"]]);
});

test("its script can be executed by others, again and again", async () => {
  const schema = schemaName();
  const script = new SchemaManager(new MahoutConnector({ schema })).getSchema();
  await administer(script);
  await administer(script);
  expect(await administer(`select count(*) from ${quoteIdentifier(schema)}.version`)).toEqual([
    ["1"],
  ]);
});

test("each migration has the number of its place", () => {
  const { migrations, version } = new NativeStorage();
  expect(migrations.map((migration) => migration.version)).toEqual(
    Array.from({ length: version }, (_, index) => index + 1),
  );
});

test("programs in any language defer with a function", async () => {
  const queue = await TestQueue.make();
  const defer = queue.table("defer");
  await queue.sql(`select ${defer}('plain')`);
  await queue.sql(
    `select ${defer}('full', '{"a": [1]}', queue => 'q', priority => 3, lock => 'L', queueing_lock => 'once', scheduled_at => now() - interval '1 s')`,
  );
  const workerId = await queue.worker();
  const { jobs } = await queue.exchange(workerId, 5);
  expect(jobs).toMatchObject([
    { taskName: "full", payload: { a: [1] }, queue: "q", priority: 3, lock: "L" },
    { taskName: "plain", payload: {}, queue: "default", priority: 0, lock: null },
  ]);
  expect(jobs[0]!.queueingLock).toBe("once");
});

test("a user who owns nothing else can apply it and work with it", async () => {
  const role = `worker_${randomBytes(4).toString("hex")}`;
  const schema = schemaName();
  await administer(`create role ${role} login`);
  await administer(`create schema ${quoteIdentifier(schema)} authorization ${role}`);
  try {
    const { conninfo } = { conninfo: defaultServer().conninfo() };
    const connector = new MahoutConnector({ ...conninfo, user: role, schema });
    await connector.open();
    try {
      await new SchemaManager(connector).apply();
      const queue = new TestQueue(faces[0]!, connector, schema);
      await queue.defer({ lock: "L" }, {});
      const workerId = await queue.worker();
      expect((await queue.exchange(workerId, 5)).jobs).toHaveLength(2);
    } finally {
      await connector.close();
    }
  } finally {
    await administer(`drop schema ${quoteIdentifier(schema)} cascade`);
    await administer(`drop role ${role}`);
  }
});
