// Enums, domains, ranges and types of extensions of a database, registered, in both shells.

import { describe, expect, test } from "@jest/globals";
import {
  type AsyncConnection,
  DomainInfo,
  EnumInfo,
  Multirange,
  MultirangeInfo,
  Range,
  RangeInfo,
  registerEnum,
  registerHstore,
  registerMultirange,
  registerRange,
  TypeInfo,
} from "../../src/index.ts";
import { failureOf, type Shell } from "../support/shells.ts";
import { connectForEach, typeStage } from "./type-stage.ts";

const { shells } = typeStage();

describe.each(shells)("in the $name shell", (each: Shell) => {
  let conn: AsyncConnection;
  const { valueOf, expectRoundTrip } = connectForEach(each, (made) => (conn = made));

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
});
