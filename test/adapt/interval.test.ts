// Intervals: all styles of text, ISO 8601 as the server prints it, parts, limits.

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { Temporal } from "temporal-polyfill";
import { Interval } from "../../src/adapt/types/interval-value.ts";
import { parseInterval } from "../../src/adapt/types/interval-text.ts";
import { DataError, ProgrammingError } from "../../src/errors.ts";
import { codecOf, dumpHex, throughBinary, throughText } from "./forms.ts";

const codec = codecOf("interval");

describe("the text of every style", () => {
  // What PostgreSQL 18 prints, style by style.
  test.each<[Interval, postgres: string, verbose: string, standard: string, iso: string]>([
    [new Interval(), "00:00:00", "@ 0", "0", "PT0S"],
    [
      new Interval(14, -3, 14706700000),
      "1 year 2 mons -3 days +04:05:06.7",
      "@ 1 year 2 mons -3 days 4 hours 5 mins 6.7 secs",
      "+1-2 -3 +4:05:06.7",
      "P1Y2M-3DT4H5M6.7S",
    ],
    [
      new Interval(-14, 3, -1),
      "-1 years -2 mons +3 days -00:00:00.000001",
      "@ 1 year 2 mons -3 days 0.000001 secs ago",
      "-1-2 +3 -0:00:00.000001",
      "P-1Y-2M3DT-0.000001S",
    ],
    [new Interval(-14), "-1 years -2 mons", "@ 1 year 2 mons ago", "-1-2", "P-1Y-2M"],
    [
      new Interval(0, -3, -14706000000),
      "-3 days -04:05:06",
      "@ 3 days 4 hours 5 mins 6 secs ago",
      "-3 4:05:06",
      "P-3DT-4H-5M-6S",
    ],
    [new Interval(0, 0, -90000000), "-00:01:30", "@ 1 min 30 secs ago", "-0:01:30", "PT-1M-30S"],
    [new Interval(0, 1), "1 day", "@ 1 day", "1 0:00:00", "P1D"],
    [new Interval(1, 0, 1000000), "1 mon 00:00:01", "@ 1 mon 1 sec", "+0-1 +0 +0:00:01", "P1MT1S"],
  ])("%s", (interval, ...texts) => {
    for (const text of texts) {
      expect([text, Interval.parse(text)]).toStrictEqual([text, interval]);
    }
    expect(interval.toString()).toBe(texts[3]);
    expect(JSON.stringify([interval])).toBe(JSON.stringify([texts[3]]));
  });

  test.each([
    "",
    " ",
    "P",
    "PT",
    "P1",
    "1",
    "@",
    "@ x",
    "P1.5D",
    "1 fortnight",
    "04:05",
    "P1Y".repeat(50),
    "P999999999999Y",
    "PT99999999999999999999S",
  ])("%j is not such a text", (text) => {
    expect(parseInterval(text)).toBeNull();
    expect(() => Interval.parse(text)).toThrow(DataError);
  });
});

const intervals = fc
  .tuple(
    fc.integer(),
    fc.integer(),
    fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.integer()),
  )
  .map(([months, days, micros]) => new Interval(months, days, micros));

test("any interval comes back from its own text and both formats", () => {
  fc.assert(
    fc.property(intervals, (interval) => {
      expect(Interval.parse(interval.toString())).toStrictEqual(interval);
      expect(throughText(codec, interval)).toStrictEqual(interval);
      expect(throughBinary(codec, interval)).toStrictEqual(interval);
    }),
  );
});

describe("parts", () => {
  test.each<[Parameters<typeof Interval.from>[0], Interval]>([
    [{}, new Interval()],
    [{ years: 1, months: -2 }, new Interval(10)],
    [{ weeks: 2, days: 1 }, new Interval(0, 15)],
    [{ hours: 1, minutes: 2, seconds: 3 }, new Interval(0, 0, 3723000000)],
    [{ seconds: 0.1 }, new Interval(0, 0, 100000)],
    [{ seconds: 1e-6 }, new Interval(0, 0, 1)],
    [{ seconds: -1.5, milliseconds: 1, microseconds: 1n }, new Interval(0, 0, -1498999)],
  ])("%p", (parts, interval) => {
    expect(Interval.from(parts)).toStrictEqual(interval);
  });

  test.each<[() => unknown, string]>([
    [() => new Interval(1.5), "1.5 is not an integer, an interval takes whole months"],
    [() => new Interval(0, NaN), "NaN is not an integer, an interval takes whole days"],
    [() => new Interval(2 ** 31), "2147483648 is out of range for the months of an interval"],
    [() => new Interval(0, 0, 0.5), "0.5 is not an exact integer, an interval takes whole micro"],
    [() => new Interval(0, 0, 2n ** 63n), "9223372036854775808 is out of range for the micro"],
    [() => Interval.from({ seconds: 1e-7 }), "1e-7 seconds are not a whole count of microseconds"],
    [() => Interval.from({ seconds: NaN }), "NaN seconds are not a whole count of microseconds"],
    [() => Interval.from({ years: 2e8 }), "2400000000 is out of range for the months"],
    [() => Interval.from({ hours: 1.5 }), "1.5 is not an exact integer, an interval takes whole h"],
  ])("%p is refused", (make, message) => {
    expect(make).toThrow(DataError);
    expect(make).toThrow(message);
  });

  test("the infinite ones", () => {
    expect([String(Interval.infinity), String(Interval.minusInfinity)]).toEqual([
      "infinity",
      "-infinity",
    ]);
    expect(Interval.infinity.isFinite).toBe(false);
    expect(new Interval(1).isFinite).toBe(true);
    expect(Interval.parse("-infinity").equals(Interval.minusInfinity)).toBe(true);
  });
});

describe("what the type takes", () => {
  test("a Temporal.Duration", () => {
    const duration = Temporal.Duration.from("P1Y2M3W4DT5H6M7.008009S");
    expect(throughBinary(codec, duration)).toStrictEqual(Interval.parse("P1Y2M25DT5H6M7.008009S"));
    expect(throughText(codec, duration.negated())).toStrictEqual(
      Interval.parse("P-1Y-2M-25DT-5H-6M-7.008009S"),
    );
    const fine = Temporal.Duration.from({ nanoseconds: 1 });
    expect(() => codec.dumpText(fine)).toThrow("the Temporal.Duration has nanoseconds");
  });

  test("a string in binary only when every session reads it alike", () => {
    expect(dumpHex(codec, "P1D")).toBe("00000000000000000000000100000000");
    expect(dumpHex(codec, "1 day")).toBe(false);
    expect(dumpHex(codec, "-1 2:03:04")).toBe(false);
    expect(dumpHex(codec, "P99999999999Y")).toBe(false);
  });

  test.each([1, 1n, true, {}, [], new Date(0)])("not %p", (value) => {
    expect(() => codec.dumpText(value)).toThrow(ProgrammingError);
    expect(() => dumpHex(codec, value)).toThrow("interval takes an Interval, a Temporal.Duration");
  });
});
