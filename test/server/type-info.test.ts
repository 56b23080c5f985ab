// Types of a database, fetched and registered, in both shells.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { globalAdapters } from "../../src/adapt/builtins.ts";
import {
  AdaptersMap,
  ArrayInfo,
  type AsyncConnection,
  BlockingConnectionPool,
  CompositeInfo,
  ConnectionPool,
  DataError,
  DomainInfo,
  EnumInfo,
  Multirange,
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
import {
  administer,
  eventually,
  expectUsable,
  failureOf,
  type Shell,
  shells,
} from "../support/shells.ts";

const SCHEMA = "infos";
const TYPES = `
  create schema infos;
  create schema "Other.Schema";
  set search_path = infos, public;
  create type mood as enum ('sad', 'ok', 'it''s "fine"', '');
  create type "Other.Schema"."Mood ""x""" as enum ('A');
  create type "Other.Schema".mood as enum ('elsewhere');
  create type "__proto__" as ("__proto__" text, "constructor" int, "a b" int);
  create domain positive as int check (value > 0);
  create domain "very Positive" as positive;
  create domain matrix as int[];
  create domain weather as mood;
  create type point2 as (x int, y int);
  create type nothing as ();
  create type one as (it text);
  create type person as (name text, feels mood, age positive, at point2, seen timestamptz, tags text[]);
  create type family as (people person[], home point2, moods mood[]);
  create domain parent as person;
  create type floats as range (subtype = float8, multirange_type_name = manyfloats);
  create type moods as range (subtype = mood);
  create table items (id int primary key, gone text, label text, size point2);
  alter table items drop column gone;
  create extension hstore;
  create extension citext;
`;

beforeAll(async () => {
  await administer(`drop schema if exists infos, "Other.Schema" cascade`);
  await administer(TYPES);
});

afterAll(async () => {
  await administer(`drop schema infos, "Other.Schema" cascade`);
});

describe.each(shells)("in the $name shell", ({ name: shell, connect }: Shell) => {
  let conn: AsyncConnection;
  const before = new AdaptersMap(globalAdapters);

  beforeEach(async () => {
    conn = await connect({ options: `-c search_path=${SCHEMA},public` });
  });

  afterEach(async () => {
    globalAdapters.assume(before);
    await conn.close();
  });

  async function valueOf(
    text: string,
    parameters: unknown[] = [],
    binary?: boolean,
  ): Promise<unknown> {
    const options = binary === undefined ? {} : { binary };
    return (await conn.query(text, parameters, options))[0]?.v;
  }

  /** Expects a value that is sent to come back, in every format, and its text to be what the server says. */
  async function expectRoundTrip(type: string, value: unknown, text: string): Promise<void> {
    for (const binary of [undefined, true, false]) {
      const again = await valueOf(`select $1::${type} as v`, [value], binary);
      expect([binary, again]).toStrictEqual([binary, value]);
      expect([
        binary,
        await valueOf(`select '${text.replaceAll("'", "''")}'::${type} as v`, [], binary),
      ]).toStrictEqual([binary, value]);
    }
    expect(await valueOf(`select $1::${type}::text as v`, [value])).toBe(text);
  }

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
          ? new ConnectionPool(defaultServer().conninfo(), options)
          : new BlockingConnectionPool(defaultServer().conninfo(), options);
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

  describe("composites", () => {
    const ada = {
      name: `A "d" a, (\\)`,
      feels: `it's "fine"`,
      age: 36,
      at: { x: 1, y: -2 },
      seen: new Date("2024-02-29T12:30:00.5Z"),
      tags: ["a b", "", null, "{}"],
    };
    const nobody = { name: null, feels: null, age: null, at: null, seen: null, tags: null };
    const empty = {
      name: "",
      feels: "",
      age: 1,
      at: { x: null, y: null },
      seen: new Date(0),
      tags: [],
    };

    beforeEach(async () => {
      await conn.execute("set timezone = 'UTC'");
      (await TypeInfo.fetch(conn, "family")).register(conn);
    });

    test.each([
      ["person", nobody, "(,,,,,)"],
      ["person", empty, '("","",1,"(,)","1970-01-01 00:00:00+00",{})'],
      ["point2[]", [[{ x: 1, y: 2 }], [null]], '{{"(1,2)"},{NULL}}'],
      ["family", { people: [], home: null, moods: ["sad", null, ""] }, '({},,"{sad,NULL,""""}")'],
    ])("of %s come back as they went: case %#", async (type, value, text) => {
      await expectRoundTrip(type, value, text);
    });

    test("are nested as deep as they are", async () => {
      const family = { people: [ada, null, empty], home: { x: 0, y: 0 }, moods: ["ok"] };
      const text = (await valueOf("select $1::family::text as v", [family])) as string;
      await expectRoundTrip("family", family, text);
      const [row] = await conn.query(
        "select f, (f).people[1].name, ((f).people[3]).tags, array_length((f).people, 1) as n from (select $1::family as f) _",
        [family],
      );
      expect(row).toEqual({ f: family, name: ada.name, tags: [], n: 3 });
    });

    test("are taken as objects, arrays, instances, and text", async () => {
      class Point {
        readonly #x: number;
        readonly y = 2;
        constructor(x: number) {
          this.#x = x;
        }
        get x(): number {
          return this.#x;
        }
      }
      for (const value of [
        { x: 1, y: 2, z: 3 },
        [1, 2],
        [1n, "2"],
        new Point(1),
        "(1,2)",
        Object.assign(Object.create(null), { x: 1, y: 2 }),
      ])
        expect(await valueOf("select $1::point2 as v", [value])).toEqual({ x: 1, y: 2 });
      (await TypeInfo.fetch(conn, "one")).register(conn);
      expect(await valueOf("select $1::one as v", [[null]])).toEqual({ it: null });
    });

    test.each<[type: string, value: unknown, kind: unknown, message: RegExp]>([
      [
        "point2",
        { x: 1 },
        DataError,
        /parameter \$1 \(point2\): point2 got no value for its field "y"; use null/,
      ],
      ["point2", { x: 1, y: undefined }, DataError, /field "y"/],
      ["point2", [1], DataError, /point2 has 2 fields \(x, y\), but 1 values were given/],
      ["point2", [1, undefined], DataError, /field "y"/],
      [
        "point2",
        5,
        ProgrammingError,
        /point2 takes an object or an array of its fields, not a number/,
      ],
      ["point2", new Date(0), ProgrammingError, /not a Date/],
      ["point2", Buffer.from("x"), ProgrammingError, /not a Buffer/],
      ["point2", { x: 1.5, y: 1 }, DataError, /field "x" \(int4\): 1\.5 is not an integer/],
      ["point2[]", [[1, 2]], ProgrammingError, /takes an object/],
      [
        "family",
        { people: [{ ...ada, feels: "glad" }], home: null, moods: [] },
        DataError,
        /field "people" \(person\[\]\): element \[0\]: field "feels" \(mood\): "glad" is not a label/,
      ],
    ])("case %#: what is no %s is refused", async (type, value, kind, message) => {
      const error = await failureOf(() => conn.query(`select $1::${type} as v`, [value]));
      expect(error).toBeInstanceOf(kind);
      expect(error.message).toMatch(message);
      await expectUsable(conn);
    });

    test("have fields of any name", async () => {
      (await TypeInfo.fetch(conn, "__proto__")).register(conn);
      const value = JSON.parse(`{"__proto__": "polluted", "constructor": 1, "a b": 2}`) as object;
      await expectRoundTrip('"__proto__"', value, "(polluted,1,2)");
      expect(({} as Record<string, unknown>).polluted).toBeUndefined();
      const read = (await valueOf(`select '(x,1,2)'::"__proto__" as v`)) as object;
      expect([Object.getPrototypeOf(read), Object.keys(read)]).toEqual([
        Object.prototype,
        ["__proto__", "constructor", "a b"],
      ]);
      const error = await failureOf(() => conn.query(`select $1::"__proto__"`, [{ "a b": 2 }]));
      expect(error.message).toMatch(/no value for its field "__proto__"/);
    });

    test("may have no fields, or one", async () => {
      for (const type of ["nothing", "one"]) (await TypeInfo.fetch(conn, type)).register(conn);
      for (const binary of [undefined, true, false]) {
        expect(await valueOf("select $1::nothing as v", [{}], binary)).toEqual({});
        for (const it of [null, "", "x"])
          expect(await valueOf("select $1::one as v", [{ it }], binary)).toEqual({ it });
      }
    });

    test("are rows of tables, without columns that were dropped", async () => {
      (await TypeInfo.fetch(conn, "items")).register(conn);
      const value = { id: 1, label: "x", size: { x: 1, y: 2 } };
      await expectRoundTrip("items", value, '(1,x,"(1,2)")');
      await conn.execute("begin");
      await conn.query("insert into items select ($1::items).*", [value]);
      expect(
        await conn.query("select items as v, array_agg(items) as a from items group by items"),
      ).toEqual([{ v: value, a: [value] }]);
      await conn.execute("rollback");
    });

    test("are copied in both formats and directions", async () => {
      await conn.execute("create temp table copied (p person, ps person[], d positive)");
      const rows = [
        [ada, [ada, null], 1],
        [nobody, [], null],
        [null, null, 7],
      ];
      for (const format of ["text", "binary"]) {
        await conn
          .cursor()
          .copy(`copy copied from stdin (format ${format})`, (copy) => copy.writeRows(rows));
        const read = await conn
          .cursor()
          .copy(`copy copied to stdout (format ${format})`, (copy) => {
            copy.setTypes(["person", "person[]", "positive"]);
            return shell === "async"
              ? allOf(copy.rows())
              : [...(copy.rows() as unknown as Iterable<unknown>)];
          });
        expect([format, read]).toEqual([format, rows]);
        expect(await conn.query("select p, ps from copied")).toEqual(
          rows.map(([p, ps]) => ({ p, ps })),
        );
        await conn.execute("truncate copied");
      }
    });

    test("become what the program makes of them", async () => {
      class Point {
        readonly x: number;
        readonly y: number;
        constructor({ x, y }: { x: number; y: number }) {
          this.x = x;
          this.y = y;
        }
      }
      const info = await CompositeInfo.fetch(conn, "point2");
      registerComposite(info, conn, { factory: Point });
      await expectRoundTrip("point2[]", [new Point({ x: 1, y: 2 })], '{"(1,2)"}');
      expect(
        await valueOf("select row('a', 'ok', 1, row(3, 4), null, null)::person as v"),
      ).toMatchObject({ at: new Point({ x: 3, y: 4 }) });
      registerComposite(info, conn, {
        makeObject: ([x, y], { name }) => new Map([[name, [x, y]]]),
        makeSequence: (map, { name }) => map.get(name) as number[],
      });
      await expectRoundTrip("point2", new Map([["point2", [1, 2]]]), "(1,2)");
    });

    test("follow what is registered for their fields, also later", async () => {
      class Money {
        readonly amount: number;
        constructor(amount: number) {
          this.amount = amount;
        }
      }
      conn.adapters.registerDumper(Money, ({ amount }) => amount);
      conn.adapters.registerLoader(
        "int4",
        (bytes, start, end) => new Money(Number(bytes.toString("latin1", start, end))),
      );
      for (const binary of [undefined, true, false])
        expect(
          await valueOf("select $1::point2 as v", [{ x: new Money(1), y: 2 }], binary),
        ).toEqual({ x: new Money(1), y: new Money(2) });
      const cursor = conn.cursor();
      cursor.adapters.registerLoader("int4", () => "cursor's");
      await cursor.execute("select $1::point2 as v", [[1, 2]]);
      expect(await cursor.fetchOne()).toEqual({ v: { x: "cursor's", y: "cursor's" } });
      expect(await valueOf("select $1::point2 as v", [[1, 2]])).toEqual({
        x: new Money(1),
        y: new Money(2),
      });
    });
  });

  describe("a type that was altered since", () => {
    beforeEach(async () => {
      await conn.execute("create type infos.changing as (a int, b text)");
      (await TypeInfo.fetch(conn, "changing")).register(conn);
      expect(await valueOf("select $1::changing as v", [[1, "x"]])).toEqual({ a: 1, b: "x" });
    });

    afterEach(async () => {
      await conn.execute("drop type infos.changing");
    });

    test.each([
      ["add attribute c int", "(1,x,2)", { a: 1, b: "x", c: 2 }],
      ["drop attribute b", "(1)", { a: 1 }],
      ["alter attribute b type int", "(1,2)", { a: 1, b: 2 }],
    ])("%s: is never read as what it was", async (change, text, value) => {
      await conn.execute(`alter type changing ${change}`);
      const formats = change.startsWith("alter") ? [undefined, true] : [undefined, true, false];
      for (const binary of formats) {
        const error = await failureOf(() =>
          valueOf(`select '${text}'::changing as v where $1`, [true], binary),
        );
        expect([error.code, error.message]).toEqual([
          "ERR_MAHOUT_TYPE_CHANGED",
          expect.stringMatching(/^the type changing has changed since.*fetch it again/),
        ]);
        await expectUsable(conn);
      }
      (await TypeInfo.fetch(conn, "changing")).register(conn);
      expect(await valueOf(`select '${text}'::changing as v where $1`, [true])).toEqual(value);
    });

    test("a value of its old shape is the server's to refuse", async () => {
      await conn.execute("alter type changing drop attribute b");
      const error = await failureOf(() =>
        conn.query("select $1::changing as v", [{ a: 1, b: "x" }]),
      );
      expect(error.sqlstate).toBe("42804");
      await expectUsable(conn);
    });

    test("created again it has another oid; registering it again is enough", async () => {
      await conn.execute("drop type changing");
      await conn.execute("create type infos.changing as enum ('now')");
      expect(await valueOf("select 'now'::changing as v where $1", [true])).toBe("now");
      const info = await EnumInfo.fetch(conn, "changing");
      info.register(conn);
      expect(conn.adapters.oidOf("changing")).toBe(info.oid);
      expect((await failureOf(() => conn.query("select $1::changing", ["then"]))).message).toMatch(
        /not a label/,
      );
    });
  });

  describe("a composite that was created again", () => {
    const TEXT = "select row(1, 2)::again as v, array[row(1, 2)::again] as list where $1";
    const create = async (): Promise<void> => {
      await administer(`drop type if exists ${SCHEMA}.again`);
      await administer(`create type ${SCHEMA}.again as (a int, b int)`);
    };
    afterEach(async () => void (await administer(`drop type if exists ${SCHEMA}.again`)));

    test("is read as strings until it is fetched again", async () => {
      await create();
      (await CompositeInfo.fetch(conn, "again")).register(conn);
      const objects = [{ v: { a: 1, b: 2 }, list: [{ a: 1, b: 2 }] }];
      const strings = [{ v: "(1,2)", list: '{"(1,2)"}' }];
      for (const options of [{}, { binary: true }, { binary: false }]) {
        expect(await conn.query(TEXT, [true], options)).toEqual(objects);
        await create();
        // What is known of the statement asks for the old type's binary form, and it is executed by then.
        if (options.binary !== false) {
          const error = await failureOf(() => conn.query(TEXT, [true], options));
          expect(error).toBeInstanceOf(DataError);
          expect(error.message).toContain("the column's type has changed");
        }
        expect(await conn.query(TEXT, [true], options)).toEqual(strings);
        (await CompositeInfo.fetch(conn, "again")).register(conn);
      }
      expect(await conn.query(TEXT, [true])).toEqual(objects);
      expect(await valueOf("select ($1::again).b as v", [{ a: 3, b: 4 }])).toBe(4);
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

  describe("enums", () => {
    test("are their labels, and nothing else is sent", async () => {
      (await EnumInfo.fetch(conn, "mood")).register(conn);
      for (const label of ["sad", `it's "fine"`, ""]) await expectRoundTrip("mood", label, label);
      await expectRoundTrip(
        "mood[]",
        ["sad", null, "", `it's "fine"`],
        `{sad,NULL,"","it's \\"fine\\""}`,
      );
      await expectRoundTrip("mood[]", [["sad"], ["ok"]], "{{sad},{ok}}");
      for (const value of ["SAD", "__proto__", "toString", "sad "]) {
        const error = await failureOf(() => conn.query("select $1::mood", [value]));
        expect([error.code, error.message]).toEqual([
          "ERR_MAHOUT_NO_SUCH_LABEL",
          expect.stringMatching(/is not a label of the enum mood, which has "sad", "ok"/),
        ]);
      }
      expect((await failureOf(() => conn.query("select $1::mood", [1]))).message).toMatch(
        /mood takes a string that is one of its labels/,
      );
      const inArray = await failureOf(() => conn.query("select $1::mood[]", [["sad", "mad"]]));
      expect([inArray.code, inArray.message]).toEqual([
        "ERR_MAHOUT_NO_SUCH_LABEL",
        expect.stringMatching(/element \[1\]: "mad" is not a label/),
      ]);
    });

    test("of another schema with the same name are other enums", async () => {
      (await EnumInfo.fetch(conn, "mood")).register(conn);
      (await EnumInfo.fetch(conn, '"Other.Schema".mood')).register(conn);
      expect(await valueOf(`select $1::"Other.Schema".mood as v`, ["elsewhere"])).toBe("elsewhere");
      expect((await failureOf(() => conn.query("select $1::mood", ["elsewhere"]))).message).toMatch(
        /not a label of the enum mood/,
      );
    });

    test.each<
      [name: string, values: Parameters<typeof registerEnum>[2], pairs: [unknown, string][]]
    >([
      [
        "an object by its keys",
        { sad: -1, ok: 0, [`it's "fine"`]: 1, "": null as never, 0: "ok" },
        [
          [-1, "sad"],
          [0, "ok"],
        ],
      ],
      [
        "an object by its values",
        { SAD: "sad", OK: "ok", FINE: `it's "fine"`, NONE: "" },
        [
          ["sad", "sad"],
          ["", ""],
        ],
      ],
      [
        "a Map",
        new Map([
          [true, "ok"],
          [false, "sad"],
          [NaN, ""],
          [{}, `it's "fine"`],
        ] as [unknown, string][]),
        [
          [true, "ok"],
          [NaN, ""],
        ],
      ],
    ])("are mapped by %s", async (_, values, pairs) => {
      registerEnum(await EnumInfo.fetch(conn, "mood"), conn, values);
      for (const [value, label] of pairs) {
        await expectRoundTrip("mood", value, label);
        expect(await valueOf("select $1::mood as v", [label])).toStrictEqual(value);
      }
      expect((await failureOf(() => conn.query("select $1::mood", ["glad"]))).code).toBe(
        "ERR_MAHOUT_NO_SUCH_LABEL",
      );
      expect((await failureOf(() => conn.query("select $1::mood", [12345]))).code).toBe(
        "ERR_MAHOUT_NO_SUCH_LABEL",
      );
    });

    test.each<[values: Parameters<typeof registerEnum>[2], message: RegExp]>([
      [{ SAD: "sad" }, /nothing stands for "ok", "it's \\"fine\\"", ""/],
      [
        [
          [1, "sad"],
          [2, "mad"],
        ],
        /"mad" is not a label/,
      ],
      [
        [
          [1, "sad"],
          [1, "ok"],
        ],
        /1 stands for two labels/,
      ],
    ])("case %#: a mapping with holes is refused", async (values, message) => {
      const info = await EnumInfo.fetch(conn, "mood");
      expect(() => registerEnum(info, conn, values)).toThrow(message);
      expect(conn.adapters.knows(info.oid)).toBe(false);
    });

    test("a label that was added is read, but not mapped or sent", async () => {
      await conn.execute("create type infos.growing as enum ('a')");
      const info = await EnumInfo.fetch(conn, "growing");
      info.register(conn);
      await conn.execute("alter type growing add value 'b'");
      expect(await valueOf("select 'b'::growing as v")).toBe("b");
      expect((await failureOf(() => conn.query("select $1::growing", ["b"]))).message).toMatch(
        /fetch the type again if it was added/,
      );
      registerEnum(info, conn, { a: 1 });
      expect((await failureOf(() => valueOf("select 'b'::growing as v"))).code).toBe(
        "ERR_MAHOUT_NO_SUCH_LABEL",
      );
      await conn.execute("drop type growing");
    });
  });

  describe("domains", () => {
    test("are what they are over, in arrays, composites and parameters, too", async () => {
      for (const type of ['"very Positive"', "matrix", "weather", "parent"])
        (await DomainInfo.fetch(conn, type)).register(conn);
      await expectRoundTrip('"very Positive"', 5, "5");
      await expectRoundTrip('"very Positive"[]', [1, null], "{1,NULL}");
      await expectRoundTrip(
        "matrix",
        [
          [1, 2],
          [3, null],
        ],
        "{{1,2},{3,NULL}}",
      );
      await expectRoundTrip(
        "matrix[]",
        [[1], [], [[1], [2]], null],
        '{"{1}","{}","{{1},{2}}",NULL}',
      );
      await expectRoundTrip("weather[]", ["sad"], "{sad}");
      const error = await failureOf(() => conn.query("select $1::weather", ["rainy"]));
      expect(error.message).toMatch(/"rainy" is not a label/);
      expect((await failureOf(() => conn.query(`select $1::"very Positive"`, [-1]))).sqlstate).toBe(
        "23514",
      );
      expect(
        await valueOf("select $1::parent as v", [["a", "ok", 1, null, null, null]]),
      ).toMatchObject({ name: "a", age: 1 });
    });
  });

  describe("ranges and multiranges", () => {
    test.each([
      ["int4range", new Range(1, 5), "[1,5)"],
      ["int8range", new Range(1n, 2n ** 60n), "[1,1152921504606846976)"],
      ["numrange", new Range("1.50", "Infinity", "[]"), "[1.50,Infinity]"],
      ["daterange", new Range("2024-02-29", "infinity"), "[2024-02-29,infinity)"],
      ["tsrange", new Range("2024-01-01 00:00:00", null), '["2024-01-01 00:00:00",)'],
      [
        "tstzrange",
        new Range(new Date(0), new Date(1), "(]"),
        '("1970-01-01 00:00:00+00","1970-01-01 00:00:00.001+00"]',
      ],
      ["int4range", Range.empty(), "empty"],
      ["numrange", new Range(), "(,)"],
      ["int4range[]", [[new Range(1, 2)], [null]], '{{"[1,2)"},{NULL}}'],
      ["int4multirange", new Multirange([new Range(1, 2), new Range(4, null)]), "{[1,2),[4,)}"],
      ["int8multirange", new Multirange(), "{}"],
      ["nummultirange[]", [new Multirange([new Range("1", "2")])], '{"{[1,2)}"}'],
      [
        "tstzmultirange",
        new Multirange([new Range(new Date(0), null)]),
        '{["1970-01-01 00:00:00+00",)}',
      ],
    ])("of the built-in type %s need no registering: case %#", async (type, value, text) => {
      await conn.execute("set timezone = 'UTC'");
      await expectRoundTrip(type, value, text);
    });

    test("of the database are registered", async () => {
      registerRange(await RangeInfo.fetch(conn, "moods"), conn);
      registerMultirange(await MultirangeInfo.fetch(conn, "manyfloats"), conn);
      await expectRoundTrip("floats", new Range(0.5, 1.5, "[]"), "[0.5,1.5]");
      await expectRoundTrip("manyfloats", new Multirange([new Range(0.5, 1.5)]), "{[0.5,1.5)}");
      await expectRoundTrip("moods", new Range("sad", `it's "fine"`), `[sad,"it's ""fine""")`);
      await expectRoundTrip("moods[]", [new Range("", null, "()")], '{"(\\"\\",)"}');
      expect(
        (await failureOf(() => conn.query("select $1::moods", [new Range("mad", null)]))).message,
      ).toMatch(/a bound of moods: "mad" is not a label/);
      expect(
        await valueOf("select $1::manyfloats as v", [[new Range(1, 2), new Range(1.5, 3)]]),
      ).toStrictEqual(new Multirange([new Range(1, 3)]));
    });

    test("a string is the text form", async () => {
      expect(await valueOf("select $1::int4range as v", ["(1,3]"])).toStrictEqual(new Range(2, 4));
    });
  });

  describe("types of extensions", () => {
    const pairs = { a: "1", b: null, "": "", 'q"\\=>': "x, y", __proto__x: "z" };

    test("hstore is an object or a Map", async () => {
      const info = await TypeInfo.fetch(conn, "hstore");
      registerHstore(info, conn);
      const value = { ...pairs, ...(JSON.parse('{"__proto__": "p"}') as object) };
      for (const binary of [undefined, true, false]) {
        expect(await valueOf("select $1::hstore as v", [value], binary)).toEqual(value);
        expect(await valueOf("select $1::hstore[] as v", [[value, null, {}]], binary)).toEqual([
          value,
          null,
          {},
        ]);
        expect(
          await valueOf("select $1::hstore as v", [new Map(Object.entries(value))], binary),
        ).toEqual(value);
      }
      expect(await valueOf("select ($1::hstore)->'q\"\\=>' as v", [value])).toBe("x, y");
      registerHstore(info, conn, { as: "map" });
      expect(await valueOf("select 'a=>1,b=>NULL'::hstore as v")).toEqual(
        new Map([
          ["a", "1"],
          ["b", null],
        ]),
      );
    });

    test.each<[value: unknown, message: RegExp]>([
      [{ a: 1 }, /hstore takes strings and null as values, not a number at the key "a"/],
      [new Map([[1, "a"]]), /hstore takes strings as keys, not a number/],
      [[["a", "b"]], /hstore takes an object or a Map of strings, not an array/],
      [5, /hstore takes an object or a Map/],
      [{ a: undefined }, /not undefined at the key/],
    ])("case %#: what is no hstore is refused", async (value, message) => {
      registerHstore(await TypeInfo.fetch(conn, "hstore"), conn);
      expect((await failureOf(() => conn.query("select $1::hstore", [value]))).message).toMatch(
        message,
      );
    });

    test("citext is text, in arrays as well", async () => {
      (await TypeInfo.fetch(conn, "citext")).register(conn);
      await expectRoundTrip("citext", "Aa", "Aa");
      await expectRoundTrip("citext[]", ["Aa", null, ","], '{Aa,NULL,","}');
      expect(await valueOf("select $1::citext = 'aA' as v", ["Aa"])).toBe(true);
    });

    test("take loaders by name once they are registered", async () => {
      expect(() => conn.adapters.registerLoader("citext", () => 1)).toThrow(/TypeInfo\.fetch/);
      (await TypeInfo.fetch(conn, "citext")).register(conn);
      conn.adapters.registerLoader("citext", (bytes, start, end) =>
        bytes.toString("utf8", start, end).toLowerCase(),
      );
      conn.adapters.registerDumper("citext", (value) => `${String(value)}!`);
      expect(await valueOf("select $1::citext[] as v", [["A"]])).toEqual(["a!"]);
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

async function allOf(rows: AsyncIterable<unknown>): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const row of rows) all.push(row);
  return all;
}
