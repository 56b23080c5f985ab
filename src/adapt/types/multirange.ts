/**
 * Multirange types, as {@link Multirange}. Given are a Multirange, an array of ranges, or a string of the text form.
 *
 * PostgreSQL manual, 8.17; the forms are those of multirange_out and multirange_send.
 */
import { int32 } from "../../protocol/bytes.ts";
import type { Writer } from "../../protocol/writer.ts";
import type { TypeIdentity } from "../oids.ts";
import type { AdaptersMap, Codec } from "../registry.ts";
import { fieldEnd } from "./quoted-fields.ts";
import { Multirange, type Range } from "./range-value.ts";
import { malformed, wrongKind } from "./refuse.ts";

const OPEN = 0x7b;
const CLOSE = 0x7d;
const COMMA = 0x2c;

/** The codec of a multirange type over the range type `range`. */
export function multirangeCodec(type: TypeIdentity, range: number, adapters: AdaptersMap): Codec {
  const { name } = type;
  const codec = adapters.codec(range);
  return {
    ...type,
    results: codec.results,
    isTextOnly: codec.isTextOnly === true,
    loadText(bytes: Buffer, start: number, end: number): Multirange {
      if (end - start < 2 || bytes[start] !== OPEN || bytes[end - 1] !== CLOSE)
        throw malformed(name, "no braces around it");
      const ranges: Range[] = [];
      let at = start + 1;
      while (at < end - 1) {
        const middle = fieldEnd(name, bytes, at + 1, end, true);
        const last =
          bytes[middle] === COMMA ? fieldEnd(name, bytes, middle + 1, end, true) : middle;
        ranges.push(codec.loadText(bytes, at, last + 1) as Range);
        at = last + 1;
        if (at === end - 1) break;
        if (bytes[at] !== COMMA || at === end - 2) throw malformed(name, "no range after another");
        at++;
      }
      return new Multirange(ranges);
    },
    loadBinary(bytes: Buffer, start: number, end: number): Multirange {
      const count = end - start < 4 ? -1 : int32(bytes, start);
      let at = start + 4;
      // Each range has a length of 4 bytes, and flags.
      if (count < 0 || count > (end - at) / 5) throw malformed(name, "more ranges than bytes");
      const ranges: Range[] = [];
      for (let index = 0; index < count; index++) {
        const length = end - at < 4 ? -1 : int32(bytes, at);
        at += 4;
        if (length < 0 || length > end - at) throw malformed(name, "a range that is cut short");
        ranges.push(codec.loadBinary(bytes, at, at + length) as Range);
        at += length;
      }
      if (at !== end) throw malformed(name, `${end - at} bytes too many`);
      return new Multirange(ranges);
    },
    dumpText(value: unknown): string {
      if (typeof value === "string") return value;
      return `{${rangesOf(name, value)
        .map((item) => codec.dumpText(item))
        .join(",")}}`;
    },
    dumpBinary(value: unknown, out: Writer): boolean {
      if (typeof value === "string") return false;
      const ranges = rangesOf(name, value);
      const mark = out.length;
      out.int32(ranges.length);
      for (const item of ranges) {
        const start = out.length;
        out.int32(0);
        if (!codec.dumpBinary(item, out)) {
          out.rewind(mark);
          return false;
        }
        out.setInt32(start, out.length - start - 4);
      }
      return true;
    },
  };
}

function rangesOf(name: string, value: unknown): readonly unknown[] {
  if (value instanceof Multirange) return value.ranges;
  if (Array.isArray(value)) return value;
  throw wrongKind(name, "a Multirange, an array of Ranges or a string of its text form", value);
}
