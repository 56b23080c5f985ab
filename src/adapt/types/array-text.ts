/**
 * The text form of arrays, `{1,NULL,{"a b"}}`: reading it and writing it.
 *
 * Reads what the server prints, strictly: no blanks between elements, at most six levels, nothing after the
 * end. The bytes that structure an array are ASCII and cannot be part of a longer UTF-8 character, so text is
 * never decoded here: each element's bytes go to its own loader. PostgreSQL manual, 8.15.6.
 */
import type { Load } from "../registry.ts";
import { malformed } from "./refuse.ts";

/** PostgreSQL's limit on the dimensions of an array. */
export const MOST_DIMENSIONS = 6;

const OPEN = 0x7b;
const CLOSE = 0x7d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** An array as its text form spells it: elements through `load`, NULL as null, bounds left out. */
export function readArrayText(
  type: string,
  load: Load,
  delimiter: number,
  bytes: Buffer,
  start: number,
  end: number,
): unknown[] {
  let at = start;
  if (bytes[at] === 0x5b) {
    // Lower bounds, as in [2:3]={7,8}, are no part of the value in JavaScript.
    while (at < end && bytes[at] !== 0x3d) at++;
    at++;
  }
  if (at >= end || bytes[at] !== OPEN) throw malformed(type, "no opening brace");
  const levels: unknown[][] = [];
  let list: unknown[] = [];
  at++;
  let isFirst = true;
  for (;;) {
    if (at >= end) throw malformed(type, "no closing brace");
    const byte = bytes[at] as number;
    if (byte === OPEN) {
      const inner: unknown[] = [];
      list.push(inner);
      levels.push(list);
      if (levels.length >= MOST_DIMENSIONS) throw malformed(type, "more than six levels");
      list = inner;
      at++;
      isFirst = true;
      continue;
    }
    if (byte === CLOSE && isFirst) {
      // An empty list.
    } else if (byte === QUOTE) {
      const close = closingQuote(bytes, at + 1, end);
      const isEscaped = close < 0;
      const quote = isEscaped ? ~close : close;
      if (quote >= end) throw malformed(type, "no closing quote");
      list.push(isEscaped ? readEscaped(load, bytes, at + 1, quote) : load(bytes, at + 1, quote));
      at = quote + 1;
    } else {
      const first = at;
      while (at < end && bytes[at] !== delimiter && bytes[at] !== CLOSE) at++;
      if (at === first) throw malformed(type, "an element that is missing");
      list.push(isNull(bytes, first, at) ? null : load(bytes, first, at));
    }
    // After an element: lists end as often as there are braces, then the next element follows.
    while (at < end && bytes[at] === CLOSE) {
      at++;
      const outer = levels.pop();
      if (outer === undefined) {
        if (at !== end) throw malformed(type, "something after its end");
        return list;
      }
      list = outer;
    }
    if (at < end && bytes[at] !== delimiter) throw malformed(type, "no delimiter");
    at++;
    isFirst = false;
  }
}

/** Where the quote closes, or `end` when it does not; as its complement when anything before it is escaped. */
function closingQuote(bytes: Buffer, from: number, end: number): number {
  let at = from;
  let isEscaped = false;
  while (at < end && bytes[at] !== QUOTE) {
    if (bytes[at] === BACKSLASH) {
      isEscaped = true;
      at++;
    }
    at++;
  }
  return isEscaped ? ~at : at;
}

function readEscaped(load: Load, bytes: Buffer, start: number, end: number): unknown {
  const bare = Buffer.allocUnsafe(end - start);
  let length = 0;
  for (let at = start; at < end; at++) {
    if (bytes[at] === BACKSLASH) at++;
    bare[length++] = bytes[at] as number;
  }
  return load(bare, 0, length);
}

function isNull(bytes: Buffer, start: number, end: number): boolean {
  return (
    end - start === 4 &&
    ((bytes[start] as number) | 0x20) === 0x6e &&
    ((bytes[start + 1] as number) | 0x20) === 0x75 &&
    ((bytes[start + 2] as number) | 0x20) === 0x6c &&
    ((bytes[start + 3] as number) | 0x20) === 0x6c
  );
}

/** Text that needs no quotes, if it isn't NULL in any case. */
const BARE = /^(?!null$)[\w.+:-]+$/i;

/** An element as it stands in the text form of an array. */
export function quoteElement(text: string): string {
  return BARE.test(text) ? text : `"${text.replace(/["\\]/g, "\\$&")}"`;
}
