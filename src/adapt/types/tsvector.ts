/**
 * The type tsvector, as string, as the server prints it: `'cat':3A 'fat':2,4`.
 *
 * It is what the functions of text search work on, and its text is what they take; there is nothing in JavaScript
 * that would understand it better. PostgreSQL manual, 8.11.1; the binary form is that of tsvectorsend: lexemes that
 * end in NUL, each with its positions, whose two upper bits are the weight.
 */
import { uint16, uint32 } from "../../protocol/bytes.ts";
import type { Writer } from "../../protocol/writer.ts";
import type { Codec } from "../registry.ts";
import { malformed } from "./refuse.ts";
import { stringCodec } from "./string-codec.ts";
import { readUtf8 } from "./utf8.ts";

/** The letters of the weights; the one that is 0 is not printed. */
const WEIGHTS = ["", "C", "B", "A"];
const MOST_POSITION = 0x3fff;

/** A lexeme as the server prints it. */
export function quoteLexeme(lexeme: string): string {
  return `'${lexeme.replaceAll(/['\\]/g, "$&$&")}'`;
}

/** What is between the quotes, with what was doubled made single. */
export function bareLexeme(quoted: string): string {
  return quoted.replaceAll(/(['\\])\1/g, "$1");
}

/** The inside of a lexeme in quotes, as a pattern. */
export const LEXEME = "(?:[^'\\\\]|''|\\\\\\\\)*";

function readVector(bytes: Buffer, start: number, end: number): string {
  if (end - start < 4) throw malformed("tsvector", "a count that is cut short");
  const count = uint32(bytes, start);
  // Each lexeme has a NUL and a count of positions.
  if (count > (end - start - 4) / 3) throw malformed("tsvector", "more lexemes than bytes");
  const words: string[] = [];
  let at = start + 4;
  for (let index = 0; index < count; index++) {
    const nul = bytes.indexOf(0, at);
    if (nul < 0 || nul + 3 > end) throw malformed("tsvector", "a lexeme that is cut short");
    let word = quoteLexeme(readUtf8(bytes, at, nul));
    const positions = uint16(bytes, nul + 1);
    at = nul + 3;
    if (positions * 2 > end - at) throw malformed("tsvector", "more positions than bytes");
    for (let position = 0; position < positions; position++, at += 2) {
      const packed = uint16(bytes, at);
      word += `${position === 0 ? ":" : ","}${packed & MOST_POSITION}${WEIGHTS[packed >> 14]}`;
    }
    words.push(word);
  }
  if (at !== end) throw malformed("tsvector", `${end - at} bytes too many`);
  return words.join(" ");
}

const WORD = new RegExp(`(?:^| )'(${LEXEME})'(?::([0-9A-C,]+))?(?= |$)`, "y");

function writeVector(text: string, out: Writer): boolean {
  const mark = out.length;
  const seen = new Set<string>();
  out.int32(0);
  WORD.lastIndex = 0;
  for (let at = 0; at < text.length; at = WORD.lastIndex) {
    const match = WORD.exec(text);
    if (!match) return false;
    const [, quoted = "", list] = match;
    const lexeme = bareLexeme(quoted);
    // What has to be put together or in order is for the server.
    if (lexeme === "" || seen.has(lexeme)) return false;
    seen.add(lexeme);
    out.cstring(lexeme);
    if (!writePositions(list === undefined ? [] : list.split(","), out)) return false;
  }
  out.setInt32(mark, seen.size);
  return true;
}

function writePositions(list: readonly string[], out: Writer): boolean {
  if (list.length > 255) return false;
  out.int16(list.length);
  let last = 0;
  for (const item of list) {
    const [, digits, weight = ""] = /^([1-9]\d{0,4})([A-C]?)$/.exec(item) ?? [];
    const position = Number(digits);
    if (!(position > last && position <= MOST_POSITION)) return false;
    last = position;
    out.int16((WEIGHTS.indexOf(weight) << 14) | position);
  }
  return true;
}

/** tsvector, as string. */
export const tsvector: Codec = stringCodec("tsvector", {
  takes: "a string like 'cat':3A 'fat':2",
  loadBinary: readVector,
  write: writeVector,
});
