/**
 * The floating-point types float4 and float8, as number, with NaN, both infinities and -0.
 *
 * A float4 loads as the number that its text spells: 0.1 is 0.1, not 0.10000000149011612, the float4 next to
 * it widened to a double. Its text form is therefore asked for; the binary form gives the same value by a
 * search for the shortest decimal, which is slower. PostgreSQL manual, 8.1.3.
 */
import { int32 } from "../../protocol/bytes.ts";
import type { Writer } from "../../protocol/writer.ts";
import { builtin } from "../oids.ts";
import { BINARY, TEXT } from "../format.ts";
import type { Codec } from "../registry.ts";
import { malformed, outOfRange, wrongKind, wrongLength } from "./refuse.ts";
import { readUtf8 } from "./utf8.ts";

// A double is put together where the engine reads it as one: cheaper than Buffer's methods, which check
// again, and than a DataView made for each buffer that arrives.
const halves = new Uint32Array(2);
const double = new Float64Array(halves.buffer);
const doubleBits = new BigInt64Array(halves.buffer);
/** Which half comes first in memory depends on the machine. */
const HIGH = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0;

const singleBits = new Int32Array(1);
const single = new Float32Array(singleBits.buffer);

function singleOf(bits: number): number {
  singleBits[0] = bits;
  return single[0] as number;
}

/**
 * The number spelled by the shortest decimal that PostgreSQL prints for a float4: as few digits as lie strictly
 * nearer to it than to its neighbours, of those the nearest, of two equally near the even one.
 */
function shortest(bits: number): number {
  if (bits < 0) return -shortest(bits & 0x7fffffff);
  const value = singleOf(bits);
  if (value === 0 || !Number.isFinite(value)) return value;
  const below = singleOf(bits - 1);
  const above = singleOf(bits + 1);
  const low = (below + value) / 2;
  // Above the largest float4 comes infinity; its neighbourhood is as wide there as below.
  const high = Number.isFinite(above) ? (value + above) / 2 : value + (value - low);
  // Six digits always lie nearer to one float4 than to the next, but for the denormal ones.
  // Nine always do.
  for (let digits = bits < 0x800000 ? 1 : 6; ; digits++) {
    const text = value.toExponential(digits - 1);
    const near = Number(text);
    if (near > low && near < high) return isTie(value, digits) ? evenOf(text) : near;
    // At a power of two the float4 below is nearer than the one above: the nearest decimal may lie too low
    // where the next higher one does not.
    const next = Number(stepped(text, 1));
    if (near <= low && next < high) return next;
  }
}

/** Whether the value lies halfway between two decimals of so many digits. */
function isTie(value: number, digits: number): boolean {
  // oxlint-disable-next-line oxc/number-arg-out-of-range -- up to 100 since ECMAScript 2018
  const exact = value.toExponential(60);
  return /^50*$/.test(exact.slice(digits + 1, exact.indexOf("e")));
}

/** Of the two decimals around a tie the even one; `text` is the upper one, which toExponential prefers. */
function evenOf(text: string): number {
  const last = text.charCodeAt(text.indexOf("e") - 1);
  return Number(last % 2 === 0 ? text : stepped(text, -1));
}

/** The decimal of as many digits that comes next upwards (1) or downwards (-1). */
function stepped(text: string, step: number): string {
  const [mantissa = "", exponent = ""] = text.split("e");
  const digits = mantissa.replace(".", "");
  return `${Number(digits) + step}e${Number(exponent) - (digits.length - 1)}`;
}

function readText(type: string, bytes: Buffer, start: number, end: number): number {
  const text = readUtf8(bytes, start, end);
  const value = Number(text);
  if ((Number.isNaN(value) && text !== "NaN") || text.trim() === "") {
    throw malformed(type, "not a number");
  }
  return value;
}

