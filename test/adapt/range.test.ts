// Ranges and multiranges: the values, and the codecs of the built-in types.

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { globalAdapters } from "../../src/adapt/builtins.ts";
import { AdaptersMap, type Codec } from "../../src/adapt/registry.ts";
import { multirangeCodec } from "../../src/adapt/types/multirange.ts";
import { rangeCodec } from "../../src/adapt/types/range.ts";
import { unknownCodec } from "../../src/adapt/types/unknown.ts";
import { DataError, Multirange, ProgrammingError, Range } from "../../src/index.ts";
import { dumpHex, load, loadHex, loadText, throughBinary, throughText } from "./forms.ts";

const codec = (name: string): Codec => globalAdapters.codec(globalAdapters.oidOf(name));
const int4range = codec("int4range");
const numrange = codec("numrange");

// Ranges of text, as somebody may have created them.
const TEXT_RANGE = { name: "textrange", oid: 70_001, arrayOid: 0 };
const TEXT_MULTIRANGE = { name: "textmultirange", oid: 70_002, arrayOid: 0 };
const adapters = new AdaptersMap(globalAdapters);
adapters.registerRecipe({ ...TEXT_RANGE, make: (own) => rangeCodec(TEXT_RANGE, 25, own) });
const textRange = adapters.codec(70_001);
const textMultirange = multirangeCodec(TEXT_MULTIRANGE, 70_001, adapters);

describe("a Range", () => {
  test.each<[range: Range, shown: string, facts: (boolean | string)[]]>([
    [new Range(1, 5), "[1, 5)", ["[)", true, false, false, false, false]],
    [new Range(1, 5, "(]"), "(1, 5]", ["(]", false, true, false, false, false]],
    [new Range(1, null, "[]"), "[1, )", ["[)", true, false, false, true, false]],
    [new Range(null, 5), "(, 5)", ["()", false, false, true, false, false]],
    [new Range(), "(, )", ["()", false, false, true, true, false]],
    [Range.empty(), "empty", ["()", false, false, false, false, true]],
  ])("case %#: %s knows its bounds", (range, shown, facts) => {
    const { bounds, lowerInc, upperInc, lowerInf, upperInf, isEmpty } = range;
    expect(String(range)).toBe(shown);
    expect([bounds, lowerInc, upperInc, lowerInf, upperInf, isEmpty]).toEqual(facts);
  });

  const day = (text: string): Date => new Date(`${text}T00:00:00Z`);
  test.each<[range: Range, inside: unknown[], outside: unknown[]]>([
    [new Range(1, 5), [1, 4.9, 2n], [0, 5, 5n]],
    [new Range(1, 5, "(]"), [5, 2], [1]],
    [new Range(null, 5n), [-(10n ** 30n), -Infinity, 4], [5n, 6]],
    [new Range(), [0], []],
    [Range.empty<number>(), [], [0]],
    [new Range(day("2024-01-01"), day("2024-02-01")), [day("2024-01-31")], [day("2024-02-01")]],
  ])("case %#: %s contains what is between them", (range, inside, outside) => {
    for (const value of inside) expect([value, range.contains(value)]).toEqual([value, true]);
    for (const value of outside) expect([value, range.contains(value)]).toEqual([value, false]);
  });

  test("has no order for strings, unless somebody says one", () => {
    const range = new Range("b", "d");
    expect(() => range.contains("c")).toThrow(ProgrammingError);
    expect(range.contains("c", (a, b) => a.localeCompare(b))).toBe(true);
    expect(() => new Range(1, 2).contains(NaN)).toThrow(DataError);
  });

  test.each<[type: string, text: string, inside: string[], outside: string[]]>([
    ["numrange", "[9,10.5)", ["9", "9.000", "10.4999", "+9.5"], ["8.99", "10.5", "10.50", "100"]],
    ["numrange", "[-10.5,-9]", ["-9.0", "-10.5", "-10"], ["-10.51", "-8", "0"]],
    ["numrange", "[0,Infinity]", ["0.0", "-0", "1", "Infinity"], ["-0.1", "NaN", "-Infinity"]],
    ["daterange", "[2024-02-28,2024-03-02)", ["2024-02-29"], ["2024-03-02", "infinity"]],
    ["daterange", '["0044-03-15 BC",0001-01-01)', ["0001-12-31 BC"], ["0045-01-01 BC"]],
    [
      "tsrange",
      '["2024-01-01 00:00:00","infinity")',
      ["12024-01-01 00:00:00.5"],
      ["2023-12-31 23:59:59.999999"],
    ],
  ])("of %s %s that was read knows the order of its strings", (type, text, inside, outside) => {
    const range = loadText(codec(type), text) as Range<string>;
    for (const value of inside) expect([value, range.contains(value)]).toEqual([value, true]);
    for (const value of outside) expect([value, range.contains(value)]).toEqual([value, false]);
    expect(() => range.contains("tomorrow")).toThrow(DataError);
  });

  test("compares with others", () => {
    expect(new Range(1, null, "[]").equals(new Range(1, null, "[)"))).toBe(true);
    expect(new Range(1, 2).equals(new Range(1, 3))).toBe(false);
    expect(new Range(1, 2).equals(new Range(1, 2, "[]"))).toBe(false);
    expect(new Range<number>().equals(Range.empty())).toBe(false);
    expect(new Range(new Date(5), null).equals(new Range(new Date(5), null))).toBe(true);
    const two = [new Range(1, 2), new Range(4, 5)];
    expect(new Multirange(two).equals(new Multirange([...two]))).toBe(true);
    expect(new Multirange(two).equals(new Multirange(two.slice(1)))).toBe(false);
  });

  test("refuses what can't be", () => {
    expect(() => new Range(1, 2, "[[" as never)).toThrow(ProgrammingError);
    expect(() => new Range<number>(1, 2, "[)", true)).toThrow(ProgrammingError);
    expect(() => new Multirange([1 as never])).toThrow(ProgrammingError);
  });
});

