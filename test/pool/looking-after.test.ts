// What a pool looks after: checks, connections that end, leaks, lock-ups, numbers, and what it tells.

import { AsyncLocalStorage } from "node:async_hooks";
import { channel } from "node:diagnostics_channel";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import {
  ConnectionPool,
  NullConnectionPool,
  type OperationContext,
  type PoolEvent,
  ProgrammingError,
} from "../../src/index.ts";
import {
  administer,
  eventually,
  expectUsable,
  failureOf,
  terminate,
  warningsOf,
} from "../support/shells.ts";
import { newGate, newPool, newPoolOf, pidOf, untilSize } from "./pools.ts";

describe("connections that end", () => {
  test("leave the idle list at once, and are replaced", async () => {
    const pool = newPool({ minSize: 3, maxSize: 3 });
    await pool.open({ wait: true });
    const events: PoolEvent[] = [];
    pool.watch((event) => events.push(event));
    const pid = await pidOf(pool);
    await terminate(pid);
    await eventually(() => events.some(({ kind }) => kind === "disconnected"));
    await untilSize(pool, 3);
    expect(pool.getStats()).toMatchObject({ connectionsLost: 1, poolAvailable: 3 });
    expect(events.map(({ kind }) => kind)).toEqual(["disconnected", "connected"]);
    expect(events[0]).toMatchObject({ error: { sqlstate: "57P01" } });
  });

  test("free their place while somebody holds them", async () => {
    const pool = newPool({ maxSize: 1 });
    const conn = await pool.getConn();
    await terminate(conn.info.backendPid);
    await eventually(() => conn.broken);
    await pool.connection((other) => expectUsable(other));
    await pool.putConn(conn);
    expect(pool.getStats()).toMatchObject({
      poolSize: 1,
      poolAvailable: 1,
      returnsBad: 1,
      connectionsLost: 1,
    });
  });

  test("in the middle of an implicit transaction: the function's end says so", async () => {
    const pool = newPool({ maxSize: 1, connect: { autocommit: false } });
    const lost = failureOf(() =>
      pool.connection(async (conn) => {
        await conn.execute("select 1");
        await terminate(conn.info.backendPid);
        await eventually(() => conn.broken);
      }),
    );
    expect(await lost).toMatchObject({ code: "ERR_MAHOUT_CONNECTION_CLOSED" });
  });
});

describe("check", () => {
  test("is called before each loan, and one that fails flushes the rest", async () => {
    let failing = false;
    let checks = 0;
    const pool = newPool({
      minSize: 3,
      maxSize: 3,
      check: async (conn) => {
        checks++;
        await ConnectionPool.checkConnection(conn);
        if (failing) throw new RangeError("not this one");
      },
    });
    await pool.open({ wait: true });
    const pid = await pidOf(pool);
    expect(await pidOf(pool)).toBe(pid);
    expect(checks).toBe(2);
    failing = true;
    const next = pidOf(pool);
    await eventually(() => pool.getStats().checksFailed > 0);
    failing = false;
    await expect(next).resolves.not.toBe(pid);
    expect(pool.getStats()).toMatchObject({ checksFailed: 1, connectionsRetired: 2 });
    await untilSize(pool, 3);
  });

  test("one that does not end costs its timeout once", async () => {
    let hanging = false;
    let hung = 0;
    const pool = newPool({
      minSize: 3,
      maxSize: 3,
      checkTimeout: 50,
      check: async (conn) => {
        if (hanging && (await conn.query<{ n: number }>("select 1 as n"))) {
          hung++;
          hanging = false;
          await new Promise(() => {});
        }
      },
    });
    await pool.open({ wait: true });
    hanging = true;
    await pool.connection((conn) => expectUsable(conn));
    expect(hung).toBe(1);
    await untilSize(pool, 3);
  });

  test("pool.check() looks at all idle ones", async () => {
    const pool = newPool({ minSize: 2, maxSize: 2 });
    await pool.open({ wait: true });
    await pool.check();
    expect(pool.getStats()).toMatchObject({ poolAvailable: 2, checksFailed: 0 });
  });

  test("one that leaves a transaction has failed", async () => {
    let bad = true;
    const pool = newPool({
      maxSize: 1,
      check: async (conn) => {
        if (bad) await conn.execute("begin");
        bad = false;
      },
    });
    await pool.open({ wait: true });
    await pool.connection((conn) => expectUsable(conn));
    expect(pool.getStats().checksFailed).toBe(1);
  });
});

