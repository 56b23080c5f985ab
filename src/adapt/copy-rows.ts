/**
 * What the two formats of COPY have in common: rows in, rows out, with codecs that are chosen once.
 *
 * Neither file nor connection is known here: rows become bytes in a writer, bytes become rows. (Manual, COPY,
 * "File Formats".)
 */
import { DataError, ProgrammingError } from "../errors.ts";
import { int32 } from "../protocol/bytes.ts";
import type { ColumnDescription } from "../protocol/messages.ts";
import type { Writer } from "../protocol/writer.ts";
import type { TupleRow } from "../rows.ts";
import { tupleRow } from "../rows.ts";
import { RowPlan } from "./plan.ts";
import type { AdaptersMap } from "./registry.ts";
import type { Format } from "./format.ts";
import { placed } from "./types/placed.ts";

/** Writes rows in one of the formats. */
export interface CopyRowWriter {
  /** Writes what stands before the first row. */
  head(out: Writer): void;
  /**
   * Writes a row.
   *
   * @throws ProgrammingError or DataError for a value that can't be copied, naming its column; the caller
   * rewinds the writer then.
   */
  row(values: readonly unknown[], out: Writer): void;
  /** Writes what stands behind the last row. */
  tail(out: Writer): void;
}

/** Reads rows in one of the formats. */
export interface CopyRowReader {
  /**
   * Takes the next CopyData messages, whole ones with their heads; the ones before must have been read. The server
   * gives each row a message of its own (manual, 54.7), and a message holds whole rows here.
   */
  feed(messages: Buffer): void;
  /** The next row; undefined when all of the messages were read. */
  next(): TupleRow | undefined;
}

/** The type and the length that a message begins with. */
export const MESSAGE_HEAD = 5;

/** Where the message ends whose head ends at `body`. */
export function endOfMessage(messages: Buffer, body: number): number {
  return body - 4 + int32(messages, body - 4);
}

/** Refuses a row of another size than the others. */
export function checkSize(values: readonly unknown[], count: number): void {
  // A string can be iterated as well, and is no row.
  if (!Array.isArray(values))
    throw new ProgrammingError("a row to copy must be an array of its columns' values");
  if (values.length !== count) {
    throw new ProgrammingError(
      `the row has ${values.length} value${values.length === 1 ? "" : "s"}, but ${count} column${count === 1 ? " is" : "s are"} copied`,
    );
  }
}

/** Refuses `undefined`, which is more often a mistake than a wish. */
export function refuseUndefined(): never {
  throw new ProgrammingError("undefined cannot be copied; pass null for SQL's NULL");
}

/** The error of a value, with its column. */
export function inColumn(error: unknown, index: number, type: string): unknown {
  return placed(error, `column ${index + 1} (${type})`);
}

/** How the rows of a COPY are read: as arrays, by the columns' types. */
export function copyPlan(
  types: readonly number[],
  format: Format,
  adapters: AdaptersMap,
): RowPlan<TupleRow> {
  const columns = types.map((typeOid, index): ColumnDescription => ({
    name: `column${index + 1}`,
    tableOid: 0,
    tableColumn: 0,
    typeOid,
    typeSize: -1,
    typeModifier: -1,
    format,
  }));
  return new RowPlan(columns, adapters, tupleRow);
}

/** The error of bytes that are not what COPY sends. */
export function malformedCopy(what: string): DataError {
  return new DataError(`malformed COPY data: ${what}`);
}
