// Arrays: shapes, NULLs, quoting, and that no malformed bytes get further than an error.

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { AdaptersMap, type Codec } from "../../src/adapt/registry.ts";
import { arrayCodec } from "../../src/adapt/types/array.ts";
import { int4 } from "../../src/adapt/types/integer.ts";
import { Json } from "../../src/adapt/types/json-value.ts";
import { DataError, ProgrammingError } from "../../src/errors.ts";
import { codecOf, dumpHex, loadHex, loadText, throughBinary, throughText } from "./forms.ts";

const ints = codecOf("int4[]");
const texts = codecOf("text[]");

/** Rectangular arrays of up to three dimensions. */
function rectangular<T>(element: fc.Arbitrary<T>): fc.Arbitrary<unknown[]> {
  return fc
    .array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 })
    .chain((lengths) =>
      lengths
        .reverse()
        .reduce<fc.Arbitrary<unknown>>(
          (inner, length) => fc.array(inner, { minLength: length, maxLength: length }),
          fc.option(element),
        ),
    ) as fc.Arbitrary<unknown[]>;
}

const awkward = fc.oneof(
  fc.constantFrom(
    "",
    "NULL",
    "null",
    "{",
    "}",
    ",",
    '"',
    "\\",
    " ",
    "a b",
    "\t",
    "a,b",
    '\\"',
    "é",
    "{a}",
  ),
  fc.string({ maxLength: 12 }).map((text) => text.replaceAll("\0", "")),
);

describe("comes back through both formats", () => {
  test.each<[type: string, element: fc.Arbitrary<unknown>]>([
    ["int4[]", fc.integer()],
    ["int8[]", fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
    ["float8[]", fc.double()],
    ["bool[]", fc.boolean()],
    ["text[]", awkward],
    ["bytea[]", fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes))],
    ["timestamptz[]", fc.date({ min: new Date("-004000-01-01"), noInvalidDate: true })],
    ["uuid[]", fc.uuid()],
    ["xml[]", awkward],
  ])("%s", (type, element) => {
    const codec = codecOf(type);
    fc.assert(
      fc.property(rectangular(element), (value) => {
        expect(throughBinary(codec, value)).toStrictEqual(value);
        expect(throughText(codec, value)).toStrictEqual(value);
      }),
    );
  });
});

describe("text", () => {
  test.each([
    ["{}", []],
    ["{{},{}}", [[], []]],
    ["{NULL}", [null]],
    ["{null,Null}", [null, null]],
    ['{"NULL"}', ["NULL"]],
    ['{""}', [""]],
    ['{"a\\\\b","\\"","{}",","}', ["a\\b", '"', "{}", ","]],
    [
      "[0:1][-1:0]={{1,2},{3,4}}",
      [
        ["1", "2"],
        ["3", "4"],
      ],
    ],
    ["{{{{{{x}}}}}}", [[[[[["x"]]]]]]],
    ['{"żółw",日本}', ["żółw", "日本"]],
  ])("%s", (text, value) => {
    expect(loadText(texts, text)).toStrictEqual(value);
  });

  test.each([
    "",
    "{",
    "}",
    "{}}",
    "{{}",
    "x",
    "{,}",
    "{1,}",
    "{,1}",
    "{1,,2}",
    '{"a}',
    '{"a"b}',
    '{"a"bc}',
    "{{1}23}",
    "{{1}2}",
    "{{1}{2}}",
    "[1:2]",
    "[1:2]=",
    "[1:2]=1",
    '{"a\\',
    '{"a\\"}',
    "{{{{{{{x}}}}}}}",
    "{1}}",
    "{1} ",
    "{1}{2}",
  ])("refuses %j", (text) => {
    expect(() => loadText(texts, text)).toThrow(DataError);
  });

  test("has elements read by the codec of the type", () => {
    expect(() => loadText(ints, "{1,x}")).toThrow("malformed int4 from the server");
  });

  test("quotes only where it must", () => {
    const codec = codecOf("xml[]");
    expect(codec.dumpText(["a", "a b", "", "NULL", 'q"', "b\\", null, "-1.5e+3"])).toBe(
      '{a,"a b","","NULL","q\\"","b\\\\",NULL,-1.5e+3}',
    );
  });

  test("separates the elements of box with a semicolon", () => {
    const box: Codec = {
      ...texts,
      name: "box",
      oid: 603,
      arrayOid: 1020,
      delimiter: ";",
      ...plainText,
    };
    const boxes = arrayCodec(box);
    expect(loadText(boxes, "{(2,2),(1,1);NULL}")).toEqual(["(2,2),(1,1)", null]);
    expect(boxes.dumpText(["(2,2),(1,1)", "(0,0)"])).toBe('{"(2,2),(1,1)";"(0,0)"}');
  });

  const plainText = {
    loadText: codecOf("text").loadText,
    dumpText: String,
    dumpBinary: () => false,
  };
});

