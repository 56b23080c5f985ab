// The grammar of `host=localhost port=5432`: reading it as libpq does, and writing it.
//
// Values may be quoted with single quotes; a backslash takes the next character as it is, in
// quotes and outside; spaces around "=" do not count, spaces end an unquoted value. Errors name a
// position and never a piece of the string that may belong to a password: `password=two words`
// goes wrong at "words". PostgreSQL manual: 34.1.1.1 "Keyword/Value Connection Strings".

import { isSecret } from "./keywords.ts";
import { quote, refusal } from "./refusals.ts";
import type { Pair } from "./settings.ts";

/** C's isspace(), which knows six characters; no other counts as a space here. */
const spaces = " \t\n\v\f\r";

function isSpace(character: string | undefined): boolean {
  return character !== undefined && spaces.includes(character);
}

/** A cursor over the string. */
class Reader {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  get next(): string | undefined {
    return this.text[this.at];
  }

  skipSpaces(): void {
    while (isSpace(this.next)) this.at++;
  }

  /** The name before "="; leaves the cursor at what follows it and its spaces. */
  readName(): string {
    const start = this.at;
    while (this.next !== undefined && this.next !== "=" && !isSpace(this.next)) this.at++;
    const name = this.text.slice(start, this.at);
    this.skipSpaces();
    return name;
  }

  readValue(): string {
    const isQuoted = this.next === "'";
    const start = this.at;
    if (isQuoted) this.at++;
    let value = "";
    for (;;) {
      let character = this.next;
      if (character === undefined) {
        if (isQuoted) throw unterminated(start);
        return value;
      }
      this.at++;
      if (isQuoted ? character === "'" : isSpace(character)) return value;
      if (character === "\\") {
        // A backslash at the very end takes nothing and is dropped.
        character = this.next ?? "";
        this.at++;
      }
      value += character;
    }
  }
}

function unterminated(start: number): Error {
  return refusal(`the quote at character ${start + 1} of the connection string is never closed`);
}

function missingEquals(text: string, name: string, start: number, afterSecret: boolean): Error {
  const place = `at character ${start + 1} of the connection string`;
  const rule = 'a connection string is a URI or keyword=value pairs such as "host=localhost"';
  if (afterSecret) {
    return refusal(
      `missing "=" after the word ${place}, which is not shown because it may be part of a ` +
        `password; put values that contain spaces between single quotes`,
    );
  }
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/{0,2}/.test(name)) {
    const hint = /^\s/.test(text) ? " at the very beginning of the string" : "";
    return refusal(
      `${rule}; a URI begins with "postgresql://" or "postgres://", in lower case${hint}`,
    );
  }
  const word = /^[A-Za-z0-9_-]{1,63}$/.test(name) ? quote(name) : "the word";
  return refusal(`missing "=" after ${word} ${place}; ${rule}`);
}

/**
 * Reads a keyword/value string, pair by pair, in the order written.
 *
 * Throws ProgrammingError for a missing "=" and for a quote that is never closed. Whether a keyword
 * exists is not checked here.
 */
export function* parseKeywordValue(text: string): Generator<Pair, void, undefined> {
  const reader = new Reader(text);
  let afterSecret = false;
  for (;;) {
    reader.skipSpaces();
    if (reader.next === undefined) return;
    const start = reader.at;
    const name = reader.readName();
    if (reader.next !== "=") throw missingEquals(text, name, start, afterSecret);
    reader.at++;
    reader.skipSpaces();
    const value = reader.readValue();
    // After a password a further name may be what follows a space in it.
    yield { name, value, position: start + 1, doubtful: afterSecret ? "name" : "nothing" };
    afterSecret ||= isSecret(name);
  }
}

/** Writes a value so that parseKeywordValue() reads the same again. */
export function quoteValue(value: string): string {
  const escaped = value.replaceAll(/[\\']/g, "\\$&");
  return value === "" || /[ \t\n\v\f\r]/.test(value) ? `'${escaped}'` : escaped;
}
