// date, time, timetz, timestamp and timestamptz: what has which form, to the microsecond and to the limits.

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { timestamptzAsString } from "../../src/adapt/types/timestamptz.ts";
import { DataError, ProgrammingError } from "../../src/errors.ts";
import { codecOf, dumpHex, loadHex, loadText, throughBinary, throughText } from "./forms.ts";

const date = codecOf("date");
const time = codecOf("time");
const timetz = codecOf("timetz");
const timestamp = codecOf("timestamp");
const timestamptz = codecOf("timestamptz");

const FIRST_MS = Date.UTC(-4713, 10, 24);
/** Microseconds from 2000-01-01 to PostgreSQL's first and last. */
const FIRST_MICROS = -211_813_488_000_000_000n;
const LAST_MICROS = 9_223_371_331_199_999_999n;

const anyDate = fc.date({ min: new Date(FIRST_MS), max: new Date(8.64e15), noInvalidDate: true });
const anyMicros = fc.oneof(
  fc.bigInt({ min: FIRST_MICROS, max: LAST_MICROS }),
  fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }),
);
const hexOfMicros = (micros: bigint): string =>
  BigInt.asUintN(64, micros).toString(16).padStart(16, "0");

/** The same in another way: JavaScript's own calendar and bigints. */
function printed(micros: bigint): string {
  const inSecond = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  let shift = 0;
  let ms = Number((micros - inSecond) / 1000n) + Date.UTC(2000, 0, 1);
  // 400 years are always as long as each other; JavaScript's calendar ends before PostgreSQL's.
  while (ms > 8.64e15) {
    ms -= 146_097 * 86_400_000;
    shift += 400;
  }
  const whole = new Date(ms);
  const year = whole.getUTCFullYear() + shift;
  const fraction =
    inSecond === 0n ? "" : `.${String(inSecond).padStart(6, "0").replace(/0+$/, "")}`;
  const [rest] = whole
    .toISOString()
    .slice(whole.toISOString().indexOf("-", 1) + 1)
    .split(".");
  const name = String(year > 0 ? year : 1 - year).padStart(4, "0");
  return `${name}-${rest?.replace("T", " ")}${fraction}${year > 0 ? "" : " BC"}`;
}

describe("timestamp", () => {
  test("is printed as the server prints it, over the whole range", () => {
    fc.assert(
      fc.property(anyMicros, (micros) => {
        const text = loadHex(timestamp, hexOfMicros(micros));
        expect(text).toBe(printed(micros));
        expect(dumpHex(timestamp, text)).toBe(hexOfMicros(micros));
        expect(loadText(timestamp, text as string)).toBe(text);
      }),
      { numRuns: 2000, examples: [[FIRST_MICROS], [LAST_MICROS], [-1n], [0n], [1n]] },
    );
  });

  test("of a Date is its date and time in UTC", () => {
    const value = new Date("2024-01-02T03:04:05.678Z");
    expect(timestamp.dumpText(value)).toBe("2024-01-02 03:04:05.678");
    expect(throughBinary(timestamp, value)).toBe("2024-01-02 03:04:05.678");
    fc.assert(
      fc.property(anyDate, (given) => {
        expect(throughBinary(timestamp, given)).toBe(timestamp.dumpText(given));
      }),
    );
  });

  test.each([
    "now",
    "2024-01-02",
    "2024-01-02T03:04:05",
    "2024-01-0203:04:05",
    "2024-01-02 03:04",
    "2024-01-02 03:04:05+00",
    "2024-02-30 00:00:00",
    "2024-01-02 24:00:00",
    "2024-01-02 03:04:60",
    "0000-01-01 00:00:00",
    "4714-11-23 23:59:59 BC",
    "294277-01-01 00:00:00",
    "2024-01-02 03:04:05.1234567",
    "2024-01-02 03:04:05.",
    "2024-01-02 03:04:05 bc",
    "24-01-02 03:04:05",
    "epoch",
    "",
    "2024-01-02 03:04:05 BC ",
  ])("%j is left to the server", (text) => {
    expect(dumpHex(timestamp, text)).toBe(false);
    expect(timestamp.dumpText(text)).toBe(text);
  });
});

