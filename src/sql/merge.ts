/**
 * Client-side binding: values in the place of a statement's placeholders.
 *
 * For statements that take no parameters. A cast behind a placeholder says of which type the value is, as the
 * server would say; without one the value's own kind does.
 */
import type { AdaptersMap, Codec } from "../adapt/registry.ts";
import { oidOfType } from "../adapt/type-names.ts";
import { MahoutError, ProgrammingError } from "../errors.ts";
import type { DraftContext } from "./draft.ts";
import { Draft } from "./draft.ts";
import type { Token } from "./tokens.ts";
import { tokensOf } from "./tokens.ts";

/** Types whose names are several words. */
const SEVERAL_WORDS =
  /^(?:double precision|(?:bit|character) varying|time(?:stamp)? with(?:out)? time zone)\b/i;

/**
 * Puts the values in the place of `$1`, `$2`, ... in `text`.
 *
 * @throws ProgrammingError when there are more or fewer values than placeholders, and for one inside of or
 * right beside a string; DataError and ProgrammingError for values without a literal.
 */
export function mergeLiterals(
  text: string,
  values: readonly unknown[],
  context: DraftContext,
): string {
  if (values.length === 0) return text;
  const tokens = tokensOf(text, context.standardStrings);
  if (tokens === null) {
    throw new ProgrammingError("a string, name or comment in the statement has no end", {
      statement: text,
    });
  }
  const draft = new Draft(context);
  let at = 0;
  let most = 0;
  for (const [index, { kind, start, end }] of tokens.entries()) {
    if (kind !== "parameter") continue;
    const number = Number(text.slice(start + 1, end));
    most = Math.max(most, number);
    draft.sql(text.slice(at, start));
    at = end;
    if (number < 1) throw new ProgrammingError("there is no parameter $0; the first one is $1");
    if (number > values.length) continue;
    try {
      draft.literal(values[number - 1], castOf(text, tokens, index, context.adapters));
    } catch (error) {
      throw named(error, number);
    }
  }
  if (most !== values.length) {
    throw new ProgrammingError(
      `the statement has ${most} parameter${most === 1 ? "" : "s"}, but ${values.length} value${values.length === 1 ? " was" : "s were"} given`,
    );
  }
  draft.sql(text.slice(at));
  draft.finish();
  return draft.text;
}

/** The type that the placeholder at `index` is cast to; null when there is none, or none that is known here. */
function castOf(
  text: string,
  tokens: readonly Token[],
  index: number,
  adapters: AdaptersMap,
): Codec | null {
  const word = (at: number): string => {
    const token = tokens[at];
    return token ? text.slice(token.start, token.end) : "";
  };
  if (word(index + 1) !== ":" || word(index + 2) !== ":") return null;
  const first = tokens[index + 3];
  if (first?.kind !== "word" && first?.kind !== "name") return null;
  let after = index + 4;
  let type = word(index + 3);
  if (first.kind === "name") {
    if (!type.startsWith('"')) return null;
    type = type.slice(1, -1).replaceAll('""', '"');
  } else {
    // That word alone is the SQL standard's type, "char" in quotes is PostgreSQL's own.
    if (type.toLowerCase() === "char") type = "bpchar";
    const several = SEVERAL_WORDS.exec(text.slice(first.start, first.start + 40));
    if (several) {
      type = several[0];
      while ((tokens[after]?.start ?? Infinity) < first.start + type.length) after++;
    }
  }
  if (word(after) === "(") while (after < tokens.length && word(after++) !== ")");
  // A name in a schema may be any type, and a modifier may stand between the words of one.
  if (/^(?:\.|with|without)$/i.test(word(after))) return null;
  const isArray = word(after) === "[" || word(after).toLowerCase() === "array";
  const oid = oidOfType(isArray ? `${type}[]` : type, adapters);
  return oid !== 0 && adapters.knows(oid) ? adapters.codec(oid) : null;
}

function named(error: unknown, number: number): unknown {
  if (!(error instanceof MahoutError)) return error;
  const Kind = error.constructor as new (message: string, options?: object) => MahoutError;
  return new Kind(`parameter $${number}: ${error.message}`, { cause: error });
}
