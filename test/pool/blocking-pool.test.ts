// The blocking pool: the same loans, without anybody to wait for.

import { afterEach, describe, expect, test } from "@jest/globals";
import type { DictRow, PoolEvent } from "../../src/index.ts";
import {
  BlockingConnectionPool,
  type BlockingPoolOptions,
  Connection,
  errors,
  InterfaceError,
  PoolClosed,
  PoolTimeout,
  ProgrammingError,
} from "../../src/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { newApplicationName, untilGone } from "../support/sessions.ts";
import { administer, failureOf, terminate, warningsOf } from "../support/shells.ts";

const opened: { pool: BlockingConnectionPool; name: string }[] = [];

function newPool(
  options: BlockingPoolOptions<DictRow, Connection<DictRow>> = {},
): BlockingConnectionPool {
  const name = newApplicationName();
  const conninfo = defaultServer().conninfo({ application_name: name });
  const pool = new BlockingConnectionPool(conninfo, options);
  opened.push({ pool, name });
  return pool;
}

afterEach(async () => {
  for (const { pool, name } of opened.splice(0)) {
    pool.close();
    await untilGone(defaultServer(), name);
  }
});

const pidOf = (pool: BlockingConnectionPool): number =>
  pool.connection((conn) => conn.info.backendPid);

describe("lending", () => {
  test("to a function, with disposal, by hand, and by shortcut", () => {
    const pool = newPool({ maxSize: 1 });
    const pid = pidOf(pool);
    {
      using conn = pool.connection();
      expect(conn.query("select 1 as n")).toEqual([{ n: 1 }]);
    }
    const conn = pool.getConn();
    expect(conn.info.backendPid).toBe(pid);
    pool.putConn(conn);
    expect(pool.query("select $1::int as n", [3])).toEqual([{ n: 3 }]);
    expect([...pool.execute("select 4 as n")]).toEqual([{ n: 4 }]);
    expect(pool.getStats()).toMatchObject({ poolSize: 1, poolAvailable: 1, requestsNum: 5 });
  });

  test("beyond the size fails at once, and says why", () => {
    const pool = newPool({ maxSize: 2, name: "tight" });
    using one = pool.connection();
    using _two = pool.connection();
    const began = Date.now();
    let error: unknown;
    try {
      pool.connection();
    } catch (thrown) {
      error = thrown;
    }
    expect(Date.now() - began).toBeLessThan(1_000);
    expect(error).toBeInstanceOf(PoolTimeout);
    expect(error).toMatchObject({ situation: { pool: "tight", size: 2, inUse: 2, waiting: 0 } });
    expect(String(error)).toContain("nobody could return one");
    pool.putConn(one);
    expect(pool.query("select 1 as n")).toEqual([{ n: 1 }]);
    expect(pool.getStats().requestsErrors).toBe(1);
  });

  test.each([true, false])("commits or rolls back, with autocommit %p", (autocommit) => {
    const pool = newPool({ maxSize: 1, connect: { autocommit } });
    const begin = (conn: Connection): void => void (autocommit && conn.execute("begin"));
    const count = (): unknown => pool.query("select count(*)::int as n from t")[0]?.["n"];
    pool.query("create temp table t (n int)");
    pool.connection((conn) => {
      begin(conn);
      conn.execute("insert into t values (1)");
    });
    expect(count()).toBe(1);
    expect(() =>
      pool.connection((conn) => {
        begin(conn);
        conn.execute("insert into t values (2)");
        throw new RangeError("as it should");
      }),
    ).toThrow(RangeError);
    expect(count()).toBe(1);
    expect(() =>
      pool.connection((conn) => {
        begin(conn);
        expect(() => conn.execute("select 1/0")).toThrow(errors.DivisionByZero);
      }),
    ).toThrow(errors.InFailedSqlTransaction);
    expect(pool.getStats()).toMatchObject({ poolSize: 1, returnsBad: 0 });
  });

  test("a loan that has ended can't be used", () => {
    const pool = newPool({ maxSize: 1 });
    const conn = pool.getConn();
    pool.putConn(conn);
    expect(conn.closed).toBe(true);
    expect(() => conn.query("select 1")).toThrow(InterfaceError);
    expect(() => pool.putConn(conn)).toThrow("already");
    const foreign = Connection.connect(defaultServer().conninfo());
    expect(() => pool.putConn(foreign)).toThrow(ProgrammingError);
    foreign.close();
    const closing = pool.getConn();
    const { backendPid } = closing.info;
    closing.close();
    pool.putConn(closing);
    expect(pidOf(pool)).not.toBe(backendPid);
  });
});

