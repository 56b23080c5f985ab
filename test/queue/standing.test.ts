// What stays as it was meant: opening twice, transactions after a refusal, defaults, moments that are remembered, connections that were lent.

import { describe, expect, test } from "@jest/globals";
import { App } from "../../src/queue/app.ts";
import { MahoutConnector } from "../../src/queue/connectors/mahout.ts";
import { SyncMahoutConnector } from "../../src/queue/connectors/sync-mahout.ts";
import {
  AlreadyEnqueued,
  ConnectorException,
  QueueConfigurationError,
} from "../../src/queue/errors.ts";
import type { Wake } from "../../src/queue/operations.ts";
import { connect, Connection, ConnectionPool } from "../../src/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { administer } from "../support/shells.ts";
import { inEachTest, inSchema } from "./places.ts";
import type { Place } from "./places.ts";
import { Working } from "./working.ts";

let place: Place;
let app: App;

inEachTest(inSchema, (entered) => {
  place = entered;
  ({ app } = place);
});

/** Waits until the server has no session with this application name. */
async function gone(name: string): Promise<void> {
  await using conn = await connect(defaultServer().conninfo());
  const sessions = "select count(*)::int as n from pg_stat_activity where application_name = $1";
  for (let tries = 0; tries < 100; tries++) {
    const [row] = await conn.query(sessions, [name]);
    if (row?.["n"] === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${name} has sessions still`);
}

describe("opening", () => {
  const named = (application_name: string): MahoutConnector =>
    new MahoutConnector({ ...defaultServer().conninfo(), application_name });

  test("twice at a time makes one pool", async () => {
    const connector = named("twice");
    await Promise.all([connector.open(), connector.open()]);
    await connector.close();
    await gone("twice");
  });

  test("is ended by closing", async () => {
    const connector = named("ended");
    const opening = connector.open();
    await connector.close();
    await opening.catch(() => {});
    await connector.close();
    await gone("ended");
    await connector.open();
    await connector.close();
  });

  test("takes no longer than `timeout`", async () => {
    const connector = new MahoutConnector({ host: "127.0.0.1", port: 1, timeout: 200 });
    const began = performance.now();
    await expect(connector.open()).rejects.toThrow();
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  test("for blocking use that failed can be tried again, and fails again", () => {
    const connector = new SyncMahoutConnector({ host: "127.0.0.1", port: 1 });
    expect(() => connector.openSync()).toThrow();
    expect(() => connector.openSync()).toThrow();
  });
});

describe("a queueing lock that is taken leaves the caller's transaction as it is", () => {
  test("asynchronously", async () => {
    const task = app.task({ name: "task", queueingLock: "one" }, () => {});
    await task.defer();
    await using conn = await connect(defaultServer().conninfo());
    await conn.transaction(async () => {
      const again = task.configure({ connection: conn }).defer();
      await expect(again).rejects.toThrow(AlreadyEnqueued);
      await task.configure({ connection: conn, queueingLock: "two" }).defer();
    });
    expect(await app.jobManager.listJobs()).toHaveLength(2);
  });

  test("while the thread waits", async () => {
    const task = app.task({ name: "task", queueingLock: "one" }, () => {});
    await task.defer();
    using conn = Connection.connect(defaultServer().conninfo());
    conn.transaction(() => {
      const again = task.configure({ connection: conn });
      expect(() => again.deferSync()).toThrow(AlreadyEnqueued);
      task.configure({ connection: conn, queueingLock: "two" }).deferSync();
    });
    expect(await app.jobManager.listJobs()).toHaveLength(2);
  });
});

test("what a worker isn't told is as the app says, also when it is given as undefined", async () => {
  const kinds: string[] = [];
  const { connector } = app;
  const own = new App({
    connector,
    workerDefaults: { wait: false, onEvent: ({ kind }) => kinds.push(kind) },
  });
  await own.runWorker({ wait: undefined, onEvent: undefined, concurrency: undefined });
  expect(kinds).toContain("worker:stopped");
});

test.each([
  { queues: ["a\0"] },
  { queues: [""] },
  { name: "\ud800" },
  { retention: null as never },
  { retention: { failed: 1e15 } },
])("a worker refuses what no storage can take: %j", async (options) => {
  await expect(app.runWorker({ ...options, wait: false })).rejects.toThrow(QueueConfigurationError);
});

test("what is to be kept for ever is", async () => {
  await using worker = new Working(app, { retention: { failed: Infinity } });
  await worker.until("worker:listening");
  await worker.stop();
  expect(worker.of("storage:failed")).toEqual([]);
});

test("all moments that can be caught up with are remembered, however old", async () => {
  const task = app.task({ name: "nightly" }, () => {});
  app.periodic({ cron: "0 0 * * *", catchUp: 10 * 86_400_000, missed: "all" }, task);
  const scheduled = async (count: number): Promise<number> => {
    await using worker = new Working(app, { queues: ["nobody's"] });
    await worker.until("job:scheduled", count);
    await worker.until("worker:listening");
    // The next worker's look at them would come as fast.
    await new Promise((resolve) => setTimeout(resolve, 300));
    return worker.of("job:scheduled").length;
  };
  expect(await scheduled(10)).toBe(10);
  expect(await scheduled(0)).toBe(0);
});

test.each(["infinity", "-infinity"])(
  "a job for a moment without end is refused: %s",
  async (at) => {
    const { schema } = place;
    for (const lock of ["null", "'one'"])
      await expect(
        administer(`select ${schema}.defer('x', lock => ${lock}, scheduled_at => '${at}')`),
      ).rejects.toThrow(/scheduled_at/);
  },
);

test("a connection that was listened with is the pool's again, and nobody hears of its end", async () => {
  await using pool = new ConnectionPool(defaultServer().conninfo(), { minSize: 1, maxSize: 1 });
  const connector = new MahoutConnector(undefined, { schema: place.schema });
  await connector.open(pool);
  const heard: Wake[] = [];
  const ears = await connector.listen((wake) => heard.push(wake), new AbortController().signal);
  await ears?.close();
  await using conn = await pool.connection();
  const lost = new Promise((resolve) => {
    conn.disconnected.addEventListener("abort", resolve, { once: true });
  });
  await administer(`select pg_terminate_backend(${conn.info.backendPid})`);
  await conn.query("select 1").catch(() => {});
  await lost;
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(heard).toEqual([]);
  await connector.close();
});

test("an error that isn't about a queueing lock is what it is", async () => {
  const task = app.task({ name: "task" }, () => {});
  await using conn = await connect(defaultServer().conninfo());
  await conn
    .transaction(async () => {
      await conn.query("select 1/0").catch(() => {});
      await expect(task.configure({ connection: conn }).defer()).rejects.toThrow(
        ConnectorException,
      );
    })
    .catch(() => {});
});
