/**
 * Text and what travels as text: text, varchar, bpchar, name, "char", xml, jsonpath, unknown and what the server's
 * catalogs hold; all as string.
 *
 * Both formats are the same UTF-8 bytes, but for "char", which is one byte. Numbers, bigints and booleans are
 * taken as JavaScript prints them; objects are refused, as "[object Object]" is what nobody wants to store.
 * Strings with NUL or half of a surrogate pair are refused by the writer. PostgreSQL manual, 8.3 and 8.13.
 */
import { DataError, ProgrammingError } from "../../errors.ts";
import type { Writer } from "../../protocol/writer.ts";
import { builtin } from "../oids.ts";
import { BINARY, TEXT, type Format } from "../format.ts";
import type { Codec } from "../registry.ts";
import { Json, jsonText } from "./json-value.ts";
import { kindOf, malformed, wrongLength } from "./refuse.ts";
import { stringCodec } from "./string-codec.ts";
import { readUtf8 } from "./utf8.ts";

function textOf(type: string, value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") {
    return String(value);
  }
  if (value instanceof Json) return jsonText(type, value, JSON.stringify);
  throw new ProgrammingError(
    `${type} takes a string, a number, a bigint or a boolean, not ${kindOf(value)}; make it a string first, ` +
      `with JSON.stringify or toISOString for example, or register a dumper for its class with ` +
      `adapters.registerDumper`,
  );
}

/** A codec of a type whose two forms are the same text. */
function textCodec(type: string): Codec {
  return {
    ...builtin(type),
    results: BINARY,
    loadText: readUtf8,
    loadBinary: readUtf8,
    dumpText: (value: unknown): string => textOf(type, value),
    dumpBinary(value: unknown, out: Writer): boolean {
      out.utf8(textOf(type, value));
      return true;
    },
  };
}

/** A codec whose values are written in text, as the server reads the two formats by different rules. */
function writtenAsText(codec: Codec, results: Format): Codec {
  return { ...codec, results, dumpBinary: () => false };
}

/** text, as string. */
export const text: Codec = textCodec("text");

/** varchar, as string. */
export const varchar: Codec = textCodec("varchar");

/** char(n), as string, with the blanks that pad it. */
export const bpchar: Codec = textCodec("bpchar");

/** xml, as string. Only its text comes without an encoding named in the document's first line. */
export const xml: Codec = writtenAsText(textCodec("xml"), TEXT);

/** name, as string. Sent in text: that form is cut to 63 bytes, where the binary one is refused. */
export const name: Codec = writtenAsText(textCodec("name"), BINARY);

/** refcursor, the name of a cursor, as string. */
export const refcursor: Codec = textCodec("refcursor");

/** cstring, which functions of the server's own take and give, as string. */
export const cstring: Codec = textCodec("cstring");

/** The version number that the binary form of jsonpath begins with. */
const JSONPATH_VERSION = 1;

/** jsonpath, as string: `$."a"[*]`. What it means is for the server to find out. */
export const jsonpath: Codec = stringCodec("jsonpath", {
  takes: "a string",
  loadBinary(bytes, start, end) {
    if (bytes[start] !== JSONPATH_VERSION || start === end) {
      throw malformed("jsonpath", "a version that is not known");
    }
    return readUtf8(bytes, start + 1, end);
  },
  write(path, out) {
    out.int8(JSONPATH_VERSION);
    out.utf8(path);
    return true;
  },
});

/** A codec of a type that the server has no binary form for, or one for itself alone. */
function serverText(type: string): Codec {
  const codec = textCodec(type);
  return {
    ...codec,
    results: TEXT,
    loadBinary(): never {
      throw new DataError(`the binary form of ${type} is the server's own; read it as text`);
    },
    dumpBinary(value: unknown): boolean {
      textOf(type, value);
      return false;
    },
    isTextOnly: true,
  };
}

/** What the server keeps in its catalogs and prints for people, as string. */
export const serverTexts: readonly Codec[] = [
  "aclitem",
  "gtsvector",
  "pg_brin_bloom_summary",
  "pg_brin_minmax_multi_summary",
  "pg_dependencies",
  "pg_mcv_list",
  "pg_ndistinct",
  "pg_node_tree",
  "void",
].map(serverText);

/** The pseudo-type unknown, as string: a literal that the server has not given a type. */
export const unknownLiteral: Codec = textCodec("unknown");

const OCTAL_FORM = /^\\[0-3][0-7]{2}$/;

function charOfByte(byte: number): string {
  if (byte === 0) return "";
  return byte < 0x80 ? String.fromCharCode(byte) : `\\${byte.toString(8)}`;
}

/**
 * The type "char", one byte, as string: an ASCII character, the empty string for NUL, and a backslash with
 * three octal digits for other bytes, as PostgreSQL 16 and newer print them; older ones print the bare byte.
 */
export const char: Codec = {
  ...builtin("char"),
  results: BINARY,
  loadText(bytes: Buffer, start: number, end: number): string {
    return end - start === 1 ? charOfByte(bytes[start] as number) : readUtf8(bytes, start, end);
  },
  loadBinary(bytes: Buffer, start: number, end: number): string {
    if (end - start !== 1) throw wrongLength('"char"', 1, end - start);
    return charOfByte(bytes[start] as number);
  },
  dumpText: (value: unknown): string => textOf('"char"', value),
  dumpBinary(value: unknown, out: Writer): boolean {
    const text = textOf('"char"', value);
    const isOctal = OCTAL_FORM.test(text);
    if (!isOctal && (text.length > 1 || text.charCodeAt(0) > 0x7f)) return false;
    if (isOctal) out.int8(Number.parseInt(text.slice(1), 8));
    else out.int8(text === "" ? 0 : text.charCodeAt(0));
    return true;
  },
};
