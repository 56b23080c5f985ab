/**
 * When a job may run: what callers say, turned into a moment or a distance from the server's now.
 *
 * A time without a zone is refused, because a caller and a server may not mean the same by it; so is one that has passed for
 * longer than clocks differ, which nearly always is a mistake.
 */
import { types } from "node:util";
import { InvalidTimestamp, QueueConfigurationError } from "./errors.ts";

/** A span of time by its units; they are added up. */
export interface TimeSpan {
  readonly weeks?: number;
  readonly days?: number;
  readonly hours?: number;
  readonly minutes?: number;
  readonly seconds?: number;
  readonly milliseconds?: number;
}

/** When a job may run; at once without both. Only one of the two can be given. */
export interface ScheduleOptions {
  /** The moment, as a Date or an ISO 8601 string with its time zone, as "2030-01-01T09:00:00+01:00". */
  readonly scheduleAt?: Date | string | null | undefined;
  /** How long from now, in milliseconds or by units: `{ minutes: 5 }`. */
  readonly scheduleIn?: number | TimeSpan | null | undefined;
}

/** The two ways in which a storage is told. */
export interface Schedule {
  readonly scheduledAt: Date | null;
  readonly scheduledIn: number | null;
}

/** How far clocks may differ before a time counts as passed. */
const TOLERANCE = 60_000;
/** A Date can't say more; neither can most programs. */
const LAST_MOMENT = 8.64e15;

const UNITS = {
  weeks: 604_800_000,
  days: 86_400_000,
  hours: 3_600_000,
  minutes: 60_000,
  seconds: 1000,
  milliseconds: 1,
} as const;

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?) ?(Z|[+-]\d{2}(?::?\d{2})?)?$/i;

/**
 * Reads when a job may run.
 *
 * @throws QueueConfigurationError when both are given, InvalidTimestamp for what names no moment or has passed.
 */
export function readSchedule({ scheduleAt, scheduleIn }: ScheduleOptions): Schedule {
  const hasMoment = scheduleAt !== undefined && scheduleAt !== null;
  const hasSpan = scheduleIn !== undefined && scheduleIn !== null;
  if (hasMoment && hasSpan)
    throw new QueueConfigurationError("scheduleAt and scheduleIn can't both be given: leave one");
  if (hasMoment) return { scheduledAt: readFutureMoment(scheduleAt), scheduledIn: null };
  if (hasSpan) return { scheduledAt: null, scheduledIn: readDistance(scheduleIn) };
  return { scheduledAt: null, scheduledIn: null };
}

function readFutureMoment(given: Date | string): Date {
  const moment = readMoment(given, "scheduleAt");
  if (moment.getTime() < Date.now() - TOLERANCE)
    throw new InvalidTimestamp(
      `scheduleAt has passed: it is ${moment.toISOString()}, and now is ${new Date().toISOString()}`,
    );
  return moment;
}

/**
 * Reads a moment.
 *
 * @throws InvalidTimestamp naming it as `what`.
 */
export function readMoment(given: Date | string, what: string): Date {
  if (typeof given === "string") return readIso(given, what);
  if (!types.isDate(given))
    throw new InvalidTimestamp(`${what} must be a Date or a string, not ${typeof given}`);
  if (Number.isNaN(given.getTime())) throw new InvalidTimestamp(`${what} is an invalid Date`);
  return new Date(given.getTime());
}

function readIso(text: string, what: string): Date {
  const match = ISO.exec(text);
  if (match === null)
    throw new InvalidTimestamp(
      `${what} is not a time in ISO 8601, as "2030-01-01T09:00:00Z": ${JSON.stringify(text)}`,
    );
  const [, year, month, day, time = "", zone] = match;
  if (zone === undefined)
    throw new InvalidTimestamp(
      `${what} has no time zone, so it names no moment: ${JSON.stringify(text)}; add "Z" or an offset as "+01:00"`,
    );
  const offset = /^[+-]\d{2}$/.test(zone) ? `${zone}:00` : zone.replace(/^(...)(\d\d)$/, "$1:$2");
  const moment = new Date(
    `${year}-${month}-${day}T${time.replace(",", ".")}${offset.toUpperCase()}`,
  );
  // JavaScript takes the 30th of February for the 2nd of March.
  const civil = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  if (Number.isNaN(moment.getTime()) || civil.getUTCDate() !== Number(day))
    throw new InvalidTimestamp(`${what} names a time that isn't: ${JSON.stringify(text)}`);
  return moment;
}

function readDistance(given: number | TimeSpan): number {
  const distance = readSpan(given, "scheduleIn");
  if (distance < 0)
    throw new InvalidTimestamp(`scheduleIn lies in the past: ${distance} milliseconds`);
  if (Date.now() + distance > LAST_MOMENT)
    throw new InvalidTimestamp(`scheduleIn is too long: ${distance} milliseconds`);
  return distance;
}

/**
 * Reads a span of time, as milliseconds.
 *
 * @throws InvalidTimestamp naming it as `what`.
 */
export function readSpan(given: number | TimeSpan, what: string): number {
  if (typeof given === "number") return checkNumber(given, what);
  if (typeof given !== "object" || given === null)
    throw new InvalidTimestamp(
      `${what} must be a number of milliseconds or an object of units, not ${typeof given}`,
    );
  let sum = 0;
  for (const [unit, count] of Object.entries(given)) {
    if (!Object.hasOwn(UNITS, unit))
      throw new InvalidTimestamp(
        `${what} has no unit ${JSON.stringify(unit)}; there are ${Object.keys(UNITS).join(", ")}`,
      );
    if (count !== undefined)
      sum += checkNumber(count, `${what}.${unit}`) * UNITS[unit as keyof typeof UNITS];
  }
  return sum;
}

function checkNumber(value: unknown, what: string): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw new InvalidTimestamp(`${what} must be a finite number, not ${String(value)}`);
}

/** Whether it is a number of milliseconds that something can last. */
export function isSpan(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
