// What a pool can't give, and what bounds it: waiting, servers that can't be reached, closing, sizes, options.

import { describe, expect, test } from "@jest/globals";
import {
  ConnectionPool,
  errors,
  OperationalError,
  PoolClosed,
  PoolTimeout,
  ProgrammingError,
  TooManyRequests,
} from "../../src/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { administer, eventually, expectUsable, failureOf } from "../support/shells.ts";
import { newGate, newPool, pidOf, untilSize } from "./pools.ts";

describe("waiting", () => {
  test("first come, first served", async () => {
    const pool = newPool({ maxSize: 1 });
    const order: number[] = [];
    const gate = newGate();
    const entered = newGate();
    const first = pool.connection(() => {
      entered.open();
      return gate.passed;
    });
    await entered.passed;
    const others = [1, 2, 3, 4].map((n) => pool.connection(() => void order.push(n)));
    expect(pool.getStats().requestsWaiting).toBe(4);
    gate.open();
    await Promise.all([first, ...others]);
    expect(order).toEqual([1, 2, 3, 4]);
    expect(pool.getStats().poolSize).toBe(1);
  });

  test("ends with PoolTimeout, which says what the pool was like", async () => {
    const pool = newPool({ maxSize: 1, name: "small" });
    await using _conn = await pool.connection();
    const error = (await failureOf(() => pool.getConn({ timeout: 30 }))) as PoolTimeout;
    expect(error).toBeInstanceOf(PoolTimeout);
    expect(error).toBeInstanceOf(OperationalError);
    expect(error).toMatchObject({ name: "PoolTimeout", code: "ERR_MAHOUT_POOL_TIMEOUT" });
    expect(error.message).toMatch(
      /^small had no connection within \d+ ms: size 1, in use 1, the longest/,
    );
    expect(error.situation).toMatchObject({ pool: "small", size: 1, inUse: 1, waiting: 0 });
    expect(error.situation.longestLoan).toBeGreaterThanOrEqual(29);
    expect(error.outcome).toBe("not sent");
    expect(pool.getStats()).toMatchObject({ requestsErrors: 1, requestsWaiting: 0 });
  });

  test("who gives up takes nothing along", async () => {
    const pool = newPool({ maxSize: 1 });
    const conn = await pool.getConn();
    const controller = new AbortController();
    const aborted = failureOf(() => pool.getConn({ signal: controller.signal }));
    const late = failureOf(() => pool.getConn({ timeout: 20 }));
    const served = pool.getConn();
    controller.abort(new RangeError("why"));
    expect(await aborted).toMatchObject({
      code: "ERR_MAHOUT_ABORTED",
      cause: expect.any(RangeError),
    });
    expect(await late).toBeInstanceOf(PoolTimeout);
    await pool.putConn(conn);
    await pool.putConn(await served);
    expect(pool.getStats()).toMatchObject({ poolSize: 1, poolAvailable: 1, requestsWaiting: 0 });
    expect(await failureOf(() => pool.getConn({ signal: controller.signal }))).toMatchObject({
      code: "ERR_MAHOUT_ABORTED",
    });
  });

  test("no more than maxWaiting do, and only those that wait are counted", async () => {
    const pool = newPool({ maxSize: 1, maxWaiting: 1 });
    const conn = await pool.getConn();
    const waiting = failureOf(() => pool.getConn({ timeout: 20 }));
    expect(await failureOf(() => pool.getConn())).toBeInstanceOf(TooManyRequests);
    expect(await waiting).toBeInstanceOf(PoolTimeout);
    const next = pool.getConn();
    await pool.putConn(conn);
    await pool.putConn(await next);
  });

  test("a timeout of 0 takes what is there", async () => {
    const pool = newPool({ maxSize: 1 });
    await pool.open({ wait: true });
    const conn = await pool.getConn({ timeout: 0 });
    expect(await failureOf(() => pool.getConn({ timeout: 0 }))).toBeInstanceOf(PoolTimeout);
    await pool.putConn(conn);
  });

  test("many at once grow the pool in parallel, up to its size", async () => {
    const pool = newPool({ minSize: 0, maxSize: 6 });
    const gate = newGate();
    const users = Array.from({ length: 20 }, () => pool.connection(() => gate.passed));
    await eventually(() => pool.getStats().poolConnecting === 6 || pool.getStats().poolSize === 6);
    await untilSize(pool, 6);
    gate.open();
    await Promise.all(users);
    expect(pool.getStats()).toMatchObject({ poolSize: 6, connectionsNum: 6, requestsNum: 20 });
  });
});