describe("leaks", () => {
  test("are told with who asked for the connection, once each", async () => {
    const pool = newPool({ maxSize: 1, leakDetection: 30, name: "leaky" });
    const events: PoolEvent[] = [];
    pool.watch((event) => events.push(event));
    const warnings = await warningsOf(async () => {
      async function forgetful(): Promise<unknown> {
        return await pool.getConn();
      }
      await forgetful();
      await eventually(() => events.some(({ kind }) => kind === "leak"));
      await sleep(60);
    });
    const leaks = events.filter((event) => event.kind === "leak");
    expect(leaks).toHaveLength(1);
    expect(leaks[0]?.stack).toContain("forgetful");
    expect(leaks[0]?.heldFor).toBeGreaterThanOrEqual(30);
    expect(warnings).toMatchObject([{ code: "MAHOUT_POOL_LEAK" }]);
    expect(warnings[0]?.message).toContain("leaky");
    expect(pool.getStats().leaksNum).toBe(1);
  });
});

describe("lock-ups", () => {
  test("asking for a second connection while holding the only one fails at once", async () => {
    const pool = newPool({ maxSize: 1 });
    const nested = failureOf(() =>
      pool.connection(async () => {
        await sleep(1);
        await pool.connection(() => {});
      }),
    );
    const error = await nested;
    expect(error).toBeInstanceOf(ProgrammingError);
    expect(error.code).toBe("ERR_MAHOUT_POOL_DEADLOCK");
    await pool.connection((conn) => expectUsable(conn));
  });

  test("several that lock each other up: one of them is warned of, later one is refused", async () => {
    const pool = newPool({ minSize: 3, maxSize: 3, timeout: 200 });
    await pool.open({ wait: true });
    const outcomes = async (): Promise<string[]> => {
      const all = newGate();
      let entered = 0;
      const user = (): Promise<string> =>
        pool.connection(async () => {
          if (++entered === 3) all.open();
          await all.passed;
          return await pool.connection(() => "served");
        });
      const codes = (error: { code: string }): string => error.code;
      return await Promise.all([1, 2, 3].map(() => user().catch(codes)));
    };
    const warnings = await warningsOf(async () => {
      // The first time only the loan of the last one is followed: who the others are nobody can tell.
      expect(await outcomes()).toContain("ERR_MAHOUT_POOL_TIMEOUT");
    });
    expect(warnings).toMatchObject([{ code: "MAHOUT_POOL_NESTED" }]);
    expect((await outcomes()).sort()).toEqual(["ERR_MAHOUT_POOL_DEADLOCK", "served", "served"]);
    expect(pool.getStats()).toMatchObject({ poolSize: 3, poolAvailable: 3 });
  });

  test("parallel requests of one context are none", async () => {
    const pool = newPool({ maxSize: 1 });
    const users = [1, 2, 3].map((n) => pool.connection(() => n));
    expect(await Promise.all(users)).toEqual([1, 2, 3]);
    const disposed = [1, 2, 3].map(async (n) => {
      await using conn = await pool.connection();
      await expectUsable(conn);
      return n;
    });
    expect(await Promise.all(disposed)).toEqual([1, 2, 3]);
  });
});

