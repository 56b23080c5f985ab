// The situations of Procrastinate's page on synchronous deferring, one by one, as they are here: which connector does what, which one is chosen,
// and what is said when the wrong one is asked.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { BlockingConnectionPool, ConnectionPool } from "../../src/index.ts";
import {
  AlreadyEnqueued,
  App,
  AppNotOpen,
  type Connector,
  ConnectorException,
  KyselyConnector,
  MahoutConnector,
  PgConnector,
  QueueConfigurationError,
  SchemaError,
  SyncConnectorConfigurationError,
  SyncMahoutConnector,
  type Task,
} from "../../src/queue/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { newApplicationName } from "../support/sessions.ts";
import { administer } from "../support/shells.ts";
import { dropSchema, type Engine, type Kind, kinds, newName } from "./connectors.ts";

type Sum = Task<{ a: number; b: number }, number>;

interface Made {
  readonly app: App;
  readonly sum: Sum;
}

function appWith(connector: Connector): Made {
  const app = new App({ connector });
  const sum = app.task({ name: "sum" }, ({ a, b }: { a: number; b: number }) => a + b);
  return { app, sum };
}

async function failureOf(call: () => unknown): Promise<Error> {
  try {
    await call();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

const schema = newName("queue");
const target = (): string => defaultServer().dsn();
const fields = (): Record<string, string | number> =>
  defaultServer().conninfo() as Record<string, string | number>;

const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  const app = new App({ connector: new SyncMahoutConnector(target(), { schema }) });
  app.openSync();
  app.schemaManager.applySync();
  app.closeSync();
  await Promise.resolve();
});
afterAll(() => dropSchema(schema));
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const count = async (): Promise<number> => {
  const [[found] = []] = await administer(`select count(*) from "${schema}".jobs`);
  return Number(found);
};

describe("an app with a synchronous connector", () => {
  test.each<[string, () => SyncMahoutConnector]>([
    ["fields", () => new SyncMahoutConnector({ ...fields(), schema })],
    ["conninfo", () => new SyncMahoutConnector(target(), { schema })],
    ["conninfo among options", () => new SyncMahoutConnector({ conninfo: target(), schema })],
    ["options of its pool", () => new SyncMahoutConnector(target(), { schema, maxSize: 2 })],
  ])("is made with %s", (_, make) => {
    const { app, sum } = appWith(make());
    using opened = app.openSync();
    expect(opened).toBe(app);
    expect(sum.deferSync({ a: 1, b: 2 })).toEqual(expect.any(Number));
    expect(sum.batchDeferSync([{ a: 1, b: 2 }])).toHaveLength(1);
    expect(sum.configure({ queue: "other" }).deferSync({ a: 1, b: 2 })).toEqual(expect.any(Number));
  });

  test("defers, and does everything else that doesn't run jobs", () => {
    const { app, sum } = appWith(new SyncMahoutConnector(target(), { schema }));
    using _opened = app.openSync();
    const id = sum.configure({ lock: "a" }).deferSync({ a: 1, b: 2 });
    const { jobManager } = app;
    expect(app.checkConnectionSync()).toBe(true);
    expect(jobManager.getJobStatusSync(id)).toBe("todo");
    expect(jobManager.listJobsSync({ id })).toHaveLength(1);
    expect(jobManager.listQueuesSync({ id })).toHaveLength(1);
    expect(jobManager.listTasksSync({ id })).toHaveLength(1);
    expect(jobManager.listLocksSync({ id })).toHaveLength(1);
    expect(jobManager.listWorkersSync()).toEqual([]);
    expect(jobManager.getStalledJobsSync()).toEqual([]);
    expect(jobManager.cancelJobByIdSync(id)).toBe(true);
    expect(jobManager.getJobStatusSync(id)).toBe("cancelled");
    expect(jobManager.retryJobByIdSync(id)).toBe(true);
    expect(jobManager.getJobStatusSync(id)).toBe("todo");
    expect(jobManager.deleteOldJobsSync({ olderThan: 3_600_000 })).toBe(0);
  });

  test.each<[string, (made: Made) => unknown]>([
    ["open()", ({ app }) => app.open()],
    ["defer()", ({ sum }) => sum.defer({ a: 1, b: 2 })],
    ["batchDefer()", ({ sum }) => sum.batchDefer([{ a: 1, b: 2 }])],
    ["runWorker()", ({ app }) => app.runWorker({ wait: false, installSignalHandlers: false })],
    ["listJobs()", ({ app }) => app.jobManager.listJobs()],
    ["cancelJobById()", ({ app }) => app.jobManager.cancelJobById(1)],
    ["checkConnection()", ({ app }) => app.checkConnection()],
    ["schemaManager.apply()", ({ app }) => app.schemaManager.apply()],
  ])("can't do %s", async (_, call) => {
    const made = appWith(new SyncMahoutConnector(target(), { schema }));
    using _opened = made.app.openSync();
    const error = await failureOf(() => call(made));
    expect(error).toBeInstanceOf(SyncConnectorConfigurationError);
    expect(error.message).toContain("SyncMahoutConnector");
  });

  test("uses a pool that it is given, and leaves it open", () => {
    using pool = new BlockingConnectionPool(target());
    const { app, sum } = appWith(new SyncMahoutConnector({ schema }));
    app.openSync(pool);
    sum.deferSync({ a: 1, b: 2 });
    app.closeSync();
    expect(pool.closed).toBe(false);
    expect(pool.connection((conn) => conn.query("select 1 as one"))).toEqual([{ one: 1 }]);
  });

  test("is itself the one that waits", () => {
    const connector = new SyncMahoutConnector(target(), { schema });
    expect(connector.getSyncConnector()).toBe(connector);
  });
});

