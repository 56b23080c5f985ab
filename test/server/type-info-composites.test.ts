// Composites of a database, registered, altered and created again, in both shells.

import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import {
  type AsyncConnection,
  CompositeInfo,
  DataError,
  EnumInfo,
  ProgrammingError,
  registerComposite,
  TypeInfo,
} from "../../src/index.ts";
import { expectUsable, failureOf, type Shell } from "../support/shells.ts";
import { connectForEach, SCHEMA, typeStage } from "./type-stage.ts";

const { shells, administer } = typeStage();

describe.each(shells)("in the $name shell", (each: Shell) => {
  const { name: shell } = each;
  let conn: AsyncConnection;
  const { valueOf, expectRoundTrip } = connectForEach(each, (made) => (conn = made));

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
});

async function allOf(rows: AsyncIterable<unknown>): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const row of rows) all.push(row);
  return all;
}
