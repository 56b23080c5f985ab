/**
 * The type bytea, as Buffer.
 *
 * What is loaded is always a copy of its own: the received bytes are overwritten by what comes next. Strings
 * go to the server as they are, in its hex (`\x00ff`) or escape form. PostgreSQL manual, 8.4.
 */
import type { Writer } from "../../protocol/writer.ts";
import { builtin } from "../oids.ts";
import { BINARY } from "../format.ts";
import type { Codec } from "../registry.ts";
import { bytesOf, hexOf } from "./byte-values.ts";
import { malformed, wrongKind } from "./refuse.ts";
import { readLatin1 } from "./utf8.ts";

const BACKSLASH = 0x5c;

function readEscaped(bytes: Buffer, start: number, end: number): Buffer {
  const result = Buffer.allocUnsafe(end - start);
  let length = 0;
  for (let at = start; at < end; at++) {
    let byte = bytes[at] as number;
    if (byte === BACKSLASH) {
      if (at + 1 < end && bytes[at + 1] === BACKSLASH) {
        at++;
      } else {
        const octal = at + 3 < end ? readLatin1(bytes, at + 1, at + 4) : "";
        if (!/^[0-3][0-7]{2}$/.test(octal))
          throw malformed("bytea", "an escape that does not exist");
        byte = Number.parseInt(octal, 8);
        at += 3;
      }
    }
    result[length++] = byte;
  }
  return result.subarray(0, length);
}

/** bytea, as Buffer. Takes Buffer, Uint8Array, ArrayBuffer, SharedArrayBuffer, DataView and strings. */
export const bytea: Codec = {
  ...builtin("bytea"),
  results: BINARY,
  loadText(bytes: Buffer, start: number, end: number): Buffer {
    if (bytes[start] !== BACKSLASH || bytes[start + 1] !== 0x78 || end - start < 2) {
      return readEscaped(bytes, start, end);
    }
    const result = Buffer.from(readLatin1(bytes, start + 2, end), "hex");
    // The decoder stops at the first character that is no digit.
    if (result.length * 2 !== end - start - 2) throw malformed("bytea", "not hexadecimal");
    return result;
  },
  loadBinary(bytes: Buffer, start: number, end: number): Buffer {
    const result = Buffer.allocUnsafe(end - start);
    bytes.copy(result, 0, start, end);
    return result;
  },
  dumpText(value: unknown): string {
    if (typeof value === "string") return value;
    const bytes = bytesOf(value);
    if (bytes === null) throw wrongKind("bytea", "a Buffer, a Uint8Array or an ArrayBuffer", value);
    return hexOf(bytes);
  },
  dumpBinary(value: unknown, out: Writer): boolean {
    if (typeof value === "string") return false;
    const bytes = bytesOf(value);
    if (bytes === null) throw wrongKind("bytea", "a Buffer, a Uint8Array or an ArrayBuffer", value);
    out.raw(bytes);
    return true;
  },
};
