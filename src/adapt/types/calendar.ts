/**
 * Days, times of day and instants: their numbers on the wire and the text that PostgreSQL prints for them.
 *
 * PostgreSQL counts days from 2000-01-01 and microseconds from midnight, in the proleptic Gregorian calendar;
 * a timestamp is 64 bits of microseconds, more than a number holds. Here it is always a pair, whole days and
 * the microseconds of the day, both exact, so no bigint is made. Text is DateStyle ISO: years have at least
 * four digits, BC stands last, zeros at the end of a fraction are dropped. Knows no codec.
 * PostgreSQL manual, 8.5 and B.1 "Date/Time Input Interpretation".
 */
import { int32 } from "../../protocol/bytes.ts";
import type { Writer } from "../../protocol/writer.ts";
import { readLatin1 } from "./utf8.ts";

/** Microseconds of a day. */
export const DAY_MICROS = 86_400_000_000;
/** Milliseconds of a day. */
export const DAY_MS = 86_400_000;
/** Days from 1970-01-01, where JavaScript counts from, to 2000-01-01, where PostgreSQL does. */
export const EPOCH_DAYS = 10957;
/** The first day that PostgreSQL knows, 4714-11-24 BC. */
export const FIRST_DAY = -2451545;
/** The last day of the type date, 5874897-12-31. */
export const LAST_DATE = 2145031948;
/** The last day of the types timestamp and timestamptz, 294276-12-31. */
export const LAST_TIMESTAMP = 106751982;

/** Whole days since 2000-01-01, and microseconds of the day from 0 up to {@link DAY_MICROS}. */
export interface Moment {
  /** Whole days since 2000-01-01. */
  readonly days: number;
  /** Microseconds since midnight. */
  readonly micros: number;
}

// DAY_MICROS is 2 ** 13 * 10546875: with the 13 low bits set apart, 64 bits divide exactly as numbers.
const DAY_PARTS = 10546875;

/** The days in the microseconds since 2000-01-01 whose 32-bit halves are given. */
export function daysOf(high: number, low: number): number {
  return Math.floor((high * 0x80000 + (low >>> 13)) / DAY_PARTS);
}

/** The microseconds of the day that {@link daysOf} leaves over. */
export function microsOf(high: number, low: number, days: number): number {
  return (high * 0x80000 + (low >>> 13) - days * DAY_PARTS) * 0x2000 + (low & 0x1fff);
}

/** Writes the microseconds since 2000-01-01. */
export function writeMoment(days: number, micros: number, out: Writer): void {
  const parts = days * DAY_PARTS + Math.floor(micros / 0x2000);
  const high = Math.floor(parts / 0x80000);
  out.int32(high);
  out.int32((parts - high * 0x80000) * 0x2000 + (micros % 0x2000));
}

/** Whether the 64-bit field at `start` is what stands for infinity (1) or -infinity (-1), else 0. */
export function infinitySign(bytes: Buffer, start: number): -1 | 0 | 1 {
  const high = int32(bytes, start);
  const low = int32(bytes, start + 4);
  if (high === 0x7fffffff && low === -1) return 1;
  return high === -0x80000000 && low === 0 ? -1 : 0;
}

/** Writes what stands for infinity (1) or -infinity (-1) in 64 bits. */
export function writeInfinity(sign: number, out: Writer): void {
  out.int32(sign > 0 ? 0x7fffffff : 0x80000000);
  out.int32(sign > 0 ? 0xffffffff : 0);
}

/** The day of a date of the calendar; the year before 1 is 0, the one before that -1. */
export function dayNumber(year: number, month: number, day: number): number {
  // Years are counted from March, so that the day that leap years add is the last one.
  const shifted = month > 2 ? year : year - 1;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146097 + dayOfEra - 730425;
}

// Text is put together in place and made a string once: a string for each part would cost more than all else.
const line = Buffer.allocUnsafeSlow(64);
let at = 0;
let isBeforeChrist = false;

function putDigits(value: number, count: number): void {
  let rest = value;
  for (let index = at + count - 1; index >= at; index--) {
    const tenth = (rest / 10) | 0;
    line[index] = 0x30 + rest - tenth * 10;
    rest = tenth;
  }
  at += count;
}

function putPair(value: number): void {
  const tenth = (value / 10) | 0;
  line[at] = 0x30 + tenth;
  line[at + 1] = 0x30 + value - tenth * 10;
  at += 2;
}

function put(character: number): void {
  line[at++] = character;
}

/** Puts the date; a year BC is remembered for {@link finish}. */
export function putDate(days: number): void {
  const shifted = days + 730425;
  const era = Math.floor(shifted / 146097);
  const dayOfEra = shifted - era * 146097;
  const leapDays = ((dayOfEra / 1460) | 0) - ((dayOfEra / 36524) | 0) + ((dayOfEra / 146096) | 0);
  const yearOfEra = ((dayOfEra - leapDays) / 365) | 0;
  const dayOfYear = dayOfEra - (365 * yearOfEra + ((yearOfEra / 4) | 0) - ((yearOfEra / 100) | 0));
  const shiftedMonth = ((5 * dayOfYear + 2) / 153) | 0;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  isBeforeChrist = year <= 0;
  const shownYear = isBeforeChrist ? 1 - year : year;
  putDigits(shownYear, shownYear < 10000 ? 4 : String(shownYear).length);
  put(0x2d);
  putPair(month);
  put(0x2d);
  putPair(dayOfYear - (((153 * shiftedMonth + 2) / 5) | 0) + 1);
}

/** Puts the time of day, with as many decimals as it needs. */
export function putTime(micros: number): void {
  const seconds = Math.floor(micros / 1_000_000);
  const minutes = (seconds / 60) | 0;
  const hours = (minutes / 60) | 0;
  putPair(hours);
  put(0x3a);
  putPair(minutes - hours * 60);
  put(0x3a);
  putPair(seconds - minutes * 60);
  const fraction = micros - seconds * 1_000_000;
  if (fraction === 0) return;
  put(0x2e);
  putDigits(fraction, 6);
  while (line[at - 1] === 0x30) at--;
}

/** Puts the blank between date and time. */
export function putBlank(): void {
  put(0x20);
}

/** Puts an offset from UTC, in seconds eastwards, as short as it can be. */
export function putOffset(seconds: number): void {
  put(seconds < 0 ? 0x2d : 0x2b);
  const rest = Math.abs(seconds);
  const minutes = Math.floor(rest / 60);
  const hours = Math.floor(minutes / 60);
  putDigits(hours, hours < 100 ? 2 : String(hours).length);
  if (rest % 3600 === 0) return;
  put(0x3a);
  putPair(minutes - hours * 60);
  if (rest % 60 === 0) return;
  put(0x3a);
  putPair(rest - minutes * 60);
}

/** Takes what was put as a string and starts again. */
export function finish(): string {
  const text = readLatin1(line, 0, at);
  at = 0;
  if (!isBeforeChrist) return text;
  isBeforeChrist = false;
  return `${text} BC`;
}

/** What a Date is as PostgreSQL counts, milliseconds and all; null for one that is not valid. */
export function momentOf(date: Date): Moment | null {
  const ms = date.getTime();
  if (Number.isNaN(ms)) return null;
  const days = Math.floor(ms / DAY_MS);
  return { days: days - EPOCH_DAYS, micros: (ms - days * DAY_MS) * 1000 };
}

/** Prints a moment; with an offset in seconds, if one is given. */
export function printMoment(days: number, micros: number, offset?: number): string {
  putDate(days);
  putBlank();
  putTime(micros);
  if (offset !== undefined) putOffset(offset);
  return finish();
}
