// float4 and float8: all values, and the one outcome that a float4 has in both formats.

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { DataError, ProgrammingError } from "../../src/errors.ts";
import { printFloat8 } from "../../src/adapt/types/float.ts";
import { codecOf, dumpHex, loadHex, loadText, throughBinary, throughText } from "./forms.ts";

const float4 = codecOf("float4");
const float8 = codecOf("float8");

test("float8 comes back through both formats", () => {
  fc.assert(
    fc.property(fc.double(), (value) => {
      expect(throughBinary(float8, value)).toBe(value);
      expect(throughText(float8, value)).toBe(value);
    }),
  );
});

const hexOfBits = (bits: number): string => bits.toString(16).padStart(8, "0");

function valueOfBits(bits: number): number {
  return Buffer.from(hexOfBits(bits), "hex").readFloatBE(0);
}

describe("float4 in binary", () => {
  test("is a decimal that is this float4 and has no more digits than it needs", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (bits) => {
        const exact = valueOfBits(bits);
        const value = loadHex(float4, hexOfBits(bits)) as number;
        expect(Math.fround(value)).toBe(exact);
        if (!Number.isFinite(exact) || exact === 0) return;
        const digits = value.toExponential().replace(/e.*|[-.]/g, "").length;
        expect(digits).toBeLessThanOrEqual(9);
        // One digit less would be another float4; the server leaves a digit out only strictly inside.
        if (digits > 1) {
          const shorter = Number(exact.toExponential(digits - 2));
          const isBound = isMidpoint(Math.abs(shorter), bits & 0x7fffffff);
          expect(Math.fround(shorter) !== exact || isBound).toBe(true);
        }
        expect(dumpHex(float4, value)).toBe(hexOfBits(bits));
      }),
      { numRuns: 2000 },
    );
  });

  function isMidpoint(value: number, bits: number): boolean {
    return [bits - 1, bits + 1].some(
      (next) => (valueOfBits(bits) + valueOfBits(next)) / 2 === value,
    );
  }

  // What PostgreSQL prints: where the nearest short decimal is ambiguous, or lies on a bound.
  test.each([
    ["49800002", "1.0485762e+06", "of two equally near ones the even one"],
    ["4c000004", "3.3554448e+07", "not the bound between two float4s"],
    ["0f800000", "1.2621775e-29", "the next above, at a power of two"],
    ["7f7fffff", "3.4028235e+38", "the largest"],
    ["00000001", "1e-45", "the smallest"],
    ["00000003", "4e-45", "a denormal one"],
    ["007fffff", "1.1754942e-38", "the largest denormal one"],
    ["c9800002", "-1.0485762e+06", "the same below 0"],
  ])("%s is %s: %s", (hex, text) => {
    expect(loadHex(float4, hex)).toBe(loadText(float4, text));
  });

  test("of a fraction with few digits is that fraction", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -999_999, max: 999_999 }),
        fc.integer({ min: 0, max: 30 }),
        (digits, power) => {
          const value = Number(`${digits}e-${power}`);
          expect(throughBinary(float4, value)).toBe(value);
        },
      ),
    );
  });
});

test.each([1e39, -1e39, 3.5e38, 1e-46, -1e-60, 10n ** 40n])("float4 refuses %s", (value) => {
  expect(() => dumpHex(float4, value)).toThrow(DataError);
  expect(() => float4.dumpText(value)).toThrow(/ is out of range for float4 \(1.4e-45 to 3.4e38\)/);
});

test("float8 refuses a bigint beyond its range and rounds others", () => {
  expect(() => dumpHex(float8, 10n ** 309n)).toThrow(DataError);
  expect(throughBinary(float8, 2n ** 53n + 1n)).toBe(2 ** 53);
  expect(throughText(float8, -(10n ** 300n))).toBe(-1e300);
});

describe.each([
  ["float4", float4, 4],
  ["float8", float8, 8],
] as const)("%s", (type, codec, length) => {
  test.each([NaN, Infinity, -Infinity, 0, -0])("keeps %p", (value) => {
    expect(throughBinary(codec, value)).toBe(value);
    expect(throughText(codec, value)).toBe(value);
  });

  test.each(["", " ", "inf", "1,5", "abc", "1 2"])("refuses %p in text", (text) => {
    expect(() => loadText(codec, text)).toThrow(
      new DataError(`malformed ${type} from the server: not a number`),
    );
  });

  test("refuses other lengths in binary", () => {
    expect(() => loadHex(codec, "00".repeat(length - 1))).toThrow(DataError);
    expect(() => loadHex(codec, "00".repeat(length + 1))).toThrow(DataError);
  });

  test("leaves strings to the server and refuses other kinds", () => {
    expect(dumpHex(codec, "1_000.5")).toBe(false);
    expect(codec.dumpText("1_000.5")).toBe("1_000.5");
    expect(() => dumpHex(codec, false)).toThrow(ProgrammingError);
    expect(() => codec.dumpText([])).toThrow(
      `${type} takes a number, a bigint or a string, not an array; convert it first`,
    );
  });
});

// What the server prints, asked of it: some of JavaScript's decimals lie halfway to a neighbour.
test.each([
  [-19793350759170232, "-1.9793350759170232e+16"],
  [36028797018963976, "3.6028797018963976e+16"],
  [2 ** 60 + 2 ** 9, "1.1529215046068475e+18"],
  [9007199254740992, "9.007199254740992e+15"],
  [1e23, "9.999999999999999e+22"],
  [-1e23, "-9.999999999999999e+22"],
  [1.7976931348623157e308, "1.7976931348623157e+308"],
])("float8 %p is printed as the server prints it", (value, text) => {
  expect(printFloat8(value)).toBe(text);
});
