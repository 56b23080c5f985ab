/**
 * Named placeholders: `$name` in a text, with an object for the values (psycopg's `%(name)s`).
 *
 * The server knows numbers only, so a text with names is rewritten, once: a name gets the number of its
 * first use. What stands in strings, quoted names, comments and dollar quotes is left alone. Texts are
 * remembered, so a statement that comes again costs one look. Does no I/O.
 */
import { isDate, isPromise } from "node:util/types";
import { ProgrammingError } from "../errors.ts";
import { tokensOf } from "./tokens.ts";

/** Values by the names of their placeholders. */
// eslint-disable-next-line typescript/no-explicit-any -- objects of any interface are taken
export type NamedParameters = Readonly<Record<string, any>>;

/** A text with numbers for names. */
export interface NumberedText {
  /** The text as the server takes it. */
  readonly text: string;
  /** The names, in the order of their numbers. */
  readonly names: readonly string[];
}

/** So many texts are remembered, none longer than this. */
const MOST_TEXTS = 500;
const LONGEST_TEXT = 64 * 1024;
const remembered = {
  standard: new Map<string, NumberedText>(),
  escaping: new Map<string, NumberedText>(),
};

/**
 * Gives names their numbers.
 *
 * @throws ProgrammingError for a text that has both names and numbers, or that has no end.
 */
export function numberNames(text: string, standardStrings: boolean): NumberedText {
  const known = standardStrings ? remembered.standard : remembered.escaping;
  const found = known.get(text);
  if (found) return found;
  const numbered = rewrite(text, standardStrings);
  if (text.length <= LONGEST_TEXT) {
    for (const [oldest] of known.size < MOST_TEXTS ? [] : known) {
      known.delete(oldest);
      break;
    }
    known.set(text, numbered);
  }
  return numbered;
}

function rewrite(text: string, standardStrings: boolean): NumberedText {
  const tokens = tokensOf(text, standardStrings);
  if (tokens === null) {
    throw new ProgrammingError("a string, name or comment in the statement has no end", {
      statement: text,
    });
  }
  const names: string[] = [];
  let numbered = "";
  let at = 0;
  let hasNumbers = false;
  for (const { kind, start, end } of tokens) {
    if (kind === "parameter") hasNumbers = true;
    if (kind !== "named") continue;
    const name = text.slice(start + 1, end);
    const known = names.indexOf(name);
    const number = known < 0 ? names.push(name) : known + 1;
    numbered += `${text.slice(at, start)}$${number}`;
    at = end;
  }
  if (hasNumbers && names.length > 0) {
    throw new ProgrammingError("a statement has placeholders by name or by number, not both", {
      code: "ERR_MAHOUT_PARAMETERS_MIXED",
      statement: text,
    });
  }
  return { text: numbered + text.slice(at), names };
}

/** Whether a value can be an object of named values: it has no order and is none of the values itself. */
export function areNamed(parameters: unknown): parameters is NamedParameters {
  return (
    typeof parameters === "object" &&
    parameters !== null &&
    !(Symbol.iterator in parameters) &&
    !ArrayBuffer.isView(parameters) &&
    !isDate(parameters) &&
    !isPromise(parameters)
  );
}

/**
 * The values of a text's names, in their order.
 *
 * @throws ProgrammingError for a name without a value, and for values of a text without names.
 */
export function valuesByName(
  { names }: NumberedText,
  parameters: NamedParameters,
  statement: string,
): unknown[] {
  if (names.length === 0 && Object.keys(parameters).length > 0) {
    const given = Object.keys(parameters).slice(0, 5).join(", ");
    throw new ProgrammingError(
      `the statement has no placeholder like $name, but an object with ${given} was given; options come after the parameters`,
      { code: "ERR_MAHOUT_PARAMETERS_UNUSED", statement },
    );
  }
  return names.map((name) => {
    // What every object inherits is nobody's value; what a class adds, a getter for example, is.
    const isOwn = Object.hasOwn(parameters, name);
    const value: unknown =
      isOwn || (name in parameters && !(name in Object.prototype)) ? parameters[name] : undefined;
    if (value === undefined) {
      throw new ProgrammingError(
        name in parameters && isOwn
          ? `parameter $${name} is undefined; pass null for SQL's NULL`
          : `there is no value for $${name}`,
        { code: "ERR_MAHOUT_PARAMETER_MISSING", statement },
      );
    }
    return value;
  });
}
