// Wrappers: checked when they are made, their values everywhere else.

import { describe, expect, test } from "@jest/globals";
import { globalAdapters } from "../../src/adapt/builtins.ts";
import * as typed from "../../src/adapt/types/typed-values.ts";
import {
  Float4,
  Float8,
  FullTransactionId,
  Int2,
  Int4,
  Int8,
  Numeric,
  Oid,
  TransactionId,
} from "../../src/adapt/types/typed-values.ts";
import { unknownCodec } from "../../src/adapt/types/unknown.ts";
import { DataError, ProgrammingError } from "../../src/errors.ts";
import { codecOf, dumpHex } from "./forms.ts";

describe("a wrapper", () => {
  test.each<[typed.TypedValue, oid: number, value: unknown, text: string]>([
    [new Int2(-5), 21, -5, "-5"],
    [new Int4(7n), 23, 7, "7"],
    [new Int8(7), 20, 7n, "7"],
    [new Oid(4294967295), 26, 4294967295, "4294967295"],
    [new TransactionId(4294967295n), 28, 4294967295, "4294967295"],
    [new FullTransactionId(7), 5069, 7n, "7"],
    [new FullTransactionId(2n ** 64n - 1n), 5069, 2n ** 64n - 1n, "18446744073709551615"],
    [new Float4(0.1), 700, 0.1, "0.1"],
    [new Float8(-0), 701, -0, "-0"],
    [new Float8(NaN), 701, NaN, "NaN"],
    [new Numeric("1.10"), 1700, "1.10", "1.10"],
    [new Numeric("-Infinity"), 1700, "-Infinity", "-Infinity"],
  ])("%p has its type and its value", (wrapped, oid, value, text) => {
    expect(wrapped.typeOid).toBe(oid);
    expect(wrapped.value).toStrictEqual(value);
    expect(wrapped.valueOf()).toStrictEqual(value);
    expect(unknownCodec.dumpText(wrapped)).toBe(text);
    expect(globalAdapters.convert(wrapped, codecOf("text"))).toStrictEqual(value);
    const [type] = [wrapped.typeName];
    expect(codecOf(`${type}[]`).dumpText([wrapped, null])).toBe(`{${text},NULL}`);
    expect(dumpHex(codecOf(`${type}[]`), [wrapped])).toBe(dumpHex(codecOf(`${type}[]`), [value]));
  });

  test("leaves no trace in JSON and arithmetic", () => {
    expect(JSON.stringify([new Int4(1), new Numeric("1.0")])).toBe('[1,"1.0"]');
    expect(String(new Int8(2n ** 60n))).toBe("1152921504606846976");
    expect(Number(new Int4(2)) + 1).toBe(3);
  });

  test.each<[make: () => unknown, message: string]>([
    [() => new Int2(32768), "32768 is out of range for int2 (-32768 to 32767)"],
    [() => new Int4(2 ** 31), "2147483648 is out of range for int4 (-2147483648 to 2147483647)"],
    [() => new Int4(1.5), "1.5 is not an integer, int4 takes whole numbers"],
    [() => new Oid(-1), "-1 is out of range for oid (0 to 4294967295)"],
    [() => new TransactionId(2 ** 32), "4294967296 is out of range for xid (0 to 4294967295)"],
    [() => new FullTransactionId(-1), "-1 is out of range for xid8 (0 to 18446744073709551615)"],
    [() => new FullTransactionId(0.5), "0.5 is not an exact integer; give xid8 a bigint"],
    [() => new Int8(2 ** 53), "9007199254740992 is not an exact integer; give int8 a bigint"],
    [() => new Int8(2n ** 63n), "9223372036854775808 is out of range for int8"],
    [() => new Float4(1e39), "1e+39 is out of range for float4"],
    [() => new Float4(1e-50), "1e-50 is out of range for float4"],
    [() => new Numeric("1,5"), '"1,5" is no number for numeric'],
    [() => new Numeric(""), '"" is no number for numeric'],
  ])("%p is refused", (make, message) => {
    expect(make).toThrow(DataError);
    expect(make).toThrow(message);
  });

  test.each([Int2, Int4, Int8, Oid, TransactionId, FullTransactionId, Float4, Float8, Numeric])(
    "%p takes nothing else",
    (Kind) => {
      for (const value of [undefined, null, {}, [], true]) {
        expect(() => new Kind(value as never)).toThrow(ProgrammingError);
      }
      if (Kind !== Numeric) expect(() => new Kind("1" as never)).toThrow(ProgrammingError);
    },
  );
});

test("types are said when one parameter says its own", () => {
  expect(typed.typesSaid([1, "a", null])).toEqual([]);
  expect(typed.typesSaid(["a", new Int4(1), null])).toEqual([0, 23, 0]);
});
