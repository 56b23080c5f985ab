// int2, int4, oid, int8: limits, refusals, and the three ways of having an int8.

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { int8AsNumber, int8AsString } from "../../src/adapt/types/integer.ts";
import { DataError, ProgrammingError } from "../../src/errors.ts";
import { codecOf, dumpHex, loadHex, loadText, throughBinary, throughText } from "./forms.ts";

const limits: [type: string, least: number, most: number, bytes: number][] = [
  ["int2", -32768, 32767, 2],
  ["int4", -2147483648, 2147483647, 4],
  ["oid", 0, 4294967295, 4],
];

describe.each(limits)("%s", (type, least, most, bytes) => {
  const codec = codecOf(type);

  test("comes back through both formats", () => {
    fc.assert(
      fc.property(fc.integer({ min: least, max: most }), (value) => {
        expect(throughBinary(codec, value)).toBe(value);
        expect(throughText(codec, value)).toBe(value);
        expect(dumpHex(codec, BigInt(value))).toBe(dumpHex(codec, value));
      }),
    );
  });

  test.each([most + 1, least - 1, 1e20, BigInt(most) + 1n, -(2n ** 70n)])("refuses %s", (value) => {
    const message = `${value} is out of range for ${type} (${least} to ${most})`;
    expect(() => dumpHex(codec, value)).toThrow(new DataError(message));
    expect(() => codec.dumpText(value)).toThrow(new DataError(message));
  });

  test.each([1.5, NaN, Infinity, -Infinity])("refuses %s", (value) => {
    const message = `${value} is not an integer, ${type} takes whole numbers`;
    expect(() => dumpHex(codec, value)).toThrow(new DataError(message));
    expect(() => codec.dumpText(value)).toThrow(new DataError(message));
  });

  test("writes -0 as 0", () => {
    expect(dumpHex(codec, -0)).toBe("00".repeat(bytes));
    expect(codec.dumpText(-0)).toBe("0");
  });

  test("leaves strings to the server", () => {
    expect(dumpHex(codec, "0x1F")).toBe(false);
    expect(codec.dumpText("0x1F")).toBe("0x1F");
  });

  test.each(["", "00".repeat(bytes - 1), "00".repeat(bytes + 1)])("refuses %p in binary", (hex) => {
    expect(() => loadHex(codec, hex)).toThrow(DataError);
  });

  test.each([
    "",
    "-",
    "1.5",
    "1 ",
    " 1",
    "+1",
    "1e3",
    String(most + 1),
    String(least - 1),
    "9".repeat(400),
  ])("refuses %p in text", (text) => {
    expect(() => loadText(codec, text)).toThrow(DataError);
  });
});

const kinds: [value: unknown, kind: string][] = [
  [true, "a boolean"],
  [new Date(0), "a Date"],
  [[1], "an array"],
  [{}, "an object"],
  [Symbol("x"), "a symbol"],
  [() => 1, "a function"],
  // eslint-disable-next-line no-new-wrappers -- such values exist
  [new Number(1), "a Number"],
  [Object.create(null), "an object"],
  [new Map(), "a Map"],
];

test.each(["int2", "int4", "oid", "int8"])("%s names the kinds that it does not take", (type) => {
  for (const [value, kind] of kinds) {
    for (const dump of [
      codecOf(type).dumpText,
      (given: unknown) => dumpHex(codecOf(type), given),
    ]) {
      expect(() => dump(value)).toThrow(ProgrammingError);
      expect(() => dump(value)).toThrow(
        `${type} takes a number, a bigint or a string, not ${kind}; convert it first`,
      );
    }
  }
  expect(() => codecOf(type).dumpText(new Map())).toThrow("adapters.registerDumper");
});

describe("int8", () => {
  const int8 = codecOf("int8");

  test("comes back through both formats as bigint", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        expect(throughBinary(int8, value)).toBe(value);
        expect(throughText(int8, value)).toBe(value);
        expect(throughBinary(int8AsString, value)).toBe(String(value));
        expect(throughText(int8AsString, value)).toBe(String(value));
      }),
    );
  });

  test("takes numbers as far as they are exact", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(dumpHex(int8, value)).toBe(dumpHex(int8, BigInt(value)));
        expect(int8.dumpText(value)).toBe(BigInt(value).toString());
        expect(throughBinary(int8AsNumber, value)).toBe(value);
        expect(throughText(int8AsNumber, value)).toBe(value);
      }),
      { examples: [[-1], [2 ** 32], [-(2 ** 32)], [2 ** 53 - 1], [1 - 2 ** 53], [-(2 ** 32) - 1]] },
    );
    expect(() => dumpHex(int8, 2 ** 53)).toThrow(
      new DataError("9007199254740992 is too large to be exact as a number; give int8 a bigint"),
    );
    expect(() => int8.dumpText(1e300)).toThrow(DataError);
    expect(() => int8.dumpText(0.5)).toThrow("0.5 is not an integer, int8 takes whole numbers");
    expect(() => dumpHex(int8, NaN)).toThrow("NaN is not an integer, int8 takes whole numbers");
  });

  test.each([2n ** 63n, -(2n ** 63n) - 1n])("refuses %s", (value) => {
    expect(() => dumpHex(int8, value)).toThrow(DataError);
    expect(() => int8.dumpText(value)).toThrow(`${value} is out of range for int8`);
  });

  test("shows large values shortened", () => {
    expect(() => int8.dumpText(10n ** 5000n)).toThrow(/^10{36}\.\.\. is out of range/);
  });

  test.each([
    ["9007199254740992", "0020000000000000"],
    ["-9007199254740992", "ffe0000000000000"],
    ["9223372036854775807", "7fffffffffffffff"],
  ])("as number refuses %s, which would not be exact", (text, hex) => {
    const message = `the int8 ${text} is too large to be exact as a number; read int8 as bigint or string`;
    expect(() => loadText(int8AsNumber, text)).toThrow(new DataError(message));
    expect(() => loadHex(int8AsNumber, hex)).toThrow(new DataError(message));
  });

  test.each([
    "",
    "-",
    "9223372036854775808",
    "-9223372036854775809",
    "1.0",
    "0x10",
    "1".repeat(30),
    "12345678901234567x",
  ])("refuses %p in text", (text) => {
    expect(() => loadText(int8, text)).toThrow(DataError);
  });

  test("refuses other lengths in binary", () => {
    expect(() => loadHex(int8, "00000000")).toThrow(
      new DataError("malformed int8 from the server: 4 bytes instead of 8"),
    );
  });
});
