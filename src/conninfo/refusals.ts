// The errors of this folder: one code, one tone, and the closest known keyword.
//
// Every message names what was wrong, where it was said and what would be right. No function here
// may be given a secret: callers pass null where a text could hold part of a password.

import { NotSupportedError, OperationalError, ProgrammingError } from "../errors.ts";
import { keywords } from "./keywords.ts";

const code = "ERR_MAHOUT_CONNINFO";

/** An error about what the program, its environment or its files say. */
export function refusal(message: string): ProgrammingError {
  return new ProgrammingError(message, { code });
}

/** An error about something that libpq can do and this package cannot. */
export function unsupported(message: string): NotSupportedError {
  return new NotSupportedError(message, { code });
}

/** An error about a file that is missing or cannot be read, or about the operating system. */
export function unavailable(message: string, cause?: unknown): OperationalError {
  return new OperationalError(message, { code, cause });
}

/** Quotes a text for an error message, on one line and not too long. */
export function quote(text: string): string {
  const shown = text.length > 80 ? `${text.slice(0, 77)}...` : text;
  return JSON.stringify(shown);
}

/**
 * An error about a keyword that does not exist; names the closest one that does.
 *
 * The name is null when it must not be shown; then the position, counted from 1, has to do.
 */
export function unknownKeyword(
  name: string | null,
  origin: string,
  position = 0,
): ProgrammingError {
  const place = position > 0 ? ` (character ${position})` : "";
  if (name === null) {
    return refusal(
      `an unknown keyword in ${origin}${place}; it is not shown because it may be part of a ` +
        `password: quote values that contain spaces, and percent-encode them in a URI`,
    );
  }
  const suggestion = closestKeyword(name);
  const hint = suggestion === null ? "" : `; did you mean ${suggestion}?`;
  return refusal(`unknown keyword ${quote(name)} in ${origin}${place}${hint}`);
}

/** Names that other tools have for a connection string among its parts. */
const wholeNames: ReadonlySet<string> = new Set([
  "connectionstring",
  "connectionuri",
  "connectionurl",
  "conninfo",
  "databaseurl",
  "dsn",
  "uri",
  "url",
]);

/** An error about a name in an object, which may hold keywords and the options `others`. */
export function unknownOption(name: string, others: readonly string[]): ProgrammingError {
  const start = `unknown keyword ${quote(name)} in the connection options`;
  const plain = plainOf(name);
  if (wholeNames.has(plain)) {
    return refusal(
      `${start}; a connection string is itself the first argument: connect(string, options)`,
    );
  }
  const isTimeout = plain === "timeout" || plain === "connectiontimeoutmillis";
  const suggestion = isTimeout ? "connectTimeout" : closestKeyword(name, others);
  return refusal(suggestion === null ? start : `${start}; did you mean ${suggestion}?`);
}

/** What other tools call libpq's keywords. */
const otherNames: ReadonlyMap<string, string> = new Map([
  ["database", "dbname"],
  ["db", "dbname"],
  ["username", "user"],
  ["login", "user"],
  ["hostname", "host"],
  ["server", "host"],
  ["pass", "password"],
  ["passwd", "password"],
  ["pwd", "password"],
  ["ssl", "sslmode"],
  ["encoding", "client_encoding"],
  ["timeout", "connect_timeout"],
  ["servicefile", "service (with the environment variable PGSERVICEFILE)"],
]);

/** Finds the keyword, or the one of `others`, that was probably meant; null when none is near. */
export function closestKeyword(name: string, others: readonly string[] = []): string | null {
  const plain = plainOf(name);
  const known = otherNames.get(plain);
  if (known !== undefined) return known;
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(plain.length / 3)) + 1;
  const words = keywords.map(({ keyword }): string => keyword);
  // Of two that are as near, the one that is written as the name is.
  const isCamelCase = /[a-z][A-Z]/.test(name);
  for (const keyword of isCamelCase ? [...others, ...words] : [...words, ...others]) {
    const distance = editDistance(plain, plainOf(keyword), bestDistance);
    if (distance < bestDistance) {
      best = keyword;
      bestDistance = distance;
    }
  }
  return best;
}

/** `applicationName` and `application_name` are the same word to whoever types them. */
function plainOf(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
}

/**
 * How many characters must be inserted, removed, replaced or swapped with a neighbour; anything
 * from `limit` up is reported as `limit`.
 */
function editDistance(left: string, right: string, limit: number): number {
  if (Math.abs(left.length - right.length) >= limit) return limit;
  const rows = [Array.from({ length: right.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number): number => rows[row]?.[column] ?? limit;
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    rows.push(current);
    for (let column = 1; column <= right.length; column++) {
      const isSame = left[row - 1] === right[column - 1];
      const isSwapped = left[row - 2] === right[column - 1] && left[row - 1] === right[column - 2];
      current.push(
        Math.min(
          at(row - 1, column) + 1,
          at(row, column - 1) + 1,
          at(row - 1, column - 1) + (isSame ? 0 : 1),
          row > 1 && column > 1 && isSwapped ? at(row - 2, column - 2) + 1 : limit,
        ),
      );
    }
  }
  return Math.min(at(left.length, right.length), limit);
}
