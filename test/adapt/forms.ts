// Puts codecs to work as the driver does: a field to be read lies in the midst of other bytes, one to be
// written comes after others. Bytes that a codec reads or writes beyond its own show up.

import { globalAdapters } from "../../src/adapt/builtins.ts";
import { BUILTIN_TYPES } from "../../src/adapt/oids.ts";
import type { Codec } from "../../src/adapt/registry.ts";
import { Writer } from "../../src/protocol/writer.ts";

/** Digits on both sides: a loader of numbers that reads too far gets another number. */
const AROUND = Buffer.from("7777777");

/** The registered codec of a built-in type or, with [] after its name, of its arrays. */
export function codecOf(type: string): Codec {
  const isArray = type.endsWith("[]");
  const oids = BUILTIN_TYPES.get(isArray ? type.slice(0, -2) : type);
  if (oids === undefined) throw new Error(`no built-in type is named ${type}`);
  const oid = oids[isArray ? 1 : 0];
  if (!globalAdapters.knows(oid)) throw new Error(`no codec is registered for ${type}`);
  return globalAdapters.codec(oid);
}

/** Reads a field with the given loader. */
export function load(loader: Codec["loadText"], field: Uint8Array): unknown {
  const bytes = Buffer.concat([AROUND, field, AROUND]);
  const before = Buffer.from(bytes);
  const value = loader(bytes, AROUND.length, AROUND.length + field.length);
  if (!bytes.equals(before)) throw new Error("the loader wrote into the received bytes");
  // What was received is overwritten by what comes next: values may not depend on it.
  bytes.fill(0x21);
  return value;
}

/** What the codec reads in text. */
export function loadText(codec: Codec, text: string): unknown {
  return load(codec.loadText, Buffer.from(text));
}

/** What the codec reads in binary, given in hexadecimal. */
export function loadHex(codec: Codec, hex: string): unknown {
  return load(codec.loadBinary, Buffer.from(hex, "hex"));
}

/** The binary form that the codec writes, in hexadecimal; false when it leaves the value to the server. */
export function dumpHex(codec: Codec, value: unknown): string | false {
  const out = new Writer();
  out.raw(AROUND);
  const written = codec.dumpBinary(value, out);
  const hex = out.bytes.toString("hex", AROUND.length, out.length);
  if (!written && hex !== "") throw new Error("dumpBinary said false and wrote something");
  if (!out.bytes.subarray(0, AROUND.length).equals(AROUND)) {
    throw new Error("dumpBinary wrote over what came before");
  }
  return written && hex;
}

/** The value after a round trip through the binary form, or through text where there is none. */
export function throughBinary(codec: Codec, value: unknown): unknown {
  const hex = dumpHex(codec, value);
  return hex === false ? throughText(codec, value) : loadHex(codec, hex);
}

/** The value after a round trip through the text form. */
export function throughText(codec: Codec, value: unknown): unknown {
  return loadText(codec, codec.dumpText(value));
}
