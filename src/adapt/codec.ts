/**
 * A codec: what is known of one PostgreSQL type. What reads and writes it, and in which format it is asked for.
 */
import type { Writer } from "../protocol/writer.ts";
import type { Format } from "./format.ts";

/** Reads the field in `bytes[start..end)`; never called for NULL, may not keep `bytes`. */
export type Load<T = unknown> = (bytes: Buffer, start: number, end: number) => T;

/** What is known of one PostgreSQL type: both directions, both formats. */
export interface Codec {
  /** The type's name as PostgreSQL prints it, e.g. `int4`. */
  readonly name: string;
  /** The type's oid. */
  readonly oid: number;
  /** The oid of its array type, 0 when there is none. */
  readonly arrayOid: number;
  /** What separates elements in the text form of its arrays; `;` for box, `,` for all others. */
  readonly delimiter?: string;
  /** Whether its arrays are read as {@link BoundedArray}, with their lower bounds; they aren't by default. */
  readonly keepsBounds?: boolean;
  /** Whether a JavaScript array is one value of this type and not several: it is for json. */
  readonly takesArrays?: boolean;
  /** Of an array type, the codec of its elements. */
  readonly element?: Codec;
  /** The format asked for in results: the one that is faster or more exact to read. */
  readonly results: Format;
  /** Whether results are asked for in text even where binary is wished, because that says less or nothing. */
  readonly isTextOnly?: boolean;
  /** Reads the text form. */
  readonly loadText: Load;
  /** Reads the binary form. Gives the same value that {@link loadText} gives. */
  readonly loadBinary: Load;
  /**
   * The text form of a JavaScript value.
   *
   * @throws DataError for a value out of the type's range, ProgrammingError for one of a wrong kind.
   */
  dumpText(value: unknown): string;
  /**
   * Writes the binary form. Returns false, having written nothing, when the value is one that only the
   * server can read (a string for a type that isn't text): the text form is sent instead.
   */
  dumpBinary(value: unknown, out: Writer): boolean;
}
