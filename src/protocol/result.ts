/**
 * A result as it arrived: the description, the rows still as bytes, the command tag.
 *
 * Rows are kept as the bytes that came, packed into blocks, until somebody asks: a change of the row
 * factory after the statement ran is honoured, a row that is never fetched is never decoded, and a value
 * that cannot be read is an error of the fetch and not of the connection. What a row claims of itself
 * (number of fields, their lengths) is checked here, once, when it arrives; decoders rely on it.
 */
import { ProtocolError } from "../errors.ts";
import { int32, uint16 } from "./bytes.ts";
import { frameLength } from "./frames.ts";
import type { ColumnDescription } from "./messages.ts";
import { Backend } from "./messages.ts";

/** A piece of memory that whole DataRow frames lie in, one behind the other. */
export interface RowBlock {
  /** The storage. */
  readonly bytes: Buffer;
  /** How much of it is filled. */
  length: number;
  /** How many rows lie in it. */
  rows: number;
}

/** From a DataRow frame's first byte to its first field: type, length, number of fields. */
export const ROW_HEADER = 7;

/** Later blocks have room for several reads from the socket. */
const BLOCK_SIZE = 128 * 1024;
/** Up to here copying byte by byte beats a call into the runtime. */
const SHORT_COPY = 64;

/** One statement's outcome. */
export class Result {
  /** The columns; null when the statement gives no rows. */
  columns: readonly ColumnDescription[] | null;
  /** The command tag, e.g. `SELECT 3`; null until the statement completed, empty for an empty query. */
  tag: string | null = null;
  /** The rows, as bytes. */
  readonly blocks: RowBlock[] = [];
  /** How many rows have arrived. */
  rowCount = 0;

  /** A result with the given columns, null for a statement without rows. */
  constructor(columns: readonly ColumnDescription[] | null) {
    this.columns = columns;
  }

  /**
   * Takes the whole DataRow frames at the start of `bytes[start..end)` and returns where it stopped.
   *
   * @throws ProtocolError when a row does not have the described number of fields, or its fields don't fill it.
   */
  take(bytes: Buffer, start: number, end: number): number {
    if (this.columns === null) throw new ProtocolError("the server sent a row for a statement that has none");
    const count = this.columns.length;
    let at = start;
    let rows = 0;
    while (end - at >= ROW_HEADER && bytes[at] === Backend.dataRow) {
      const next = at + 1 + frameLength(bytes, at);
      if (next > end) break;
      if (uint16(bytes, at + 5) !== count) {
        throw new ProtocolError(`the server sent a row of ${uint16(bytes, at + 5)} fields where ${count} were described`);
      }
      let field = at + ROW_HEADER;
      for (let index = 0; index < count; index++) {
        const room = next - field - 4;
        if (room < 0) throw overrun();
        const length = int32(bytes, field);
        if (length > room || length < -1) throw overrun();
        field += length < 0 ? 4 : 4 + length;
      }
      if (field !== next) throw overrun();
      at = next;
      rows++;
    }
    if (rows > 0) this.#store(bytes, start, at, rows);
    return at;
  }

  #store(bytes: Buffer, start: number, end: number, rows: number): void {
    const size = end - start;
    const last = this.blocks.length - 1;
    let block = this.blocks[last];
    if (!block || block.bytes.length - block.length < size) {
      // The first block fits its rows exactly: most results are one row or one read long.
      const room = last < 0 ? size : Math.max(size, BLOCK_SIZE);
      block = { bytes: Buffer.allocUnsafe(room), length: 0, rows: 0 };
      this.blocks.push(block);
    }
    if (size <= SHORT_COPY) {
      const target = block.bytes;
      for (let from = start, to = block.length; from < end; from++, to++) target[to] = bytes[from] as number;
    } else {
      bytes.copy(block.bytes, block.length, start, end);
    }
    block.length += size;
    block.rows += rows;
    this.rowCount += rows;
  }
}

function overrun(): ProtocolError {
  return new ProtocolError("the server sent a row whose fields do not fit its length");
}
