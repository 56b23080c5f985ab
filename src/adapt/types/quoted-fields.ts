/**
 * Fields as they stand in the text forms of composites and ranges: `(1,"a b",)`, `["a,b",)`.
 *
 * Both quote in the same way: a field may be quoted in part, quotes and backslashes in it are doubled or stand
 * behind a backslash, and nothing at all is no value. As in arrays, structure is ASCII, so text is never decoded
 * here: each field's bytes go to its own loader. PostgreSQL manual, 8.16.6 and 8.17.5.
 */
import type { Load } from "../registry.ts";
import { malformed } from "./refuse.ts";

const QUOTE = 0x22;
const CLOSE = 0x29;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;

/** Where the field that begins at `at` ends: at a comma or at what closes the whole. */
export function fieldEnd(
  type: string,
  bytes: Buffer,
  at: number,
  end: number,
  closesWithBracket: boolean,
): number {
  let isQuoted = false;
  for (let place = at; place < end; place++) {
    const byte = bytes[place];
    if (byte === BACKSLASH) place++;
    else if (byte === QUOTE) isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if (byte === COMMA || byte === CLOSE || (closesWithBracket && byte === CLOSE_BRACKET))
      return place;
  }
  throw malformed(type, "a field that does not end");
}

/** The value of the field in `bytes[start..end)`, without its quotes. */
export function loadField(load: Load, bytes: Buffer, start: number, end: number): unknown {
  for (let at = start; at < end; at++) {
    const byte = bytes[at];
    if (byte === QUOTE || byte === BACKSLASH) return loadQuoted(load, bytes, start, end);
  }
  return load(bytes, start, end);
}

function loadQuoted(load: Load, bytes: Buffer, start: number, end: number): unknown {
  const bare = Buffer.allocUnsafe(end - start);
  let length = 0;
  let isQuoted = false;
  for (let at = start; at < end; at++) {
    let byte = bytes[at] as number;
    if (byte === BACKSLASH) {
      byte = bytes[++at] as number;
    } else if (byte === QUOTE) {
      if (!isQuoted || bytes[at + 1] !== QUOTE || at + 1 === end) {
        isQuoted = !isQuoted;
        continue;
      }
      at++;
    }
    bare[length++] = byte;
  }
  return load(bare, 0, length);
}

/** What can't stand without quotes; an empty field would be no value. */
const SPECIAL = /["\\(),[\]{}\s]|^$/;

/** A field as it stands in the text form. */
export function quoteField(text: string): string {
  return SPECIAL.test(text) ? `"${text.replace(/["\\]/g, "$&$&")}"` : text;
}