describe("what can't be reached", () => {
  test("fails at once when trying again is of no use", async () => {
    const missing = { dbname: "there_is_no_such_database" };
    const pool = new ConnectionPool(defaultServer().conninfo(missing), { minSize: 2 });
    const failures = await Promise.all(
      [1, 2, 3].map(() => failureOf(() => pool.getConn({ timeout: 20_000 }))),
    );
    for (const error of failures) expect(error).toBeInstanceOf(errors.InvalidCatalogName);
    expect(new Set(failures).size).toBe(3);
    expect(await failureOf(() => pool.wait())).toBeInstanceOf(errors.InvalidCatalogName);
    expect(pool.closed).toBe(true);
  });

  test("a bad conninfo fails at once", async () => {
    const pool = new ConnectionPool("nonsense=1");
    expect(await failureOf(() => pool.getConn())).toBeInstanceOf(ProgrammingError);
    await pool.close();
  });

  test("a refused connection is tried again until the time is up, and is the cause then", async () => {
    const { port } = await import("../support/ports.ts").then(async ({ findFreePort }) => ({
      port: await findFreePort(),
    }));
    const pool = new ConnectionPool({ host: "127.0.0.1", port, user: "x", dbname: "x" });
    const error = await failureOf(() => pool.getConn({ timeout: 300 }));
    expect(error).toBeInstanceOf(PoolTimeout);
    expect(error.cause).toMatchObject({ code: "ERR_MAHOUT_CONNECT" });
    expect(error.message).toContain("the last attempt to connect failed: ");
    expect(pool.getStats().connectionsErrors).toBeGreaterThan(1);
    expect(await failureOf(() => pool.wait(50))).toBeInstanceOf(PoolTimeout);
    expect(pool.closed).toBe(true);
  });
});

describe("closing", () => {
  test("rejects who waits, waits for loans, and ends what is late", async () => {
    const pool = newPool({ maxSize: 2 });
    const [one, two] = await Promise.all([pool.getConn(), pool.getConn()]);
    const waiting = failureOf(() => pool.getConn());
    const closing = pool.close(200);
    expect(await waiting).toBeInstanceOf(PoolClosed);
    expect(await failureOf(() => pool.getConn())).toBeInstanceOf(PoolClosed);
    await expectUsable(one);
    await pool.putConn(one);
    await closing;
    expect(two.closed).toBe(true);
    expect(await failureOf(() => two.query("select 1"))).toBeInstanceOf(OperationalError);
    await pool.putConn(two);
    await pool.close();
    expect(pool.getStats()).toMatchObject({ poolSize: 0, poolClosing: 0 });
    expect(await failureOf(() => pool.open())).toBeInstanceOf(PoolClosed);
  });

  test("a pool that is not to open itself says so", async () => {
    const pool = newPool({ open: false });
    expect(await failureOf(() => pool.getConn())).toBeInstanceOf(PoolClosed);
    await pool.open({ wait: true });
    await expectUsable(await pool.getConn());
  });

  test("ends attempts that are under way", async () => {
    const pool = newPool({ maxSize: 3 });
    const failed = failureOf(() => pool.getConn());
    await pool.close();
    expect(await failed).toBeInstanceOf(PoolClosed);
    expect(pool.getStats().poolSize).toBe(0);
  });
});

describe("sizes", () => {
  test("resize grows and shrinks", async () => {
    const pool = newPool({ minSize: 1, maxSize: 2 });
    await pool.open({ wait: true });
    pool.resize(4, 5);
    await untilSize(pool, 4);
    expect([pool.minSize, pool.maxSize]).toEqual([4, 5]);
    const held = await Promise.all([1, 2, 3, 4].map(() => pool.getConn()));
    pool.resize(1, 2);
    await Promise.all(held.map((conn) => pool.putConn(conn)));
    await untilSize(pool, 2);
    expect(() => pool.resize(3, 2)).toThrow(ProgrammingError);
    expect(() => pool.resize(-1)).toThrow(ProgrammingError);
  });

  test("drain replaces all, those that are lent when they come back", async () => {
    const pool = newPool({ minSize: 2, maxSize: 2 });
    await pool.open({ wait: true });
    const conn = await pool.getConn();
    const { backendPid } = conn.info;
    const old = (await administer("select pid from pg_stat_activity")).flat();
    pool.drain();
    await expectUsable(conn);
    await pool.putConn(conn);
    await untilSize(pool, 2);
    const pids = await Promise.all(
      [1, 2].map(async () => {
        const one = await pool.getConn();
        return one.info.backendPid;
      }),
    );
    expect(pids).not.toContain(backendPid);
    expect(pids.filter((pid) => old.includes(String(pid)))).toEqual([]);
  });

  test("connections that got too old, or were not needed, leave", async () => {
    const old = newPool({ minSize: 1, maxLifetime: 60 });
    const pid = await pidOf(old);
    await eventually(async () => (await pidOf(old)) !== pid);
    const wide = newPool({ minSize: 1, maxSize: 4, maxIdle: 60 });
    const gate = newGate();
    const users = [1, 2, 3, 4].map(() => wide.connection(() => gate.passed));
    await untilSize(wide, 4);
    gate.open();
    await Promise.all(users);
    await untilSize(wide, 1);
  });
});

describe("options", () => {
  const bad: [string, object][] = [
    ["an unknown name", { minSise: 1 }],
    ["an option of connections", { autocommit: false }],
    ["a size that is none", { minSize: 1.5 }],
    ["a negative size", { minSize: -1 }],
    ["no room", { minSize: 0, maxSize: 0 }],
    ["more least than most", { minSize: 3, maxSize: 2 }],
    ["a time that is none", { timeout: "1s" }],
    ["a reset that is none", { reset: "all" }],
    ["a check that is none", { check: true }],
  ];
  test.each(bad)("%s", (_what, options) => {
    expect(() => new ConnectionPool("", options)).toThrow(ProgrammingError);
  });

  test("names count up", () => {
    const [one, two] = [new ConnectionPool(), new ConnectionPool()];
    expect(one.name).toMatch(/^pool-\d+$/);
    expect(Number(two.name.slice(5))).toBe(Number(one.name.slice(5)) + 1);
  });
});
