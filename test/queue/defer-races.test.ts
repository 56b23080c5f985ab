// Programs that defer the same at the same time, over one database: nobody's error is another's, and nobody's lock holds up those who have none.

import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { connect } from "../../src/index.ts";
import { AlreadyEnqueued, App, MahoutConnector } from "../../src/queue/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { dropSchema, newName } from "./connectors.ts";

const schema = newName("queue");
const apps: App[] = [];

beforeAll(async () => {
  for (let count = 0; count < 2; count++) {
    const app = new App({ connector: new MahoutConnector(defaultServer().dsn(), { schema }) });
    apps.push(await app.open());
  }
  await apps[0]?.schemaManager.apply();
});
afterAll(async () => {
  await Promise.all(apps.map((app) => app.close()));
  await dropSchema(schema);
});

test("locks that are taken in opposite orders go to one caller each, without an error", async () => {
  for (let round = 0; round < 2; round++) {
    const locks = Array.from({ length: 400 }, (_, index) => `round ${round}, lock ${index}`);
    const settled = await Promise.allSettled(
      apps.flatMap((app, index) => {
        const order = index === 0 ? locks : locks.toReversed();
        return order.map((queueingLock) =>
          app.configureTask("task", { queueingLock }).defer({ round }),
        );
      }),
    );
    const refused = settled.filter((one) => one.status === "rejected");
    expect(refused.map(({ reason }) => reason as unknown)).toEqual(
      locks.map(() => expect.any(AlreadyEnqueued)),
    );
  }
});

test("a transaction that stays open holds up only who wants its lock", async () => {
  const [app] = apps as [App];
  const queueingLock = newName("lock");
  const locked = app.configureTask("task", { queueingLock });
  await using conn = await connect(defaultServer().dsn());
  await conn.execute("begin");
  await app.configureTask("task", { queueingLock, connection: conn }).defer();
  let isOver = false;
  const waiting = locked.defer().finally(() => {
    isOver = true;
  });
  waiting.catch(() => {});
  const others = Array.from({ length: 50 }, async (_, index) => {
    await app.configureTask("task", { lock: `lock ${index % 3}` }).defer();
  });
  await Promise.all(others);
  await app.configureTask("task", { queueingLock: newName("lock") }).defer();
  expect(isOver).toBe(false);
  await conn.execute("commit");
  await expect(waiting).rejects.toBeInstanceOf(AlreadyEnqueued);
});

test("a defer in a transaction that has failed says so", async () => {
  const [app] = apps as [App];
  await using conn = await connect(defaultServer().dsn());
  await conn.execute("begin");
  await expect(conn.execute("select 1/0")).rejects.toThrow();
  const within = app.configureTask("task", { connection: conn });
  await expect(within.defer()).rejects.toMatchObject({
    name: "ConnectorException",
    cause: expect.objectContaining({ sqlstate: "25P02" }),
  });
  await conn.execute("rollback");
});
