/**
 * COPY's binary format: a signature, rows as counted fields with their lengths, a trailer.
 *
 * The server converts nothing here: a value has to be of its column's type. A row's fields lie as those of a
 * DataRow do, so they are read where they are, by the same plans. What a row claims of itself is checked
 * before. (Manual, COPY, "Binary Format".)
 */
import { DataError } from "../errors.ts";
import { int16, int32 } from "../protocol/bytes.ts";
import type { Writer } from "../protocol/writer.ts";
import type { TupleRow } from "../rows.ts";
import type { RowReader } from "./compile.ts";
import type { CopyRowReader, CopyRowWriter } from "./copy-rows.ts";
import {
  checkSize,
  copyPlan,
  endOfMessage,
  inColumn,
  malformedCopy,
  MESSAGE_HEAD,
  refuseUndefined,
} from "./copy-rows.ts";
import { BINARY } from "./format.ts";
import type { TypeIdentity } from "./oids.ts";
import { builtin } from "./oids.ts";
import type { RowPlan } from "./plan.ts";
import type { AdaptersMap, Codec } from "./registry.ts";
import { arrayCodec } from "./types/array.ts";

const SIGNATURE: Buffer = Buffer.from("PGCOPY\n\xff\r\n\0", "latin1");
/** The signature, flags, and the length of an extension that there isn't. */
const HEAD: Buffer = Buffer.concat([SIGNATURE, Buffer.alloc(8)]);
/** The only flag that was ever defined: rows with oids, which PostgreSQL 12 and newer don't have. */
const HAS_OIDS = 1 << 16;
/** Types whose binary form is their text, which parameters have no use for. */
const TEXTUAL: readonly TypeIdentity[] = ["name", "xml", "unknown"].map(builtin);

/** Writes rows in binary. */
export class CopyBinaryWriter implements CopyRowWriter {
  readonly #codecs: readonly Codec[];
  readonly #adapters: AdaptersMap;

  /** Writes values as these types. */
  constructor(types: readonly number[], adapters: AdaptersMap) {
    this.#codecs = types.map((oid) => codecOf(oid, adapters));
    this.#adapters = adapters;
  }

  /** See {@link CopyRowWriter.head}. */
  head(out: Writer): void {
    out.raw(HEAD);
  }

  /** See {@link CopyRowWriter.row}. */
  row(values: readonly unknown[], out: Writer): void {
    const codecs = this.#codecs;
    const adapters = this.#adapters;
    checkSize(values, codecs.length);
    out.int16(codecs.length);
    for (let index = 0; index < codecs.length; index++) {
      const given = values[index];
      if (given === null) {
        out.int32(-1);
        continue;
      }
      const codec = codecs[index] as Codec;
      try {
        const value = adapters.convert(given, codec);
        if (value === undefined) refuseUndefined();
        const mark = out.length;
        out.int32(-1);
        if (value !== null) {
          if (!codec.dumpBinary(value, out)) throw unconvertible();
          out.setInt32(mark, out.length - mark - 4);
        }
      } catch (error) {
        throw inColumn(error, index, codec.name);
      }
    }
  }

  /** See {@link CopyRowWriter.tail}. */
  tail(out: Writer): void {
    out.int16(-1);
  }
}

/** The codec of a type, which writes in binary whatever can be written so. */
function codecOf(oid: number, adapters: AdaptersMap): Codec {
  for (const type of TEXTUAL) {
    if (oid !== type.oid && oid !== type.arrayOid) continue;
    const codec = adapters.codec(type.oid);
    const written: Codec = {
      ...codec,
      dumpBinary: (value, out) => {
        out.utf8(codec.dumpText(value));
        return true;
      },
    };
    return oid === type.oid ? written : arrayCodec(written);
  }
  return adapters.codec(oid);
}

function unconvertible(): DataError {
  return new DataError(
    "the value has no binary form that is known here, only the server could convert its text; " +
      "pass a value of the column's type, or copy in text format",
  );
}

/** Reads rows in binary. */
export class CopyBinaryReader implements CopyRowReader {
  readonly #plan: RowPlan<TupleRow>;
  readonly #count: number;
  #read: RowReader<TupleRow> | null = null;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Where the message at hand ends. */
  #end = 0;
  #begun = false;
  #over = false;

  /** Reads columns of these types. */
  constructor(types: readonly number[], adapters: AdaptersMap) {
    this.#plan = copyPlan(types, BINARY, adapters);
    this.#count = types.length;
  }

  /** See {@link CopyRowReader.feed}. */
  feed(messages: Buffer): void {
    this.#bytes = messages;
    this.#at = 0;
    this.#end = 0;
    this.#read = this.#plan.reader(1 + (messages.length >>> 6));
  }

  /** Reads what stands before the first row. */
  #begin(): void {
    const bytes = this.#bytes;
    const start = this.#at;
    const size = this.#end - start;
    const { length } = SIGNATURE;
    if (size < HEAD.length || SIGNATURE.compare(bytes, start, start + length) !== 0)
      throw malformedCopy("it does not begin with the signature of the binary format");
    const flags = int32(bytes, start + length);
    if ((flags & HAS_OIDS) !== 0 || flags < 0) throw malformedCopy("rows with oids");
    const extension = int32(bytes, start + length + 4);
    if (extension < 0 || extension > size - HEAD.length)
      throw malformedCopy("a header that is cut short");
    this.#at = start + HEAD.length + extension;
    this.#begun = true;
  }

  /** See {@link CopyRowReader.next}. */
  next(): TupleRow | undefined {
    const bytes = this.#bytes;
    for (;;) {
      if (this.#at < this.#end) {
        if (this.#begun) break;
        this.#begin();
      } else {
        if (this.#at === bytes.length) return undefined;
        this.#at += MESSAGE_HEAD;
        this.#end = endOfMessage(bytes, this.#at);
      }
    }
    if (this.#read === null) return undefined;
    const start = this.#at;
    const end = this.#end;
    if (this.#over) throw malformedCopy("something after its end");
    if (end - start < 2) throw malformedCopy("a row that is cut short");
    const count = int16(bytes, start);
    if (count === -1) {
      this.#over = true;
      this.#at = start + 2;
      return this.next();
    }
    if (count !== this.#count)
      throw malformedCopy(`a row of ${count} columns where there are ${this.#count}`);
    let at = start + 2;
    for (let index = 0; index < count; index++) {
      if (end - at < 4) throw malformedCopy("a row that is cut short");
      const length = int32(bytes, at);
      at += 4;
      if (length < -1 || length > end - at) throw malformedCopy("a row that is cut short");
      if (length > 0) at += length;
    }
    this.#at = at;
    return this.#read(bytes, start + 2);
  }
}
