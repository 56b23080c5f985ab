/**
 * The pseudo-type record, a row without a declared type: `select row(1, 'a')`.
 *
 * Its binary form says the types of its fields, so they are read as such; its text form doesn't, so they are
 * strings there. Text is asked for, because a statement that is executed for the first time may have to come as
 * text, and a value should not depend on that; the option `binary` asks for the other. PostgreSQL manual, 8.21.
 */
import { NotSupportedError } from "../../errors.ts";
import { TEXT } from "../format.ts";
import { builtin } from "../oids.ts";
import type { AdaptersMap, Codec, Recipe } from "../registry.ts";
import { eachBinaryField, eachTextField } from "./composite.ts";
import { loadField } from "./quoted-fields.ts";
import { readUtf8 } from "./utf8.ts";

function recordCodec(adapters: AdaptersMap): Codec {
  const type = builtin("record");
  return {
    ...type,
    results: TEXT,
    loadText(bytes: Buffer, start: number, end: number): unknown[] {
      const values: unknown[] = [];
      eachTextField(type.name, bytes, start, end, (from, to) => {
        values.push(from === to ? null : loadField(readUtf8, bytes, from, to));
      });
      return values;
    },
    loadBinary(bytes: Buffer, start: number, end: number): unknown[] {
      const values: unknown[] = [];
      eachBinaryField(type.name, bytes, start, end, (oid, from, to) => {
        values.push(from < 0 ? null : loadTyped(adapters, oid, bytes, from, to));
      });
      return values;
    },
    dumpText: (value: unknown): string => {
      if (typeof value === "string") return value;
      throw new NotSupportedError(
        "PostgreSQL takes no values of the type record; cast the parameter to a composite type",
      );
    },
    dumpBinary: () => false,
  };
}

/** A field's value; of a type that isn't registered, a copy of its bytes. */
function loadTyped(
  adapters: AdaptersMap,
  oid: number,
  bytes: Buffer,
  from: number,
  to: number,
): unknown {
  const codec = adapters.codec(oid);
  if (codec.isTextOnly === true) return Buffer.from(bytes.subarray(from, to));
  return codec.loadBinary(bytes, from, to);
}

/** record, as array of its fields: strings in text, values of their types in binary. */
export const record: Recipe = { ...builtin("record"), make: recordCodec };
