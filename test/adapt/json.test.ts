// json and jsonb: what becomes JSON, what is JSON already, and what JSON cannot say.

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { jsonCodec } from "../../src/adapt/types/json.ts";
import { Json, Jsonb } from "../../src/adapt/types/json-value.ts";
import { DataError } from "../../src/errors.ts";
import { codecOf, dumpHex, load, loadText, throughBinary, throughText } from "./forms.ts";

describe.each(["json", "jsonb"] as const)("%s", (type) => {
  const codec = codecOf(type);

  test("comes back through both formats", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const text = JSON.stringify(value);
        fc.pre(type === "json" || !/\\u(?:0000|d[89a-f])/.test(text));
        const expected = JSON.parse(text) as unknown;
        expect(throughBinary(codec, new Json(value))).toStrictEqual(expected);
        expect(throughText(codec, new Jsonb(value))).toStrictEqual(expected);
      }),
    );
  });

  test.each([
    ["an object", { a: 1 }, '{"a":1}'],
    ["an array, which is no PostgreSQL array here", [1, [2, null]], "[1,[2,null]]"],
    ["an empty array", [], "[]"],
    ["a number", 1.5, "1.5"],
    ["a boolean", false, "false"],
    ["a Date", new Date(0), '"1970-01-01T00:00:00.000Z"'],
    ["a string, which is the document itself", '{"a": 1}', '{"a": 1}'],
    ["a wrapped string", new Json('{"a": 1}'), '"{\\"a\\": 1}"'],
    ["a wrapped null", new Json(null), "null"],
    ["a wrapped array", new Jsonb([1]), "[1]"],
    ["a wrapper inside a value", { a: new Json([1]) }, '{"a":[1]}'],
    ["undefined inside an object", { a: undefined, b: 1 }, '{"b":1}'],
  ])("takes %s", (_what, value, text) => {
    expect(codec.dumpText(value)).toBe(text);
    const hex = Buffer.from(text).toString("hex");
    expect(dumpHex(codec, value)).toBe(type === "jsonb" ? `01${hex}` : hex);
  });

  const cyclic: { self?: unknown } = {};
  cyclic.self = cyclic;
  test.each([
    ["a function", () => 1, `a function has no JSON form and cannot be sent as ${type}`],
    ["a symbol", Symbol("s"), `a symbol has no JSON form and cannot be sent as ${type}`],
    [
      "a wrapped undefined",
      new Json(undefined),
      `undefined has no JSON form and cannot be sent as ${type}`,
    ],
    ["NaN", NaN, `NaN has no JSON form and cannot be sent as ${type}`],
    ["Infinity", new Json(Infinity), `Infinity has no JSON form and cannot be sent as ${type}`],
    [
      "an invalid Date",
      new Date(NaN),
      `an invalid Date has no JSON form and cannot be sent as ${type}`,
    ],
    ["a bigint", 1n, `a bigint cannot be sent as ${type}: Do not know how to serialize a BigInt`],
    [
      "a bigint inside",
      [1n],
      `an array cannot be sent as ${type}: Do not know how to serialize a BigInt`,
    ],
    [
      "a cycle",
      cyclic,
      `an object cannot be sent as ${type}: Converting circular structure to JSON`,
    ],
  ])("refuses %s", (_what, value, message) => {
    expect(() => codec.dumpText(value)).toThrow(DataError);
    expect(() => codec.dumpText(value)).toThrow(message);
    expect(() => dumpHex(codec, value)).toThrow(message);
  });

  test("keeps the cause of a refusal", () => {
    const cause = new Error("mine");
    const value = {
      toJSON() {
        throw cause;
      },
    };
    expect(() => codec.dumpText(value)).toThrow(expect.objectContaining({ cause }));
  });

  test("refuses text that is not JSON, without quoting it", () => {
    expect(() => loadText(jsonCodec("json"), "secret")).toThrow(
      new DataError("malformed json from the server: not JSON text"),
    );
  });

  test("gives no name a meaning", () => {
    const value = throughBinary(codec, new Json(JSON.parse('{"__proto__": {"x": 1}}'))) as object;
    expect(Object.keys(value)).toEqual(["__proto__"]);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });
});

test("jsonb of another version is refused", () => {
  const jsonb = codecOf("jsonb");
  expect(() => load(jsonb.loadBinary, Buffer.from("\x02{}"))).toThrow(DataError);
  expect(() => load(jsonb.loadBinary, Buffer.from("{}"))).toThrow(DataError);
  expect(() => load(jsonb.loadBinary, Buffer.alloc(0))).toThrow(DataError);
});

describe("jsonCodec", () => {
  const asText = (_key: string, value: unknown): unknown =>
    typeof value === "bigint" ? `${value}n` : value;
  const codec = jsonCodec("jsonb", {
    parse: (text) => ({ text }),
    stringify: (value) => JSON.stringify(value, asText),
  });

  test("uses functions of your own both ways, for wrapped values too", () => {
    expect(throughText(codec, { a: 1n })).toEqual({ text: '{"a":"1n"}' });
    expect(throughBinary(codec, new Json([2n]))).toEqual({ text: '["2n"]' });
    expect(throughBinary(codec, 5n)).toEqual({ text: '"5n"' });
    expect(codec).toMatchObject({ name: "jsonb", oid: 3802, arrayOid: 3807 });
  });

  test("reports what they throw", () => {
    const cause = new Error("mine");
    const failing = jsonCodec("json", {
      parse() {
        throw cause;
      },
    });
    expect(() => loadText(failing, "1")).toThrow(
      expect.objectContaining({ name: "DataError", cause }),
    );
  });
});

describe("text that jsonb can't hold", () => {
  test.each<[value: unknown, what: string]>([
    [{ a: "x\0" }, "a NUL character"],
    [{ "\0": 1 }, "a NUL character"],
    [["\\\0"], "a NUL character"],
    [["\ud800"], "half of a surrogate pair (d800)"],
    [["\udc00x"], "half of a surrogate pair (dc00)"],
    [new Json("\0"), "a NUL character"],
  ])("%j is refused there and stored as json", (value, what) => {
    expect(() => codecOf("jsonb").dumpText(value)).toThrow(DataError);
    expect(() => dumpHex(codecOf("jsonb"), value)).toThrow(`text with ${what} in a JSON value`);
    expect(throughBinary(codecOf("json"), value)).toEqual(JSON.parse(JSON.stringify(value)));
  });

  test.each([["\\u0000"], ["\\ud800"], ["😀"], ["\u0001"], ["\\\\u0000 \n"]])(
    "%j is not such",
    (text) => {
      expect(throughBinary(codecOf("jsonb"), [text])).toEqual([text]);
    },
  );

  test("pairs that a function of the program's own escapes are text", () => {
    const codec = jsonCodec("jsonb", { stringify: () => '"\\ud83d\\ude00"' });
    expect(codec.dumpText([1])).toBe('"\\ud83d\\ude00"');
  });
});
