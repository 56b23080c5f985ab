/**
 * Writes what `COPY ... FROM` reads, without a server: files to be loaded later, or somewhere else.
 *
 * The rows are written as a COPY of a connection writes them. Where the bytes go is the program's business:
 * anything that can be written to will do. (Manual, COPY, "File Formats".)
 */
import { CopyBinaryWriter } from "../adapt/copy-binary.ts";
import type { CopyRowWriter } from "../adapt/copy-rows.ts";
import { CopyTextWriter } from "../adapt/copy-text.ts";
import { globalAdapters } from "../adapt/builtins.ts";
import type { AdaptersMap } from "../adapt/registry.ts";
import { ProgrammingError } from "../errors.ts";
import { checkText, Writer } from "../protocol/writer.ts";
import type { CopyType } from "./copy-types.ts";
import { typeOids } from "./copy-types.ts";

/** What a {@link FileWriter} writes to: a stream of Node.js, or an object around `fs.writeSync`. */
export interface FileTarget {
  /** Takes bytes, which are its own from then on. */
  write(bytes: Uint8Array): unknown;
}

/** Options of {@link FileWriter}. */
export interface FileWriterOptions {
  /** The format: `text` by default. */
  readonly format?: "text" | "binary";
  /** The columns' types, by name or oid; needed in binary. */
  readonly types?: readonly CopyType[];
  /** How values are written; as the global adapters do by default. */
  readonly adapters?: AdaptersMap;
}

/** How much is collected before it is written, in bytes. */
const FULL = 64 * 1024;

/** Writes a file for COPY. */
export class FileWriter {
  readonly #target: FileTarget;
  readonly #format: "text" | "binary";
  readonly #adapters: AdaptersMap;
  readonly #out = new Writer();
  #types: readonly number[] | null = null;
  #rows: CopyRowWriter | null = null;
  #hasRaw = false;
  #isFinished = false;

  /** Writes to `target`; {@link FileWriter.finish} has to be called at the end. */
  constructor(target: FileTarget, options: FileWriterOptions = {}) {
    const { format = "text", types, adapters = globalAdapters } = options;
    if (typeof (target as Partial<FileTarget> | null)?.write !== "function")
      throw new ProgrammingError("a FileWriter needs something with a write() method");
    if (format !== "text" && format !== "binary")
      throw new ProgrammingError(
        `format must be "text" or "binary", not ${JSON.stringify(format)}`,
      );
    this.#target = target;
    this.#format = format;
    this.#adapters = adapters;
    if (types) this.setTypes(types);
  }

  /**
   * Says of which types the columns are; before the first row.
   *
   * @throws ProgrammingError for a type that isn't known.
   */
  setTypes(types: readonly CopyType[]): void {
    if (this.#rows) throw new ProgrammingError("setTypes() must be called before the first row");
    this.#types = typeOids(types, this.#adapters);
  }

  /** Writes data as it is: text in UTF-8, or bytes. */
  write(data: string | Uint8Array): void {
    this.#checkOpen();
    if (typeof data !== "string" && !ArrayBuffer.isView(data))
      throw new ProgrammingError("a FileWriter takes strings and bytes; use writeRow() for values");
    if (typeof data === "string") {
      if (this.#format === "binary")
        throw new ProgrammingError("binary COPY takes bytes, not a string; pass a Buffer");
      checkText(data);
      this.#out.raw(Buffer.from(data));
    } else {
      this.#out.raw(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    }
    this.#hasRaw = true;
    this.#flush(FULL);
  }

  /**
   * Writes a row: an array with a value for each column, null for NULL.
   *
   * @throws ProgrammingError and DataError for values that can't be written, naming the column.
   */
  writeRow(values: readonly unknown[]): void {
    this.#checkOpen();
    if (!Array.isArray(values))
      throw new ProgrammingError("a row to copy must be an array of its columns' values");
    const out = this.#out;
    const mark = out.length;
    // Without types the first row that is written says how many columns there are.
    const rows = this.#rows ?? this.#rowWriter(values);
    try {
      if (this.#rows === null && !this.#hasRaw) rows.head(out);
      rows.row(values, out);
    } catch (error) {
      out.rewind(mark);
      throw error;
    }
    this.#rows = rows;
    this.#flush(FULL);
  }

  #rowWriter(first: readonly unknown[]): CopyRowWriter {
    if (this.#format === "text") {
      const types = this.#types ?? Array.from(first, () => 0);
      return new CopyTextWriter(types, this.#adapters);
    }
    if (this.#types === null)
      throw new ProgrammingError("nothing is converted in binary; name the types with setTypes()");
    return new CopyBinaryWriter(this.#types, this.#adapters);
  }

  #checkOpen(): void {
    if (this.#isFinished) throw new ProgrammingError("the file was finished");
  }

  #flush(least: number): void {
    if (this.#out.length >= least && this.#out.length > 0) this.#target.write(this.#out.detach());
  }

  /** Writes what is left, the trailer of the binary format included; the target is not closed. */
  finish(): void {
    if (this.#isFinished) return;
    if (this.#format === "binary" && !this.#rows && !this.#hasRaw) {
      this.#rows = new CopyBinaryWriter([], this.#adapters);
      this.#rows.head(this.#out);
    }
    this.#rows?.tail(this.#out);
    this.#isFinished = true;
    this.#flush(0);
  }
}
