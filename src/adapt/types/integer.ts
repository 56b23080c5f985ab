/**
 * The integer types: int2, int4 and oid as number, int8 as bigint.
 *
 * Both directions are exact: a number that is not whole, is out of range, or (for int8) is so large that it
 * has already lost digits, is refused before a byte is written. For int8 there are two more codecs to
 * register in place of the default. PostgreSQL manual, 8.1.1 and 8.19.
 */
import { DataError } from "../../errors.ts";
import { int16, int32, uint32 } from "../../protocol/bytes.ts";
import type { Writer } from "../../protocol/writer.ts";
import { builtin } from "../oids.ts";
import { BINARY } from "../format.ts";
import type { Codec, Load } from "../registry.ts";
import { malformed, outOfRange, shown, wrongKind, wrongLength } from "./refuse.ts";
import { readLatin1 } from "./utf8.ts";

const TAKES = "a number, a bigint or a string";
const LEAST_INT8 = -(2n ** 63n);
const MOST_INT8 = 2n ** 63n - 1n;
/** As many digits as a number holds for certain. */
const SAFE_DIGITS = 15;

/** The whole number that the decimal digits in `bytes[start..end)` spell; NaN when they are not such digits. */
function readDigits(bytes: Buffer, start: number, end: number): number {
  const negative = bytes[start] === 0x2d;
  let at = negative ? start + 1 : start;
  if (at === end || end - at > SAFE_DIGITS) return NaN;
  let result = 0;
  for (; at < end; at++) {
    const digit = (bytes[at] as number) - 0x30;
    if (digit < 0 || digit > 9) return NaN;
    result = result * 10 + digit;
  }
  return negative && result !== 0 ? -result : result;
}

function wholeNumber(type: string, least: number, most: number, value: unknown): number {
  if (typeof value === "number" && !Number.isInteger(value)) {
    throw new DataError(`${shown(value)} is not an integer, ${type} takes whole numbers`);
  }
  if (typeof value !== "number" && typeof value !== "bigint") throw wrongKind(type, TAKES, value);
  if (value < least || value > most) throw outOfRange(type, value, `${least} to ${most}`);
  return Number(value);
}

function smallInteger(
  type: string,
  least: number,
  most: number,
  loadBinary: Load<number>,
  write: (value: number, out: Writer) => void,
): Codec {
  return {
    ...builtin(type),
    results: BINARY,
    loadText(bytes: Buffer, start: number, end: number): number {
      const value = readDigits(bytes, start, end);
      if (value >= least && value <= most) return value;
      throw malformed(type, "not a whole number in its range");
    },
    loadBinary,
    dumpText(value: unknown): string {
      return typeof value === "string" ? value : String(wholeNumber(type, least, most, value));
    },
    dumpBinary(value: unknown, out: Writer): boolean {
      if (typeof value === "string") return false;
      write(wholeNumber(type, least, most, value), out);
      return true;
    },
  };
}

/** int2, as number. */
export const int2: Codec = smallInteger(
  "int2",
  -32768,
  32767,
  (bytes, start, end) => {
    if (end - start !== 2) throw wrongLength("int2", 2, end - start);
    return int16(bytes, start);
  },
  (value, out) => out.int16(value),
);

/** int4, as number. */
export const int4: Codec = smallInteger(
  "int4",
  -2147483648,
  2147483647,
  (bytes, start, end) => {
    if (end - start !== 4) throw wrongLength("int4", 4, end - start);
    return int32(bytes, start);
  },
  (value, out) => out.int32(value),
);

/** A codec of a type of 32 bits without a sign, as number. */
export function unsignedInteger(type: string): Codec {
  return smallInteger(
    type,
    0,
    4294967295,
    (bytes, start, end) => {
      if (end - start !== 4) throw wrongLength(type, 4, end - start);
      return uint32(bytes, start);
    },
    (value, out) => out.int32(value),
  );
}

/** oid, as number. */
export const oid: Codec = unsignedInteger("oid");

// The two halves of an int8 are put where the engine can take them as one bigint, without making others.
const halves = new Uint32Array(2);
const whole = new BigInt64Array(halves.buffer);
/** Which half comes first in memory depends on the machine. */
const HIGH = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0;

function readInt8(bytes: Buffer, start: number, end: number): bigint {
  if (end - start !== 8) throw wrongLength("int8", 8, end - start);
  halves[HIGH] = int32(bytes, start);
  halves[1 - HIGH] = int32(bytes, start + 4);
  return whole[0] as bigint;
}

function readInt8Text(bytes: Buffer, start: number, end: number): bigint {
  const small = readDigits(bytes, start, end);
  if (!Number.isNaN(small)) return BigInt(small);
  const text = end - start <= 20 ? readLatin1(bytes, start, end) : "";
  if (/^-?\d+$/.test(text)) {
    const value = BigInt(text);
    if (value >= LEAST_INT8 && value <= MOST_INT8) return value;
  }
  throw malformed("int8", "not a whole number in its range");
}

function int8Value(value: unknown): number | bigint {
  if (typeof value === "bigint") {
    if (value < LEAST_INT8 || value > MOST_INT8) {
      throw outOfRange("int8", value, `${LEAST_INT8} to ${MOST_INT8}`);
    }
    return value;
  }
  if (typeof value !== "number") throw wrongKind("int8", TAKES, value);
  if (Number.isSafeInteger(value)) return value;
  if (Number.isInteger(value)) {
    throw new DataError(`${shown(value)} is too large to be exact as a number; give int8 a bigint`);
  }
  throw new DataError(`${shown(value)} is not an integer, int8 takes whole numbers`);
}

/** int8, as bigint. Takes whole numbers, too, as far as a number is exact (2 ** 53 - 1). */
export const int8: Codec = {
  ...builtin("int8"),
  results: BINARY,
  loadText: readInt8Text,
  loadBinary: readInt8,
  dumpText(value: unknown): string {
    return typeof value === "string" ? value : String(int8Value(value));
  },
  dumpBinary(value: unknown, out: Writer): boolean {
    if (typeof value === "string") return false;
    const exact = int8Value(value);
    if (typeof exact === "bigint") {
      whole[0] = exact;
      out.int32(halves[HIGH] as number);
      out.int32(halves[1 - HIGH] as number);
    } else {
      out.int32(Math.floor(exact / 0x100000000));
      out.int32(exact >>> 0);
    }
    return true;
  },
};

function toSafeNumber(value: bigint): number {
  const result = Number(value);
  if (Number.isSafeInteger(result)) return result;
  throw new DataError(
    `the int8 ${value} is too large to be exact as a number; read int8 as bigint or string`,
  );
}

/** int8, as number; loading a value beyond 2 ** 53 - 1 raises DataError, as it could not be exact. */
export const int8AsNumber: Codec = {
  ...int8,
  loadText: (bytes: Buffer, start: number, end: number): number =>
    toSafeNumber(readInt8Text(bytes, start, end)),
  loadBinary: (bytes: Buffer, start: number, end: number): number =>
    toSafeNumber(readInt8(bytes, start, end)),
};

/** int8, as string of its decimal digits. */
export const int8AsString: Codec = {
  ...int8,
  loadText: (bytes: Buffer, start: number, end: number): string =>
    String(readInt8Text(bytes, start, end)),
  loadBinary: (bytes: Buffer, start: number, end: number): string =>
    String(readInt8(bytes, start, end)),
};
