// The types of a database in a pool: asked for once, shared by its connections, and asked for again when they
// may be others.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import {
  type AsyncConnection,
  BlockingConnectionPool,
  connect,
  ConnectionPool,
  EnumInfo,
  errors,
  type PoolOptions,
  registerEnum,
  registerTypes,
  TypeInfo,
} from "../../src/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { administer, eventually, failureOf, shells } from "../support/shells.ts";

type Pool = ConnectionPool;

const DATABASE = "pool_fetch_types";
const TYPES = `
  create type mood as enum ('sad', 'ok');
  create type spot as (x int, feels mood)`;
const SPOT = { x: 1, feels: "ok" };

async function create(types: string): Promise<void> {
  await administer(`drop database if exists ${DATABASE} with (force)`);
  await administer(`create database ${DATABASE}`);
  await administer(types, { dbname: DATABASE });
}

beforeAll(() => create(TYPES));

afterAll(async () => {
  await administer(`drop database if exists ${DATABASE} with (force)`);
});

describe.each(shells)("in the $name shell", ({ name }) => {
  const pools: Pool[] = [];
  let asked = 0;

  function poolOf(options: PoolOptions<Record<string, unknown>> = {}): Pool {
    asked = 0;
    const Kind = name === "async" ? ConnectionPool : (BlockingConnectionPool as never);
    const trace = (line: string): void => {
      if (line.includes("pg_is_other_temp_schema")) asked++;
    };
    const pool = new (Kind as typeof ConnectionPool)(
      defaultServer().conninfo({ dbname: DATABASE }),
      {
        minSize: 0,
        maxSize: 3,
        ...options,
        connect: { fetchTypes: true, trace, ...options.connect },
      } as never,
    ) as unknown as Pool;
    pools.push(pool);
    return pool;
  }

  afterEach(async () => {
    for (const each of pools.splice(0)) await each.close();
  });

  const spotOf = async (conn: AsyncConnection): Promise<unknown> =>
    (await conn.query("select '(1,ok)'::spot as v where $1", [true]))[0]?.v;

  async function endAll(): Promise<void> {
    const text = `from pg_stat_activity where datname = '${DATABASE}'`;
    await administer(`select pg_terminate_backend(pid) ${text}`);
    await eventually(async () => (await administer(`select 1 ${text}`)).length === 0);
  }

  test("one connection asks, and all know", async () => {
    const pool = poolOf();
    const conns = [await pool.getConn(), await pool.getConn(), await pool.getConn()];
    for (const conn of conns) expect(await spotOf(conn)).toEqual(SPOT);
    expect(asked).toBe(1);
    for (const conn of conns) await pool.putConn(conn);
    expect(await pool.connection((conn) => spotOf(conn))).toEqual(SPOT);
    expect(asked).toBe(1);
    // What is asked of the pool itself is known as well.
    pool.adapters.registerLoader("mood", () => "loaded");
    expect(await pool.connection((conn) => spotOf(conn))).toEqual({ x: 1, feels: "loaded" });
  });

  test("connections of another role ask for themselves", async () => {
    await administer("drop role if exists other; create role other login");
    let count = 0;
    const Kind = name === "async" ? ConnectionPool : (BlockingConnectionPool as never);
    const pool = new (Kind as typeof ConnectionPool)(
      () => defaultServer().conninfo({ dbname: DATABASE, ...(count++ > 0 && { user: "other" }) }),
      {
        minSize: 0,
        connect: {
          fetchTypes: true,
          trace: (line) => (asked += Number(/pg_is_other_/.test(line))),
        },
      },
    );
    asked = 0;
    pools.push(pool);
    const conns = [await pool.getConn(), await pool.getConn(), await pool.getConn()];
    for (const conn of conns) {
      expect(await spotOf(conn)).toEqual(SPOT);
      await pool.putConn(conn);
    }
    expect(asked).toBe(2);
    await pool.close();
    await administer("drop role other");
  });

  test("when all connections were lost, the next one asks again: it may be another database", async () => {
    const pool = poolOf();
    const lent = await pool.getConn();
    expect(await spotOf(lent)).toEqual(SPOT);
    await endAll();
    // The same names in another order, so that an oid may be another type's now.
    await create(`create type other as (a int, b int, c int);
      create type mood as enum ('ok', 'new'); create type spot as (x int, feels mood)`);
    // Nobody has used the one that is lent since it ended.
    expect(await pool.connection((conn) => spotOf(conn))).toEqual(SPOT);
    expect(
      await pool.query(
        "select 'new'::mood as m, array[row(1, 2, 3)]::other[] as o, $1::mood as n",
        ["new"],
      ),
    ).toEqual([{ m: "new", o: [{ a: 1, b: 2, c: 3 }], n: "new" }]);
    expect(asked).toBe(2);
    await pool.putConn(lent);
    await pool.close();
    await create(TYPES);
  });

  test("types that were created later are known once the pool has them registered", async () => {
    const pool = poolOf();
    const [lent, idle] = [await pool.getConn(), await pool.getConn()];
    await pool.putConn(idle);
    await lent.execute("create type later as enum ('a')");
    const text = "select array['a']::later[] as v, '(1,ok)'::spot as s";
    expect(await lent.query(text)).toEqual([{ v: "{a}", s: SPOT }]);
    registerEnum(await EnumInfo.fetch(pool, "mood"), pool, { sad: 0, ok: 1 });
    registerTypes(await TypeInfo.fetchAll(pool), pool);
    const expected = [{ v: ["a"], s: { x: 1, feels: 1 } }];
    expect(await lent.query(text)).toEqual(expected);
    const [again, fresh] = [await pool.getConn(), await pool.getConn()];
    expect([await again.query(text), await fresh.query(text)]).toEqual([expected, expected]);
    for (const conn of [lent, again, fresh]) await pool.putConn(conn);
    expect(await pool.query(text)).toEqual(expected);
    // What a new connection fetches is newer than what was registered for all.
    await pool.execute("alter type later add value 'b'");
    const before = asked;
    pool.drain();
    expect(await pool.query("select $1::later as v", ["b"])).toEqual([{ v: "b" }]);
    expect(asked).toBe(before + 1);
    await pool.execute("drop type later");
  });

  test("a connection that asked before all were told is told as well", async () => {
    const maker = await connect(defaultServer().conninfo({ dbname: DATABASE }));
    await maker.execute("begin; drop type if exists made; create type made as enum ('a')");
    const infos = [await EnumInfo.fetch(maker, "made")];
    const pool = poolOf({
      connect: {
        trace: (line) => {
          if (!line.includes("pg_is_other_temp_schema")) return;
          asked++;
          // The server has yet to answer, and sees nothing of this type.
          if (asked === 1) registerTypes(infos, pool);
        },
      },
    });
    const text = "select array['a']::made[] as v, '(1,ok)'::spot as s";
    const first = await pool.getConn();
    await maker.execute("commit");
    const expected = [{ v: ["a"], s: SPOT }];
    expect(await first.query(text)).toEqual(expected);
    const second = await pool.getConn();
    expect(await second.query(text)).toEqual(expected);
    for (const conn of [first, second]) await pool.putConn(conn);
    await maker.execute("drop type made");
    await maker.close();
  });

  test("what was asked before a drain is not kept after it", async () => {
    const pool = poolOf({
      connect: {
        trace: (line) => {
          if (line.includes("pg_is_other_temp_schema") && ++asked === 1) pool.drain();
        },
      },
    });
    const first = await pool.getConn();
    const second = await pool.getConn();
    expect(asked).toBe(2);
    for (const conn of [first, second]) await pool.putConn(conn);
  });

  test("without the option, what is registered for the pool holds for connections to come", async () => {
    const pool = poolOf({ connect: { fetchTypes: false } });
    const first = await pool.getConn();
    expect(await spotOf(first)).toBe("(1,ok)");
    registerTypes(await TypeInfo.fetchAll(pool), pool);
    const second = await pool.getConn();
    expect([await spotOf(first), await spotOf(second)]).toEqual([SPOT, SPOT]);
    for (const conn of [first, second]) await pool.putConn(conn);
    expect(asked).toBe(1);
  });

  test("what its user registers on a lent connection is gone when it comes back", async () => {
    const pool = poolOf({ connect: { fetchTypes: false } });
    const conn = await pool.getConn();
    registerTypes(await TypeInfo.fetchAll(conn), conn);
    expect(await spotOf(conn)).toEqual(SPOT);
    await pool.putConn(conn);
    expect(await pool.connection((again) => spotOf(again))).toBe("(1,ok)");
  });

  test("a server that doesn't let itself be asked is an attempt to connect that failed", async () => {
    await administer("drop role if exists blind; create role blind login");
    await administer("revoke select on pg_catalog.pg_enum from public", { dbname: DATABASE });
    try {
      const pool = poolOf({
        ...(name === "async" && { timeout: 1000 }),
        connect: { user: "blind" },
      });
      const error = await failureOf(() => pool.query("select 1"));
      const reason = error instanceof errors.InsufficientPrivilege ? error : error.cause;
      expect(reason).toBeInstanceOf(errors.InsufficientPrivilege);
      expect(String(reason)).toMatch(/fetchTypes could not ask/);
      expect(pool.getStats().poolSize).toBe(0);
    } finally {
      await administer("grant select on pg_catalog.pg_enum to public", { dbname: DATABASE });
      await administer("drop role blind");
    }
  });
});
