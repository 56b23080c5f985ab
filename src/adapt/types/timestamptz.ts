/**
 * The type timestamptz, as Date, or as string with all microseconds.
 *
 * A timestamptz is an instant, and so is a Date, but a Date keeps milliseconds and ends in the year 275760:
 * microseconds are cut off (towards the past), later instants raise DataError. Infinity and -infinity, which no
 * Date can say, load as the numbers Infinity and -Infinity and are taken as such. The time zone of the session
 * makes no difference. The binary form is asked for; reading the text needs DateStyle ISO, the server's
 * default. PostgreSQL manual, 8.5.1.3.
 */
import { isDate } from "node:util/types";
import { DataError } from "../../errors.ts";
import { int32 } from "../../protocol/bytes.ts";
import type { Writer } from "../../protocol/writer.ts";
import { builtin } from "../oids.ts";
import { BINARY } from "../format.ts";
import type { Codec } from "../registry.ts";
import {
  DAY_MICROS,
  DAY_MS,
  EPOCH_DAYS,
  FIRST_DAY,
  type Moment,
  daysOf,
  infinitySign,
  microsOf,
  printMoment,
  writeInfinity,
  writeMoment,
} from "./calendar.ts";
import { dumpedMoment } from "./date.ts";
import { parseTimestamp } from "./iso.ts";
import { malformed, outOfRange, wrongKind, wrongLength } from "./refuse.ts";
import { epochMicroseconds } from "./temporal.ts";
import { readUtf8 } from "./utf8.ts";

const EPOCH_MS = EPOCH_DAYS * DAY_MS;
/** The last millisecond that a Date can hold. */
const LAST_MS = 8.64e15;
/** Below this many in the high half, the microseconds divide exactly as one number. */
const NEAR = 0x200000;

function dateOf(days: number, micros: number): Date {
  const ms = (days + EPOCH_DAYS) * DAY_MS + Math.floor(micros / 1000);
  if (ms > LAST_MS || ms < -LAST_MS) {
    throw new DataError(
      `the timestamptz ${printMoment(days, micros, 0)} is beyond what a Date can hold ` +
        `(the year 275760); read timestamptz as string`,
    );
  }
  return new Date(ms);
}

/** What the text says, in UTC, or an infinity. */
export function readMoment(bytes: Buffer, start: number, end: number): Moment | number {
  const text = readUtf8(bytes, start, end);
  if (text === "infinity") return Infinity;
  if (text === "-infinity") return -Infinity;
  const parts = parseTimestamp(text);
  if (parts === null || parts.offset === null) {
    throw malformed("timestamptz", "not in ISO form; set DateStyle to ISO");
  }
  const micros = parts.micros - parts.offset * 1_000_000;
  const shift = Math.floor(micros / DAY_MICROS);
  return { days: parts.days + shift, micros: micros - shift * DAY_MICROS };
}

function dumpText(value: unknown): string {
  if (typeof value === "string") return value;
  if (isDate(value)) {
    const { days, micros } = dumpedMoment("timestamptz", value);
    return printMoment(days, micros, 0);
  }
  if (value === Infinity) return "infinity";
  if (value === -Infinity) return "-infinity";
  const { days, micros } = momentOfTemporal(value);
  return printMoment(days, micros, 0);
}

function dumpBinary(value: unknown, out: Writer): boolean {
  if (isDate(value)) {
    const { days, micros } = dumpedMoment("timestamptz", value);
    writeMoment(days, micros, out);
    return true;
  }
  if (value === Infinity || value === -Infinity) {
    writeInfinity(value, out);
    return true;
  }
  if (typeof value === "string") return false;
  const { days, micros } = momentOfTemporal(value);
  writeMoment(days, micros, out);
  return true;
}

function momentOfTemporal(value: unknown): Moment {
  const epoch = epochMicroseconds(value);
  if (epoch === null) {
    const takes = "a Date, a Temporal.Instant, a string, Infinity or -Infinity";
    throw wrongKind("timestamptz", takes, value);
  }
  const day = BigInt(DAY_MICROS);
  const micros = ((epoch % day) + day) % day;
  const days = Number((epoch - micros) / day) - EPOCH_DAYS;
  if (days < FIRST_DAY) throw outOfRange("timestamptz", String(value), "from 4714-11-24 BC on");
  return { days, micros: Number(micros) };
}

/** timestamptz, as Date; infinities as the numbers Infinity and -Infinity. */
export const timestamptz: Codec = {
  ...builtin("timestamptz"),
  results: BINARY,
  loadText(bytes: Buffer, start: number, end: number): Date | number {
    const moment = readMoment(bytes, start, end);
    return typeof moment === "number" ? moment : dateOf(moment.days, moment.micros);
  },
  loadBinary(bytes: Buffer, start: number, end: number): Date | number {
    if (end - start !== 8) throw wrongLength("timestamptz", 8, end - start);
    const high = int32(bytes, start);
    const low = int32(bytes, start + 4);
    if (high < NEAR && high >= -NEAR) {
      // 1000 is 8 * 125: without the 3 low bits the quotient is exact enough to be cut to whole ones.
      return new Date(EPOCH_MS + Math.floor((high * 0x20000000 + (low >>> 3)) / 125));
    }
    const sign = infinitySign(bytes, start);
    if (sign !== 0) return sign * Infinity;
    const days = daysOf(high, low);
    return dateOf(days, microsOf(high, low, days));
  },
  dumpText,
  dumpBinary,
};

/**
 * timestamptz, as string in UTC with all microseconds (`2024-01-02 03:04:05.678901+00`), whatever the time
 * zone of the session; to be registered in place of the default.
 */
export const timestamptzAsString: Codec = {
  ...timestamptz,
  loadText(bytes: Buffer, start: number, end: number): string {
    const moment = readMoment(bytes, start, end);
    if (typeof moment === "number") return moment > 0 ? "infinity" : "-infinity";
    return printMoment(moment.days, moment.micros, 0);
  },
  loadBinary(bytes: Buffer, start: number, end: number): string {
    if (end - start !== 8) throw wrongLength("timestamptz", 8, end - start);
    const sign = infinitySign(bytes, start);
    if (sign !== 0) return sign > 0 ? "infinity" : "-infinity";
    const high = int32(bytes, start);
    const low = int32(bytes, start + 4);
    const days = daysOf(high, low);
    return printMoment(days, microsOf(high, low, days), 0);
  },
};
