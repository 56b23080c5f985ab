/**
 * The order of values that are read as strings, for ranges of them: numeric, and dates and times.
 *
 * What isn't the text that the server prints has no order here.
 */
import { DataError } from "../../errors.ts";
import { builtin } from "../oids.ts";
import { parseDate, parseTimestamp } from "./iso.ts";
import type { Compare } from "./range-value.ts";
import { shown } from "./refuse.ts";

/** The order of a type's values; null when JavaScript's own has to do. */
export function orderOf(oid: number): Compare | null {
  return ORDERS.get(oid) ?? null;
}

/** An order for strings, by numbers that say where each stands; other values are for JavaScript to compare. */
function byPlace(type: string, placeOf: (text: string) => readonly number[] | null): Compare {
  return (one, other) => {
    if (typeof one !== "string" || typeof other !== "string") return byValue(one, other);
    const first = placeOf(one);
    const second = placeOf(other);
    if (first === null || second === null)
      throw new DataError(
        `${shown(first === null ? one : other)} is not a ${type} as servers print it`,
      );
    for (let index = 0; index < first.length; index++) {
      const [a, b] = [first[index] as number, second[index] as number];
      if (a !== b) return a < b ? -1 : 1;
    }
    return 0;
  };
}

function byValue(one: unknown, other: unknown): number {
  const kind = (one as { constructor?: { compare?: unknown } } | null)?.constructor;
  if (typeof kind?.compare === "function") return (kind.compare as Compare)(one, other);
  const [a, b] = [Number(one), Number(other)];
  if (Number.isNaN(a) || Number.isNaN(b))
    throw new DataError(`${shown(one)} and ${shown(other)} have no order`);
  return a - b;
}

function infinity(text: string): readonly number[] | null {
  if (text === "infinity") return [Infinity];
  return text === "-infinity" ? [-Infinity] : null;
}

function dayOf(text: string): readonly number[] | null {
  const days = parseDate(text);
  return days === null ? infinity(text) : [days];
}

function instantOf(text: string): readonly number[] | null {
  const parts = parseTimestamp(text);
  if (parts === null) return infinity(text);
  const seconds = parts.days * 86_400 + Math.floor(parts.micros / 1e6) - (parts.offset ?? 0);
  return [seconds, parts.micros % 1e6];
}

const DECIMAL = /^([+-]?)0*(\d*)(?:\.(\d*?)0*)?$/;

/** numeric: NaN comes last, as for the server. */
function compareDecimals(one: unknown, other: unknown): number {
  const [a, b] = [decimalOf(one), decimalOf(other)];
  if (typeof a === "number" || typeof b === "number") {
    const [left, right] = [rankOf(a), rankOf(b)];
    return left === right ? 0 : left < right ? -1 : 1;
  }
  if (a.sign !== b.sign) return a.sign - b.sign;
  const length = a.whole.length - b.whole.length;
  const digits = length || orderOfText(a.whole, b.whole) || orderOfText(a.fraction, b.fraction);
  return digits * a.sign;
}

function orderOfText(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}

interface Decimal {
  readonly sign: number;
  readonly whole: string;
  readonly fraction: string;
}

/** A decimal's digits; what is not finite as a number. */
function decimalOf(value: unknown): Decimal | number {
  const isDecimal = ["string", "number", "bigint"].includes(typeof value);
  const text = isDecimal ? String(value) : "";
  if (text === "NaN" || text === "Infinity" || text === "-Infinity") return Number(text);
  const match = DECIMAL.exec(text);
  if (match === null || !/\d/.test(text))
    throw new DataError(`${shown(value)} is not a decimal that can be compared`);
  const [, sign, whole = "", fraction = ""] = match;
  if (whole === "" && fraction === "") return { sign: 0, whole, fraction };
  return { sign: sign === "-" ? -1 : 1, whole, fraction };
}

function rankOf(value: Decimal | number): number {
  if (typeof value !== "number") return 0;
  return Number.isNaN(value) ? 2 : Math.sign(value);
}

const ORDERS: ReadonlyMap<number, Compare> = new Map([
  [builtin("numeric").oid, compareDecimals],
  [builtin("date").oid, byPlace("date", dayOf)],
  [builtin("timestamp").oid, byPlace("timestamp", instantOf)],
  [builtin("timestamptz").oid, byPlace("timestamptz", instantOf)],
]);