/** Those that can find their counterpart, with what they are opened with. */
const asynchronous = kinds.filter(({ isSync, isStored }) => !isSync && isStored);

describe.each(asynchronous)("an app with a $name", (kind: Kind) => {
  let made: Made;
  let connector: Connector;
  let engine: Engine | null;

  beforeEach(() => {
    ({ connector, engine } = kind.make(schema));
    made = appWith(connector);
    cleanups.push(async () => {
      made.app.closeSync();
      await made.app.close();
      await engine?.end();
    });
  });

  test("stores what is deferred, and closes at the end of a block", async () => {
    const { app, sum } = made;
    const before = await count();
    {
      await using opened = await app.open(engine?.value);
      expect(opened).toBe(app);
      await sum.defer({ a: 1, b: 2 });
    }
    expect(await count()).toBe(before + 1);
    const error = await failureOf(() => sum.defer({ a: 1, b: 2 }));
    expect(error).toBeInstanceOf(AppNotOpen);
  });

  test("says how it is opened, when it isn't", async () => {
    const { app, sum } = made;
    for (const call of [
      () => sum.defer({ a: 1, b: 2 }),
      () => sum.batchDefer([{ a: 1, b: 2 }]),
      () => app.jobManager.listJobs(),
    ]) {
      const error = await failureOf(call);
      expect(error).toBeInstanceOf(AppNotOpen);
      expect(error.message).toContain("app.open(");
    }
  });

  test("leaves open what it was opened with", async () => {
    const { app, sum } = made;
    if (engine === null) return;
    await app.open(engine.value);
    await app.close();
    await app.open(engine.value);
    await expect(sum.defer({ a: 1, b: 2 })).resolves.toEqual(expect.any(Number));
  });

  test("has a task run: the worker works with it, too", async () => {
    const { app, sum } = made;
    await using _opened = await app.open(engine?.value);
    const results: number[] = [];
    const task = app.task({ name: newName("task"), queue: newName("queue") }, (payload: unknown) =>
      results.push(sum(payload as { a: number; b: number })),
    );
    await task.batchDefer([
      { a: 1, b: 2 },
      { a: 3, b: 4 },
    ]);
    const { queue } = task;
    await app.runWorker({ wait: false, queues: [queue], installSignalHandlers: false });
    expect(results).toEqual([3, 7]);
    const jobs = await app.jobManager.listJobs({ queue });
    expect(jobs.map(({ status }) => status)).toEqual(["succeeded", "succeeded"]);
  });

  test("keeps callers apart who defer the same at once", async () => {
    const { app, sum } = made;
    await using _opened = await app.open(engine?.value);
    const queueingLock = newName("queueing");
    const locked = sum.configure({ queueingLock });
    const settled = await Promise.allSettled(
      Array.from({ length: 5 }, (_, a) => locked.defer({ a, b: 0 })),
    );
    const failures = settled.filter((one) => one.status === "rejected");
    expect(failures).toHaveLength(4);
    for (const { reason } of failures) {
      expect(reason).toBeInstanceOf(AlreadyEnqueued);
      expect((reason as Error).message).toContain(queueingLock);
    }
    await expect(locked.batchDefer([{ a: 1, b: 2 }])).rejects.toBeInstanceOf(AlreadyEnqueued);
    expect((await failureOf(() => locked.deferSync({ a: 1, b: 2 }))).name).toBe("AlreadyEnqueued");
  });

  test("says what to do when there are no tables", async () => {
    const { connector: lonely, engine: own } = kind.make(newName("missing"));
    const { app, sum } = appWith(lonely);
    await using _opened = await app.open(own?.value);
    try {
      for (const call of [
        () => sum.defer({ a: 1, b: 2 }),
        () => sum.batchDefer([{ a: 1, b: 2 }]),
      ]) {
        const error = await failureOf(call);
        expect(error).toBeInstanceOf(SchemaError);
        expect(error.message).toMatch(/schemaManager\.apply\(\).*mahout schema --apply/);
      }
      expect(await app.checkConnection()).toBe(false);
      await expect(app.schemaManager.check()).rejects.toBeInstanceOf(SchemaError);
    } finally {
      await own?.end();
    }
  });

  // Before it is opened, a connector knows where to wait if it was told, or was given its pool.
  if (kind.name === "MahoutConnector" || kind.name === "KyselyConnector") {
    test("has a synchronous counterpart before it is opened: one, which has to be opened", async () => {
      const { app, sum } = made;
      const counterpart = connector.getSyncConnector();
      expect(counterpart).toBeInstanceOf(SyncMahoutConnector);
      expect(connector.getSyncConnector()).toBe(counterpart);
      const early = await failureOf(() => sum.deferSync({ a: 1, b: 2 }));
      expect(early).toBeInstanceOf(AppNotOpen);
      expect(early.message).toContain("app.openSync()");
      expect(early.message).toContain("app.open()");
      app.openSync();
      expect(sum.deferSync({ a: 1, b: 2 })).toEqual(expect.any(Number));
      app.closeSync();
      expect(await failureOf(() => sum.deferSync({ a: 1, b: 2 }))).toBeInstanceOf(AppNotOpen);
      // What waits is not what the asynchronous calls use.
      app.openSync();
      expect(await failureOf(() => sum.defer({ a: 1, b: 2 }))).toBeInstanceOf(AppNotOpen);
    });

    test("closes its counterpart when it is opened", async () => {
      const { app } = made;
      app.openSync();
      const counterpart = connector.getSyncConnector();
      await app.open(engine?.value);
      expect(connector.getSyncConnector()).toBe(connector);
      const error = await failureOf(() => counterpart.runSync("schemaVersion", {}));
      expect(error).toBeInstanceOf(AppNotOpen);
    });
  } else
    test("finds out from its engine where to wait", async () => {
      const { app, sum } = made;
      const lost = await failureOf(() => app.openSync());
      expect(lost).toBeInstanceOf(SyncConnectorConfigurationError);
      app.openSync(engine?.value);
      expect(sum.deferSync({ a: 1, b: 2 })).toEqual(expect.any(Number));
      app.closeSync();
      expect(await failureOf(() => sum.deferSync({ a: 1, b: 2 }))).toBeInstanceOf(AppNotOpen);
    });

  test("waits by itself once it is open, on the event loop's own thread", async () => {
    const { app, sum } = made;
    await app.open(engine?.value);
    expect(connector.getSyncConnector()).toBe(connector);
    const id = sum.deferSync({ a: 1, b: 2 });
    expect(await app.jobManager.getJobStatus(id)).toBe("todo");
    expect(app.jobManager.getJobStatusSync(id)).toBe("todo");
    expect(sum.batchDeferSync([{ a: 1, b: 2 }])).toHaveLength(1);
    await app.close();
  });

  test("hands tasks to an app with another connector", async () => {
    const { app, sum } = made;
    const other = app.withConnector(new SyncMahoutConnector(target(), { schema }));
    using _other = other.openSync();
    expect(other.tasks.get("sum")).toBe(sum);
    const id = other.configureTask(sum).deferSync({ a: 1, b: 2 });
    expect(other.jobManager.getJobStatusSync(id)).toBe("todo");
    const later = other.task({ name: newName("task") }, () => 0);
    expect(app.tasks.has(later.name)).toBe(true);
    // The first app is still closed, and its tasks' own jobs go there.
    expect(await failureOf(() => sum.defer({ a: 1, b: 2 }))).toBeInstanceOf(AppNotOpen);
  });

  test("refuses what it can't work with", async () => {
    const { app, sum } = made;
    const wrong = await failureOf(() => app.open({ nothing: true }));
    expect(wrong).toBeInstanceOf(QueueConfigurationError);
    await app.open(engine?.value);
    const alien = sum.configure({ connection: { nothing: true } });
    for (const call of [
      () => alien.defer({ a: 1, b: 2 }),
      () => alien.batchDefer([{ a: 1, b: 2 }]),
      () => alien.deferSync({ a: 1, b: 2 }),
    ])
      expect(await failureOf(call)).toBeInstanceOf(QueueConfigurationError);
  });
});

