/**
 * The type date, as string: `2024-01-02`, `0044-03-15 BC`, `infinity`.
 *
 * A date is a day of the calendar and no instant, so it is never a Date. A Date that is given for one counts
 * with its day in UTC. The binary form is asked for, because the text changes with the session's DateStyle.
 * PostgreSQL manual, 8.5.1.
 */
import { int32 } from "../../protocol/bytes.ts";
import type { Writer } from "../../protocol/writer.ts";
import { DataError } from "../../errors.ts";
import { isDate } from "node:util/types";
import { builtin } from "../oids.ts";
import { BINARY } from "../format.ts";
import type { Codec } from "../registry.ts";
import { FIRST_DAY, LAST_DATE, type Moment, finish, momentOf, putDate } from "./calendar.ts";
import { parseDate } from "./iso.ts";
import { outOfRange, wrongKind, wrongLength } from "./refuse.ts";
import { plainText } from "./temporal.ts";
import { readUtf8 } from "./utf8.ts";

const INFINITE = 0x7fffffff;
const MINUS_INFINITE = -0x80000000;

/**
 * The moment in UTC of a Date that is given for a type.
 *
 * @throws DataError when it is not valid or before the first day that PostgreSQL knows.
 */
export function dumpedMoment(type: string, value: Date): Moment {
  const moment = momentOf(value);
  if (moment === null) throw new DataError(`an invalid Date cannot be sent as ${type}`);
  if (moment.days < FIRST_DAY) {
    throw outOfRange(type, value.toISOString(), "from 4714-11-24 BC on");
  }
  return moment;
}

function printDate(days: number): string {
  putDate(days);
  return finish();
}

/** date, as string in ISO form. */
export const date: Codec = {
  ...builtin("date"),
  results: BINARY,
  loadText: readUtf8,
  loadBinary(bytes: Buffer, start: number, end: number): string {
    if (end - start !== 4) throw wrongLength("date", 4, end - start);
    const days = int32(bytes, start);
    if (days === INFINITE) return "infinity";
    if (days === MINUS_INFINITE) return "-infinity";
    return printDate(days);
  },
  dumpText(value: unknown): string {
    if (typeof value === "string") return value;
    return isDate(value) ? printDate(dumpedMoment("date", value).days) : textOfPlain(value);
  },
  dumpBinary(value: unknown, out: Writer): boolean {
    if (typeof value === "string") {
      const days = daysOfText(value);
      if (days === null) return false;
      out.int32(days);
      return true;
    }
    if (!isDate(value)) return date.dumpBinary(textOfPlain(value), out);
    out.int32(dumpedMoment("date", value).days);
    return true;
  },
};

function textOfPlain(value: unknown): string {
  const text = plainText(value, "PlainDate");
  if (text !== null) return text;
  throw wrongKind("date", "a string, a Temporal.PlainDate or a Date", value);
}

function daysOfText(text: string): number | null {
  if (text === "infinity") return INFINITE;
  if (text === "-infinity") return MINUS_INFINITE;
  const days = parseDate(text);
  return days !== null && days >= FIRST_DAY && days <= LAST_DATE ? days : null;
}
