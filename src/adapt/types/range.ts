/**
 * Range types, as {@link Range}: the built-in ones and those of the program's database.
 *
 * Bounds are read and written by the codec of the subtype. A string is the text form. Infinite bounds of the
 * subtype (`infinity` of timestamps) are values; null is no bound at all. PostgreSQL manual, 8.17; the forms are
 * those of range_out and range_send.
 */
import { int32 } from "../../protocol/bytes.ts";
import type { Writer } from "../../protocol/writer.ts";
import type { TypeIdentity } from "../oids.ts";
import type { AdaptersMap, Codec } from "../registry.ts";
import { placed } from "./placed.ts";
import { fieldEnd, loadField } from "./quoted-fields.ts";
import { orderOf } from "./range-order.ts";
import { Range, type RangeBounds, rangeText } from "./range-value.ts";
import { malformed, wrongKind } from "./refuse.ts";
import { readLatin1 } from "./utf8.ts";

const EMPTY = 0x01;
const LOWER_INC = 0x02;
const UPPER_INC = 0x04;
const LOWER_INF = 0x08;
const UPPER_INF = 0x10;
/** Flags that the server doesn't send: those of bounds that are NULL, and one of an index. */
const OTHER_FLAGS = 0xe0;

const COMMA = 0x2c;
const BRACKET = 0x5b;
const PARENTHESIS = 0x28;
const CLOSE_BRACKET = 0x5d;
const CLOSE_PARENTHESIS = 0x29;

/** The codec of a range type over the type `subtype`. */
export function rangeCodec(type: TypeIdentity, subtype: number, adapters: AdaptersMap): Codec {
  const { name } = type;
  const codec = adapters.codec(subtype);
  const compare = orderOf(subtype);
  const made = (lower: unknown, upper: unknown, bounds: RangeBounds): Range =>
    Range.ordered(new Range(lower, upper, bounds), compare);

  const boundOf = (value: unknown): unknown => adapters.convert(value, codec);

  return {
    ...type,
    results: codec.results,
    isTextOnly: codec.isTextOnly === true,
    loadText(bytes: Buffer, start: number, end: number): Range {
      if (end - start === 5 && readLatin1(bytes, start, end) === "empty") return Range.empty();
      const [open, close] = [bytes[start], bytes[end - 1]];
      if ((open !== BRACKET && open !== PARENTHESIS) || end - start < 3)
        throw malformed(name, "no bracket at its beginning");
      if (close !== CLOSE_BRACKET && close !== CLOSE_PARENTHESIS)
        throw malformed(name, "no bracket at its end");
      const middle = fieldEnd(name, bytes, start + 1, end, true);
      const last = bytes[middle] === COMMA ? fieldEnd(name, bytes, middle + 1, end, true) : -1;
      if (last !== end - 1) throw malformed(name, "not two bounds");
      const read = (from: number, to: number): unknown =>
        from === to ? null : loadField(codec.loadText, bytes, from, to);
      const lower = read(start + 1, middle);
      const upper = read(middle + 1, last);
      return made(lower, upper, boundsOf(open === BRACKET, close === CLOSE_BRACKET));
    },
    loadBinary(bytes: Buffer, start: number, end: number): Range {
      if (end <= start) throw malformed(name, "no flags");
      const flags = bytes[start] as number;
      if ((flags & OTHER_FLAGS) !== 0) throw malformed(name, "flags that are not known");
      let at = start + 1;
      const read = (isInfinite: boolean): unknown => {
        if (isInfinite || (flags & EMPTY) !== 0) return null;
        const length = end - at < 4 ? -1 : int32(bytes, at);
        at += 4;
        if (length < 0 || length > end - at) throw malformed(name, "a bound that is cut short");
        at += length;
        return codec.loadBinary(bytes, at - length, at);
      };
      const lower = read((flags & LOWER_INF) !== 0);
      const upper = read((flags & UPPER_INF) !== 0);
      if (at !== end) throw malformed(name, `${end - at} bytes too many`);
      if ((flags & EMPTY) !== 0) return Range.empty();
      return made(lower, upper, boundsOf((flags & LOWER_INC) !== 0, (flags & UPPER_INC) !== 0));
    },
    dumpText(value: unknown): string {
      if (typeof value === "string") return value;
      const range = rangeOf(name, value);
      return inBounds(name, () => rangeText(range, (bound) => codec.dumpText(boundOf(bound))));
    },
    dumpBinary(value: unknown, out: Writer): boolean {
      if (typeof value === "string") return false;
      const range = rangeOf(name, value);
      const mark = out.length;
      out.int8(flagsOf(range));
      for (const bound of [range.lower, range.upper]) {
        if (bound === null) continue;
        const start = out.length;
        out.int32(0);
        if (!inBounds(name, () => codec.dumpBinary(boundOf(bound), out))) {
          out.rewind(mark);
          return false;
        }
        out.setInt32(start, out.length - start - 4);
      }
      return true;
    },
  };
}

function rangeOf(name: string, value: unknown): Range {
  if (value instanceof Range) return value as Range;
  throw wrongKind(name, "a Range or a string of its text form", value);
}

function boundsOf(lowerInc: boolean, upperInc: boolean): RangeBounds {
  return `${lowerInc ? "[" : "("}${upperInc ? "]" : ")"}`;
}

function flagsOf(range: Range): number {
  if (range.isEmpty) return EMPTY;
  return (
    (range.lowerInc ? LOWER_INC : 0) |
    (range.upperInc ? UPPER_INC : 0) |
    (range.lowerInf ? LOWER_INF : 0) |
    (range.upperInf ? UPPER_INF : 0)
  );
}

function inBounds<T>(name: string, dump: () => T): T {
  try {
    return dump();
  } catch (error) {
    throw placed(error, `a bound of ${name}`);
  }
}
