/**
 * Values as literals in SQL text, for the few statements that take no parameters: COPY is one.
 *
 * A literal is right under either setting of `standard_conforming_strings`: text with a backslash becomes an
 * escape string. Each literal begins with a blank where it could run into what stands before it. Text that
 * PostgreSQL can't hold is refused when the statement is written. PostgreSQL manual, 4.1.2.
 */
import { isDate } from "node:util/types";
import { unknownCodec } from "../adapt/types/unknown.ts";
import { ProgrammingError } from "../errors.ts";
import { tokensOf } from "./tokens.ts";

/** The text as a string literal. */
export function quoteLiteral(text: string): string {
  const quoted = text.replaceAll("'", "''");
  return quoted.includes("\\") ? ` E'${quoted.replaceAll("\\", "\\\\")}'` : `'${quoted}'`;
}

/**
 * A value as a literal: numbers, bigints, booleans and null as such, a Date as timestamptz, bytes as bytea,
 * all else as a string of its text form.
 *
 * @throws ProgrammingError for `undefined` and for objects without a text form, DataError for an invalid Date.
 */
export function literalOf(value: unknown): string {
  switch (typeof value) {
    case "string":
      return quoteLiteral(value);
    case "boolean":
      return String(value);
    case "number":
      if (!Number.isFinite(value)) return `'${value}'::float8`;
      return number(unknownCodec.dumpText(value));
    case "bigint":
      return number(String(value));
    case "undefined":
      throw new ProgrammingError("undefined cannot be sent; pass null for SQL's NULL");
    default:
  }
  if (value === null) return "NULL";
  const text = quoteLiteral(unknownCodec.dumpText(value));
  if (isDate(value)) return `${text}::timestamptz`;
  return ArrayBuffer.isView(value) ? `${text}::bytea` : text;
}

/** A minus binds looser than what may follow, and two in a row would begin a comment. */
function number(text: string): string {
  return text.startsWith("-") ? `(${text})` : text;
}

/** What a literal beside it would become one with: quotes make one string of two, `U&` another of it. */
const RUNS_ON = /[\w$&'".\u0080-\uffff]/;

/**
 * Puts the values in the place of `$1`, `$2`, ... in `text`.
 *
 * @throws ProgrammingError when there are more or fewer values than placeholders.
 */
export function mergeLiterals(
  text: string,
  values: readonly unknown[],
  standardStrings: boolean,
): string {
  if (values.length === 0) return text;
  const tokens = tokensOf(text, standardStrings);
  let merged = "";
  let at = 0;
  let most = 0;
  for (const { kind, start, end } of tokens ?? []) {
    if (kind !== "parameter") continue;
    const number = Number(text.slice(start + 1, end));
    most = Math.max(most, number);
    merged += text.slice(at, start);
    if (number >= 1 && number <= values.length) {
      const literal = literalOf(values[number - 1]);
      merged +=
        (RUNS_ON.test(text[start - 1] ?? "") ? " " : "") +
        literal +
        (RUNS_ON.test(text[end] ?? "") ? " " : "");
    }
    at = end;
  }
  if (most !== values.length) {
    throw new ProgrammingError(
      `the statement has ${most} parameter${most === 1 ? "" : "s"}, but ${values.length} value${values.length === 1 ? " was" : "s were"} given`,
    );
  }
  return merged + text.slice(at);
}
