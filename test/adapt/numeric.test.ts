// numeric: exact strings in both formats, whatever the size, and what the server alone can read.

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { DataError, ProgrammingError } from "../../src/errors.ts";
import { codecOf, dumpHex, loadHex, loadText, throughBinary } from "./forms.ts";

const numeric = codecOf("numeric");

/** Decimals as the server prints them: no zeros in front, no minus before zero. */
const printed = fc
  .tuple(
    fc.boolean(),
    fc.bigInt({ min: 0n, max: 10n ** 60n }),
    fc.string({ unit: fc.constantFrom("0", "0", "0", "1", "9", "5"), maxLength: 40 }),
  )
  .map(([isNegative, whole, fraction]) => {
    const text = fraction === "" ? String(whole) : `${whole}.${fraction}`;
    return isNegative && /[1-9]/.test(text) ? `-${text}` : text;
  });

test("comes back unchanged through both formats", () => {
  fc.assert(
    fc.property(printed, (text) => {
      expect(dumpHex(numeric, text)).not.toBe(false);
      expect(throughBinary(numeric, text)).toBe(text);
      expect(loadText(numeric, numeric.dumpText(text))).toBe(text);
    }),
    { numRuns: 1000 },
  );
});

test("writes numbers and bigints as JavaScript prints them", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const text = throughBinary(numeric, value) as string;
      expect(Number(text)).toBe(value + 0);
      expect(text).not.toContain("e");
      expect(numeric.dumpText(value)).toBe(String(value));
    }),
    { examples: [[1e21], [1.5e-7], [5e-324], [1.7976931348623157e308], [-0], [-1e-7]] },
  );
  fc.assert(
    fc.property(fc.bigInt(), (value) => {
      expect(throughBinary(numeric, value)).toBe(String(value));
    }),
  );
});

describe("other spellings", () => {
  test.each([
    ["+1.50", "1.50"],
    ["007", "7"],
    ["-0.00", "0.00"],
    [".5", "0.5"],
    ["5.", "5"],
    ["1e5", "100000"],
    ["1.5e-7", "0.00000015"],
    ["1.50E1", "15.0"],
    ["-12.34e+1", "-123.4"],
    ["0e10", "0"],
    ["0.0e-3", "0.0000"],
    ["1e-4", "0.0001"],
    ["1e-5", "0.00001"],
  ])("%s is %s", (given, text) => {
    expect(dumpHex(numeric, given)).not.toBe(false);
    expect(throughBinary(numeric, given)).toBe(text);
  });

  test.each([
    "",
    "+",
    "-",
    ".",
    "e5",
    ".e5",
    "1e",
    "1_000",
    "0x10",
    " 1",
    "1 ",
    "1.2.3",
    "--1",
    "infinity",
    "nan",
    "١",
    "1e99999999",
    "1e131073",
    `1e-16384`,
    `0.${"0".repeat(16_384)}`,
    "9".repeat(131_073),
  ])("%.20p is left to the server", (given) => {
    expect(dumpHex(numeric, given)).toBe(false);
    expect(numeric.dumpText(given)).toBe(given);
  });

  test.each([
    ["the most digits before the point", `1${"0".repeat(131_071)}`],
    ["the most decimals", `0.${"0".repeat(16_382)}1`],
    ["both", `${"9".repeat(131_072)}.${"9".repeat(16_383)}`],
  ])("%s", (_what, text) => {
    expect(dumpHex(numeric, text)).not.toBe(false);
    expect(throughBinary(numeric, text)).toBe(text);
  });
});

test("tells how much time a long text takes: little", () => {
  // A pattern that backtracks would need minutes here.
  const started = performance.now();
  for (const text of [
    `${"1".repeat(140_000)}x`,
    `1${".".repeat(140_000)}`,
    `${"1".repeat(140_000)}e`,
  ]) {
    expect(dumpHex(numeric, text)).toBe(false);
  }
  expect(performance.now() - started).toBeLessThan(2000);
});

describe("malformed binary", () => {
  test.each([
    ["empty", ""],
    ["a head cut short", "00000000000000"],
    ["fewer digits than announced", "00020000000000000001"],
    ["more digits than announced", "000100000000000000010001"],
    ["a digit beyond 9999", "00010000000000002710"],
    ["a sign that does not exist", "00010000123400000001"],
    ["a scale that does not exist", "0001000000004fff0001"],
  ])("%s", (_what, hex) => {
    expect(() => loadHex(numeric, hex)).toThrow(DataError);
  });
});

test("refuses other kinds", () => {
  for (const value of [true, {}, [], new Date(0)]) {
    expect(() => dumpHex(numeric, value)).toThrow(ProgrammingError);
    expect(() => numeric.dumpText(value)).toThrow(
      "numeric takes a string, a number or a bigint, not",
    );
  }
});
