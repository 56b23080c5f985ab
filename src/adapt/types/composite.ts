/**
 * Composite types: as objects with a property for each field, or as what the program makes of them.
 *
 * Which fields there are was fetched once; the binary form says their types again, and a value of another shape
 * is refused, because its fields would be taken for others. Fields are read and written by their own codecs.
 * What is given is an object with these properties, or an array of all of them in order. A string is the text
 * form. PostgreSQL manual, 8.16; the forms are those of record_out and record_send.
 */
import { isAnyArrayBuffer, isDate } from "node:util/types";
import { DataError } from "../../errors.ts";
import { int32, uint32 } from "../../protocol/bytes.ts";
import type { Writer } from "../../protocol/writer.ts";
import { rowTemplate } from "../../rows.ts";
import { BINARY, TEXT } from "../format.ts";
import type { TypeIdentity } from "../oids.ts";
import type { AdaptersMap, Codec } from "../registry.ts";
import { placed } from "./placed.ts";
import { fieldEnd, loadField, quoteField } from "./quoted-fields.ts";
import { malformed, shown, wrongKind } from "./refuse.ts";

/** One field of a composite type. */
export interface CompositeField {
  readonly name: string;
  readonly oid: number;
}

/** What a composite is in JavaScript. */
export interface CompositeForm {
  /** A class that is constructed with one object of the fields' values. */
  readonly factory?: (new (fields: never) => unknown) | undefined;
  /** Makes a value of the fields' values, in order; a plain object by default. */
  readonly makeObject?: ((values: unknown[]) => unknown) | undefined;
  /** The fields' values of an object, in order; its properties by default. */
  readonly makeSequence?: ((value: object) => readonly unknown[]) | undefined;
}

const OPEN = 0x28;
const CLOSE = 0x29;
const COMMA = 0x2c;

/** The codec of a composite type. */
export function compositeCodec(
  type: TypeIdentity,
  fields: readonly CompositeField[],
  form: CompositeForm,
  adapters: AdaptersMap,
): Codec {
  const { name } = type;
  const codecs = fields.map(({ oid }) => adapters.codec(oid));
  const isTextOnly = codecs.some((codec) => codec.isTextOnly === true);
  const make = form.makeObject ?? objectMaker(fields, form.factory);
  const sequence = form.makeSequence ?? propertiesOf(name, fields);

  /** The values that codecs take, in order. */
  function valuesOf(value: unknown): unknown[] {
    const list = Array.isArray(value) ? value : sequence(objectOf(name, value));
    if (list.length !== fields.length) {
      const names = fields.map((field) => field.name).join(", ");
      throw new DataError(
        `${name} has ${fields.length} fields (${names}), but ${list.length} values were given`,
      );
    }
    return Array.from(list, (item: unknown, index) => {
      if (item === undefined) throw missing(name, fields[index] as CompositeField);
      return adapters.convert(item, codecs[index] as Codec);
    });
  }

  const inField = (error: unknown, index: number): unknown =>
    placed(error, `field ${shown(fields[index]?.name)} (${codecs[index]?.name})`);

  return {
    name,
    oid: type.oid,
    arrayOid: type.arrayOid,
    results: isTextOnly ? TEXT : BINARY,
    isTextOnly,
    loadText: (bytes, start, end) => make(readText(name, codecs, bytes, start, end)),
    loadBinary: (bytes, start, end) => make(readBinary(name, fields, codecs, bytes, start, end)),
    dumpText(value: unknown): string {
      if (typeof value === "string") return value;
      const texts = valuesOf(value).map((item, index) => {
        if (item === null) return "";
        try {
          return quoteField((codecs[index] as Codec).dumpText(item));
        } catch (error) {
          throw inField(error, index);
        }
      });
      return `(${texts.join(",")})`;
    },
    dumpBinary(value: unknown, out: Writer): boolean {
      if (typeof value === "string") return false;
      const values = valuesOf(value);
      const mark = out.length;
      out.int32(fields.length);
      for (let index = 0; index < fields.length; index++) {
        const codec = codecs[index] as Codec;
        const item = values[index];
        out.int32((fields[index] as CompositeField).oid);
        const start = out.length;
        out.int32(-1);
        if (item === null) continue;
        try {
          if (!codec.dumpBinary(item, out)) {
            out.rewind(mark);
            return false;
          }
        } catch (error) {
          throw inField(error, index);
        }
        out.setInt32(start, out.length - start - 4);
      }
      return true;
    },
  };
}

