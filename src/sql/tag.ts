/**
 * The tagged template `sql`: text that the program wrote, with values in it that become parameters.
 *
 * The parts of a template come from the source code, so they are SQL; what is interpolated is a value unless
 * it is a piece of SQL. A template of the same shape always gives the same text, so a prepared statement is
 * found again whatever its values are.
 */
import { ProgrammingError } from "../errors.ts";
import type { Composable } from "./composable.ts";
import {
  Composed,
  Identifier,
  interspersed,
  Literal,
  pieceOf,
  Placeholder,
  separatorOf,
  SQL,
} from "./composable.ts";

/** The tag, and what makes other pieces. */
export interface SqlTag {
  /**
   * Composes SQL: values become parameters, pieces of SQL become part of the text.
   *
   * @throws ProgrammingError when it is called with text, and for `undefined`, functions, symbols, promises and
   * lists of pieces as values.
   */
  (parts: TemplateStringsArray, ...values: readonly unknown[]): Composed;
  /** A name, of one or several parts: `sql.identifier("public", "users")`. */
  identifier(...parts: readonly string[]): Identifier;
  /** A value as part of the text, for statements that take no parameters. */
  literal(value: unknown): Literal;
  /** Pieces and values with a separator between any two, `, ` by default; nothing for an empty list. */
  join(pieces: Iterable<unknown>, separator?: string | Composable): Composed;
  /** Text that is SQL as it is. Never give it text that somebody else wrote. */
  raw(text: string): SQL;
  /** A placeholder whose value is given when the statement is executed, by its name or by the next number. */
  placeholder(name?: string): Placeholder;
}

function compose(parts: TemplateStringsArray, ...values: readonly unknown[]): Composed {
  if (!Array.isArray(parts) || !Array.isArray((parts as Partial<TemplateStringsArray>).raw)) {
    throw new ProgrammingError("sql is a tag: sql`select ...`; for text use sql.raw(text)", {
      code: "ERR_MAHOUT_SQL_VALUES",
    });
  }
  const texts = textsOf(parts);
  const pieces: Composable[] = [];
  for (let index = 0; index < texts.length; index++) {
    pieces.push(texts[index] as SQL);
    if (index < values.length) pieces.push(pieceOf(values[index]));
  }
  return new Composed(pieces);
}

/** The parts of each template in the source, made once. */
const known = new WeakMap<TemplateStringsArray, readonly SQL[]>();

function textsOf(parts: TemplateStringsArray): readonly SQL[] {
  const found = known.get(parts);
  if (found) return found;
  const texts = parts.map((part: string | undefined) => {
    // Without one, the template has an escape sequence that JavaScript doesn't know.
    if (part === undefined) throw new ProgrammingError("the template has a bad escape sequence");
    return new SQL(part);
  });
  known.set(parts, texts);
  return texts;
}

function join(pieces: Iterable<unknown>, separator: string | Composable = ", "): Composed {
  return new Composed(interspersed(Array.from(pieces, pieceOf), separatorOf(separator)));
}

/** Composes SQL; see {@link SqlTag}. */
export const sql: SqlTag = Object.assign(compose, {
  identifier: (...parts: readonly string[]): Identifier => new Identifier(...parts),
  literal: (value: unknown): Literal => new Literal(value),
  join,
  raw: (text: string): SQL => new SQL(text),
  placeholder: (name?: string): Placeholder => new Placeholder(name),
});