describe("sharing connections with the program", () => {
  test("an engine's pool is the only one that asynchronous calls use", async () => {
    const name = newApplicationName();
    const { Pool } = await import("pg");
    const pool = new Pool({ connectionString: target(), application_name: name, max: 1 });
    cleanups.push(() => pool.end());
    const { app, sum } = appWith(new PgConnector(pool, { schema }));
    await using _opened = await app.open();
    await sum.batchDefer([{ a: 1, b: 2 }]);
    await Promise.all(Array.from({ length: 20 }, (_, a) => sum.defer({ a, b: 1 })));
    const sessions = `select count(*) from pg_stat_activity where application_name = '${name}'`;
    expect(await administer(sessions)).toEqual([["1"]]);
  });

  test("a pool of mahout's is used, and left open", async () => {
    await using pool = new ConnectionPool(target());
    const { app, sum } = appWith(new MahoutConnector({ schema }));
    await app.open(pool);
    await sum.defer({ a: 1, b: 2 });
    await app.close();
    expect(pool.closed).toBe(false);
  });

  test("what can't wait says what it needs for that", async () => {
    const { app, sum } = appWith(new KyselyConnector({ schema }));
    for (const call of [() => app.openSync(), () => sum.deferSync({ a: 1, b: 2 })]) {
      const error = await failureOf(call);
      expect(error).toBeInstanceOf(SyncConnectorConfigurationError);
      expect(error.message).toContain("conninfo");
    }
  });

  test("what has no engine says so", async () => {
    const { app } = appWith(new PgConnector());
    const error = await failureOf(() => app.open());
    expect(error).toBeInstanceOf(QueueConfigurationError);
    expect(error.message).toContain("a Pool of node-postgres");
  });

  test("a database that isn't there is named, with why", async () => {
    const { Pool } = await import("pg");
    const pool = new Pool({ host: "127.0.0.1", port: 1, user: "x", password: "secret" });
    cleanups.push(() => pool.end());
    const { app, sum } = appWith(new PgConnector(pool, { schema }));
    await app.open();
    const error = await failureOf(() => sum.defer({ a: 1, b: 2 }));
    expect(error).toBeInstanceOf(ConnectorException);
    expect(error.message).toMatch(/ECONNREFUSED/);
    expect(error.cause).toMatchObject({ code: "ECONNREFUSED" });
  });
});