/** Makes plain objects; a field named `__proto__` is a property like any other. */
function objectMaker(
  fields: readonly CompositeField[],
  Factory: CompositeForm["factory"],
): (values: unknown[]) => unknown {
  const template = rowTemplate(fields.map(({ name, oid }) => ({ name, typeOid: oid })));
  return (values) => {
    const object: Record<string, unknown> = { ...template };
    for (let index = 0; index < fields.length; index++)
      object[(fields[index] as CompositeField).name] = values[index];
    return Factory === undefined ? object : new Factory(object as never);
  };
}

/** Takes the properties named as the fields, inherited ones too, but not those that every object has. */
function propertiesOf(
  type: string,
  fields: readonly CompositeField[],
): (value: object) => unknown[] {
  return (value) =>
    fields.map((field) => {
      const { name } = field;
      const isThere = Object.hasOwn(value, name) || (name in value && !(name in Object.prototype));
      const item = isThere ? (value as Record<string, unknown>)[name] : undefined;
      if (item === undefined) throw missing(type, field);
      return item;
    });
}

function objectOf(type: string, value: unknown): object {
  const isObject = typeof value === "object" && value !== null;
  if (isObject && !ArrayBuffer.isView(value) && !isDate(value) && !isAnyArrayBuffer(value))
    return value;
  throw wrongKind(type, "an object or an array of its fields", value);
}

function missing(type: string, { name }: CompositeField): DataError {
  return new DataError(`${type} got no value for its field ${shown(name)}; use null for NULL`);
}

/** The error for a value that isn't of the shape that was fetched. */
function changed(type: string, what: string): DataError {
  return new DataError(
    `the type ${type} has changed since it was fetched: ${what}; fetch it again and register it`,
    { code: "ERR_MAHOUT_TYPE_CHANGED" },
  );
}

function readText(
  type: string,
  codecs: readonly Codec[],
  bytes: Buffer,
  start: number,
  end: number,
): unknown[] {
  // One field that is NULL and no field at all are both written as ().
  if (codecs.length === 0 && end - start === 2) return [];
  const values: unknown[] = [];
  eachTextField(type, bytes, start, end, (from, to) => {
    const codec = codecs[values.length];
    if (codec === undefined) throw changed(type, `it has more than ${codecs.length} fields`);
    values.push(from === to ? null : loadField(codec.loadText, bytes, from, to));
  });
  if (values.length !== codecs.length)
    throw changed(type, `it has ${values.length} fields instead of ${codecs.length}`);
  return values;
}

/** Calls `use` with the place of each field of the text form. */
export function eachTextField(
  type: string,
  bytes: Buffer,
  start: number,
  end: number,
  use: (from: number, to: number) => void,
): void {
  if (end - start < 2 || bytes[start] !== OPEN || bytes[end - 1] !== CLOSE)
    throw malformed(type, "no parentheses around it");
  if (end - start === 2) {
    use(start + 1, start + 1);
    return;
  }
  let at = start + 1;
  for (;;) {
    const to = fieldEnd(type, bytes, at, end, false);
    use(at, to);
    at = to + 1;
    if (bytes[to] !== COMMA) break;
  }
  if (at !== end) throw malformed(type, "something after its end");
}

function readBinary(
  type: string,
  fields: readonly CompositeField[],
  codecs: readonly Codec[],
  bytes: Buffer,
  start: number,
  end: number,
): unknown[] {
  const values: unknown[] = [];
  const count = eachBinaryField(type, bytes, start, end, (oid, from, to) => {
    const index = values.length;
    const codec = codecs[index];
    if (codec === undefined) throw changed(type, `it has more than ${codecs.length} fields`);
    const field = fields[index] as CompositeField;
    if (oid !== field.oid)
      throw changed(type, `its field ${shown(field.name)} is not of the type ${codec.name}`);
    values.push(from < 0 ? null : codec.loadBinary(bytes, from, to));
  });
  if (count !== codecs.length)
    throw changed(type, `it has ${count} fields instead of ${codecs.length}`);
  return values;
}

/** Calls `use` with type and place of each field of the binary form, -1 for NULL; returns how many there are. */
export function eachBinaryField(
  type: string,
  bytes: Buffer,
  start: number,
  end: number,
  use: (oid: number, from: number, to: number) => void,
): number {
  if (end - start < 4) throw malformed(type, "a header that is cut short");
  const count = int32(bytes, start);
  let at = start + 4;
  if (count < 0 || count > (end - at) / 8) throw malformed(type, "more fields than bytes");
  for (let index = 0; index < count; index++) {
    if (end - at < 8) throw malformed(type, "a field that is cut short");
    const oid = uint32(bytes, at);
    const length = int32(bytes, at + 4);
    at += 8;
    if (length < -1 || length > end - at) throw malformed(type, "a field that is cut short");
    use(oid, length < 0 ? -1 : at, at + length);
    if (length > 0) at += length;
  }
  if (at !== end) throw malformed(type, `${end - at} bytes too many`);
  return count;
}
