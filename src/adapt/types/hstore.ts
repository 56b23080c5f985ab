/**
 * The type hstore of the extension of that name: as an object of strings and nulls, or as a Map.
 *
 * Both are taken: objects with their own properties, Maps with strings as keys. PostgreSQL manual, F.17; the
 * forms are those of hstore_out and hstore_send.
 */
import { isMap } from "node:util/types";
import { DataError } from "../../errors.ts";
import { int32 } from "../../protocol/bytes.ts";
import type { Writer } from "../../protocol/writer.ts";
import { BINARY } from "../format.ts";
import type { TypeIdentity } from "../oids.ts";
import type { Codec } from "../registry.ts";
import { kindOf, malformed, shown, wrongKind } from "./refuse.ts";
import { readUtf8 } from "./utf8.ts";

type Pairs = [key: string, value: string | null][];

/** The codec of hstore. */
export function hstoreCodec(type: TypeIdentity, loadsMaps: boolean): Codec {
  const { name } = type;
  const made = (pairs: Pairs): unknown => (loadsMaps ? new Map(pairs) : Object.fromEntries(pairs));
  return {
    name,
    oid: type.oid,
    arrayOid: type.arrayOid,
    results: BINARY,
    loadText: (bytes, start, end) => made(readText(name, readUtf8(bytes, start, end))),
    loadBinary: (bytes, start, end) => made(readBinary(name, bytes, start, end)),
    dumpText(value: unknown): string {
      if (typeof value === "string") return value;
      return pairsOf(name, value)
        .map(([key, item]) => `${quoted(key)}=>${item === null ? "NULL" : quoted(item)}`)
        .join(", ");
    },
    dumpBinary(value: unknown, out: Writer): boolean {
      if (typeof value === "string") return false;
      const pairs = pairsOf(name, value);
      out.int32(pairs.length);
      for (const pair of pairs) for (const part of pair) writePart(part, out);
      return true;
    },
  };
}

function writePart(part: string | null, out: Writer): void {
  const mark = out.length;
  out.int32(-1);
  if (part === null) return;
  out.utf8(part);
  out.setInt32(mark, out.length - mark - 4);
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

function pairsOf(name: string, value: unknown): Pairs {
  const prototype: unknown =
    typeof value === "object" && value !== null ? Object.getPrototypeOf(value) : undefined;
  const isPlain = prototype === null || kindOf(value) === "an object";
  if (!isMap(value) && !isPlain) throw wrongKind(name, "an object or a Map of strings", value);
  const pairs = isMap(value) ? [...value] : Object.entries(value as object);
  for (const [key, item] of pairs) {
    if (typeof key !== "string")
      throw new DataError(`${name} takes strings as keys, not ${kindOf(key)}`);
    if (typeof item !== "string" && item !== null)
      throw new DataError(
        `${name} takes strings and null as values, not ${kindOf(item)} at the key ${shown(key)}`,
      );
  }
  return pairs as Pairs;
}

const PAIR = /"([^"\\]*(?:\\[^][^"\\]*)*)"=>(?:"([^"\\]*(?:\\[^][^"\\]*)*)"|NULL)(, |$)/y;
const ESCAPED = /\\([^])/g;

function readText(name: string, text: string): Pairs {
  const pairs: Pairs = [];
  PAIR.lastIndex = 0;
  for (let at = 0; at < text.length; at = PAIR.lastIndex) {
    const match = PAIR.exec(text);
    if (match === null) throw malformed(name, "no pair of key and value");
    const [, key = "", value, next] = match;
    if ((next === "") !== (PAIR.lastIndex === text.length))
      throw malformed(name, "something after its end");
    pairs.push([key.replace(ESCAPED, "$1"), value?.replace(ESCAPED, "$1") ?? null]);
  }
  return pairs;
}

function readBinary(name: string, bytes: Buffer, start: number, end: number): Pairs {
  if (end - start < 4) throw malformed(name, "a header that is cut short");
  const count = int32(bytes, start);
  let at = start + 4;
  // Each pair has two lengths of 4 bytes at least.
  if (count < 0 || count > (end - at) / 8) throw malformed(name, "more pairs than bytes");
  const part = (): string | null => {
    const length = end - at < 4 ? -2 : int32(bytes, at);
    at += 4;
    if (length < -1 || length > end - at) throw malformed(name, "a pair that is cut short");
    if (length < 0) return null;
    at += length;
    return readUtf8(bytes, at - length, at);
  };
  const pairs: Pairs = [];
  for (let index = 0; index < count; index++) {
    const key = part();
    if (key === null) throw malformed(name, "a key that is NULL");
    pairs.push([key, part()]);
  }
  if (at !== end) throw malformed(name, `${end - at} bytes too many`);
  return pairs;
}
