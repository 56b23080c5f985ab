/**
 * The type uuid, as string: 36 characters in lower case.
 *
 * Strings are taken in the forms with and without hyphens and in braces, in either case; whatever else is
 * spelled as a uuid is left to the server. The text is asked for: it is what is wanted. PostgreSQL manual, 8.12.
 */
import type { Writer } from "../../protocol/writer.ts";
import { builtin } from "../oids.ts";
import { TEXT } from "../format.ts";
import type { Codec } from "../registry.ts";
import { wrongKind, wrongLength } from "./refuse.ts";
import { readLatin1, readUtf8 } from "./utf8.ts";

const DIGITS = Buffer.from("0123456789abcdef", "latin1");
const HYPHEN = 0x2d;

/** The value of each hexadecimal digit under its character code, 255 for other characters. */
const NIBBLES = new Uint8Array(256).fill(255);
for (let value = 0; value < 16; value++) {
  NIBBLES[value.toString(16).charCodeAt(0)] = value;
  NIBBLES[value.toString(16).toUpperCase().charCodeAt(0)] = value;
}

// The text is put together in place and made a string once.
const line = Buffer.allocUnsafeSlow(36);

/** uuid, as string in lower case with hyphens. */
export const uuid: Codec = {
  ...builtin("uuid"),
  results: TEXT,
  loadText: readUtf8,
  loadBinary(bytes: Buffer, start: number, end: number): string {
    if (end - start !== 16) throw wrongLength("uuid", 16, end - start);
    let at = 0;
    for (let index = 0; index < 16; index++) {
      if (index === 4 || index === 6 || index === 8 || index === 10) line[at++] = HYPHEN;
      const byte = bytes[start + index] as number;
      line[at++] = DIGITS[byte >> 4] as number;
      line[at++] = DIGITS[byte & 15] as number;
    }
    return readLatin1(line, 0, 36);
  },
  dumpText(value: unknown): string {
    if (typeof value === "string") return value;
    throw wrongKind("uuid", "a string", value);
  },
  dumpBinary(value: unknown, out: Writer): boolean {
    if (typeof value !== "string") throw wrongKind("uuid", "a string", value);
    const isBraced = value.startsWith("{") && value.endsWith("}");
    const mark = out.length;
    if (writeDigits(isBraced ? value.slice(1, -1) : value, out)) return true;
    out.rewind(mark);
    return false;
  },
};

/** Writes the 16 bytes of a uuid with or without hyphens; false, with some of them written, for other text. */
function writeDigits(text: string, out: Writer): boolean {
  const isHyphened = text.length === 36;
  if (!isHyphened && text.length !== 32) return false;
  for (let at = 0; at < text.length; at += 2) {
    if (isHyphened && (at === 8 || at === 13 || at === 18 || at === 23)) {
      if (text.charCodeAt(at) !== HYPHEN) return false;
      at++;
    }
    const high = NIBBLES[text.charCodeAt(at)] ?? 255;
    const low = NIBBLES[text.charCodeAt(at + 1)] ?? 255;
    if ((high | low) > 15) return false;
    out.int8((high << 4) | low);
  }
  return true;
}
