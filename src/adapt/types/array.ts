/**
 * Arrays of any type, as JavaScript arrays, nested for each dimension, with null for NULL.
 *
 * One function makes the codec of an array type out of the codec of its elements. Lower bounds are left out when
 * an array is loaded, unless the element's codec keeps them, and are 1 when one is sent that has none. A string
 * is the text form and goes to the server as it is. For json and jsonb every element is one value, even if it is an array: jsonb[] has one dimension here.
 * Counts and lengths that the server sends are checked before anything is made of them.
 * PostgreSQL manual, 8.15; the binary form is that of array_send.
 */
import { int32, uint32 } from "../../protocol/bytes.ts";
import { MahoutError, ProgrammingError } from "../../errors.ts";
import type { Writer } from "../../protocol/writer.ts";
import type { Codec } from "../registry.ts";
import { MOST_DIMENSIONS, quoteElement, readArrayText } from "./array-text.ts";
import { BoundedArray, boundsText, lowerBoundsOf, readBoundsText } from "./array-bounds.ts";
import { type List, dimensionsOf, isList } from "./array-shape.ts";
import { kindOf, malformed } from "./refuse.ts";
import { bare } from "./typed-values.ts";
import { readUtf8 } from "./utf8.ts";

/** The codec of the arrays of a type. */
export function arrayCodec(element: Codec): Codec {
  const name = `${element.name}[]`;
  const delimiter = element.delimiter ?? ",";
  const delimiterByte = delimiter.charCodeAt(0);
  const takesArrays = element.takesArrays === true;

  const keepsBounds = element.keepsBounds === true;

  function listOf(value: unknown): List {
    if (isList(value)) return value;
    if (value instanceof BoundedArray) return value.values;
    throw new ProgrammingError(
      `${name} takes an array or a string of its text form, not ${kindOf(value)}; put a single value in brackets`,
    );
  }

  return {
    name,
    oid: element.arrayOid,
    arrayOid: 0,
    element,
    results: element.results,
    isTextOnly: element.isTextOnly === true,
    loadText(bytes, start, end) {
      const values = readArrayText(name, element.loadText, delimiterByte, bytes, start, end);
      if (!keepsBounds) return values;
      return new BoundedArray(values, readBoundsText(name, readUtf8(bytes, start, end)));
    },
    loadBinary(bytes, start, end) {
      const values = readArrayBinary(name, element, bytes, start, end);
      if (!keepsBounds) return values;
      const levels = values.length === 0 ? 0 : int32(bytes, start);
      const first = (_: unknown, level: number): number => int32(bytes, start + 16 + 8 * level);
      return new BoundedArray(values, Array.from({ length: levels }, first));
    },
    dumpText(value: unknown): string {
      if (typeof value === "string") return value;
      const list = listOf(value);
      const dimensions = dimensionsOf(name, list, takesArrays);
      const bounds = lowerBoundsOf(name, value, dimensions);
      const text = arrayText(list, dimensions.length, delimiter, (item) => element.dumpText(item));
      return bounds === null ? text : boundsText(bounds, dimensions) + text;
    },
    dumpBinary(value: unknown, out: Writer): boolean {
      if (typeof value === "string") return false;
      const list = listOf(value);
      const dimensions = dimensionsOf(name, list, takesArrays);
      const bounds = lowerBoundsOf(name, value, dimensions);
      const mark = out.length;
      out.int32(dimensions.length);
      out.int32(0);
      out.int32(element.oid);
      for (let level = 0; level < dimensions.length; level++) {
        out.int32(dimensions[level] as number);
        out.int32(bounds?.[level] ?? 1);
      }
      if (dimensions.length === 0) return true;
      if (writeElements(list, dimensions.length, mark, element, out)) return true;
      out.rewind(mark);
      return false;
    },
  };
}

