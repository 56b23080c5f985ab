// The types of a database, made known without naming them once there is a connection: what fetchAll gives, what the
// program registers beside it, and types that come and go.

import { afterEach, describe, expect, test } from "@jest/globals";
import { globalAdapters } from "../../src/adapt/builtins.ts";
import {
  AdaptersMap,
  type AsyncConnection,
  CompositeInfo,
  EnumInfo,
  ProgrammingError,
  Range,
  registerComposite,
  registerEnum,
  registerTypes,
  tupleRow,
  TypeInfo,
} from "../../src/index.ts";
import { expectUsable, failureOf } from "../support/shells.ts";
import { fetchTypesStage, knowingTypes } from "./fetch-types-stage.ts";

const { shells } = fetchTypesStage();

describe.each(shells)("in the $name shell", (each) => {
  const { connect } = each;
  const connectTo = knowingTypes(each);
  const before = new AdaptersMap(globalAdapters);
  afterEach(() => globalAdapters.assume(before));

  describe("fetchAll", () => {
    test("gives what fetch gives for each type", async () => {
      await using conn = await connect();
      const infos = await TypeInfo.fetchAll(conn);
      const expected = await conn.query<[number]>(
        `select oid from pg_type t where typtype in ('b', 'c', 'd', 'e', 'm', 'r')
          and (oid >= 16384 and not exists (select from pg_type e where e.typarray = t.oid)
            or typtype = 'd' or oid = 'pg_class'::regtype) order by oid`,
        [],
        { rowFactory: tupleRow as never },
      );
      expect(infos.map(({ oid }) => oid)).toEqual(expected.map(([oid]) => oid));
      for (const info of infos) expect(info).toStrictEqual(await TypeInfo.fetch(conn, info.oid));
      await expectUsable(conn);
    });

    test("of a class gives those of this class", async () => {
      await using conn = await connect();
      const enums = await EnumInfo.fetchAll(conn);
      expect(enums.map(({ regtype }) => regtype)).toEqual(["mood", `"Far Away"."Mood ""x"""`]);
      expect(enums[0]?.labels).toEqual(["sad", `it's "fine"`, ""]);
      const composites = await CompositeInfo.fetchAll(conn, { timeout: 30_000 });
      expect(composites.map(({ name }) => name)).toEqual(
        expect.arrayContaining(["point2", "person", "items", "seen", "pg_class"]),
      );
    });

    test("works in a transaction, and is refused on a closed connection", async () => {
      await using conn = await connect();
      const tx = await conn.transaction();
      await conn.execute("create type late as enum ('x')");
      expect((await EnumInfo.fetchAll(conn)).map(({ name }) => name)).toContain("late");
      expect(conn.info.transactionStatus).toBe("inTransaction");
      await tx.rollback();
      expect((await EnumInfo.fetchAll(conn)).map(({ name }) => name)).not.toContain("late");
      await conn.close();
      expect((await failureOf(() => TypeInfo.fetchAll(conn))).code).toBe(
        "ERR_MAHOUT_CONNECTION_CLOSED",
      );
    });
  });

  describe("what the program registers counts", () => {
    const text =
      "select 'sad'::mood as one, '{sad}'::mood[] as list, ('x', 'sad', 1, null, null, null, null)::app.person as who";
    const values = { sad: 1, [`it's "fine"`]: 2, "": 3 };

    async function expectMapped(conn: AsyncConnection): Promise<void> {
      const [row] = await conn.query(text);
      expect(row).toMatchObject({ one: 1, list: [1], who: { name: "x", feels: 1 } });
      expect(await conn.query("select $1::mood[]::text as v", [[3, 1]])).toEqual([
        { v: '{"",sad}' },
      ]);
    }

    async function mood(): Promise<EnumInfo> {
      await using conn = await connect();
      return await EnumInfo.fetch(conn, "mood");
    }

    test("before, for the program or in a map", async () => {
      const info = await mood();
      const adapters = new AdaptersMap(globalAdapters);
      registerEnum(info, adapters, values);
      await using conn = await connectTo({ adapters });
      await expectMapped(conn);
      registerEnum(info, undefined, values);
      await using other = await connectTo();
      await expectMapped(other);
    });

    test("after, for the connection, the cursor and by name", async () => {
      await using conn = await connectTo();
      registerEnum(await mood(), conn, values);
      await expectMapped(conn);
      registerTypes(await TypeInfo.fetchAll(conn), conn);
      await expectMapped(conn);

      await using other = await connectTo();
      const cur = other.cursor();
      registerEnum(await mood(), cur, values);
      expect(await (await cur.execute(text)).fetchOne()).toMatchObject({ one: 1, list: [1] });
      expect(await other.query("select 'sad'::mood as one")).toEqual([{ one: "sad" }]);
      other.adapters.registerLoader("mood", () => "loaded");
      other.adapters.registerDumper("app.point2", (value) => [value, value]);
      expect(await other.query(text)).toMatchObject([
        { one: "loaded", list: ["loaded"], who: { feels: "loaded" } },
      ]);
      expect(await other.query("select $1::app.point2::text as v", [7])).toEqual([{ v: "(7,7)" }]);
    });

    test("a class for a composite, in others too", async () => {
      class Point {
        readonly x: number;
        constructor({ x }: { x: number }) {
          this.x = x;
        }
      }
      await using conn = await connectTo();
      registerComposite(await CompositeInfo.fetch(conn, "app.point2"), conn, { factory: Point });
      const [row] = await conn.query("select i from items i where id = 1");
      expect((row as { i: { size: unknown } }).i.size).toBeInstanceOf(Point);
    });

    test("registering what consists of others leaves these as they are", async () => {
      await using conn = await connectTo();
      await conn.execute("create type pg_temp.bag as (h hstore, c citext[])");
      (await TypeInfo.fetch(conn, "pg_temp.bag")).register(conn);
      (await TypeInfo.fetch(conn, "hstore")).register(conn);
      expect(await conn.query("select ('a=>1', '{x}')::pg_temp.bag as b")).toEqual([
        { b: { h: { a: "1" }, c: ["x"] } },
      ]);
    });
  });

  describe("types that come and go", () => {
    test("later ones are known once they were fetched", async () => {
      await using conn = await connectTo();
      await conn.execute("create type later as enum ('a'); create table lately (l later[])");
      try {
        await conn.execute("insert into lately values ('{a}')");
        const text = "select l, lately as r from lately";
        expect(await conn.query(text)).toEqual([{ l: "{a}", r: "({a})" }]);
        registerTypes(await TypeInfo.fetchAll(conn), conn);
        expect(await conn.query(text)).toEqual([{ l: ["a"], r: { l: ["a"] } }]);
        await conn.execute("alter type later add value 'b'");
        const error = await failureOf(() => conn.query("select $1::later", ["b"]));
        expect(error.code).toBe("ERR_MAHOUT_NO_SUCH_LABEL");
        registerTypes(await EnumInfo.fetchAll(conn), conn);
        expect(await conn.query("select $1::later as l", ["b"])).toEqual([{ l: "b" }]);
        await conn.execute("alter table lately add column n int default 1");
        expect((await failureOf(() => conn.query(text))).code).toBe("ERR_MAHOUT_TYPE_CHANGED");
        registerTypes(await TypeInfo.fetchAll(conn), conn);
        expect(await conn.query(text)).toEqual([{ l: ["a"], r: { l: ["a"], n: 1 } }]);
      } finally {
        await conn.execute("drop table lately; drop type later");
      }
      expect(await conn.query("select 'sad'::mood as m, array['sad']::mood[] as l")).toEqual([
        { m: "sad", l: ["sad"] },
      ]);
      await expectUsable(conn);
    });

    test("one that is registered by itself brings what it consists of as it is by then", async () => {
      await using conn = await connectTo();
      await conn.execute("create type lately as enum ('a'); create type holder as (l lately)");
      try {
        registerTypes(await TypeInfo.fetchAll(conn), conn);
        await conn.execute("alter type lately add value 'b'");
        (await TypeInfo.fetch(conn, "holder")).register(conn);
        expect(
          await conn.query("select $1::holder as h, $2::lately as l", [{ l: "b" }, "b"]),
        ).toEqual([{ h: { l: "b" }, l: "b" }]);
      } finally {
        await conn.execute("drop type holder, lately");
      }
    });

    test("some of them can be registered, for the program too, and for maps", async () => {
      await using conn = await connect();
      const infos = await TypeInfo.fetchAll(conn);
      registerTypes(infos.filter(({ name }) => name === "person"));
      await using other = await connect();
      // With what it consists of, but nothing else.
      expect(
        await other.query(
          "select null::app.person[] as p, '{sad}'::mood[] as m, '[1,2)'::floats as f",
        ),
      ).toEqual([{ p: null, m: ["sad"], f: "[1,2)" }]);
      const map = new AdaptersMap(globalAdapters);
      registerTypes([], map);
      registerTypes(infos, map);
      await using third = await connect({ adapters: map });
      expect(await third.query("select '[1,2)'::floats as f")).toEqual([{ f: new Range(1, 2) }]);
    });

    test.each([[null], [7], ["mood"], [[1]], [[undefined]], [{}]])(
      "case %#: %j is no list of them",
      (infos) => {
        expect(() => registerTypes(infos as never, globalAdapters)).toThrow(ProgrammingError);
      },
    );

    test("what has no adapters is refused", async () => {
      await using conn = await connect();
      const infos = await TypeInfo.fetchAll(conn);
      expect(() => registerTypes(infos, {} as never)).toThrow(/types are registered for/);
    });
  });
});
