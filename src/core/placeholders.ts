/**
 * What is said of placeholders that PostgreSQL doesn't have, and of lists where it has none.
 *
 * Looked at only when something is wrong, or before the first execution of a text: nothing of this costs a
 * statement that is known. The server decides what a text means.
 */
import type { Parameters } from "../adapt/parameters.ts";
import { ProgrammingError } from "../errors.ts";
import { tokensOf } from "../sql/tokens.ts";

/**
 * Refuses values for a text that has placeholders of another kind, and none of PostgreSQL's.
 *
 * @throws ProgrammingError naming the one that was found.
 */
export function checkPlaceholders(text: string, { length }: Parameters): void {
  if (length === 0 || /\$\d/.test(text)) return;
  const found = foreignPlaceholder(text);
  if (found === null) return;
  throw new ProgrammingError(
    `the statement has 0 parameters, but ${length} value${length === 1 ? " was" : "s were"} given: placeholders are $1, $2, ..., not ${found}`,
    { statement: text, outcome: "not sent" },
  );
}

/** The first placeholder of another driver or language; null when there is none. */
function foreignPlaceholder(text: string): string | null {
  for (const { kind, start } of tokensOf(text) ?? []) {
    if (kind !== "sign" || text[start - 1] === ":") continue;
    const match = /^(?:%s\b|%\(\w+\)s\b|\?|:[A-Za-z_]\w*)/.exec(text.slice(start, start + 64));
    if (match) return match[0];
  }
  return null;
}

/** Adds to the error of a value that was refused what to write where a list was meant. */
export function withListHint(error: unknown, text: string, parameters: Parameters): unknown {
  if (!(error instanceof ProgrammingError)) return error;
  const index = Number(/^parameter \$(\d+) /.exec(error.message)?.[1] ?? 0);
  if (index === 0 || !Array.isArray(parameters[index - 1])) return error;
  const list = new RegExp(`\\b(not\\s+)?in\\s*\\(\\s*\\$${index}\\s*\\)`, "i").exec(text);
  if (list === null) return error;
  const instead = list[1] === undefined ? "= any" : "<> all";
  const hint = `for a list write ${instead}($${index}) instead of in ($${index})`;
  return new ProgrammingError(`${error.message}; ${hint}`, { cause: error.cause ?? error });
}