describe("a Multirange", () => {
  const two = new Multirange([new Range(1, 3), new Range(5, null)]);

  test("is a list of ranges", () => {
    expect([two.length, [...two].map(String), String(two)]).toEqual([
      2,
      ["[1, 3)", "[5, )"],
      "{[1, 3), [5, )}",
    ]);
    expect([2, 3, 4, 5, 99].map((value) => two.contains(value))).toEqual([
      true,
      false,
      false,
      true,
      true,
    ]);
    expect(new Multirange(["a"].map((at) => new Range(at, null))).contains("b", () => 1)).toBe(
      true,
    );
    expect(new Multirange().length).toBe(0);
  });
});

describe("codecs", () => {
  test.each<[type: string, text: string, hex: string, value: unknown]>([
    ["int4range", "[1,5)", "02000000040000000100000004" + "00000005", new Range(1, 5)],
    ["int4range", "(,5)", "080000000400000005", new Range(null, 5)],
    ["int4range", "[1,)", "120000000400000001", new Range(1, null)],
    ["int4range", "(,)", "18", new Range()],
    ["int4range", "empty", "01", Range.empty()],
    [
      "int8range",
      "[1,2)",
      "02" + "000000080000000000000001" + "000000080000000000000002",
      new Range(1n, 2n),
    ],
    ["int4multirange", "{}", "00000000", new Multirange()],
    [
      "int4multirange",
      "{[1,2),[4,)}",
      "00000002" +
        "00000011" +
        "0200000004000000010000000400000002" +
        "00000009" +
        "120000000400000004",
      new Multirange([new Range(1, 2), new Range(4, null)]),
    ],
  ])("%s %s is read and written in both forms", (type, text, hex, value) => {
    expect(loadText(codec(type), text)).toStrictEqual(value);
    expect(loadHex(codec(type), hex)).toStrictEqual(value);
    expect(codec(type).dumpText(value)).toBe(text);
    expect(dumpHex(codec(type), value)).toBe(hex);
  });

  test.each([
    ['["a,b","c""d")', "a,b", 'c"d'],
    ['[a\\,b,"\\"")', "a,b", '"'],
    ['["",z]', "", "z"],
    ['("[","\\\\"]', "[", "\\"],
    ["[ a,b )", " a", "b "],
  ])("bounds are quoted in the text form: %s", (text, lower, upper) => {
    const read = loadText(textRange, text) as Range;
    expect([read.lower, read.upper]).toEqual([lower, upper]);
    expect(loadText(textRange, textRange.dumpText(read))).toStrictEqual(read);
  });

  const anyText = fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0"));
  const bound = fc.option(anyText);
  const bounds = fc.constantFrom("[)", "[]", "(]", "()") as fc.Arbitrary<"[)">;
  const anyRange = fc.oneof(
    fc.tuple(bound, bound, bounds).map((parts) => new Range(...parts)),
    fc.constant(Range.empty<string>()),
  );

  test("any bounds survive text and binary", () => {
    fc.assert(
      fc.property(anyRange, (range) => {
        expect(throughText(textRange, range)).toStrictEqual(range);
        expect(throughBinary(textRange, range)).toStrictEqual(range);
      }),
    );
  });

  test("any ranges survive in multiranges", () => {
    fc.assert(
      fc.property(fc.array(anyRange.filter(({ isEmpty }) => !isEmpty)), (ranges) => {
        const value = new Multirange(ranges);
        expect(throughText(textMultirange, value)).toStrictEqual(value);
        expect(throughBinary(textMultirange, value)).toStrictEqual(value);
      }),
    );
  });

  test.each<[type: Codec, value: unknown, message: RegExp]>([
    [int4range, 5, /int4range takes a Range or a string.*not a number/],
    [int4range, [1, 2], /int4range takes a Range .*not an array/],
    [int4range, new Range(1.5, 2), /a bound of int4range: 1\.5 is not/],
    [codec("int4multirange"), new Range(1, 2), /int4multirange takes a Multirange/],
    [codec("int4multirange"), [1], /int4range takes a Range/],
    [unknownCodec, new Range({}, null), /there is no dumper for an object/],
  ])("case %#: what is no such range is refused", (type, value, message) => {
    expect(() => type.dumpText(value)).toThrow(message);
  });

  test("strings go to the server as they are, also as bounds", () => {
    expect(int4range.dumpText("[1,2]")).toBe("[1,2]");
    expect(dumpHex(int4range, "[1,2]")).toBe(false);
    expect(dumpHex(codec("int4multirange"), [new Range("1", "2")])).toBe(false);
    expect(int4range.dumpText(new Range("1", "2"))).toBe("[1,2)");
  });

  test("a range for a type that nobody registered becomes its text", () => {
    expect(unknownCodec.dumpText(new Range<unknown>("a b", 5n, "[]"))).toBe('["a b",5]');
    expect(unknownCodec.dumpText(new Multirange([new Range(1, 2)]))).toBe("{[1,2)}");
    expect(unknownCodec.dumpText([new Range(1, 2)])).toBe('{"[1,2)"}');
  });

  test.each<[type: Codec, text: string]>([
    [int4range, ""],
    [int4range, "["],
    [int4range, "[1,2"],
    [int4range, "[1)"],
    [int4range, "[1,2,3)"],
    [int4range, "1,2)"],
    [int4range, "[1,2) "],
    [int4range, '["1,2)'],
    [codec("int4multirange"), "{[1,2)"],
    [codec("int4multirange"), "{[1,2),}"],
    [codec("int4multirange"), "{[1,2)[3,4)}"],
    [codec("int4multirange"), "{,}"],
    [codec("int4multirange"), "[1,2)"],
  ])("case %#: text that no server sends is an error", (type, text) => {
    expect(() => loadText(type, text)).toThrow(DataError);
  });

  test.each<[type: Codec, hex: string]>([
    [int4range, ""],
    [int4range, "02"],
    [int4range, "020000000400000001"],
    [int4range, "0200000004000000017fffffff00000005"],
    [int4range, "02000000040000000100000004" + "0000000500"],
    [int4range, "20"],
    [int4range, "0100"],
    [codec("int4multirange"), "0000"],
    [codec("int4multirange"), "7fffffff0000000101"],
    [codec("int4multirange"), "000000010000000201"],
    [numrange, "02000000040000000100000004" + "00000005"],
  ])("case %#: bytes that no server sends are an error", (type, hex) => {
    expect(() => loadHex(type, hex)).toThrow(DataError);
  });

  test("bytes that were changed are read as something, or an error", () => {
    const good = [
      Buffer.from("0200000004000000010000000400000005", "hex"),
      Buffer.from('["a b","c""d")'),
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...good),
        fc.nat(),
        fc.nat(255),
        fc.nat(),
        (bytes, at, to, cut) => {
          const changed = Buffer.from(bytes.subarray(0, 1 + (cut % bytes.length)));
          changed[at % changed.length] = to;
          for (const type of [int4range, textRange, textMultirange, codec("int4multirange")]) {
            for (const loader of [type.loadText, type.loadBinary]) {
              try {
                load(loader, changed);
              } catch (error) {
                expect(error).toBeInstanceOf(DataError);
              }
            }
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
