/**
 * The type numeric, as string: exact, with all digits and trailing zeros that the server keeps.
 *
 * The binary form is base 10000: a count of digits, the power of the first one, sign, the number of decimals
 * to show, digits. Decoding it costs more than reading the text, so text is asked for; both give the same
 * string. NaN and (from PostgreSQL 14 on) both infinities are values. PostgreSQL manual, 8.1.2.
 */
import { int16, uint16 } from "../../protocol/bytes.ts";
import type { Writer } from "../../protocol/writer.ts";
import { builtin } from "../oids.ts";
import { TEXT } from "../format.ts";
import type { Codec } from "../registry.ts";
import { malformed, wrongKind } from "./refuse.ts";
import { readUtf8 } from "./utf8.ts";

const NEGATIVE = 0x4000;
const NAN = 0xc000;
const INFINITE = 0xd000;
const MINUS_INFINITE = 0xf000;

/** The most digits before the decimal point that numeric holds, and after it. */
const MOST_WHOLE = 131072;
const MOST_DECIMALS = 16383;

const EXPONENTIAL = /^([+-]?)(\d+)?(?:\.(\d*))?e([+-]?\d{1,6})$/i;

const ZERO = 0x30;
const POINT = 0x2e;
const PLUS = 0x2b;
const MINUS = 0x2d;

function readNumeric(bytes: Buffer, start: number, end: number): string {
  if (end - start < 8) throw malformed("numeric", `${end - start} bytes instead of 8 and more`);
  const count = uint16(bytes, start);
  const weight = int16(bytes, start + 2);
  const sign = uint16(bytes, start + 4);
  const decimals = uint16(bytes, start + 6);
  if (end - start !== 8 + 2 * count) {
    throw malformed("numeric", `${end - start} bytes for ${count} digits`);
  }
  if (sign === NAN) return "NaN";
  if (sign === INFINITE) return "Infinity";
  if (sign === MINUS_INFINITE) return "-Infinity";
  if ((sign !== 0 && sign !== NEGATIVE) || decimals > MOST_DECIMALS) {
    throw malformed("numeric", "a sign or scale that does not exist");
  }
  const group = (index: number): string => {
    const digit = index < 0 || index >= count ? 0 : uint16(bytes, start + 8 + 2 * index);
    if (digit > 9999) throw malformed("numeric", "a digit beyond 9999");
    return String(digit).padStart(4, "0");
  };
  let text = sign === NEGATIVE ? "-" : "";
  text += weight < 0 ? "0" : String(Number(group(0)));
  for (let index = 1; index <= weight; index++) text += group(index);
  if (decimals === 0) return text;
  let fraction = "";
  for (let index = weight + 1; fraction.length < decimals; index++) fraction += group(index);
  return `${text}.${fraction.slice(0, decimals)}`;
}

/** Writes the binary form of a decimal; false for what is not a plain one. */
function writeNumeric(text: string, out: Writer): boolean {
  const isSigned = text.charCodeAt(0) === MINUS || text.charCodeAt(0) === PLUS;
  const first = isSigned ? 1 : 0;
  if (text.length - first > MOST_WHOLE + MOST_DECIMALS + 1) return false;
  let point = -1;
  // Where the first and the last digit stand that are not 0.
  let leading = -1;
  let trailing = -1;
  for (let at = first; at < text.length; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (digit > 0 && digit <= 9) {
      if (leading < 0) leading = at;
      trailing = at;
    } else if (digit === POINT - ZERO && point < 0) {
      point = at;
    } else if (digit !== 0) {
      return writeOther(text, out);
    }
  }
  const isEmpty = text.length - first - (point < 0 ? 0 : 1) === 0;
  const decimals = point < 0 ? 0 : text.length - point - 1;
  if (isEmpty || decimals > MOST_DECIMALS) return false;
  if (point < 0) point = text.length;
  if (leading < 0) return writeHead(0, 0, 0, decimals, out);
  const weight = Math.floor(powerAt(leading, point) / 4);
  const last = Math.floor(powerAt(trailing, point) / 4);
  if (powerAt(leading, point) >= MOST_WHOLE) return false;
  writeHead(weight - last + 1, weight, text.charCodeAt(0) === MINUS ? NEGATIVE : 0, decimals, out);
  for (let group = weight; group >= last; group--) {
    let value = 0;
    for (let power = group * 4 + 3; power >= group * 4; power--) {
      const at = power < 0 ? point - power : point - 1 - power;
      value = value * 10 + (at >= first && at < text.length ? text.charCodeAt(at) - ZERO : 0);
    }
    out.int16(value);
  }
  return true;
}

/** The power of ten that the digit at a place counts, in text with the decimal point at another. */
function powerAt(place: number, point: number): number {
  return place < point ? point - 1 - place : point - place;
}

/** Writes what is not only digits: with an exponent, or no finite number. */
function writeOther(text: string, out: Writer): boolean {
  if (text === "NaN") return writeHead(0, 0, NAN, 0, out);
  if (text === "Infinity") return writeHead(0, 0, INFINITE, 0, out);
  if (text === "-Infinity") return writeHead(0, 0, MINUS_INFINITE, 0, out);
  const match = EXPONENTIAL.exec(text);
  if (!match) return false;
  const [, sign = "", whole = "", fraction = "", exponent = ""] = match;
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  if (digits === "" || Math.abs(point) > MOST_WHOLE) return false;
  const padded = "0".repeat(Math.max(0, -point)) + digits.padEnd(point, "0");
  const places = Math.max(0, point);
  return writeNumeric(`${sign}${padded.slice(0, places)}.${padded.slice(places)}`, out);
}

function writeHead(
  count: number,
  weight: number,
  sign: number,
  decimals: number,
  out: Writer,
): true {
  out.int16(count);
  out.int16(weight);
  out.int16(sign);
  out.int16(decimals);
  return true;
}

function decimalOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  throw wrongKind("numeric", "a string, a number or a bigint", value);
}

/** numeric, as string. Takes strings (exact), bigints (exact) and numbers (as JavaScript prints them). */
export const numeric: Codec = {
  ...builtin("numeric"),
  results: TEXT,
  loadText: (bytes: Buffer, start: number, end: number): string => readUtf8(bytes, start, end),
  loadBinary: readNumeric,
  dumpText: decimalOf,
  dumpBinary: (value: unknown, out: Writer): boolean => writeNumeric(decimalOf(value), out),
};
