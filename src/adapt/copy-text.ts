/**
 * COPY's text format: a line for each row, tabs between columns, `\N` for NULL.
 *
 * Writing goes straight into the outgoing buffer, character by character for short text, because making
 * strings of whole lines costs more than all the rest. Reading lays each row out as the fields of a DataRow,
 * so that it is read by the same plans, compiled ones included. (Manual, COPY, "Text Format".)
 */
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
import type { RowPlan } from "./plan.ts";
import type { AdaptersMap, Codec } from "./registry.ts";
import { TEXT } from "./format.ts";
import { unknownCodec } from "./types/unknown.ts";

const TAB = 0x09;
const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
const UPPER_N = 0x4e;
/** Below this many characters a loop beats the calls into the runtime. */
const SHORT_TEXT = 64;

/** What follows the backslash for each byte that can't stand for itself; 0 for the others. */
const ESCAPES = new Uint8Array(128);
for (const [character, letter] of ["\bb", "\ff", "\nn", "\rr", "\tt", "\vv", "\\\\"].map((pair) => [
  pair.charCodeAt(0),
  pair.charCodeAt(1),
]))
  ESCAPES[character as number] = letter as number;
const ESCAPED = /[\b\f\n\r\t\v\\]/g;

/** What a letter after a backslash stands for; the others stand for themselves. */
const UNESCAPED = Uint8Array.from({ length: 256 }, (_, byte) => byte);
for (let byte = 0; byte < 128; byte++) if (ESCAPES[byte]) UNESCAPED[ESCAPES[byte] as number] = byte;

/** Writes rows as text. */
export class CopyTextWriter implements CopyRowWriter {
  readonly #codecs: readonly Codec[];
  readonly #adapters: AdaptersMap;

  /** Writes values as these types, 0 for one that isn't known: its values are written by their looks. */
  constructor(types: readonly number[], adapters: AdaptersMap) {
    this.#codecs = types.map((oid) => (oid === 0 ? unknownCodec : adapters.codec(oid)));
    this.#adapters = adapters;
  }

  /** The text format begins with the first row. */
  head(): void {}

  /** See {@link CopyRowWriter.row}. */
  row(values: readonly unknown[], out: Writer): void {
    const codecs = this.#codecs;
    checkSize(values, codecs.length);
    for (let index = 0; index < codecs.length; index++) {
      if (index > 0) out.int8(TAB);
      const given = values[index];
      if (given === null) {
        writeNull(out);
        continue;
      }
      const codec = codecs[index] as Codec;
      try {
        const value = this.#adapters.convert(given, codec);
        if (value === null) writeNull(out);
        else if (value === undefined) refuseUndefined();
        else writeEscaped(codec.dumpText(value), out);
      } catch (error) {
        throw inColumn(error, index, codec.name);
      }
    }
    out.int8(NEWLINE);
  }

  /** The text format ends with the last row. */
  tail(): void {}
}

function writeNull(out: Writer): void {
  out.int8(BACKSLASH);
  out.int8(UPPER_N);
}

function writeEscaped(text: string, out: Writer): void {
  const count = text.length;
  if (count <= SHORT_TEXT) {
    out.reserve(count * 2);
    const { bytes } = out;
    let at = out.length;
    let index = 0;
    for (; index < count; index++) {
      const unit = text.charCodeAt(index);
      if (unit === 0 || unit > 0x7f) break;
      const escape = ESCAPES[unit] as number;
      if (escape === 0) {
        bytes[at++] = unit;
      } else {
        bytes[at++] = BACKSLASH;
        bytes[at++] = escape;
      }
    }
    if (index === count) {
      out.length = at;
      return;
    }
  }
  out.utf8(
    text.replace(
      ESCAPED,
      (character) => `\\${String.fromCharCode(ESCAPES[character.charCodeAt(0)] as number)}`,
    ),
  );
}

/** Reads rows of text. */
export class CopyTextReader implements CopyRowReader {
  readonly #plan: RowPlan<TupleRow>;
  readonly #count: number;
  #read: RowReader<TupleRow> | null = null;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Where the message at hand ends. */
  #end = 0;
  /** One row with a length before each field, as the plan's reader takes it. */
  #fields: Buffer = Buffer.allocUnsafeSlow(1024);

  /** Reads columns of these types. */
  constructor(types: readonly number[], adapters: AdaptersMap) {
    this.#plan = copyPlan(types, TEXT, adapters);
    this.#count = types.length;
  }

  /** See {@link CopyRowReader.feed}. */
  feed(messages: Buffer): void {
    this.#bytes = messages;
    this.#at = 0;
    this.#end = 0;
    this.#read = this.#plan.reader(1 + (messages.length >>> 6));
  }

  /** See {@link CopyRowReader.next}. */
  next(): TupleRow | undefined {
    const bytes = this.#bytes;
    while (this.#at === this.#end) {
      if (this.#at === bytes.length) return undefined;
      this.#at += MESSAGE_HEAD;
      this.#end = endOfMessage(bytes, this.#at);
    }
    if (this.#read === null) return undefined;
    const start = this.#at;
    const end = this.#end;
    // What can't be read is not tried again.
    this.#at = end;
    this.#at = this.#layOut(bytes, start, end);
    return this.#read(this.#fields, 0);
  }

  /** Lays the row that begins at `start`, and ends before `end`, out as fields; returns where the next one begins. */
  #layOut(bytes: Buffer, start: number, end: number): number {
    // Each field gains a length of four bytes for the tab that it loses.
    const room = end - start + this.#count * 4;
    if (this.#fields.length < room) this.#fields = Buffer.allocUnsafeSlow(room * 2);
    const fields = this.#fields;
    let at = start;
    let to = 0;
    let count = 0;
    // A row of no columns is an empty line.
    if (this.#count === 0 && bytes[at] === NEWLINE) return at + 1;
    for (;;) {
      count++;
      if (count > this.#count) throw malformedCopy("a row of more columns than there are");
      const mark = to;
      to += 4;
      let length: number;
      if (bytes[at] === BACKSLASH && bytes[at + 1] === UPPER_N) {
        at += 2;
        length = -1;
      } else {
        for (; at < end; at++) {
          let byte = bytes[at] as number;
          if (byte === TAB || byte === NEWLINE) break;
          if (byte === BACKSLASH) byte = UNESCAPED[bytes[++at] as number] as number;
          fields[to++] = byte;
        }
        length = to - mark - 4;
      }
      fields[mark] = length >>> 24;
      fields[mark + 1] = length >>> 16;
      fields[mark + 2] = length >>> 8;
      fields[mark + 3] = length;
      if (at >= end) throw malformedCopy("a row that does not end");
      if (bytes[at] === NEWLINE) break;
      if (bytes[at] !== TAB) throw malformedCopy("a NULL that goes on");
      at++;
    }
    if (count !== this.#count) throw malformedCopy("a row of fewer columns than there are");
    return at + 1;
  }
}
