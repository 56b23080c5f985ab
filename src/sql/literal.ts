/**
 * Values as literals in SQL text, for the few statements that take no parameters: COPY is one.
 *
 * A literal is right under either setting of `standard_conforming_strings`: text with a backslash becomes an
 * escape string. What keeps a literal from running into its neighbours is the draft's to do (draft.ts). Text
 * that PostgreSQL can't hold is refused. PostgreSQL manual, 4.1.2.
 */
import { isDate } from "node:util/types";
import type { AdaptersMap, Codec } from "../adapt/registry.ts";
import { Interval } from "../adapt/types/interval-value.ts";
import { TypedValue } from "../adapt/types/typed-values.ts";
import { unknownCodec } from "../adapt/types/unknown.ts";
import { ProgrammingError } from "../errors.ts";
import { checkText } from "../protocol/writer.ts";

/** The text as a string literal. One with a backslash begins with a blank, so that no word can touch its E. */
export function quoteLiteral(text: string): string {
  const quoted = text.replaceAll("'", "''");
  return quoted.includes("\\") ? ` E'${quoted.replaceAll("\\", "\\\\")}'` : `'${quoted}'`;
}

/**
 * A value as a literal. Of a type that is known it is that type's text, as a string; else numbers, bigints and
 * booleans are such, a Date is a timestamptz, bytes are a bytea, an Interval and what says its type are of that
 * type, all else is a string of its text form. There is no blank around it.
 *
 * @throws ProgrammingError for `undefined` and for objects without a text form, DataError for an invalid Date
 * and for text that PostgreSQL can't hold.
 */
export function literalOf(
  given: unknown,
  adapters: AdaptersMap,
  type: Codec | null = null,
): string {
  const value = adapters.convert(given, type ?? unknownCodec);
  if (value === undefined) {
    throw new ProgrammingError("undefined cannot be sent; pass null for SQL's NULL");
  }
  if (value === null) return "NULL";
  if (type !== null) return quoted(type.dumpText(value));
  if (given instanceof TypedValue) {
    return `${quoted(unknownCodec.dumpText(value))}::${given.typeName}`;
  }
  switch (typeof value) {
    case "string":
      return quoted(value);
    case "boolean":
    case "bigint":
      return String(value);
    case "number":
      // A literal of digits is a numeric, which has neither of these, and no zero below zero.
      if (!Number.isFinite(value) || Object.is(value, -0)) {
        return `'${unknownCodec.dumpText(value)}'::float8`;
      }
      return unknownCodec.dumpText(value);
    default:
  }
  const text = quoted(unknownCodec.dumpText(value));
  if (isDate(value)) return `${text}::timestamptz`;
  if (value instanceof Interval) return `${text}::interval`;
  return ArrayBuffer.isView(value) ? `${text}::bytea` : text;
}

function quoted(text: string): string {
  checkText(text);
  return quoteLiteral(text).trimStart();
}
