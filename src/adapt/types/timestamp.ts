/**
 * The type timestamp (without time zone), as string: `2024-01-02 03:04:05.678901`, `infinity`.
 *
 * What a clock on some wall shows is no instant, so it is never a Date; all microseconds are kept. A Date that
 * is given for one counts with its date and time in UTC, whatever the time zones of session and program: what
 * comes back is the same clock that `toISOString()` shows. The binary form is asked for, because the text
 * changes with the session's DateStyle. PostgreSQL manual, 8.5.1.3.
 */
import { isDate } from "node:util/types";
import { int32 } from "../../protocol/bytes.ts";
import type { Writer } from "../../protocol/writer.ts";
import { builtin } from "../oids.ts";
import { BINARY } from "../format.ts";
import type { Codec } from "../registry.ts";
import {
  FIRST_DAY,
  LAST_TIMESTAMP,
  daysOf,
  infinitySign,
  microsOf,
  printMoment,
  writeInfinity,
  writeMoment,
} from "./calendar.ts";
import { dumpedMoment } from "./date.ts";
import { parseTimestamp } from "./iso.ts";
import { wrongKind, wrongLength } from "./refuse.ts";
import { plainText } from "./temporal.ts";
import { readUtf8 } from "./utf8.ts";

/** timestamp, as string in ISO form. */
export const timestamp: Codec = {
  ...builtin("timestamp"),
  results: BINARY,
  loadText: readUtf8,
  loadBinary(bytes: Buffer, start: number, end: number): string {
    if (end - start !== 8) throw wrongLength("timestamp", 8, end - start);
    const sign = infinitySign(bytes, start);
    if (sign !== 0) return sign > 0 ? "infinity" : "-infinity";
    const high = int32(bytes, start);
    const low = int32(bytes, start + 4);
    const days = daysOf(high, low);
    return printMoment(days, microsOf(high, low, days));
  },
  dumpText(value: unknown): string {
    if (typeof value === "string") return value;
    if (!isDate(value)) return textOfPlain(value);
    const { days, micros } = dumpedMoment("timestamp", value);
    return printMoment(days, micros);
  },
  dumpBinary(value: unknown, out: Writer): boolean {
    if (typeof value === "string") return writeText(value, out);
    if (!isDate(value)) return writeText(textOfPlain(value), out);
    const { days, micros } = dumpedMoment("timestamp", value);
    writeMoment(days, micros, out);
    return true;
  },
};

function textOfPlain(value: unknown): string {
  const text = plainText(value, "PlainDateTime");
  if (text !== null) return text;
  throw wrongKind("timestamp", "a string, a Temporal.PlainDateTime or a Date", value);
}

function writeText(text: string, out: Writer): boolean {
  if (text === "infinity" || text === "-infinity") {
    writeInfinity(text === "infinity" ? 1 : -1, out);
    return true;
  }
  const parts = parseTimestamp(text);
  if (parts === null || parts.offset !== null) return false;
  if (parts.days < FIRST_DAY || parts.days > LAST_TIMESTAMP) return false;
  writeMoment(parts.days, parts.micros, out);
  return true;
}
