/**
 * A place in a result's rows, which lie as bytes in blocks.
 *
 * Reading many rows is the hottest loop of the driver: the place is kept in locals while it runs and stored
 * when it has ended, which also means that a row that cannot be read leaves the place where it was.
 */
import type { RowReader } from "../adapt/compile.ts";
import { int32 } from "../protocol/bytes.ts";
import type { RowBlock } from "../protocol/result.ts";
import { Result, ROW_HEADER } from "../protocol/result.ts";
import { keepShape } from "../shapes.ts";

/** Walks the rows of one result. */
export class RowWalk {
  readonly #result: Result;
  #row = 0;
  #block = 0;
  #at = 0;

  /** Stands before the first row. */
  constructor(result: Result) {
    this.#result = result;
    this.#at = result.blocks[0]?.start ?? 0;
  }

  /** The number of the next row, counted from 0. */
  get row(): number {
    return this.#row;
  }

  /** How many rows are left. */
  get left(): number {
    return this.#result.rowCount - this.#row;
  }

  /** Reads the next row; there must be one. */
  next<Row>(read: RowReader<Row>): Row {
    this.#enterBlock();
    const { bytes } = this.#current();
    const at = this.#at;
    const row = read(bytes, at + ROW_HEADER);
    this.#at = at + 1 + int32(bytes, at + 1);
    this.#row++;
    return row;
  }

  /** Reads up to `count` rows. */
  take<Row>(count: number, read: RowReader<Row>): Row[] {
    const rows: Row[] = [];
    const wanted = Math.min(count, this.left);
    let index = this.#block;
    let at = this.#at;
    while (rows.length < wanted) {
      const block = this.#result.blocks[index] as RowBlock;
      const { bytes, end } = block;
      while (at < end && rows.length < wanted) {
        rows.push(read(bytes, at + ROW_HEADER));
        at += 1 + int32(bytes, at + 1);
      }
      if (at >= end) {
        index++;
        at = this.#result.blocks[index]?.start ?? 0;
      }
    }
    this.#block = index;
    this.#at = at;
    this.#row += rows.length;
    return rows;
  }

  /** The rows that are left and then those of `next`, as one result. */
  restWith(next: Result): Result {
    if (this.left === 0) return next;
    const joined = new Result(next.columns);
    joined.tag = next.tag;
    joined.rowCount = this.left + next.rowCount;
    this.#enterBlock();
    const { bytes, end } = this.#current();
    const later = this.#result.blocks.slice(this.#block + 1);
    const rows = later.reduce((left, block) => left - block.rows, this.left);
    joined.blocks.push({ bytes, start: this.#at, end, limit: end, rows }, ...later, ...next.blocks);
    return joined;
  }

  /** Stands before row `target`, which must lie between 0 and the number of rows. */
  moveTo(target: number): void {
    if (target < this.#row) {
      this.#row = 0;
      this.#block = 0;
      this.#at = this.#result.blocks[0]?.start ?? 0;
    }
    while (this.#row < target) {
      this.#enterBlock();
      const block = this.#current();
      if (this.#at === block.start && this.#row + block.rows <= target) {
        this.#row += block.rows;
        this.#at = block.end;
      } else {
        this.#at += 1 + int32(block.bytes, this.#at + 1);
        this.#row++;
      }
    }
  }

  #current(): RowBlock {
    return this.#result.blocks[this.#block] as RowBlock;
  }

  #enterBlock(): void {
    if (this.#at >= this.#current().end) {
      this.#block++;
      this.#at = this.#current().start;
    }
  }
}

keepShape(new RowWalk(new Result(null)));
