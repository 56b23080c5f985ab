/**
 * Values of Temporal, told by what they say they are, so that any implementation of it will do.
 *
 * Not every Node has Temporal; programs bring a polyfill, and more than one may be about. What is taken from a
 * value is its public properties and its ISO text. PostgreSQL keeps microseconds: what has nanoseconds is refused,
 * as rounding it is for the program. Knows no codec.
 */
import { DataError } from "../../errors.ts";

/** The kinds of Temporal that PostgreSQL has a type for. */
export type TemporalKind =
  "Duration" | "Instant" | "PlainDate" | "PlainDateTime" | "PlainTime" | "ZonedDateTime";

/** The part of Temporal that values are made with. */
export interface TemporalNamespace {
  /** Temporal.Instant. */
  readonly Instant: { fromEpochNanoseconds(nanoseconds: bigint): unknown };
}

/** A Temporal.Duration's fields, as numbers. */
export interface DurationParts {
  readonly years: number;
  readonly months: number;
  readonly weeks: number;
  readonly days: number;
  readonly hours: number;
  readonly minutes: number;
  readonly seconds: number;
  readonly milliseconds: number;
  readonly microseconds: number;
  readonly nanoseconds: number;
}

const FIELDS = [
  "years",
  "months",
  "weeks",
  "days",
  "hours",
  "minutes",
  "seconds",
  "milliseconds",
  "microseconds",
  "nanoseconds",
] as const;

/** Whether the value is one of Temporal's of this kind. */
export function isTemporal(value: unknown, kind: TemporalKind): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === `Temporal.${kind}`
  );
}

/** The fields of a Temporal.Duration; null for other values. */
export function durationParts(value: unknown): DurationParts | null {
  if (!isTemporal(value, "Duration")) return null;
  const duration = value as Record<string, unknown>;
  const parts: Record<string, number> = {};
  for (const field of FIELDS) parts[field] = Number(duration[field]);
  return parts as unknown as DurationParts;
}

/**
 * A PlainDate, PlainDateTime or PlainTime as PostgreSQL prints it; null for other values.
 *
 * @throws DataError when it has nanoseconds.
 */
export function plainText(value: unknown, kind: TemporalKind): string | null {
  if (!isTemporal(value, kind)) return null;
  const print = value as { toString(options?: object): string };
  if (kind === "PlainTime") return microsecondsOnly(kind, print.toString());
  const iso = print.toString({ calendarName: "never" });
  const [, year = "", day = "", time] = /^([+-]?\d+)(-\d\d-\d\d)(?:T(.*))?$/.exec(iso) ?? [];
  const counted = Number(year);
  const shown = String(counted > 0 ? counted : 1 - counted).padStart(4, "0");
  const clock = time === undefined ? "" : ` ${microsecondsOnly(kind, time)}`;
  return `${shown}${day}${clock}${counted > 0 ? "" : " BC"}`;
}

/**
 * The microseconds since 1970 of a Temporal.Instant or ZonedDateTime; null for other values.
 *
 * @throws DataError when it has nanoseconds.
 */
export function epochMicroseconds(value: unknown): bigint | null {
  if (!isTemporal(value, "Instant") && !isTemporal(value, "ZonedDateTime")) return null;
  const { epochNanoseconds } = value as { epochNanoseconds: bigint };
  if (epochNanoseconds % 1000n !== 0n) throw hasNanoseconds("Instant");
  return epochNanoseconds / 1000n;
}

/** The error for what PostgreSQL would have to round. */
export function hasNanoseconds(kind: TemporalKind): DataError {
  return new DataError(
    `the Temporal.${kind} has nanoseconds and PostgreSQL keeps microseconds; round it to ` +
      `{ smallestUnit: "microsecond" } first`,
  );
}

/** The time of day with seconds and at most six decimals. */
function microsecondsOnly(kind: TemporalKind, time: string): string {
  const [clock = "", fraction = ""] = time.split(".");
  if (/[^0]/.test(fraction.slice(6))) throw hasNanoseconds(kind);
  return fraction === "" ? clock : `${clock}.${fraction.slice(0, 6)}`;
}
