/**
 * Reading dates, times and timestamps in the text that PostgreSQL prints with DateStyle ISO.
 *
 * Only that text, and only what it says about real days: everything else that the server understands
 * ("tomorrow", "noon", other styles, time zone names) gives null here and is left to the server. A scanner
 * walks the text once; it takes a third of the time that a regular expression does.
 * PostgreSQL manual, 8.5.2.
 */
import { DAY_MICROS, dayNumber, type Moment } from "./calendar.ts";

/** Microseconds of the day, with an offset from UTC if one was there. */
export interface TimeParts {
  /** Microseconds since midnight; 24:00:00 is a whole day. */
  readonly micros: number;
  /** Seconds east of UTC, null without an offset. */
  readonly offset: number | null;
}

// The text being read and how far. What does not fit makes a part NaN, and so all that is computed of it.
let source = "";
let at = 0;

function digit(): number {
  const value = source.charCodeAt(at) - 0x30;
  if (!(value >= 0 && value <= 9)) return NaN;
  at++;
  return value;
}

function pair(): number {
  return digit() * 10 + digit();
}

/** Steps over a character if it comes next. */
function takes(character: number): boolean {
  if (source.charCodeAt(at) !== character) return false;
  at++;
  return true;
}

function pairAfter(character: number): number {
  return takes(character) ? pair() : NaN;
}

const COLON = 0x3a;
const HYPHEN = 0x2d;

// The last date read; its day is counted when it is known whether it was before Christ.
let year = 0;
let month = 0;
let day = 0;

function readDate(): void {
  year = pair() * 100 + pair();
  for (let more = 0; more < 3 && source.charCodeAt(at) !== HYPHEN; more++)
    year = year * 10 + digit();
  month = pairAfter(HYPHEN);
  day = pairAfter(HYPHEN);
}

/** The day that was read, after what may follow it at the end of the text; NaN if there is no such day. */
function readEnd(): number {
  const isBeforeChrist = source.startsWith(" BC", at);
  if (at + (isBeforeChrist ? 3 : 0) !== source.length) return NaN;
  if (!(year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= 31)) return NaN;
  const counted = isBeforeChrist ? 1 - year : year;
  const number = dayNumber(counted, month, day);
  if (day <= 28) return number;
  const next = month === 12 ? dayNumber(counted + 1, 1, 1) : dayNumber(counted, month + 1, 1);
  return number < next ? number : NaN;
}

function readTime(): number {
  const hours = pair();
  const minutes = pairAfter(COLON);
  const seconds = pairAfter(COLON);
  let micros = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000;
  if (takes(0x2e)) {
    let unit = 100_000;
    do {
      micros += digit() * unit;
      unit /= 10;
    } while (unit >= 1 && source.charCodeAt(at) - 0x30 >= 0 && source.charCodeAt(at) - 0x30 <= 9);
  }
  return minutes <= 59 && seconds <= 59 && micros <= DAY_MICROS ? micros : NaN;
}

function readOffset(): number | null {
  const isWest = source.charCodeAt(at) === HYPHEN;
  if (!isWest && source.charCodeAt(at) !== 0x2b) return null;
  at++;
  const hours = pair();
  const minutes = takes(COLON) ? pair() : 0;
  const seconds = takes(COLON) ? pair() : 0;
  const offset = minutes <= 59 && seconds <= 59 ? hours * 3600 + minutes * 60 + seconds : NaN;
  return isWest && offset !== 0 ? -offset : offset;
}

function start(text: string): void {
  source = text;
  at = 0;
}

/** The day that a date names, counted from 2000-01-01; null for other text. */
export function parseDate(text: string): number | null {
  start(text);
  readDate();
  const days = readEnd();
  return Number.isNaN(days) ? null : days;
}

/** The time of day, with or without offset; null for other text. */
export function parseTime(text: string): TimeParts | null {
  start(text);
  const micros = readTime();
  const offset = readOffset();
  if (at !== text.length || Number.isNaN(micros) || Number.isNaN(offset)) return null;
  return { micros, offset };
}

/** The date and time of day, with or without offset, as they stand there; null for other text. */
export function parseTimestamp(text: string): (Moment & TimeParts) | null {
  start(text);
  readDate();
  const hasTime = takes(0x20);
  const micros = readTime();
  const offset = readOffset();
  const days = readEnd();
  if (!hasTime || Number.isNaN(micros) || Number.isNaN(offset) || Number.isNaN(days)) return null;
  return micros === DAY_MICROS ? null : { days, micros, offset };
}
