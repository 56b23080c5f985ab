// A pool in the hands of its users: borrowing, loans that have ended, and the end of a function.

import { describe, expect, test } from "@jest/globals";
import {
  AsyncConnection,
  ConnectionPool,
  type DictRow,
  errors,
  InterfaceError,
  ProgrammingError,
  tupleRow,
} from "../../src/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { administer, expectUsable, failureOf, warningsOf } from "../support/shells.ts";
import { newPool, pidOf, untilSize } from "./pools.ts";

describe("borrowing", () => {
  test("a function gets a connection, and the pool gets it back", async () => {
    const pool = newPool();
    const one = await pool.connection((conn) => conn.query("select 1 as n"));
    expect(one).toEqual([{ n: 1 }]);
    expect(pool.getStats()).toMatchObject({ poolSize: 1, poolAvailable: 1, requestsNum: 1 });
    expect(await pidOf(pool)).toBe(await pidOf(pool));
  });

  test("disposal gives it back", async () => {
    const pool = newPool({ maxSize: 1 });
    {
      await using conn = await pool.connection();
      expect(conn).toBeInstanceOf(AsyncConnection);
      expect(await conn.query("select 1 as n")).toEqual([{ n: 1 }]);
      expect(pool.getStats().poolAvailable).toBe(0);
    }
    expect(pool.getStats().poolAvailable).toBe(1);
  });

  test("getConn and putConn", async () => {
    const pool = newPool({ maxSize: 1 });
    const conn = await pool.getConn();
    await expectUsable(conn);
    await pool.putConn(conn);
    expect(pool.getStats().poolAvailable).toBe(1);
  });

  test("shortcuts", async () => {
    const pool = newPool({ connect: { autocommit: false } });
    await pool.execute("create temp table t (n int)");
    await pool.query("insert into t values ($1)", [7]);
    const cursor = await pool.execute("select n from t", [], { rowFactory: tupleRow });
    expect(await cursor.fetchAll()).toEqual([[7]]);
    expect(await pool.query("select n from t")).toEqual([{ n: 7 }]);
  });

  test("the conninfo may be a function, asked for each connection", async () => {
    let asked = 0;
    const pool = new ConnectionPool(async () => {
      asked++;
      return defaultServer().conninfo();
    });
    const held = await Promise.all([pool.getConn(), pool.getConn()]);
    expect(asked).toBe(2);
    await Promise.all(held.map((conn) => pool.putConn(conn)));
    await pool.close();
  });

  test("a class of one's own", async () => {
    class Counting<Row = DictRow> extends AsyncConnection<Row> {
      async count(): Promise<number> {
        return (await this.query<{ n: number }>("select 42 as n"))[0]!.n;
      }
    }
    const pool = new ConnectionPool<DictRow, Counting>(defaultServer().conninfo(), {
      connectionClass: Counting,
    });
    expect(await pool.connection((conn) => conn.count())).toBe(42);
    await using conn = await pool.connection();
    expect(conn).toBeInstanceOf(Counting);
    await pool.close(0);
  });
});

