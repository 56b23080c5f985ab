/**
 * The type interval, as Interval: months, days and microseconds, none of them ever converted.
 *
 * The binary form is asked for, because the text changes with the session's IntervalStyle; text is understood in
 * all four styles. Strings go to the server, which reads them by its IntervalStyle, but for ISO 8601, which it
 * reads alike in all of them. A number is refused: of what would it be? PostgreSQL manual, 8.5.4.
 */
import { int32 } from "../../protocol/bytes.ts";
import type { Writer } from "../../protocol/writer.ts";
import { builtin } from "../oids.ts";
import { BINARY } from "../format.ts";
import type { Codec } from "../registry.ts";
import { parseInterval, parseIso } from "./interval-text.ts";
import { Interval } from "./interval-value.ts";
import { malformed, wrongKind, wrongLength } from "./refuse.ts";
import { durationParts, hasNanoseconds } from "./temporal.ts";
import { readUtf8 } from "./utf8.ts";

function intervalOf(value: unknown): Interval {
  if (value instanceof Interval) return value;
  const parts = durationParts(value);
  if (parts === null) {
    throw wrongKind("interval", "an Interval, a Temporal.Duration or a string", value);
  }
  const { nanoseconds, ...others } = parts;
  if (nanoseconds % 1000 !== 0) throw hasNanoseconds("Duration");
  return Interval.from({
    ...others,
    microseconds: BigInt(others.microseconds) + BigInt(nanoseconds / 1000),
  });
}

/** interval, as Interval. */
export const interval: Codec = {
  ...builtin("interval"),
  results: BINARY,
  loadText(bytes: Buffer, start: number, end: number): Interval {
    const fields = parseInterval(readUtf8(bytes, start, end));
    if (fields === null) throw malformed("interval", "in none of the styles of IntervalStyle");
    return new Interval(fields.months, fields.days, fields.microseconds);
  },
  loadBinary(bytes: Buffer, start: number, end: number): Interval {
    if (end - start !== 16) throw wrongLength("interval", 16, end - start);
    return new Interval(
      int32(bytes, start + 12),
      int32(bytes, start + 8),
      bytes.readBigInt64BE(start),
    );
  },
  dumpText: (value: unknown): string =>
    typeof value === "string" ? value : intervalOf(value).toString(),
  dumpBinary(value: unknown, out: Writer): boolean {
    const fields = typeof value === "string" ? fieldsOfText(value) : intervalOf(value);
    if (fields === null) return false;
    out.int64(fields.microseconds);
    out.int32(fields.days);
    out.int32(fields.months);
    return true;
  },
};

function fieldsOfText(text: string): Interval | null {
  const fields = parseIso(text);
  if (fields === null) return null;
  const { months, days, microseconds } = fields;
  // What is out of range is for the server to refuse.
  if (parseInterval(text) === null) return null;
  return new Interval(months, days, microseconds);
}
