/**
 * Reading intervals in the text that PostgreSQL prints, in any of its four styles.
 *
 * The session's `IntervalStyle` decides which one comes: `1 mon -3 days +04:05:06` (postgres), `@ 1 mon 3 days
 * ago` (postgres_verbose), `P1M-3DT4H` (iso_8601), `+0-1 -3 +4:05:06` (sql_standard). No text means different
 * things in two of them, so the style need not be known. All is exact: digits become bigints, never floats.
 * What else the server understands gives null. PostgreSQL manual, 8.5.5 "Interval Output".
 */

/** The three numbers of an interval. */
export interface IntervalFields {
  readonly months: number;
  readonly days: number;
  readonly microseconds: bigint;
}

const ISO =
  /^P(?!$)(?:(-?\d+)Y)?(?:(-?\d+)M)?(?:(-?\d+)W)?(?:(-?\d+)D)?(?:T(?!$)(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?)(\d+)(?:\.(\d{1,6}))?S)?)?$/;
const POSTGRES =
  /^(?!$)(?:([+-]?\d+) years?)?(?: ?([+-]?\d+) mons?)?(?: ?([+-]?\d+) days?)?(?: ?([+-]?)(\d{2,}):(\d\d):(\d\d)(?:\.(\d{1,6}))?)?$/;
const VERBOSE =
  /^@(?= )(?: (-?\d+) years?)?(?: (-?\d+) mons?)?(?: (-?\d+) days?)?(?: (-?\d+) hours?)?(?: (-?\d+) mins?)?(?: (-?)(\d+)(?:\.(\d{1,6}))? secs?)?(?: 0)?( ago)?$/;
const SQL_FULL = /^([+-])(\d+)-(\d+) ([+-]\d+) ([+-])(\d+):(\d\d):(\d\d)(?:\.(\d{1,6}))?$/;
const SQL_MONTHS = /^(-?)(\d+)-(\d+)$/;
const SQL_TIME = /^(-?)(?:(\d+) )?(\d+):(\d\d):(\d\d)(?:\.(\d{1,6}))?$/;

const MOST_INT4 = 2147483647;
const LEAST_INT4 = -2147483648;
const MOST_INT8 = 2n ** 63n - 1n;
const LEAST_INT8 = -(2n ** 63n);
/** Longer than any interval that the server prints. */
const LONGEST = 120;

/** The interval that the text spells; null for text that PostgreSQL doesn't print. */
export function parseInterval(text: string): IntervalFields | null {
  if (text.length > LONGEST) return null;
  const fields = parse(text);
  if (fields === null) return null;
  const { months, days, microseconds } = fields;
  const fits =
    months >= LEAST_INT4 &&
    months <= MOST_INT4 &&
    days >= LEAST_INT4 &&
    days <= MOST_INT4 &&
    microseconds >= LEAST_INT8 &&
    microseconds <= MOST_INT8;
  return fits ? fields : null;
}

function parse(text: string): IntervalFields | null {
  switch (text) {
    case "infinity":
      return { months: MOST_INT4, days: MOST_INT4, microseconds: MOST_INT8 };
    case "-infinity":
      return { months: LEAST_INT4, days: LEAST_INT4, microseconds: LEAST_INT8 };
    case "0":
      return { months: 0, days: 0, microseconds: 0n };
    default:
  }
  if (text.startsWith("P")) return parseIso(text);
  if (text.startsWith("@")) return parseVerbose(text);
  return parsePostgres(text) ?? parseSql(text);
}

/** As {@link parseInterval}, of ISO 8601 and infinities only: what every style of session reads alike. */
export function parseIso(text: string): IntervalFields | null {
  const match = ISO.exec(text);
  if (!match) return null;
  const [, years, months, weeks, days, hours, minutes, sign, seconds, fraction] = match;
  return {
    months: number(years) * 12 + number(months),
    days: number(weeks) * 7 + number(days),
    microseconds: clock(hours, minutes) + signed(sign, secondsOf(seconds, fraction)),
  };
}

function parsePostgres(text: string): IntervalFields | null {
  const match = POSTGRES.exec(text);
  if (!match) return null;
  const [, years, months, days, sign, hours, minutes, seconds, fraction] = match;
  return {
    months: number(years) * 12 + number(months),
    days: number(days),
    microseconds: signed(sign, clock(hours, minutes) + secondsOf(seconds, fraction)),
  };
}

function parseVerbose(text: string): IntervalFields | null {
  const match = VERBOSE.exec(text);
  if (!match) return null;
  const [, years, months, days, hours, minutes, sign, seconds, fraction, ago] = match;
  const direction = ago === undefined ? 1 : -1;
  const time = clock(hours, minutes) + signed(sign, secondsOf(seconds, fraction));
  return {
    months: (number(years) * 12 + number(months)) * direction + 0,
    days: number(days) * direction + 0,
    microseconds: time * BigInt(direction),
  };
}

function parseSql(text: string): IntervalFields | null {
  const full = SQL_FULL.exec(text);
  if (full) {
    const [, sign, years, months, days, timeSign, hours, minutes, seconds, fraction] = full;
    const size = number(years) * 12 + number(months);
    return {
      months: sign === "-" ? 0 - size : size,
      days: number(days),
      microseconds: signed(timeSign, clock(hours, minutes) + secondsOf(seconds, fraction)),
    };
  }
  const yearMonth = SQL_MONTHS.exec(text);
  if (yearMonth) {
    const size = number(yearMonth[2]) * 12 + number(yearMonth[3]);
    return { months: yearMonth[1] === "-" ? 0 - size : size, days: 0, microseconds: 0n };
  }
  const dayTime = SQL_TIME.exec(text);
  if (!dayTime) return null;
  const [, sign, days, hours, minutes, seconds, fraction] = dayTime;
  return {
    months: 0,
    days: sign === "-" ? 0 - number(days) : number(days),
    microseconds: signed(sign, clock(hours, minutes) + secondsOf(seconds, fraction)),
  };
}

/** The number of a field that may be missing; never -0. */
function number(digits: string | undefined): number {
  return Number(digits ?? 0) + 0;
}

function clock(hours: string | undefined, minutes: string | undefined): bigint {
  return BigInt(hours ?? 0) * 3_600_000_000n + BigInt(minutes ?? 0) * 60_000_000n;
}

function secondsOf(seconds: string | undefined, fraction: string | undefined): bigint {
  return BigInt(seconds ?? 0) * 1_000_000n + BigInt((fraction ?? "").padEnd(6, "0"));
}

function signed(sign: string | undefined, value: bigint): bigint {
  return sign === "-" ? -value : value;
}
