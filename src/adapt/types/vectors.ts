/**
 * int2vector and oidvector, lists of the system catalogs, as arrays of numbers.
 *
 * Their text is numbers with blanks between them; their binary form is that of an array whose first element has
 * the number 0. They hold no NULL and have one dimension. PostgreSQL manual, 52 "System Catalogs".
 */
import { int32 } from "../../protocol/bytes.ts";
import type { Writer } from "../../protocol/writer.ts";
import { builtin } from "../oids.ts";
import { BINARY } from "../format.ts";
import type { Codec } from "../registry.ts";
import { isList, type List } from "./array-shape.ts";
import { arrayCodec } from "./array.ts";
import { int2, oid } from "./integer.ts";
import { malformed, wrongKind } from "./refuse.ts";
import { readUtf8 } from "./utf8.ts";

function vector(type: string, element: Codec): Codec {
  const array = arrayCodec({ ...element, name: type });
  const listOf = (value: unknown): List => {
    if (isList(value)) return value;
    throw wrongKind(type, "an array of numbers or a string", value);
  };
  return {
    ...builtin(type),
    takesArrays: true,
    results: BINARY,
    loadText(bytes: Buffer, start: number, end: number): unknown[] {
      const text = readUtf8(bytes, start, end);
      if (text === "") return [];
      if (!/^-?\d+(?: -?\d+)*$/.test(text)) throw malformed(type, "no list of numbers");
      return text.split(" ").map((digits) => {
        const field = Buffer.from(digits, "latin1");
        return element.loadText(field, 0, field.length);
      });
    },
    loadBinary(bytes: Buffer, start: number, end: number): unknown {
      if (end - start >= 4 && int32(bytes, start) > 1) throw malformed(type, "several dimensions");
      return array.loadBinary(bytes, start, end);
    },
    dumpText(value: unknown): string {
      if (typeof value === "string") return value;
      return Array.from(listOf(value), (item) => element.dumpText(item)).join(" ");
    },
    dumpBinary(value: unknown, out: Writer): boolean {
      if (typeof value === "string") return false;
      const list = listOf(value);
      // The server sends an empty list in binary and doesn't take it.
      if (list.length === 0) return false;
      out.int32(1);
      out.int32(0);
      out.int32(element.oid);
      out.int32(list.length);
      out.int32(0);
      for (let index = 0; index < list.length; index++) {
        const mark = out.length;
        out.int32(0);
        // A string would be for the server to read, which takes none inside of a binary list.
        const item = typeof list[index] === "string" ? Number(list[index]) : list[index];
        element.dumpBinary(item, out);
        out.setInt32(mark, out.length - mark - 4);
      }
      return true;
    },
  };
}

/** int2vector, as array of numbers. */
export const int2vector: Codec = vector("int2vector", int2);

/** oidvector, as array of numbers. */
export const oidvector: Codec = vector("oidvector", oid);
