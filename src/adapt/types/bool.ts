/**
 * The type bool: `true` and `false`.
 *
 * Numbers are refused: whether 2 is true is for the program to say. Strings go to the server as they are,
 * which reads `t`, `yes`, `on`, `1` and so on. PostgreSQL manual, 8.6.
 */
import type { Writer } from "../../protocol/writer.ts";
import { builtin } from "../oids.ts";
import { BINARY } from "../format.ts";
import type { Codec } from "../registry.ts";
import { malformed, wrongKind, wrongLength } from "./refuse.ts";

/** bool, as boolean. */
export const bool: Codec = {
  ...builtin("bool"),
  results: BINARY,
  loadText(bytes: Buffer, start: number, end: number): boolean {
    if (end - start === 1) {
      if (bytes[start] === 0x74) return true;
      if (bytes[start] === 0x66) return false;
    }
    throw malformed("bool", "neither t nor f");
  },
  loadBinary(bytes: Buffer, start: number, end: number): boolean {
    if (end - start !== 1) throw wrongLength("bool", 1, end - start);
    return bytes[start] !== 0;
  },
  dumpText(value: unknown): string {
    if (typeof value === "boolean") return value ? "t" : "f";
    if (typeof value === "string") return value;
    throw wrongKind("bool", "a boolean or a string", value);
  },
  dumpBinary(value: unknown, out: Writer): boolean {
    if (typeof value === "boolean") {
      out.int8(value ? 1 : 0);
      return true;
    }
    if (typeof value === "string") return false;
    throw wrongKind("bool", "a boolean or a string", value);
  },
};
