/**
 * Codecs of types that are strings in JavaScript, in the form that the server prints.
 *
 * A string goes to the server as it is when it has a form that isn't known here; the server's own form is written
 * in binary, which COPY needs. Knows no type.
 */
import type { Writer } from "../../protocol/writer.ts";
import { builtin } from "../oids.ts";
import { type Format, TEXT } from "../format.ts";
import type { Codec } from "../registry.ts";
import { wrongKind } from "./refuse.ts";
import { readUtf8 } from "./utf8.ts";

/** What is particular to one type. */
export interface StringForms {
  /** What the type takes, for errors: `a string like 0/16B3748`. */
  readonly takes: string;
  /** The format that results are asked for in; text by default. */
  readonly results?: Format;
  /** Reads the binary form as the text that the server prints. */
  readonly loadBinary: (bytes: Buffer, start: number, end: number) => string;
  /** Writes the binary form of text; false when it is in no form that is known here. */
  readonly write: (text: string, out: Writer) => boolean;
}

/** A codec of a built-in type that is a string here. */
export function stringCodec(type: string, forms: StringForms): Codec {
  const { takes, results = TEXT, loadBinary, write } = forms;
  const textOf = (value: unknown): string => {
    if (typeof value === "string") return value;
    throw wrongKind(type, takes, value);
  };
  return {
    ...builtin(type),
    results,
    loadText: readUtf8,
    loadBinary,
    dumpText: textOf,
    dumpBinary(value: unknown, out: Writer): boolean {
      const mark = out.length;
      if (write(textOf(value), out)) return true;
      out.rewind(mark);
      return false;
    },
  };
}
