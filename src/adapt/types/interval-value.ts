/**
 * The class Interval: the value of PostgreSQL's type interval, as exact as the server keeps it.
 *
 * An interval is three numbers that are never converted into each other: a month has no fixed count of days, a
 * day no fixed count of hours. Its text is ISO 8601 as the server prints it with `IntervalStyle` iso_8601.
 * Knows no codec. PostgreSQL manual, 8.5.4 "Interval Input".
 */
import { DataError } from "../../errors.ts";
import { parseInterval } from "./interval-text.ts";
import { outOfRange, shown } from "./refuse.ts";

const MOST_INT4 = 2147483647;
const LEAST_INT4 = -2147483648;
const MOST_INT8 = 2n ** 63n - 1n;
const LEAST_INT8 = -(2n ** 63n);

/** Parts of an interval, all of them optional whole numbers; seconds may have up to six decimals. */
export interface IntervalParts {
  /** Twelve months each. */
  readonly years?: number;
  readonly months?: number;
  /** Seven days each. */
  readonly weeks?: number;
  readonly days?: number;
  readonly hours?: number;
  readonly minutes?: number;
  /** Seconds, exact to the microsecond. */
  readonly seconds?: number;
  readonly milliseconds?: number;
  readonly microseconds?: number | bigint;
}

/** An interval of time: months, days and microseconds, each with a sign of its own. */
export class Interval {
  /** Years and months, as months. */
  readonly months: number;
  /** Weeks and days, as days. */
  readonly days: number;
  /** Hours, minutes and seconds, as microseconds; a bigint, as a number ends at 285 years of them. */
  readonly microseconds: bigint;

  /**
   * An interval of months, days and microseconds.
   *
   * @throws DataError for what isn't whole or out of the range of the type.
   */
  constructor(months: number = 0, days: number = 0, microseconds: number | bigint = 0n) {
    this.months = whole("months", months);
    this.days = whole("days", days);
    this.microseconds = micros(microseconds);
  }

  /**
   * An interval of the given parts.
   *
   * @throws DataError for a part that isn't whole (seconds: whole microseconds), and for sums out of range.
   */
  static from(parts: IntervalParts): Interval {
    const time =
      part("hours", parts.hours) * 3_600_000_000n +
      part("minutes", parts.minutes) * 60_000_000n +
      microsOfSeconds(parts.seconds ?? 0) +
      part("milliseconds", parts.milliseconds) * 1000n +
      part("microseconds", parts.microseconds);
    return new Interval(
      (parts.years ?? 0) * 12 + (parts.months ?? 0),
      (parts.weeks ?? 0) * 7 + (parts.days ?? 0),
      time,
    );
  }

  /**
   * The interval that a text spells in one of the forms that PostgreSQL prints: ISO 8601, `1 mon -3 days
   * 04:05:06.7`, `@ 1 hour ago`, `1-2`.
   *
   * @throws DataError for other text; the server reads more forms than this does.
   */
  static parse(text: string): Interval {
    const fields = parseInterval(text);
    if (fields === null) {
      throw new DataError(`${shown(text)} is no interval in a form that PostgreSQL prints`);
    }
    return new Interval(fields.months, fields.days, fields.microseconds);
  }

  /** The interval that is longer than all others. */
  static readonly infinity: Interval = new Interval(MOST_INT4, MOST_INT4, MOST_INT8);
  /** The interval that is shorter than all others. */
  static readonly minusInfinity: Interval = new Interval(LEAST_INT4, LEAST_INT4, LEAST_INT8);

  /** Whether this is neither of the two infinite intervals, which PostgreSQL 17 and newer have. */
  get isFinite(): boolean {
    return !this.equals(Interval.infinity) && !this.equals(Interval.minusInfinity);
  }

  /** Whether the other one has the same months, days and microseconds; to the server, 30 days equal a month. */
  equals(other: Interval): boolean {
    return (
      this.months === other.months &&
      this.days === other.days &&
      this.microseconds === other.microseconds
    );
  }

  /** ISO 8601, `P1Y2M-3DT4H5M6.7S`, as the server prints it; `infinity` and `-infinity`. */
  toString(): string {
    if (!this.isFinite) return this.months > 0 ? "infinity" : "-infinity";
    const { months, days, microseconds } = this;
    const date = unit(Math.trunc(months / 12), "Y") + unit(months % 12, "M") + unit(days, "D");
    const hours = microseconds / 3_600_000_000n;
    const minutes = (microseconds / 60_000_000n) % 60n;
    const time = unit(hours, "H") + unit(minutes, "M") + seconds(microseconds % 60_000_000n);
    if (time !== "") return `P${date}T${time}`;
    return date === "" ? "PT0S" : `P${date}`;
  }

  /** The same as {@link toString}: an interval in JSON is ISO 8601. */
  toJSON(): string {
    return this.toString();
  }
}

function unit(count: number | bigint, letter: string): string {
  return Number(count) === 0 ? "" : `${count}${letter}`;
}

function seconds(micros: bigint): string {
  if (micros === 0n) return "";
  const size = micros < 0n ? -micros : micros;
  const fraction = String(size % 1_000_000n)
    .padStart(6, "0")
    .replace(/0+$/, "");
  return `${micros < 0n ? "-" : ""}${size / 1_000_000n}${fraction && `.${fraction}`}S`;
}

function whole(name: string, value: number): number {
  if (!Number.isInteger(value)) {
    throw new DataError(`${shown(value)} is not an integer, an interval takes whole ${name}`);
  }
  if (value < LEAST_INT4 || value > MOST_INT4) {
    throw outOfRange(`the ${name} of an interval`, value, `${LEAST_INT4} to ${MOST_INT4}`);
  }
  return value + 0;
}

function micros(value: number | bigint): bigint {
  const exact = part("microseconds", value);
  if (exact < LEAST_INT8 || exact > MOST_INT8) {
    throw outOfRange("the microseconds of an interval", exact, `${LEAST_INT8} to ${MOST_INT8}`);
  }
  return exact;
}

function part(name: string, value: number | bigint = 0): bigint {
  if (typeof value === "bigint") return value;
  if (!Number.isSafeInteger(value)) {
    throw new DataError(`${shown(value)} is not an exact integer, an interval takes whole ${name}`);
  }
  return BigInt(value);
}

/** Seconds as JavaScript prints them, so that 0.1 is 100,000 microseconds and not one less. */
function microsOfSeconds(value: number): bigint {
  const match = /^(-?)(\d+)(?:\.(\d{1,6}))?$/.exec(String(value));
  if (match) {
    const [, sign, whole = "", fraction = ""] = match;
    const size = BigInt(whole + fraction.padEnd(6, "0"));
    return sign === "-" ? -size : size;
  }
  // Below a thousandth, JavaScript prints an exponent.
  const exact = Math.round(value * 1e6);
  if (Math.abs(value) < 1 && exact / 1e6 === value) return BigInt(exact);
  throw new DataError(`${shown(value)} seconds are not a whole count of microseconds`);
}
