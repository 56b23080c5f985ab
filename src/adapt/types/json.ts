/**
 * The types json and jsonb, as the value that the JSON text spells.
 *
 * Any array or object given to them is JSON, never a PostgreSQL array. A string is the JSON document itself,
 * as in psycopg and pg; `new Json("text")` sends it as a JSON string. JSON's null and SQL's NULL both load as
 * null. `JSON.parse` rounds whole numbers beyond 2 ** 53: give {@link jsonCodec} a parser of your own where
 * they matter. PostgreSQL manual, 8.14.
 */
import { DataError } from "../../errors.ts";
import type { Writer } from "../../protocol/writer.ts";
import { builtin } from "../oids.ts";
import { BINARY } from "../format.ts";
import type { Codec, Load } from "../registry.ts";
import { checkJsonb, jsonText, type Stringify } from "./json-value.ts";
import { malformed } from "./refuse.ts";
import { readUtf8 } from "./utf8.ts";

/** How JSON text becomes a value and back. */
export interface JsonFunctions {
  /** Reads JSON text; `JSON.parse` by default. */
  readonly parse?: (text: string) => unknown;
  /** Writes JSON text, for wrapped values too; `JSON.stringify` by default. */
  readonly stringify?: Stringify;
}

/** The version number that the binary form of jsonb begins with. */
const JSONB_VERSION = 1;

function loader(type: string, parse: (text: string) => unknown): Load {
  return (bytes, start, end) => {
    const text = readUtf8(bytes, start, end);
    try {
      return parse(text);
    } catch (cause) {
      // What JSON.parse says quotes the text, which is nobody's business but the program's.
      if (parse === JSON.parse) throw malformed(type, "not JSON text");
      throw new DataError(`the parser that was given for ${type} failed on a value`, { cause });
    }
  };
}

/** A codec of json, or of jsonb, with functions of your own; to be registered in place of the built-in one. */
export function jsonCodec(type: "json" | "jsonb", functions: JsonFunctions = {}): Codec {
  const { parse = JSON.parse, stringify = JSON.stringify } = functions;
  const load = loader(type, parse);
  const isBinary = type === "jsonb";
  const textOf = (value: unknown): string => {
    if (typeof value === "string") return value;
    const text = jsonText(type, value, stringify);
    if (isBinary) checkJsonb(text);
    return text;
  };
  const codec: Codec = {
    ...builtin(type),
    takesArrays: true,
    results: BINARY,
    loadText: load,
    loadBinary: isBinary
      ? (bytes, start, end) => {
          if (bytes[start] !== JSONB_VERSION || start === end) {
            throw malformed("jsonb", "a version that is not known");
          }
          return load(bytes, start + 1, end);
        }
      : load,
    dumpText: textOf,
    dumpBinary(value: unknown, out: Writer): boolean {
      const text = textOf(value);
      if (isBinary) out.int8(JSONB_VERSION);
      out.utf8(text);
      return true;
    },
  };
  return codec;
}

/** json, as the value that it spells. */
export const json: Codec = jsonCodec("json");

/** jsonb, as the value that it spells. */
export const jsonb: Codec = jsonCodec("jsonb");