describe("timestamptz", () => {
  test("is a Date, cut to milliseconds towards the past", () => {
    fc.assert(
      fc.property(anyMicros, (micros) => {
        const ms = micros / 1000n - (micros % 1000n < 0n ? 1n : 0n) + BigInt(Date.UTC(2000, 0, 1));
        if (ms > 8_640_000_000_000_000n) {
          expect(() => loadHex(timestamptz, hexOfMicros(micros))).toThrow(DataError);
          expect(() => loadText(timestamptz, `${printed(micros)}+00`)).toThrow(DataError);
        } else {
          expect(loadHex(timestamptz, hexOfMicros(micros))).toStrictEqual(new Date(Number(ms)));
          const [clock, era = ""] = printed(micros)
            .split(" BC")
            .map((part, index) => (index ? " BC" : part));
          expect(loadText(timestamptz, `${clock}+00${era}`)).toStrictEqual(new Date(Number(ms)));
        }
      }),
      {
        numRuns: 2000,
        examples: [[-1n], [-1000n], [-1001n], [2n ** 53n], [2n ** 53n - 1n], [-(2n ** 53n) - 1n]],
      },
    );
  });

  test("comes back through both formats", () => {
    fc.assert(
      fc.property(anyDate, (value) => {
        expect(throughBinary(timestamptz, value)).toStrictEqual(value);
        expect(throughText(timestamptz, value)).toStrictEqual(value);
      }),
      {
        numRuns: 1000,
        examples: [[new Date(FIRST_MS)], [new Date(8.64e15)], [new Date(0)], [new Date(-1)]],
      },
    );
  });

  // One instant in time zones of all sorts; all texts are the server's.
  test.each([
    ["2024-01-02 08:34:05.678+05:30"],
    ["2024-01-01 23:33:13.678-03:30:52"],
    ["2024-01-01 11:04:05.678-16"],
    ["2024-01-02 03:04:05.678+00"],
    ["2024-01-02 03:04:05.678-00"],
    ["2024-01-02 16:49:05.678999+13:45"],
  ])("%s is the instant whatever the offset", (text) => {
    expect(loadText(timestamptz, text)).toStrictEqual(new Date("2024-01-02T03:04:05.678Z"));
  });

  test("keeps infinities, as numbers", () => {
    for (const value of [Infinity, -Infinity]) {
      expect(throughBinary(timestamptz, value)).toBe(value);
      expect(throughText(timestamptz, value)).toBe(value);
    }
  });

  test("beyond what a Date holds is refused, saying what to do", () => {
    expect(() => loadHex(timestamptz, hexOfMicros(LAST_MICROS))).toThrow(
      new DataError(
        "the timestamptz 294276-12-31 23:59:59.999999+00 is beyond what a Date can hold " +
          "(the year 275760); read timestamptz as string",
      ),
    );
  });

  test("text in another DateStyle is refused, saying what to do", () => {
    for (const text of [
      "01/02/2024 03:04:05 UTC",
      "Tue Jan 02 03:04:05 2024 UTC",
      "2024-01-02 03:04:05",
      "",
    ]) {
      expect(() => loadText(timestamptz, text)).toThrow("set DateStyle to ISO");
    }
  });

  test("leaves strings to the server", () => {
    expect(dumpHex(timestamptz, "2024-01-02 03:04:05+00")).toBe(false);
    expect(timestamptz.dumpText("tomorrow noon")).toBe("tomorrow noon");
  });

  test("does not take numbers, which could be seconds or milliseconds", () => {
    for (const value of [0, 1.7e12, NaN, 5n]) {
      expect(() => dumpHex(timestamptz, value)).toThrow(ProgrammingError);
      expect(() => timestamptz.dumpText(value)).toThrow(
        /takes a Date, a Temporal.Instant, a string, Infinity or -Infinity, not a/,
      );
    }
  });
});

describe("timestamptzAsString", () => {
  test("is in UTC with all microseconds, from both formats", () => {
    fc.assert(
      fc.property(anyMicros, (micros) => {
        const [clock, era = ""] = printed(micros)
          .split(" BC")
          .map((part, index) => (index ? " BC" : part));
        const text = `${clock}+00${era}`;
        expect(loadHex(timestamptzAsString, hexOfMicros(micros))).toBe(text);
        expect(loadText(timestamptzAsString, text)).toBe(text);
      }),
    );
  });

  test.each([
    ["2024-01-01 00:30:00.123456+05:30", "2023-12-31 19:00:00.123456+00"],
    ["2023-12-31 23:30:00-03:30:52", "2024-01-01 03:00:52+00"],
    ["infinity", "infinity"],
    ["-infinity", "-infinity"],
  ])("%s is %s", (text, value) => {
    expect(loadText(timestamptzAsString, text)).toBe(value);
  });
});

