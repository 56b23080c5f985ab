// Types and adapters of a pool: fetched once, known to all of its connections, and to nobody else.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { globalAdapters } from "../../src/adapt/builtins.ts";
import {
  AdaptersMap,
  type AsyncConnection,
  BlockingConnectionPool,
  CompositeInfo,
  ConnectionPool,
  EnumInfo,
  type PoolOptions,
  registerEnum,
} from "../../src/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { administer, failureOf, shells } from "../support/shells.ts";

type Pool = ConnectionPool;

beforeAll(async () => {
  await administer(`drop schema if exists pooled cascade; create schema pooled;
    create type pooled.mood as enum ('sad', 'ok');
    create type pooled.spot as (x int, feels pooled.mood)`);
});

afterAll(async () => {
  await administer("drop schema pooled cascade");
});

describe.each(shells)("in the $name shell", ({ name }) => {
  const before = new AdaptersMap(globalAdapters);
  const pools: Pool[] = [];

  function poolOf(options: PoolOptions<Record<string, unknown>> = {}): Pool {
    const Kind = name === "async" ? ConnectionPool : (BlockingConnectionPool as never);
    const pool = new (Kind as typeof ConnectionPool)(defaultServer().conninfo(), {
      minSize: 0,
      maxSize: 3,
      ...options,
      connect: { options: "-c search_path=pooled", ...options.connect },
    } as never) as unknown as Pool;
    pools.push(pool);
    return pool;
  }

  let pool: Pool;
  beforeEach(() => {
    pool = poolOf();
  });

  afterEach(async () => {
    globalAdapters.assume(before);
    for (const each of pools.splice(0)) await each.close();
  });

  const pointOf = async (conn: AsyncConnection): Promise<unknown> =>
    (await conn.query("select '(1,ok)'::spot as v where $1", [true]))[0]?.v;

  test("a type is registered for connections that are idle, lent, or made later", async () => {
    const [lent, idle] = [await pool.getConn(), await pool.getConn()];
    await pool.putConn(idle);
    const info = await CompositeInfo.fetch(pool, "pooled.spot");
    expect(await pointOf(lent)).toBe("(1,ok)");
    info.register(pool);
    const value = { x: 1, feels: "ok" };
    expect(await pointOf(lent)).toEqual(value);
    const [again, fresh] = [await pool.getConn(), await pool.getConn()];
    expect(pool.getStats().connectionsNum).toBe(3);
    expect([await pointOf(again), await pointOf(fresh)]).toEqual([value, value]);
    expect((await failureOf(() => fresh.query("select $1::spot", [[1, "mad"]]))).code).toBe(
      "ERR_MAHOUT_NO_SUCH_LABEL",
    );
    for (const conn of [lent, again, fresh]) await pool.putConn(conn);
    expect(await pool.connection((conn) => pointOf(conn))).toEqual(value);
    const other = poolOf();
    expect(await other.connection((conn) => pointOf(conn))).toBe("(1,ok)");
  });

  test("a connection that replaces another knows what was registered", async () => {
    registerEnum(await EnumInfo.fetch(pool, "mood"), pool, { sad: 0, ok: 1 });
    pool.drain();
    const text = "select 'ok'::mood as v where $1";
    expect(await pool.connection((conn) => conn.query(text, [true]))).toEqual([{ v: 1 }]);
  });

  test("what its user registers on a lent connection is gone when it comes back", async () => {
    (await EnumInfo.fetch(pool, "mood")).register(pool);
    await pool.connection(async (conn) => {
      conn.adapters.registerLoader("int4", () => "mine");
      conn.adapters.registerLoader("mood", () => "mine");
    });
    const text = "select 5::int4 as n, 'ok'::mood as m where $1";
    const rows = await pool.connection((conn) => conn.query(text, [true]));
    expect(rows).toEqual([{ n: 5, m: "ok" }]);
    expect(pool.getStats().connectionsNum).toBe(1);
  });

  test("what configure() registers stays, whatever is registered later", async () => {
    const own = poolOf({
      configure: (conn) => conn.adapters.registerLoader("int4", () => "configured"),
    });
    const text = "select 5::int4 as n, 'ok'::mood[] as m where $1";
    const sees = (): unknown =>
      own.connection((conn) => conn.query("select 5::int4 as n where $1", [true]));
    expect(await sees()).toEqual([{ n: "configured" }]);
    (await EnumInfo.fetch(own, "mood")).register(own);
    expect(await sees()).toEqual([{ n: "configured" }]);
    const arrays = text.replace("'ok'", "'{ok}'");
    expect(await own.connection((conn) => conn.query(arrays, [true]))).toEqual([
      { n: "configured", m: ["ok"] },
    ]);
  });

  test("loaders and dumpers of a pool are its connections'", async () => {
    class Money {
      readonly amount = "1.50";
    }
    await pool.connection((conn) => conn.query("select 1"));
    pool.adapters.registerDumper(Money, ({ amount }) => amount);
    pool.adapters.registerDumper("bool", (value) => value === "yes");
    pool.adapters.registerLoader("numeric", (bytes, start, end) =>
      Number(bytes.toString("latin1", start, end)),
    );
    const text = "select $1::numeric as n, $2::bool as b";
    expect(await pool.connection((conn) => conn.query(text, [new Money(), "yes"]))).toEqual([
      { n: 1.5, b: true },
    ]);
    const error = await failureOf(() =>
      poolOf().connection((conn) => conn.query(text, [new Money(), true])),
    );
    expect(error.message).toMatch(/registerDumper/);
  });

  test("new connections inherit what the program's adapters are by then", async () => {
    (await EnumInfo.fetch(pool, "mood")).register(pool);
    pool.drain();
    globalAdapters.registerLoader("int4", () => "global");
    const text = "select 5::int4 as n, '{ok}'::mood[] as m where $1";
    expect(await pool.connection((conn) => conn.query(text, [true]))).toEqual([
      { n: "global", m: ["ok"] },
    ]);
  });

  test("options of the connections still count", async () => {
    const own = poolOf({ connect: { int8: "string", adapters: new AdaptersMap(globalAdapters) } });
    (await EnumInfo.fetch(own, "mood")).register(own);
    expect(await own.connection((conn) => conn.query("select 5::int8 as n"))).toEqual([{ n: "5" }]);
  });
});