describe("shapes", () => {
  test.each<[what: string, value: unknown, message: string]>([
    [
      "lists of different lengths",
      [[1, 2], [3]],
      "int4[] takes nested arrays of equal length; [1] has 1 elements instead of 2",
    ],
    [
      "different lengths deeper down",
      [
        [[1], [2]],
        [[3], [4, 5]],
      ],
      "[1][1] has 2 elements instead of 1",
    ],
    [
      "an element among lists",
      [[1], 2],
      "int4[] takes nested arrays of equal depth; [1] is no array",
    ],
    [
      "a list among elements",
      [1, [2]],
      "int4[] takes nested arrays of equal depth; [1] is an array",
    ],
    ["NULL among lists", [[1], null], "[1] is no array"],
    ["empty lists among others", [[], [1]], "[1] has 1 elements instead of 0"],
    ["undefined", [1, undefined], "int4[] got undefined at [1]; use null for NULL"],
    [
      "undefined deeper down",
      [
        [1, 2],
        [3, undefined],
      ],
      "int4[] got undefined at [1][1]; use null for NULL",
    ],
    // eslint-disable-next-line no-sparse-arrays -- such arrays exist
    ["a hole", [1, , 3], "int4[] got undefined at [1]; use null for NULL"],
    ["seven levels", [[[[[[[1]]]]]]], "int4[] takes at most 6 levels of nested arrays"],
    ["a typed array for a list of lists", [[[1]], new Int32Array(1)], "[1][0] is no array"],
  ])("refuses %s", (_what, value, message) => {
    expect(() => dumpHex(ints, value)).toThrow(DataError);
    expect(() => dumpHex(ints, value)).toThrow(message);
    expect(() => ints.dumpText(value)).toThrow(message);
  });

  test("refuses an array that holds itself", () => {
    const value: unknown[] = [];
    value.push(value);
    expect(() => dumpHex(ints, value)).toThrow("at most 6 levels");
  });

  test.each([[[]], [[[], []]], [[[[]]]]])("%j is the empty array", (value) => {
    expect(throughBinary(ints, value)).toEqual([]);
    expect(ints.dumpText(value)).toBe("{}");
  });

  test("takes typed arrays as lists of numbers", () => {
    expect(throughBinary(ints, Int32Array.of(1, -2))).toEqual([1, -2]);
    expect(ints.dumpText(Uint16Array.of(1, 2))).toBe("{1,2}");
    expect(throughBinary(codecOf("float8[]"), [Float64Array.of(1.5), Float64Array.of(-0)])).toEqual(
      [[1.5], [-0]],
    );
    expect(throughBinary(codecOf("int8[]"), BigInt64Array.of(5n))).toEqual([5n]);
  });

  test.each([
    [1],
    [{}],
    [Buffer.from("x")],
    [new Set([1])],
    [true],
    [new DataView(new ArrayBuffer(4))],
  ])("refuses %p, which is no list", (value) => {
    expect(() => dumpHex(ints, value)).toThrow(ProgrammingError);
    expect(() => ints.dumpText(value)).toThrow(
      "int4[] takes an array or a string of its text form, not",
    );
  });

  test("refuses elements as their type does", () => {
    expect(() => dumpHex(ints, [1, 2 ** 31])).toThrow("2147483648 is out of range for int4");
    expect(() => ints.dumpText([{}])).toThrow(ProgrammingError);
  });

  test("leaves strings to the server", () => {
    expect(dumpHex(ints, "[0:1]={1,2}")).toBe(false);
    expect(ints.dumpText("[0:1]={1,2}")).toBe("[0:1]={1,2}");
  });

  test("goes in text as soon as one element has no binary form", () => {
    expect(dumpHex(ints, [1, "2"])).toBe(false);
    expect(ints.dumpText([1, "2"])).toBe("{1,2}");
  });

  test("of json has one dimension, whose elements may be arrays", () => {
    const value = [[1, [2]], { a: [] }, null, 5];
    for (const type of ["json[]", "jsonb[]"]) {
      expect(throughBinary(codecOf(type), value)).toEqual(value);
      expect(throughText(codecOf(type), value)).toEqual(value);
      expect(throughText(codecOf(type), [new Json("x"), new Json(null)])).toEqual(["x", null]);
    }
  });
});

describe("malformed binary", () => {
  const head = (levels: number, oid = 23): string =>
    [levels, 0, oid].map((value) => (value >>> 0).toString(16).padStart(8, "0")).join("");
  test.each([
    ["nothing", ""],
    ["a head cut short", head(1).slice(2)],
    ["no bounds", head(1)],
    ["bounds cut short", `${head(1)}00000001000000`],
    ["negative dimensions", head(-1)],
    ["seven dimensions", `${head(7)}${"0000000100000001".repeat(7)}0000000400000001`],
    ["elements of another type", head(0, 25)],
    ["a negative length", `${head(1)}ffffffff00000001`],
    ["more elements than bytes", `${head(1)}7fffffff00000001`],
    ["more elements than bytes, multiplied", head(6) + "0000ffff00000001".repeat(6)],
    ["rows without columns", `${head(2)}7fffffff000000010000000000000001`],
    ["an element cut short", `${head(1)}00000001000000010000000400`],
    ["an element of length -2", `${head(1)}0000000100000001fffffffe`],
    ["an element past the end", `${head(1)}000000010000000100000005${"00".repeat(4)}`],
    ["bytes too many", `${head(1)}00000001000000010000000400000001ff`],
    ["bytes after an empty array", `${head(0)}00`],
    ["an element that its type refuses", `${head(1)}000000010000000100000002ffff`],
  ])("%s", (_what, hex) => {
    expect(() => loadHex(ints, hex)).toThrow(DataError);
  });

  test("an empty dimension is an empty array", () => {
    expect(loadHex(ints, `${head(2)}00000000000000010000000300000001`)).toEqual([]);
  });
});

test("the registry derives arrays from their elements", () => {
  const adapters = new AdaptersMap();
  adapters.register({ ...int4, loadBinary: () => "mine" });
  const derived = adapters.codec(1007);
  expect(derived).toMatchObject({ name: "int4[]", oid: 1007, arrayOid: 0, results: 1 });
  expect(loadHex(derived, dumpHex(ints, [1]) as string)).toEqual(["mine"]);
});
