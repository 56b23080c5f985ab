/**
 * Values of Temporal, told by what they say they are, so that any implementation of it will do.
 *
 * Node has no Temporal of its own yet; programs bring a polyfill, and more than one may be about. What is taken
 * from a value is its public properties and its ISO text. Knows no codec.
 */

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

/** The nanoseconds since 1970 of a Temporal.Instant or ZonedDateTime; null for other values. */
export function epochNanoseconds(value: unknown): bigint | null {
  if (!isTemporal(value, "Instant") && !isTemporal(value, "ZonedDateTime")) return null;
  return BigInt((value as { epochNanoseconds: bigint }).epochNanoseconds);
}