describe("asynchronous contexts", () => {
  test("who waits goes on in its own; connections belong to nobody's", async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const pool = newPool({ maxSize: 1, configure: () => void seen.push(storage.getStore()) });
    const user = (name: string): Promise<unknown> =>
      storage.run(name, () =>
        pool.connection(async (conn) => {
          await conn.query("select 1");
          return storage.getStore();
        }),
      );
    expect(await Promise.all(["a", "b", "c"].map(user))).toEqual(["a", "b", "c"]);
    expect(seen).toEqual([undefined]);
  });

  test("the error of a wait has the stack of its call", async () => {
    const pool = newPool({ maxSize: 1 });
    await using _conn = await pool.connection();
    async function impatient(): Promise<void> {
      await pool.getConn({ timeout: 1 });
    }
    async function user(): Promise<void> {
      await pool.connection(() => {}, { timeout: 1 });
    }
    expect((await failureOf(impatient)).stack).toContain("impatient");
    expect((await failureOf(user)).stack).toContain("user");
  });
});

describe("numbers", () => {
  test("are psycopg's and ours, and add up", async () => {
    const pool = newPool({ minSize: 1, maxSize: 2 });
    await pool.open({ wait: true });
    await Promise.all([1, 2, 3, 4].map(() => pool.connection(() => sleep(20))));
    await failureOf(() => pool.connection(() => {}, { signal: AbortSignal.abort() }));
    const stats = pool.popStats();
    expect(stats).toMatchObject({
      poolMin: 1,
      poolMax: 2,
      poolSize: 2,
      poolAvailable: 2,
      requestsWaiting: 0,
      requestsNum: 5,
      requestsErrors: 1,
      returnsBad: 0,
      connectionsNum: 2,
      connectionsErrors: 0,
      connectionsLost: 0,
    });
    expect(stats.requestsQueued).toBe(3);
    expect(stats.requestsWaitMs).toBeGreaterThan(15);
    expect(stats.usageMs).toBeGreaterThan(70);
    expect(stats.connectionsMs).toBeGreaterThan(0);
    expect(pool.getStats()).toMatchObject({ poolSize: 2, requestsNum: 0, usageMs: 0 });
  });

  test("mahout:pool tells of each request", async () => {
    const heard: [string, OperationContext][] = [];
    const subscriptions = ["start", "asyncEnd", "error"].map((name) => {
      const one = channel(`tracing:mahout:pool:${name}`);
      const hear = (context: unknown): void => void heard.push([name, context as OperationContext]);
      one.subscribe(hear);
      return () => one.unsubscribe(hear);
    });
    try {
      const pool = newPool({ maxSize: 1, name: "traced" });
      const conn = await pool.getConn();
      const { backendPid } = conn.info;
      await failureOf(() => pool.getConn({ timeout: 10 }));
      await pool.putConn(conn);
      expect(heard.map(([name]) => name)).toEqual([
        "start",
        "asyncEnd",
        "start",
        "error",
        "asyncEnd",
      ]);
      expect(heard[1]?.[1]).toMatchObject({
        backendPid,
        attributes: {
          "db.client.connection.pool.name": "traced",
          "db.operation.name": "CHECKOUT",
          "server.port": expect.any(Number),
        },
      });
      expect(heard[3]?.[1].attributes["error.type"]).toBe("ERR_MAHOUT_POOL_TIMEOUT");
    } finally {
      for (const end of subscriptions) end();
    }
  });
});

describe("a pool that keeps nothing", () => {
  test("connects for each, and closes afterwards", async () => {
    const pool = newPoolOf(NullConnectionPool);
    const pid = await pidOf(pool);
    expect(await pidOf(pool)).not.toBe(pid);
    const gate = newGate();
    const users = Array.from({ length: 5 }, () => pool.connection(() => gate.passed));
    await untilSize(pool, 5);
    gate.open();
    await Promise.all(users);
    await untilSize(pool, 0);
  });

  test("gives what comes back to who waits", async () => {
    const pool = newPoolOf(NullConnectionPool, { maxSize: 1 });
    const conn = await pool.getConn();
    const { backendPid } = conn.info;
    const waiting = pidOf(pool);
    await pool.putConn(conn);
    expect(await waiting).toBe(backendPid);
    await untilSize(pool, 0);
    const text = `select 1 from pg_stat_activity where pid = ${backendPid}`;
    await eventually(async () => (await administer(text)).length === 0);
  });

  test("has no sizes to keep", () => {
    expect(() => new NullConnectionPool("", { minSize: 1 })).toThrow(ProgrammingError);
  });
});
