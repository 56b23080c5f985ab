// Types of a database, fetched and registered, in both shells.

import { describe, expect, test } from "@jest/globals";
import { globalAdapters } from "../../src/adapt/builtins.ts";
import {
  AdaptersMap,
  ArrayInfo,
  type AsyncConnection,
  BlockingConnectionPool,
  CompositeInfo,
  ConnectionPool,
  DomainInfo,
  EnumInfo,
  MultirangeInfo,
  ProgrammingError,
  Range,
  RangeInfo,
  registerComposite,
  registerEnum,
  registerHstore,
  registerMultirange,
  registerRange,
  TypeInfo,
} from "../../src/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { eventually, expectUsable, failureOf, type Shell } from "../support/shells.ts";
import { connectForEach, typeStage } from "./type-stage.ts";

const { dbname, shells, administer } = typeStage();

describe.each(shells)("in the $name shell", (each: Shell) => {
  const { name: shell, connect } = each;
  let conn: AsyncConnection;
  const { valueOf } = connectForEach(each, (made) => (conn = made));

  describe("fetching", () => {
    test.each<[name: string | number | { asString(): string }, kind: unknown, regtype: string]>([
      ["mood", EnumInfo, "mood"],
      ["infos.mood", EnumInfo, "mood"],
      [' "infos" . "mood" ', EnumInfo, "mood"],
      ['"Other.Schema"."Mood ""x"""', EnumInfo, '"Other.Schema"."Mood ""x"""'],
      ["__proto__", CompositeInfo, "__proto__"],
      ['"very Positive"', DomainInfo, '"very Positive"'],
      ["items", CompositeInfo, "items"],
      ["floats", RangeInfo, "floats"],
      ["manyfloats", MultirangeInfo, "manyfloats"],
      ["person[]", ArrayInfo, "person[]"],
      ["hstore", TypeInfo, "hstore"],
      ["citext", TypeInfo, "citext"],
      ["double precision", TypeInfo, "double precision"],
      ["numeric(10,2)", TypeInfo, "numeric"],
      [23, TypeInfo, "integer"],
      [3904, RangeInfo, "int4range"],
      [4451, MultirangeInfo, "int4multirange"],
      [{ asString: () => '"Other.Schema"."mood"' }, EnumInfo, '"Other.Schema".mood'],
    ])("case %#: %s is found", async (name, kind, regtype) => {
      const info = await TypeInfo.fetch(conn, name);
      expect(info.constructor).toBe(kind);
      expect(info.regtype).toBe(regtype);
      const [row] = await conn.query(
        "select $1::regtype::oid as oid, typarray, typname, typdelim from pg_type where oid = $1::regtype",
        [regtype],
      );
      expect([info.oid, info.arrayOid, info.name, info.delimiter]).toEqual([
        row?.oid,
        row?.typarray,
        row?.typname,
        row?.typdelim,
      ]);
    });

    test("knows what a type consists of", async () => {
      const family = await CompositeInfo.fetch(conn, "family");
      expect(family.fieldNames).toEqual(["people", "home", "moods"]);
      expect(family.parts.map(({ regtype }) => regtype)).toEqual(
        expect.arrayContaining(["person", "mood", "positive", "point2", "person[]"]),
      );
      expect(family.parts.map(({ regtype }) => regtype)).not.toContain("family");
      const mood = await EnumInfo.fetch(conn, "mood");
      expect(mood.labels).toEqual(["sad", "ok", `it's "fine"`, ""]);
      expect((await DomainInfo.fetch(conn, '"very Positive"')).baseOid).toBe(
        (await TypeInfo.fetch(conn, "positive")).oid,
      );
      expect((await RangeInfo.fetch(conn, "floats")).subtypeOid).toBe(701);
      const many = await MultirangeInfo.fetch(conn, "manyfloats");
      expect([many.rangeOid, many.subtypeOid]).toEqual([
        (await TypeInfo.fetch(conn, "floats")).oid,
        701,
      ]);
      expect((await CompositeInfo.fetch(conn, "items")).fieldNames).toEqual([
        "id",
        "label",
        "size",
      ]);
      expect((await CompositeInfo.fetch(conn, "nothing")).fieldTypes).toEqual([]);
      expect(String(mood)).toBe(`<EnumInfo mood (oid ${mood.oid})>`);
    });

    test("follows the search_path", async () => {
      await conn.execute(`set search_path = "Other.Schema", infos`);
      expect((await EnumInfo.fetch(conn, "mood")).labels).toEqual(["elsewhere"]);
      expect((await EnumInfo.fetch(conn, "infos.mood")).regtype).toBe("infos.mood");
    });

    test.each<[name: unknown, message: RegExp]>(
      [
        ["nosuch", /has no type nosuch that the search_path leads to/],
        ["Mood", undefined as never],
        ['"Mood"', /has no type "Mood"/],
        ["", /./],
        ["other.mood", /./],
        [4_000_000_000, /has no type with the oid 4000000000/],
        [0, /0 is not the oid of a type/],
        [-1, /-1 is not the oid/],
        [null, /a type is named by a string.*not by object/],
        [undefined, /not by undefined/],
        ["a\0b", /a type is named by/],
      ].filter(([, message]) => message) as [unknown, RegExp][],
    )("case %#: a type that there isn't is an error (%j)", async (name, message) => {
      const error = await failureOf(() => TypeInfo.fetch(conn, name as string));
      expect(error).toBeInstanceOf(ProgrammingError);
      expect(error.message).toMatch(message);
      if (/has no type/.test(error.message)) expect(error.code).toBe("ERR_MAHOUT_UNKNOWN_TYPE");
      await expectUsable(conn);
    });

    test("a class takes only types of its kind", async () => {
      const error = await failureOf(() => EnumInfo.fetch(conn, "person"));
      expect(error).toBeInstanceOf(ProgrammingError);
      expect(error.message).toMatch(/person is a composite type, not what EnumInfo is for/);
    });

    test("begins no transaction, and sees what an open one has made", async () => {
      conn.autocommit = false;
      await TypeInfo.fetch(conn, "mood");
      expect(conn.info.transactionStatus).toBe("idle");
      await conn.execute("create type fresh as enum ('a')");
      expect((await EnumInfo.fetch(conn, "fresh")).labels).toEqual(["a"]);
      expect(conn.info.transactionStatus).toBe("inTransaction");
      await conn.rollback();
      expect((await failureOf(() => TypeInfo.fetch(conn, "fresh"))).code).toBe(
        "ERR_MAHOUT_UNKNOWN_TYPE",
      );
      await failureOf(() => conn.execute("select 1/0"));
      expect((await failureOf(() => TypeInfo.fetch(conn, "mood"))).sqlstate).toBe("25P02");
      await conn.rollback();
    });

    test("works in a transaction block and in a pipeline", async () => {
      const tx = await conn.transaction();
      expect((await TypeInfo.fetch(conn, "mood")).name).toBe("mood");
      await tx.commit();
      const pipeline = await conn.pipeline();
      const cursor = await conn.execute("select 1 as n");
      expect((await TypeInfo.fetch(conn, "mood")).name).toBe("mood");
      expect(await cursor.fetchOne()).toEqual({ n: 1 });
      await (pipeline as unknown as { sync(): unknown }).sync();
    });

    test("is refused on a closed connection", async () => {
      const other = await connect();
      await other.close();
      expect((await failureOf(() => TypeInfo.fetch(other, "mood"))).code).toBe(
        "ERR_MAHOUT_CONNECTION_CLOSED",
      );
    });

    test("a pool lends a connection for it", async () => {
      const options = { maxSize: 1, connect: { options: "-c search_path=infos" } };
      const pool =
        shell === "async"
          ? new ConnectionPool(defaultServer().conninfo({ dbname }), options)
          : new BlockingConnectionPool(defaultServer().conninfo({ dbname }), options);
      expect((await EnumInfo.fetch(pool as ConnectionPool, "mood")).labels).toHaveLength(4);
      expect((await failureOf(() => EnumInfo.fetch(pool as ConnectionPool, "nosuch"))).code).toBe(
        "ERR_MAHOUT_UNKNOWN_TYPE",
      );
      await pool.close();
      await eventually(
        async () =>
          (
            await administer(
              "select 1 from pg_stat_activity where query like '%nosuch%' and pid <> pg_backend_pid()",
            )
          ).length === 0,
      );
    });
  });

  describe("without registering", () => {
    test("values are what the server prints, and domains what they are over", async () => {
      for (const binary of [undefined, true, false]) {
        const options = binary === undefined ? {} : { binary };
        const [row] = await conn.query(
          `select 'ok'::mood as mood, row(1, 2)::point2 as point, '{sad,ok}'::mood[] as moods, '[1,2)'::floats as range,
             5::"very Positive" as positive, '{{1,2}}'::matrix as matrix, 'sad'::weather as weather, 'a=>1'::hstore as h,
             'Aa'::citext as c where $1::int = 1`,
          [1],
          options,
        );
        expect(row).toEqual({
          mood: "ok",
          point: "(1,2)",
          moods: "{sad,ok}",
          range: "[1,2)",
          positive: 5,
          matrix: [[1, 2]],
          weather: "sad",
          h: '"a"=>"1"',
          c: "Aa",
        });
      }
    });

    test("a record is a list: of strings in text, of typed values in binary", async () => {
      const text = `select row(1, 'a,"b', null, '2020-01-02'::date, array[1, 2], 'ok'::mood) as v where $1`;
      for (const binary of [undefined, false])
        expect(await valueOf(text, [true], binary)).toEqual([
          "1",
          'a,"b',
          null,
          "2020-01-02",
          "{1,2}",
          "ok",
        ]);
      expect(await valueOf(text, [true], true)).toEqual([
        1,
        'a,"b',
        null,
        "2020-01-02",
        [1, 2],
        Buffer.from("ok"),
      ]);
      expect(await valueOf("select array[row(1, 2), null] as v where $1", [true], true)).toEqual([
        [1, 2],
        null,
      ]);
      expect(await valueOf("select row(1::numeric, row('x')) as v where $1", [true], true)).toEqual(
        ["1", ["x"]],
      );
      expect(await valueOf("select row() as v where $1", [true], true)).toEqual([]);
    });

    test("a Range is taken as its text", async () => {
      expect(await valueOf("select $1::floats as v", [new Range(1.5, null)])).toBe("[1.5,)");
    });

    test("an object names the remedy", async () => {
      const error = await failureOf(() => conn.query("select $1::point2 as v", [{ x: 1, y: 2 }]));
      expect(error.message).toMatch(
        /the unregistered type \d+\): there is no dumper for an object.*CompositeInfo\.fetch/,
      );
    });
  });

  describe("what isn't registered", () => {
    test.each<[text: string, plain: unknown, binary: unknown]>([
      ["'sad'::mood", "sad", "sad"],
      ["array['sad']::mood[]", "{sad}", "{sad}"],
      ["row(1, 2)::point2", "(1,2)", "(1,2)"],
      ["array[row(1, 2)::point2]", '{"(1,2)"}', '{"(1,2)"}'],
      ["'[1,2)'::floats", "[1,2)", "[1,2)"],
      ["7::positive", 7, 7],
      ["row(1, 'a')", ["1", "a"], [1, "a"]],
      ["row(1, 'sad'::mood)", ["1", "sad"], [1, Buffer.from("sad")]],
      ["(row(1, 2)::point2).y", 2, 2],
      ["to_jsonb(row(1, 2)::point2)", { x: 1, y: 2 }, { x: 1, y: 2 }],
    ])("%s is read as the documentation says", async (text, plain, inBinary) => {
      expect(await valueOf(`select ${text} as v`)).toEqual(plain);
      expect(await valueOf(`select ${text} as v where $1`, [true])).toEqual(plain);
      expect(await valueOf(`select ${text} as v where $1`, [true], true)).toEqual(inBinary);
    });
  });

  describe("registering", () => {
    test("is for the connection, the cursor, the map or the program that is named", async () => {
      const info = await TypeInfo.fetch(conn, "point2");
      const cursor = conn.cursor();
      info.register(cursor);
      await cursor.execute("select '(1,2)'::point2 as v where $1", [true]);
      expect(await cursor.fetchOne()).toEqual({ v: { x: 1, y: 2 } });
      expect(await valueOf("select '(1,2)'::point2 as v where $1", [true])).toBe("(1,2)");
      const map = new AdaptersMap(globalAdapters);
      info.register(map);
      const inheriting = await connect({ adapters: map });
      expect(await inheriting.query("select '(1,2)'::infos.point2 as v")).toEqual([
        { v: { x: 1, y: 2 } },
      ]);
      await inheriting.close();
      info.register();
      const later = await connect();
      expect(await later.query("select '(1,2)'::infos.point2 as v")).toEqual([
        { v: { x: 1, y: 2 } },
      ]);
      expect(
        (await later.execute("select '(1,2)'::infos.point2 as v")).description?.[0]?.typeDisplay,
      ).toBe("point2");
      await later.close();
    });

    test("leaves alone what was registered for parts of a type", async () => {
      registerEnum(await EnumInfo.fetch(conn, "mood"), conn, {
        sad: 1,
        ok: 2,
        [`it's "fine"`]: 3,
        "": 4,
      });
      (await TypeInfo.fetch(conn, "person")).register(conn);
      expect(
        await valueOf("select $1::person as v", [["a", 2, 1, null, null, null]]),
      ).toMatchObject({ feels: 2 });
    });

    test("an array type brings its elements", async () => {
      (await ArrayInfo.fetch(conn, "point2[]")).register(conn);
      expect(await valueOf("select $1::point2[] as v", [[{ x: 1, y: 2 }]])).toEqual([
        { x: 1, y: 2 },
      ]);
    });

    test("what is built in stays as it is", async () => {
      conn.adapters.registerLoader("int4", () => "own");
      (await TypeInfo.fetch(conn, "int4")).register(conn);
      (await TypeInfo.fetch(conn, "int4range")).register(conn);
      expect(await valueOf("select 1::int4 as v where $1", [true])).toBe("own");
    });

    test.each<[register: (info: never, context: never) => void, given: unknown, message: RegExp]>([
      [
        registerComposite,
        undefined,
        /registerComposite\(\) takes what CompositeInfo\.fetch\(\) gives, not undefined/,
      ],
      [registerEnum, {}, /registerEnum\(\) takes what EnumInfo/],
      [registerRange, "floats", /registerRange\(\) takes what RangeInfo/],
      [registerMultirange, null, /registerMultirange\(\) takes what MultirangeInfo/],
      [registerHstore, Promise.resolve(), /registerHstore\(\) takes what TypeInfo.*not a Promise/],
    ])("case %#: what is no info is refused", (register, given, message) => {
      expect(() => register(given as never, conn as never)).toThrow(message);
    });

    test("what has no adapters is refused", async () => {
      const info = await TypeInfo.fetch(conn, "mood");
      for (const context of [null, {}, "global", 5])
        expect(() => info.register(context as never)).toThrow(ProgrammingError);
    });
  });
});