describe("date", () => {
  test("is printed as the server prints it, over the whole range", () => {
    fc.assert(
      fc.property(fc.integer({ min: -2451545, max: 2145031948 }), (days) => {
        const hex = (days >>> 0).toString(16).padStart(8, "0");
        const text = loadHex(date, hex) as string;
        expect(dumpHex(date, text)).toBe(hex);
        if (days > 106751982) return;
        expect(text).toBe(printed(BigInt(days) * 86_400_000_000n).replace(" 00:00:00", ""));
      }),
      { numRuns: 2000 },
    );
  });

  test("of a Date is its day in UTC, whatever the program's time zone", () => {
    expect(date.dumpText(new Date("2024-03-01T00:00:00Z"))).toBe("2024-03-01");
    expect(throughBinary(date, new Date("2024-02-29T23:59:59.999Z"))).toBe("2024-02-29");
    expect(throughBinary(date, new Date(FIRST_MS))).toBe("4714-11-24 BC");
  });

  test.each([
    "today",
    "2024-1-2",
    "20240102",
    "2023-02-29",
    "1900-02-29",
    "2024-13-01",
    "2024-00-10",
    "2024-01-00",
    "2024-04-31",
    "0000-01-01",
    "4714-11-23 BC",
    "5874898-01-01",
    "99999999-01-01",
    "2024-01-02 ",
    "2024-01-02 AD",
    "Jan 2, 2024",
  ])("%j is left to the server", (text) => {
    expect(dumpHex(date, text)).toBe(false);
    expect(date.dumpText(text)).toBe(text);
  });

  test("knows leap years, before Christ too", () => {
    for (const text of ["2000-02-29", "2024-02-29", "0001-02-29 BC", "0005-02-29 BC"]) {
      expect(throughBinary(date, text)).toBe(text);
      expect(dumpHex(date, text)).not.toBe(false);
    }
    expect(dumpHex(date, "0004-02-29 BC")).toBe(false);
  });
});

describe("time and timetz", () => {
  const micros = fc.integer({ min: 0, max: 86_400_000_000 });

  test("are printed as the server prints them", () => {
    fc.assert(
      fc.property(micros, fc.integer({ min: -57_599, max: 57_599 }), (value, west) => {
        const expected =
          value === 86_400_000_000
            ? "24:00:00"
            : printed(BigInt(value)).slice("2000-01-01 ".length);
        const hex = hexOfMicros(BigInt(value));
        expect(loadHex(time, hex)).toBe(expected);
        expect(dumpHex(time, expected)).toBe(hex);
        const zoned = loadHex(timetz, hex + (west >>> 0).toString(16).padStart(8, "0")) as string;
        expect(zoned.startsWith(expected)).toBe(true);
        expect(dumpHex(timetz, zoned)).toBe(hex + (west >>> 0).toString(16).padStart(8, "0"));
      }),
    );
  });

  test.each([
    ["time", "noon"],
    ["time", "24:00:01"],
    ["time", "12:60:00"],
    ["time", "12:00:60"],
    ["time", "12:00"],
    ["time", "12:00:00+00"],
    ["time", "12:00:00 PM"],
    ["timetz", "12:00:00"],
    ["timetz", "12:00:00+16"],
    ["timetz", "12:00:00+05:99"],
    ["timetz", "12:00:00+0530"],
    ["timetz", "12:00:00 CET"],
    ["timetz", "12:00:00Z"],
  ])("%s %s is left to the server", (type, text) => {
    expect(dumpHex(codecOf(type), text)).toBe(false);
    expect(codecOf(type).dumpText(text)).toBe(text);
  });

  test("refuse what is not within a day, and other lengths", () => {
    expect(() => loadHex(time, hexOfMicros(86_400_000_001n))).toThrow(DataError);
    expect(() => loadHex(time, hexOfMicros(-1n))).toThrow(DataError);
    expect(() => loadHex(timetz, hexOfMicros(0n))).toThrow(DataError);
  });

  test("take no Date", () => {
    expect(() => dumpHex(time, new Date(0))).toThrow(
      "time takes a Temporal.PlainTime or a string like 13:05:00, not a Date",
    );
    expect(() => timetz.dumpText(new Date(0))).toThrow(ProgrammingError);
  });
});

describe.each(["date", "timestamp", "timestamptz"])("%s", (type) => {
  const codec = codecOf(type);

  test("refuses an invalid Date", () => {
    const message = `an invalid Date cannot be sent as ${type}`;
    expect(() => dumpHex(codec, new Date(NaN))).toThrow(new DataError(message));
    expect(() => codec.dumpText(new Date(NaN))).toThrow(new DataError(message));
  });

  test("refuses a Date before PostgreSQL's first day", () => {
    const value = new Date(FIRST_MS - 1);
    const message = `-004713-11-23T23:59:59.999Z" is out of range for ${type} (from 4714-11-24 BC on)`;
    expect(() => dumpHex(codec, value)).toThrow(message);
    expect(() => codec.dumpText(value)).toThrow(DataError);
  });

  test("takes a Date of another realm", () => {
    const foreign = structuredClone(new Date(0));
    expect(dumpHex(codec, foreign)).toBe(dumpHex(codec, new Date(0)));
  });

  test.each([[{}], [[]], [true], [Buffer.alloc(8)]])("refuses %p", (value) => {
    expect(() => dumpHex(codec, value)).toThrow(ProgrammingError);
    expect(() => codec.dumpText(value)).toThrow(ProgrammingError);
  });

  test("refuses other lengths in binary", () => {
    expect(() => loadHex(codec, "00")).toThrow(DataError);
    expect(() => loadHex(codec, "00".repeat(9))).toThrow(DataError);
  });
});