describe("what comes back", () => {
  test.each([
    ["a transaction", (conn: Connection) => void conn.execute("begin"), true],
    ["a block in a block", (conn: Connection) => void conn.transaction().transaction(), true],
    ["a pipeline", (conn: Connection) => void conn.pipeline(), false],
    ["a COPY", (conn: Connection) => void conn.cursor().copy("copy (select 1) to stdout"), false],
  ])("with %s", async (_what, leave, kept) => {
    const pool = newPool({ maxSize: 1 });
    const pid = pidOf(pool);
    const warnings = await warningsOf(() => {
      using conn = pool.connection();
      leave(conn);
    });
    expect(warnings).toMatchObject([{ code: "MAHOUT_POOL_RETURN" }]);
    expect(pidOf(pool) === pid).toBe(kept);
    expect(pool.connection((conn) => conn.transaction(() => conn.query("select 1 as n")))).toEqual([
      { n: 1 },
    ]);
  });

  test("is reset as the pool says", () => {
    const pool = newPool({ maxSize: 1, reset: "discard" });
    pool.query("set search_path to pg_catalog");
    expect(pool.query("show search_path")).toEqual([{ search_path: '"$user", public' }]);
    pool.connection((conn) => (conn.autocommit = false));
    expect(pool.connection((conn) => conn.autocommit)).toBe(true);
  });
});

describe("looking after", () => {
  test("what has ended is replaced when somebody asks", async () => {
    const pool = newPool({ minSize: 2, maxSize: 2 });
    pool.open();
    expect(pool.getStats()).toMatchObject({ poolSize: 2, poolAvailable: 2 });
    const pid = pidOf(pool);
    await terminate(pid);
    expect(pool.query("select 1 as n")).toEqual([{ n: 1 }]);
    expect(pidOf(pool)).not.toBe(pid);
  });

  test("check, configure and events", () => {
    let isFit = true;
    const pool = newPool({
      minSize: 3,
      maxSize: 3,
      configure: (conn) => void conn.execute("set application_name to 'configured'"),
      check: (conn) => {
        conn.query("select 1");
        if (!isFit) throw new RangeError("not this one");
      },
    });
    const events: PoolEvent[] = [];
    pool.watch((event) => {
      events.push(event);
      isFit = true;
    });
    pool.open();
    isFit = false;
    expect(pool.query("show application_name")).toEqual([{ application_name: "configured" }]);
    expect(events.map(({ kind }) => kind).join(" ")).toBe(
      "connected connected connected checkFailed connected",
    );
    isFit = false;
    pool.check();
    expect(pool.getStats()).toMatchObject({ checksFailed: 2, poolSize: 0 });
    pool.query("select 1");
  });

  test("resize, drain and age", () => {
    const pool = newPool({ minSize: 3, maxSize: 3 });
    pool.open();
    pool.resize(1, 2);
    expect(pool.getStats().poolSize).toBe(2);
    const pid = pidOf(pool);
    pool.drain();
    expect(pidOf(pool)).not.toBe(pid);
    const old = newPool({ maxSize: 1, maxLifetime: 0 });
    expect(pidOf(old)).not.toBe(pidOf(old));
  });

  test("the error of connecting is the caller's", async () => {
    const pool = new BlockingConnectionPool(defaultServer().conninfo({ dbname: "not_there" }));
    expect(() => pool.getConn()).toThrow(errors.InvalidCatalogName);
    expect(pool.getStats()).toMatchObject({ connectionsErrors: 1, poolSize: 0 });
    pool.close();
    expect(await failureOf(() => pool.getConn())).toBeInstanceOf(PoolClosed);
  });

  test("closing closes what is lent as well", async () => {
    const pool = newPool({ maxSize: 2 });
    const conn = pool.getConn();
    const { backendPid } = conn.info;
    pool.close();
    expect(conn.closed).toBe(true);
    pool.putConn(conn);
    pool.close();
    const text = `select 1 from pg_stat_activity where pid = ${backendPid}`;
    while ((await administer(text)).length > 0);
    expect(() => new BlockingConnectionPool("", { timeout: 1 } as object)).toThrow("no option");
  });
});