describe("a loan that has ended", () => {
  test("can't be used, nor can its cursors and blocks", async () => {
    const pool = newPool({ maxSize: 1 });
    const conn = await pool.getConn();
    const cursor = conn.cursor();
    const full = await conn.execute("select 1 as n union all select 2");
    await pool.putConn(conn);
    expect(conn.closed).toBe(true);
    expect(conn.broken).toBe(false);
    expect(String(conn)).toBe("<PooledConnection [returned]>");
    await pool.connection(async (other) => {
      const uses: (() => unknown)[] = [
        () => conn.query("select 1"),
        () => conn.execute("select 1"),
        () => conn.cursor(),
        () => conn.transaction(async () => {}),
        () => conn.pipeline(async () => {}),
        () => conn.commit(),
        () => conn.info,
        () => cursor.execute("select 1"),
        () => (conn.autocommit = false),
      ];
      for (const use of uses) {
        const error = await failureOf(use);
        expect(error).toBeInstanceOf(InterfaceError);
        expect(error.code).toBe("ERR_MAHOUT_RETURNED");
      }
      // What was fetched is there.
      expect(await full.fetchAll()).toEqual([{ n: 1 }, { n: 2 }]);
      await expectUsable(other);
    });
    await conn.close();
    expect(pool.getStats()).toMatchObject({ poolSize: 1, poolAvailable: 1 });
  });

  test("can't be returned twice, or to another pool", async () => {
    const [pool, other] = [newPool(), newPool()];
    const conn = await pool.getConn();
    await expect(other.putConn(conn)).rejects.toThrow(ProgrammingError);
    await pool.putConn(conn);
    await expect(pool.putConn(conn)).rejects.toThrow("was returned to pool");
    const foreign = await AsyncConnection.connect(defaultServer().conninfo());
    await expect(pool.putConn(foreign)).rejects.toThrow("was not lent by");
    await expect(pool.putConn(null as never)).rejects.toThrow(ProgrammingError);
    await foreign.close();
    expect(pool.getStats()).toMatchObject({ poolSize: 1, poolAvailable: 1 });
  });

  test("closing it closes it for good, and the pool makes another", async () => {
    const pool = newPool({ maxSize: 1 });
    const conn = await pool.getConn();
    const { backendPid } = conn.info;
    await conn.close();
    expect(conn.closed).toBe(true);
    await pool.putConn(conn);
    await conn[Symbol.asyncDispose]();
    await untilSize(pool, 1);
    expect(await pidOf(pool)).not.toBe(backendPid);
    expect(await pool.connection(async (one) => await one.close())).toBeUndefined();
    await untilSize(pool, 1);
  });

  test("closing it returns it with closeReturns", async () => {
    const pool = newPool({ maxSize: 1, closeReturns: true });
    const conn = await pool.getConn();
    const { backendPid } = conn.info;
    await conn.close();
    expect(await pidOf(pool)).toBe(backendPid);
  });
});

describe("the end of a function", () => {
  const table = `ends_${process.pid}`;

  test.each([true, false])("commits or rolls back, with autocommit %p", async (autocommit) => {
    const pool = newPool({ maxSize: 1, connect: { autocommit } });
    const count = async (): Promise<unknown> =>
      (await administer(`select count(*) from ${table}`))[0]?.[0];
    await administer(`create table ${table} (n int)`);
    try {
      await pool.connection(async (conn) => {
        if (autocommit) await conn.execute("begin");
        await conn.execute(`insert into ${table} values (1)`);
      });
      expect(await count()).toBe("1");
      const failing = pool.connection(async (conn) => {
        if (autocommit) await conn.execute("begin");
        await conn.execute(`insert into ${table} values (2)`);
        throw new RangeError("as it should");
      });
      await expect(failing).rejects.toThrow(RangeError);
      expect(await count()).toBe("1");
      const failed = pool.connection(async (conn) => {
        if (autocommit) await conn.execute("begin");
        await conn.execute(`insert into ${table} values (3)`);
        await conn.execute("select 1/0").catch(() => {});
      });
      await expect(failed).rejects.toThrow(errors.InFailedSqlTransaction);
      expect(await count()).toBe("1");
      expect(pool.getStats()).toMatchObject({ returnsBad: 0, returnsInTransaction: 0 });
    } finally {
      await administer(`drop table ${table}`);
    }
  });

  test("waits for what it did not await", async () => {
    const pool = newPool({ maxSize: 1 });
    let done = false;
    const warnings = await warningsOf(async () => {
      await pool.connection((conn) => {
        void conn.execute("select pg_sleep(0.05)").then(() => (done = true));
      });
    });
    expect(done).toBe(true);
    expect(warnings).toEqual([]);
  });
});
