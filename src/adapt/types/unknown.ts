/**
 * The codec of types that nobody registered: text both ways.
 *
 * What the server sends is a string. What is sent is text that the type reads by its own rules: strings as they
 * are, numbers, bigints and booleans as JavaScript prints them, a Date as PostgreSQL prints an instant in UTC,
 * a value of Temporal likewise, an array as the text form of one. Bytes are sent as they are, as the type's own binary form. All other
 * objects are refused: nothing says what their text would be. This file may import nothing that imports the
 * registry.
 */
import { isDate } from "node:util/types";
import { DataError, ProgrammingError } from "../../errors.ts";
import type { Writer } from "../../protocol/writer.ts";
import { TEXT } from "../format.ts";
import type { Codec } from "../registry.ts";
import { arrayText } from "./array.ts";
import { dimensionsOf, isList } from "./array-shape.ts";
import { BoundedArray, boundsText, lowerBoundsOf } from "./array-bounds.ts";
import { bytesOf, hexOf } from "./byte-values.ts";
import { momentOf, printMoment } from "./calendar.ts";
import { interval } from "./interval.ts";
import { Interval } from "./interval-value.ts";
import { Json, jsonText } from "./json-value.ts";
import { Multirange, Range, rangeText } from "./range-value.ts";
import { kindOf } from "./refuse.ts";
import { isTemporal, plainText } from "./temporal.ts";
import { timestamptz } from "./timestamptz.ts";
import { TypedValue } from "./typed-values.ts";
import { readUtf8 } from "./utf8.ts";

function textOf(value: unknown): string {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "bigint":
    case "boolean":
      return String(value);
    default:
      return textOfObject(value);
  }
}

function textOfObject(value: unknown): string {
  if (isDate(value)) {
    const moment = momentOf(value);
    if (moment === null) throw new DataError("an invalid Date cannot be sent");
    return printMoment(moment.days, moment.micros, 0);
  }
  const list = value instanceof BoundedArray ? value.values : value;
  if (isList(list)) {
    const dimensions = dimensionsOf("an array", list, false);
    const bounds = lowerBoundsOf("an array", value, dimensions);
    const text = arrayText(list, dimensions.length, ",", textOf);
    return bounds === null ? text : boundsText(bounds, dimensions) + text;
  }
  const own = textOfOwn(value);
  if (own !== null) return own;
  const bytes = bytesOf(value);
  if (bytes !== null) return hexOf(bytes);
  if (value instanceof Range) return rangeText(value, textOf);
  if (value instanceof Multirange)
    return `{${value.ranges.map((range) => rangeText(range, textOf)).join()}}`;
  if (value instanceof Json) return jsonText("JSON", value, JSON.stringify);
  throw new ProgrammingError(
    `there is no dumper for ${kindOf(value)}; send a string, or register a dumper for its class with ` +
      `adapters.registerDumper; composites are registered with CompositeInfo.fetch()`,
  );
}

/** The text of values of this package's classes and of Temporal's; null for others. */
function textOfOwn(value: unknown): string | null {
  if (value instanceof TypedValue) return textOf(value.value);
  if (value instanceof Interval || isTemporal(value, "Duration")) return interval.dumpText(value);
  if (isTemporal(value, "Instant") || isTemporal(value, "ZonedDateTime")) {
    return timestamptz.dumpText(value);
  }
  return (
    plainText(value, "PlainDate") ??
    plainText(value, "PlainDateTime") ??
    plainText(value, "PlainTime")
  );
}

/**
 * Text is asked for where a type isn't known. That binary comes all the same means that the column's type was
 * changed between the description and the execution.
 */
function unreadable(): never {
  throw new DataError(
    "the value came in the binary form of a type that is not registered: the column's type has changed " +
      "while the statement was under way, which has been executed",
  );
}

/** The codec for a type that isn't registered, and for parameters whose type isn't known. */
export const unknownCodec: Codec = {
  name: "unknown",
  oid: 0,
  arrayOid: 0,
  results: TEXT,
  isTextOnly: true,
  loadText: readUtf8,
  loadBinary: unreadable,
  dumpText: textOf,
  dumpBinary(value: unknown, out: Writer): boolean {
    const bytes = typeof value === "object" ? bytesOf(value) : null;
    if (bytes === null) return false;
    out.raw(bytes);
    return true;
  },
};
