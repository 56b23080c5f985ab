// Values of Temporal, with a real implementation of it: written exactly or refused; instants are also read.

import { describe, expect, test } from "@jest/globals";
import { Temporal } from "temporal-polyfill";
import { timestamptzAsTemporal } from "../../src/adapt/types/temporal-instant.ts";
import { DataError, ProgrammingError } from "../../src/errors.ts";
import { codecOf, dumpHex, loadHex, loadText } from "./forms.ts";

describe("is written as", () => {
  test.each<[type: string, value: unknown, text: string]>([
    ["date", Temporal.PlainDate.from("2024-02-29"), "2024-02-29"],
    ["date", Temporal.PlainDate.from("-000043-03-15"), "0044-03-15 BC"],
    ["date", Temporal.PlainDate.from("+010000-01-01"), "10000-01-01"],
    ["date", Temporal.PlainDate.from("2024-02-29[u-ca=gregory]"), "2024-02-29"],
    [
      "timestamp",
      Temporal.PlainDateTime.from("2024-01-02T03:04:05.678901"),
      "2024-01-02 03:04:05.678901",
    ],
    ["timestamp", Temporal.PlainDateTime.from("-000043-03-15T12:00"), "0044-03-15 12:00:00 BC"],
    ["time", Temporal.PlainTime.from("13:05:00.25"), "13:05:00.25"],
    ["time", Temporal.PlainTime.from("13:05"), "13:05:00"],
    [
      "timestamptz",
      Temporal.Instant.from("2024-01-02T03:04:05.678901Z"),
      "2024-01-02 03:04:05.678901+00",
    ],
    [
      "timestamptz",
      Temporal.Instant.from("1969-12-31T23:59:59.999999Z"),
      "1969-12-31 23:59:59.999999+00",
    ],
    [
      "timestamptz",
      Temporal.ZonedDateTime.from("2024-01-02T03:04:05+09:00[Asia/Tokyo]"),
      "2024-01-01 18:04:05+00",
    ],
  ])("%s %s", (type, value, text) => {
    const codec = codecOf(type);
    expect(codec.dumpText(value)).toBe(text);
    const asString = type === "timestamptz" ? new Date(text.replace(/\+00$/, "Z")) : text;
    const hex = dumpHex(codec, value);
    expect(hex).not.toBe(false);
    expect(loadHex(codec, hex as string)).toEqual(asString);
  });

  test.each<[type: string, value: unknown]>([
    ["timestamp", Temporal.PlainDateTime.from("2024-01-02T03:04:05.000000001")],
    ["time", Temporal.PlainTime.from("00:00:00.123456789")],
    ["timestamptz", Temporal.Instant.from("2024-01-02T03:04:05.000000001Z")],
    ["timestamptz", Temporal.Instant.fromEpochNanoseconds(-1n)],
    ["timestamptz", Temporal.Instant.from("-010000-01-01T00:00:00Z")],
  ])("%s not %s, which it can't hold", (type, value) => {
    for (const dump of [() => codecOf(type).dumpText(value), () => dumpHex(codecOf(type), value)]) {
      expect(dump).toThrow(DataError);
    }
  });

  test.each<[type: string, value: unknown]>([
    ["date", Temporal.PlainDateTime.from("2024-01-02T03:04:05")],
    ["timestamp", Temporal.PlainDate.from("2024-01-02")],
    ["timetz", Temporal.PlainTime.from("13:05")],
    ["timestamptz", Temporal.PlainDateTime.from("2024-01-02T03:04:05")],
    ["interval", Temporal.PlainTime.from("13:05")],
  ])("%s not %s, which is something else", (type, value) => {
    expect(() => codecOf(type).dumpText(value)).toThrow(ProgrammingError);
    expect(() => dumpHex(codecOf(type), value)).toThrow(ProgrammingError);
  });
});

describe("timestamptz is read as Temporal.Instant", () => {
  const codec = timestamptzAsTemporal(Temporal);

  test.each([
    ["2024-01-02 03:04:05.678901+00", "0002b0ec85204f35", "2024-01-02T03:04:05.678901Z"],
    ["2024-01-02 08:34:05.678901+05:30", "0002b0ec85204f35", "2024-01-02T03:04:05.678901Z"],
    ["1969-12-31 23:59:59.999999+00", "fffca2fec4c81fff", "1969-12-31T23:59:59.999999Z"],
    ["0044-03-15 12:00:00+00 BC", "ff1af9e8fb46d000", "-000043-03-15T12:00:00Z"],
    ["275760-09-13 00:00:00+00", "77e41537f0282000", "+275760-09-13T00:00:00Z"],
  ])("%s", (text, hex, iso) => {
    expect(String(loadText(codec, text))).toBe(iso);
    expect(String(loadHex(codec, hex))).toBe(iso);
  });

  test("infinities are numbers, and what it can't hold is refused", () => {
    expect(loadText(codec, "infinity")).toBe(Infinity);
    expect(loadHex(codec, "8000000000000000")).toBe(-Infinity);
    for (const read of [
      () => loadText(codec, "294276-12-31 23:59:59.999999+00"),
      () => loadHex(codec, "7fffff5bb3b29fff"),
    ]) {
      expect(read).toThrow("294276-12-31 23:59:59.999999+00 is beyond what a Temporal.Instant can");
    }
    expect(() => loadHex(codec, "00")).toThrow(DataError);
  });

  test("with the runtime's Temporal, if it has one", () => {
    const scope = globalThis as { Temporal?: unknown };
    const own = scope.Temporal;
    try {
      delete scope.Temporal;
      expect(() => timestamptzAsTemporal()).toThrow("this runtime has no Temporal; pass one");
      scope.Temporal = Temporal;
      expect(String(loadHex(timestamptzAsTemporal(), "0000000000000000"))).toBe(
        "2000-01-01T00:00:00Z",
      );
    } finally {
      if (own === undefined) delete scope.Temporal;
      else scope.Temporal = own;
    }
  });
});
