/**
 * A result as it arrived: the description, the rows still as bytes, the command tag.
 *
 * Rows are kept as the bytes that came, packed into blocks, until somebody asks: a change of the row
 * factory after the statement ran is honoured, a row that is never fetched is never decoded, and a value
 * that cannot be read is an error of the fetch and not of the connection. What a row claims of itself
 * (number of fields, their lengths) is checked here, once, when it arrives; decoders rely on it.
 */
import { ProtocolError } from "../errors.ts";
import { keepShape } from "../shapes.ts";
import { int32, uint16 } from "./bytes.ts";
import { frameLength } from "./frames.ts";
import type { ColumnDescription } from "./messages.ts";
import { Backend } from "./messages.ts";

/** A piece of memory that whole DataRow frames lie in, one behind the other. */
export interface RowBlock {
  /** The storage. */
  readonly bytes: Buffer;
  /** Where the first row begins. */
  readonly start: number;
  /** Where the last row ends. */
  end: number;
  /** How far the block may grow; what lies behind can be another result's. */
  readonly limit: number;
  /** How many rows lie in it. */
  rows: number;
}

/** From a DataRow frame's first byte to its first field: type, length, number of fields. */
export const ROW_HEADER = 7;

/** Small results share storage, because making a buffer costs more than filling it. */
const NURSERY_SIZE = 16 * 1024;
/** The largest result that goes there. */
const NURSERY_LARGEST = 1024;
let nursery = Buffer.allocUnsafeSlow(NURSERY_SIZE);
let nurseryUsed = 0;

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

  #spare: Buffer | null;

  /** A result with the given columns, null for a statement without rows; `spare` is memory to put rows into. */
  constructor(columns: readonly ColumnDescription[] | null, spare: Buffer | null = null) {
    this.columns = columns;
    this.#spare = spare;
  }

  /**
   * Takes the whole DataRow frames at the start of `bytes[start..end)` and returns where it stopped.
   *
   * @throws ProtocolError when a row does not have the described number of fields, or its fields don't fill it.
   */
  take(bytes: Buffer, start: number, end: number): number {
    if (this.columns === null)
      throw new ProtocolError("the server sent a row for a statement that has none");
    const count = this.columns.length;
    let at = start;
    let rows = 0;
    for (;;) {
      const next = rowEnd(bytes, at, end, count);
      if (next < 0) break;
      at = next;
      rows++;
    }
    if (rows > 0) this.#store(bytes, start, at, rows);
    return at;
  }

  #store(bytes: Buffer, start: number, end: number, rows: number): void {
    const size = end - start;
    const last = this.blocks[this.blocks.length - 1];
    const block = last && last.limit - last.end >= size ? last : this.#newBlock(size);
    if (size <= SHORT_COPY) {
      const target = block.bytes;
      for (let from = start, to = block.end; from < end; from++, to++)
        target[to] = bytes[from] as number;
    } else {
      bytes.copy(block.bytes, block.end, start, end);
    }
    block.end += size;
    block.rows += rows;
    this.rowCount += rows;
  }

  #newBlock(size: number): RowBlock {
    let block: RowBlock;
    const spare = this.#spare;
    if (spare && spare.length >= size) {
      this.#spare = null;
      block = { bytes: spare, start: 0, end: 0, limit: spare.length, rows: 0 };
    } else if (this.blocks.length > 0 || size > NURSERY_LARGEST) {
      // Most results are one read long: the first block fits exactly.
      const limit = this.blocks.length > 0 ? Math.max(size, BLOCK_SIZE) : size;
      block = { bytes: Buffer.allocUnsafeSlow(limit), start: 0, end: 0, limit, rows: 0 };
    } else {
      if (nurseryUsed + size > NURSERY_SIZE) {
        nursery = Buffer.allocUnsafeSlow(NURSERY_SIZE);
        nurseryUsed = 0;
      }
      const start = nurseryUsed;
      nurseryUsed += size;
      block = { bytes: nursery, start, end: start, limit: nurseryUsed, rows: 0 };
    }
    this.blocks.push(block);
    return block;
  }
}

/**
 * Where the DataRow frame ends that begins at `at`; -1 when there is none there, or not the whole of it.
 *
 * @throws ProtocolError when it does not have `count` fields, or its fields don't fill it.
 */
export function rowEnd(bytes: Buffer, at: number, end: number, count: number): number {
  if (end - at < ROW_HEADER || bytes[at] !== Backend.dataRow) return -1;
  const next = at + 1 + frameLength(bytes, at);
  if (next > end) return -1;
  if (uint16(bytes, at + 5) !== count) {
    throw new ProtocolError(
      `the server sent a row of ${uint16(bytes, at + 5)} fields where ${count} were described`,
    );
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
  return next;
}

function overrun(): ProtocolError {
  return new ProtocolError("the server sent a row whose fields do not fit its length");
}

keepShape(new Result(null));
