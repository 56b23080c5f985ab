/**
 * What can be told of a COPY from its text: what it copies, and whether its rows are in a form that is known.
 *
 * The server says, once the COPY runs, which way it goes, how many columns there are and whether they are
 * text or binary; it doesn't say their types, and text and csv look the same. This reads the rest from the
 * statement: the table and its columns, or the query, to ask the server for the types; the options, to refuse
 * to read rows in a form that is none of ours. A text that isn't understood is no error: the server decides.
 */
import { ProgrammingError } from "../errors.ts";
import type { Token } from "../sql/tokens.ts";
import { tokensOf } from "../sql/tokens.ts";

/** What is known of a COPY statement. */
export interface CopyStatement {
  /** The table's name in quotes, with its schema; null for a query, and when it isn't understood. */
  readonly table: string | null;
  /** The names of the columns that were listed; null for all. */
  readonly columns: readonly string[] | null;
  /** The query; null for a table. Without either nothing is known of the columns. */
  readonly query: string | null;
  /** The option that makes its text another one than PostgreSQL's plain form; null when there is none. */
  readonly special: string | null;
}

/** Options that change nothing of how a row is written. */
const HARMLESS = new Set(["format", "freeze", "on_error", "reject_limit", "log_verbosity"]);
/** The same as words without parentheses, the syntax of old. */
const HARMLESS_WORDS = new Set(["with", "binary", "freeze"]);

/** A statement token by token. */
class Reader {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string, tokens: readonly Token[]) {
    this.#text = text;
    this.#tokens = tokens;
  }

  get token(): Token | undefined {
    return this.#tokens[this.#at];
  }

  /** The token at hand, in lower case. */
  get word(): string {
    const { token } = this;
    return token ? this.#text.slice(token.start, token.end).toLowerCase() : "";
  }

  next(): void {
    this.#at++;
  }

  takes(word: string): boolean {
    if (this.word !== word || this.token?.kind === "string" || this.token?.kind === "name")
      return false;
    this.#at++;
    return true;
  }

  /** The name at hand as the server knows it; null when there is none. */
  name(): string | null {
    const { token } = this;
    if (token?.kind !== "word" && token?.kind !== "name") return null;
    const text = this.#text.slice(token.start, token.end);
    this.#at++;
    if (token.kind === "word") return foldCase(text);
    const name = text.slice(text.indexOf('"') + 1, -1).replaceAll('""', '"');
    return text.startsWith('"') ? name : this.#unescaped(name);
  }

  /** A name of the form `U&"..."`; null for one that says its escape character behind it. */
  #unescaped(name: string): string | null {
    if (this.word === "uescape") return null;
    const escape = "\\";
    const parts = name.split(escape);
    let found = parts[0] as string;
    for (let at = 1; at < parts.length; at++) {
      const part = parts[at] as string;
      if (part === "" && at + 1 < parts.length) {
        found += escape + (parts[++at] as string);
        continue;
      }
      const code = /^(?:[\da-fA-F]{4}|\+[\da-fA-F]{6})/.exec(part)?.[0];
      const point = Number.parseInt(code?.replace("+", "") ?? "", 16);
      if (code === undefined || !(point <= 0x10ffff)) return null;
      found += String.fromCodePoint(point) + part.slice(code.length);
    }
    // No server has a name like that.
    return /[\0\p{Surrogate}]/u.test(found) ? null : found;
  }

  /** Goes on to the next FROM or TO outside of parentheses. */
  skipToDirection(): void {
    while (this.token && this.word !== "from" && this.word !== "to") {
      if (this.word !== "(" || this.parenthesized() === null) this.next();
    }
  }

  /** What stands in the parentheses that open here; null when they don't, or don't close. */
  parenthesized(): string | null {
    const { token } = this;
    if (!this.takes("(")) return null;
    for (let depth = 1; this.token;) {
      const at = this.token.start;
      if (this.takes("(")) depth++;
      else if (this.takes(")")) depth--;
      else this.next();
      if (depth === 0) return this.#text.slice((token as Token).end, at);
    }
    return null;
  }
}

/** Names without quotes are folded for ASCII only in UTF8 databases. */
function foldCase(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/**
 * Reads a COPY statement.
 *
 * @returns null when it isn't understood.
 * @throws ProgrammingError for what surely is no single COPY between the client and the server.
 */
export function readCopyStatement(text: string, standardStrings: boolean): CopyStatement | null {
  const tokens = tokensOf(text, standardStrings);
  if (tokens === null) return null;
  const last = tokens.findIndex(({ start, end }) => text.slice(start, end) === ";");
  if (last >= 0 && last + 1 < tokens.length && !isSemicolons(text, tokens.slice(last))) {
    throw new ProgrammingError("copy() takes one COPY statement, not several");
  }
  const reader = new Reader(text, last < 0 ? tokens : tokens.slice(0, last));
  if (!reader.takes("copy")) {
    throw new ProgrammingError(
      "copy() takes a COPY ... FROM STDIN or COPY ... TO STDOUT statement; use execute() for others",
    );
  }
  const query = reader.parenthesized();
  let table: string | null = null;
  let columns: readonly string[] | null = null;
  if (query === null) {
    if (reader.takes("binary") && (reader.word === "from" || reader.word === "to")) return null;
    table = readTable(reader);
    const list = reader.token && reader.word === "(" ? readColumns(reader) : null;
    columns = list ?? null;
    if (list === undefined) table = null;
    // Whatever stands there, its options say how rows are written.
    if (table === null) reader.skipToDirection();
  }
  if (!reader.takes("from") && !reader.takes("to")) return null;
  if (!reader.takes("stdin") && !reader.takes("stdout")) {
    if (reader.token?.kind !== "string" && reader.word !== "program") return null;
    throw new ProgrammingError(
      "a COPY from or to a file of the server has no data for the client; run it with execute()",
    );
  }
  return { table, columns, query, special: specialOption(reader) };
}

function isSemicolons(text: string, tokens: readonly Token[]): boolean {
  return tokens.every(({ start, end }) => text.slice(start, end) === ";");
}

/** The table's name in quotes; null when it isn't understood. */
function readTable(reader: Reader): string | null {
  const parts: string[] = [];
  do {
    const part = reader.name();
    if (part === null) return null;
    parts.push(`"${part.replaceAll('"', '""')}"`);
  } while (reader.takes("."));
  return parts.join(".");
}

/** The columns in parentheses; undefined when they aren't understood. */
function readColumns(reader: Reader): readonly string[] | undefined {
  const columns: string[] = [];
  reader.next();
  do {
    const column = reader.name();
    if (column === null) return undefined;
    columns.push(column);
  } while (reader.takes(","));
  return reader.takes(")") ? columns : undefined;
}

/** The first option after STDIN or STDOUT that changes the form of rows. */
function specialOption(reader: Reader): string | null {
  reader.takes("with");
  if (!reader.takes("(")) {
    for (; reader.token; reader.next()) {
      if (reader.word === "where") return null;
      if (reader.token.kind === "word" && !HARMLESS_WORDS.has(reader.word)) return reader.word;
    }
    return null;
  }
  for (let isName = true; reader.token && reader.word !== ")"; reader.next()) {
    const { word } = reader;
    if (word === ",") {
      isName = true;
    } else if (isName) {
      if (!HARMLESS.has(word)) return word;
      if (word === "format") {
        reader.next();
        const format = reader.word.replaceAll(/['"]/g, "");
        if (format !== "text" && format !== "binary") return `format ${format}`;
      }
      isName = false;
    }
  }
  return null;
}
