/**
 * The types time and timetz, as string: `13:05:00.25`, `24:00:00`, `13:05:00+05:30`.
 *
 * A time of day belongs to no day, so it is never a Date, and none is taken: which of its hours would be meant?
 * Text and binary are equally exact; the text is what the server prints, so it is asked for.
 * PostgreSQL manual, 8.5.1.2.
 */
import { int32, uint32 } from "../../protocol/bytes.ts";
import type { Writer } from "../../protocol/writer.ts";
import { builtin } from "../oids.ts";
import { TEXT } from "../format.ts";
import type { Codec } from "../registry.ts";
import { DAY_MICROS, finish, putOffset, putTime } from "./calendar.ts";
import { parseTime } from "./iso.ts";
import { malformed, wrongKind, wrongLength } from "./refuse.ts";
import { plainText } from "./temporal.ts";
import { readUtf8 } from "./utf8.ts";

/** Offsets reach up to 15:59:59 in both directions. */
const LARGEST_OFFSET = 16 * 3600 - 1;

function readMicros(type: string, bytes: Buffer, start: number): number {
  const micros = int32(bytes, start) * 0x100000000 + uint32(bytes, start + 4);
  if (micros < 0 || micros > DAY_MICROS) throw malformed(type, "not within a day");
  return micros;
}

function textOf(type: string, value: unknown): string {
  if (typeof value === "string") return value;
  // A time with an offset has no counterpart there.
  const text = type === "time" ? plainText(value, "PlainTime") : null;
  if (text !== null) return text;
  const takes =
    type === "time"
      ? "a Temporal.PlainTime or a string like 13:05:00"
      : "a string like 13:05:00+00";
  throw wrongKind(type, takes, value);
}

/** time, as string. */
export const time: Codec = {
  ...builtin("time"),
  results: TEXT,
  loadText: readUtf8,
  loadBinary(bytes: Buffer, start: number, end: number): string {
    if (end - start !== 8) throw wrongLength("time", 8, end - start);
    putTime(readMicros("time", bytes, start));
    return finish();
  },
  dumpText: (value: unknown): string => textOf("time", value),
  dumpBinary(value: unknown, out: Writer): boolean {
    const parts = parseTime(textOf("time", value));
    if (parts === null || parts.offset !== null) return false;
    writeMicros(parts.micros, out);
    return true;
  },
};

/** timetz, as string; the offset is kept as it was stored. */
export const timetz: Codec = {
  ...builtin("timetz"),
  results: TEXT,
  loadText: readUtf8,
  loadBinary(bytes: Buffer, start: number, end: number): string {
    if (end - start !== 12) throw wrongLength("timetz", 12, end - start);
    putTime(readMicros("timetz", bytes, start));
    // PostgreSQL counts this offset westwards.
    putOffset(-int32(bytes, start + 8));
    return finish();
  },
  dumpText: (value: unknown): string => textOf("timetz", value),
  dumpBinary(value: unknown, out: Writer): boolean {
    const parts = parseTime(textOf("timetz", value));
    if (parts === null || parts.offset === null) return false;
    if (Math.abs(parts.offset) > LARGEST_OFFSET) return false;
    writeMicros(parts.micros, out);
    out.int32(-parts.offset);
    return true;
  },
};

function writeMicros(micros: number, out: Writer): void {
  out.int32(Math.floor(micros / 0x100000000));
  out.int32(micros % 0x100000000);
}