function numberOf(type: string, value: unknown): number {
  if (typeof value === "number") return value;
  if (typeof value !== "bigint") throw wrongKind(type, "a number, a bigint or a string", value);
  const nearest = Number(value);
  if (!Number.isFinite(nearest)) throw outOfRange(type, value, "up to 1.8e308");
  return nearest;
}

/** As {@link numberOf}, refusing what the server would refuse: what becomes infinite or 0 as a float4. */
function singleOfNumber(value: unknown): number {
  const exact = numberOf("float4", value);
  const rounded = Math.fround(exact);
  if ((!Number.isFinite(rounded) && Number.isFinite(exact)) || (rounded === 0 && exact !== 0)) {
    throw outOfRange("float4", value, "1.4e-45 to 3.4e38");
  }
  return exact;
}

function spell(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

/**
 * A float8 as the server prints it: the digits of JavaScript, an exponent below 1e-4 and from 1e15 on. A decimal
 * halfway between two float8s is one of them to JavaScript, the even one, and neither to the server.
 */
export function printFloat8(value: number): string {
  const size = Math.abs(value);
  if (size === 0 || (size >= 1e-4 && size < 1e15) || !Number.isFinite(value)) return spell(value);
  let text = size.toExponential();
  // Of 17 digits none lies halfway: they are closer to each other than float8s are.
  for (let more = text.indexOf("e") - 1; size >= SPARSE && isHalfway(size, text); more++)
    text = size.toExponential(more);
  const [digits = "", exponent = ""] = text.split("e");
  return `${value < 0 ? "-" : ""}${digits}e${exponent.slice(0, 1)}${exponent.slice(1).padStart(2, "0")}`;
}

/** From here on float8s are further apart than integers; below, what lies halfway has more digits than it takes. */
const SPARSE = 2 ** 53;

/** Whether a decimal lies halfway between a float8 of this size and one of its neighbours. */
function isHalfway(size: number, decimal: string): boolean {
  const [mantissa = "", exponent = ""] = decimal.split("e");
  const digits = mantissa.replace(".", "");
  const exact = BigInt(size);
  const off = BigInt(digits + "0".repeat(Number(exponent) + 1 - digits.length)) - exact;
  if (off === 0n) return false;
  double[0] = size;
  doubleBits[0] = (doubleBits[0] as bigint) + (off > 0n ? 1n : -1n);
  const neighbour = double[0];
  return Number.isFinite(neighbour) && off * 2n === BigInt(neighbour) - exact;
}

/** float8, as number. A bigint is rounded to the nearest float8, as the server does. */
export const float8: Codec = {
  ...builtin("float8"),
  results: BINARY,
  loadText: (bytes: Buffer, start: number, end: number): number =>
    readText("float8", bytes, start, end),
  loadBinary(bytes: Buffer, start: number, end: number): number {
    if (end - start !== 8) throw wrongLength("float8", 8, end - start);
    halves[HIGH] = int32(bytes, start);
    halves[1 - HIGH] = int32(bytes, start + 4);
    return double[0] as number;
  },
  dumpText(value: unknown): string {
    return typeof value === "string" ? value : spell(numberOf("float8", value));
  },
  dumpBinary(value: unknown, out: Writer): boolean {
    if (typeof value === "string") return false;
    out.float64(numberOf("float8", value));
    return true;
  },
};

/** float4, as the number that its text spells. Numbers are rounded to the nearest float4. */
export const float4: Codec = {
  ...builtin("float4"),
  results: TEXT,
  loadText: (bytes: Buffer, start: number, end: number): number =>
    readText("float4", bytes, start, end),
  loadBinary(bytes: Buffer, start: number, end: number): number {
    if (end - start !== 4) throw wrongLength("float4", 4, end - start);
    return shortest(int32(bytes, start));
  },
  dumpText(value: unknown): string {
    return typeof value === "string" ? value : spell(singleOfNumber(value));
  },
  dumpBinary(value: unknown, out: Writer): boolean {
    if (typeof value === "string") return false;
    out.float32(singleOfNumber(value));
    return true;
  },
};