/** The text form of lists nested `levels` deep; none for an empty array. */
export function arrayText(
  list: List,
  levels: number,
  delimiter: string,
  dump: (element: unknown) => string,
): string {
  if (levels === 0) return "{}";
  const parts: string[] = [];
  for (let index = 0; index < list.length; index++) {
    const item = list[index];
    try {
      if (levels > 1) parts.push(arrayText(item as List, levels - 1, delimiter, dump));
      else parts.push(item === null ? "NULL" : quoteElement(dump(bare(item))));
    } catch (error) {
      throw atElement(error, index);
    }
  }
  return `{${parts.join(delimiter)}}`;
}

const ELEMENT = "element ";

/** The error of an element, with its place: `element [2][0]: 1.5 is not an integer`. */
function atElement(error: unknown, index: number): unknown {
  if (!(error instanceof MahoutError)) return error;
  const Kind = error.constructor as new (message: string, options?: object) => MahoutError;
  const isNested = error.message.startsWith(`${ELEMENT}[`);
  const inner = isNested ? error.message.slice(ELEMENT.length) : `: ${error.message}`;
  return new Kind(`${ELEMENT}[${index}]${inner}`, {
    cause: isNested ? error.cause : error,
    code: error.code,
  });
}

/** Writes the elements one after the other; false as soon as one has no binary form. */
function writeElements(
  list: List,
  levels: number,
  mark: number,
  element: Codec,
  out: Writer,
): boolean {
  for (let index = 0; index < list.length; index++) {
    const item = list[index];
    try {
      if (levels > 1) {
        if (!writeElements(item as List, levels - 1, mark, element, out)) return false;
      } else if (item === null) {
        // The header says whether there are any NULLs.
        out.setInt32(mark + 4, 1);
        out.int32(-1);
      } else {
        const start = out.length;
        out.int32(0);
        if (!element.dumpBinary(bare(item), out)) return false;
        out.setInt32(start, out.length - start - 4);
      }
    } catch (error) {
      throw atElement(error, index);
    }
  }
  return true;
}

function readArrayBinary(
  name: string,
  element: Codec,
  bytes: Buffer,
  start: number,
  end: number,
): unknown[] {
  if (end - start < 12) throw malformed(name, "a header that is cut short");
  const levels = int32(bytes, start);
  if (levels < 0 || levels > MOST_DIMENSIONS) throw malformed(name, `${levels} dimensions`);
  if (uint32(bytes, start + 8) !== element.oid) {
    throw malformed(name, `elements with the oid ${uint32(bytes, start + 8)}`);
  }
  let at = start + 12 + 8 * levels;
  if (at > end) throw malformed(name, "a header that is cut short");
  const dimensions: number[] = [];
  let count = levels === 0 ? 0 : 1;
  for (let level = 0; level < levels; level++) {
    const length = int32(bytes, start + 12 + 8 * level);
    count *= length;
    // Each element has a length of 4 bytes at least: no more can be due than that leaves room for.
    if (length < 0 || count > (end - at) / 4) throw malformed(name, "more elements than bytes");
    dimensions.push(length);
  }
  let list: unknown[] = [];
  for (let index = 0; index < count; index++) {
    if (end - at < 4) throw malformed(name, "an element that is cut short");
    const length = int32(bytes, at);
    at += 4;
    if (length === -1) {
      list.push(null);
      continue;
    }
    if (length < 0 || length > end - at) throw malformed(name, "an element that is cut short");
    list.push(element.loadBinary(bytes, at, at + length));
    at += length;
  }
  if (at !== end) throw malformed(name, `${end - at} bytes too many`);
  if (count === 0) return list;
  for (let level = levels - 1; level > 0; level--)
    list = grouped(list, dimensions[level] as number);
  return list;
}

function grouped(list: readonly unknown[], length: number): unknown[] {
  const groups: unknown[] = [];
  for (let at = 0; at < list.length; at += length) groups.push(list.slice(at, at + length));
  return groups;
}
