/**
 * What both shells' cursors share: the results of the last statement, and the place in them.
 *
 * A client cursor has its whole result when `execute()` returns, so everything in here is immediate: the
 * asynchronous shell only adds the promises that a server cursor will need. Rows are decoded as they are
 * fetched. Semantics are psycopg's, see its documentation on cursor classes.
 */
import type { RowReader } from "../adapt/compile.ts";
import { ProgrammingError } from "../errors.ts";
import type { Column } from "./column.ts";
import { CursorFace } from "./cursor-face.ts";
import type { Description } from "./description.ts";
import type { ResultSet } from "./execute.ts";
import type { ExecuteRequest } from "./extended.ts";
import type { ExecuteManyOptions } from "./execute-many.ts";
import type { ManyOutcome } from "./item-batch.ts";
import { shownOption } from "./operations.ts";
import type { ExecuteOptions } from "./options.ts";
import type { PendingResult } from "./pending-result.ts";
import type { Query, QueryParameters } from "./query.ts";
import { countOf } from "./results.ts";
import { RowWalk } from "./row-walk.ts";

/** How `scroll()` reads its number: from the current row or from the first. */
export type ScrollMode = "relative" | "absolute";

/** State and immediate operations of a cursor. */
export abstract class CursorCore<Row> extends CursorFace<Row> {
  /** The result of a statement in a pipeline that has not come yet, or never will. */
  protected pending: PendingResult | null = null;
  #results: readonly ResultSet[] = [];
  #current: ResultSet | null = null;
  #resultIndex = 0;
  #walk: RowWalk | null = null;
  #total: number | null = null;

  /** The result's columns; null when there is no result or it has no rows to give. */
  get description(): readonly Column[] | null {
    return this.#current?.description?.describe(this.activeAdapters) ?? null;
  }

  /** Rows of the result, or rows that the command touched; -1 when neither is known. */
  get rowCount(): number {
    if (this.#total !== null) return this.#total;
    const current = this.#current;
    if (!current) return -1;
    if (current.description) return current.result.rowCount;
    return countOf(current.result.tag ?? "");
  }

  /** The number of the next row, counted from 0; null without a result. */
  get rowNumber(): number | null {
    return this.#walk?.row ?? null;
  }

  /** The command's tag, e.g. `INSERT 0 1`; null before a statement was executed. */
  get statusMessage(): string | null {
    return this.#current?.result.tag ?? null;
  }

  /** Resolves a statement, and begins it. */
  protected beginRequest(
    query: Query,
    parameters: QueryParameters | undefined,
    options: ExecuteOptions<Row> | undefined,
  ): ExecuteRequest {
    this.checkOpen();
    const request = this.requestOf(query, parameters, options);
    this.begin(request.text, options);
    return request;
  }

  /** Forgets the last result: a new statement is about to run. */
  protected begin(query: string, options: ExecuteOptions<Row> | undefined): void {
    this.checkOpen();
    this.query = query;
    this.pending = null;
    this.take([], options);
  }

  /** Takes what a statement gave and stands before the first row of its first result. */
  protected take(results: readonly ResultSet[], options?: ExecuteOptions<Row>): void {
    this.callFactory = options?.rowFactory ?? null;
    this.callDuplicates = options?.duplicateColumns ?? null;
    this.#results = results;
    this.#total = null;
    this.#select(0);
  }

  /** Takes further rows of the same statement, behind those that are left. How rows are built stays as it is. */
  protected takeMore(set: ResultSet): void {
    const rest = this.#walk?.restWith(set.result);
    this.takeOnly(rest ? { ...set, result: rest } : set);
  }

  /** Takes other rows of the same statement, without those that are left. */
  protected takeOnly(set: ResultSet): void {
    this.#results = [set];
    this.#total = null;
    this.#select(0);
  }

  /** Takes what a statement in a pipeline gives when it has come. */
  protected expect(pending: PendingResult, options?: ExecuteOptions<Row>): void {
    this.pending = pending;
    const arrived = (sets: readonly ResultSet[]): void => {
      if (this.pending !== pending) return;
      this.pending = null;
      this.take(sets, options);
    };
    pending.onArrival = arrived;
    if (pending.settled && pending.failure() === null) arrived(pending.results());
  }

  /** Takes what one statement gave for many items; their rows are counted together unless they are kept. */
  protected takeMany(outcome: ManyOutcome, options?: ExecuteManyOptions<Row>): void {
    const { sets, rowCount } = outcome;
    this.take(sets, options);
    if (options?.returning !== true || sets.length === 0) this.#total = rowCount;
  }

  #select(index: number): void {
    this.#resultIndex = index;
    this.#current = this.#results[index] ?? null;
    this.#walk = this.#current?.description ? new RowWalk(this.#current.result) : null;
  }

  /**
   * Moves to the next result of a text with several statements.
   *
   * @returns true, or null when there is none.
   */
  nextSet(): true | null {
    this.checkOpen();
    if (this.#resultIndex + 1 >= this.#results.length) return null;
    this.#select(this.#resultIndex + 1);
    return true;
  }

  /**
   * Moves to a result by number; negative numbers count from the last.
   *
   * @throws RangeError when there is no such result.
   */
  setResult(index: number): this {
    this.checkOpen();
    const count = this.#results.length;
    const wanted = index < 0 ? index + count : index;
    if (!Number.isInteger(wanted) || wanted < 0 || wanted >= count) {
      throw new RangeError(
        `result ${index} is out of range: there ${count === 1 ? "is 1 result" : `are ${count} results`}`,
      );
    }
    this.#select(wanted);
    return this;
  }

  /** Goes through the results that are left, the current one first, selecting each. */
  protected *eachResult(): Generator<this, void, undefined> {
    if (!this.#current) return;
    do yield this;
    while (this.nextSet());
  }

  /**
   * The next row; undefined after the last.
   *
   * @throws ProgrammingError when there is no result, or one without rows.
   */
  protected nextRow(): Row | undefined {
    const walk = this.#rows();
    return walk.left > 0 ? walk.next(this.#reader(1)) : undefined;
  }

  /** Whether there is a next row; throws as {@link nextRow} does. */
  protected get hasRow(): boolean {
    return this.#rows().left > 0;
  }

  /** Up to `size` of the next rows; throws as {@link nextRow} does. */
  protected nextRows(size: number): Row[] {
    const walk = this.#rows();
    if (size !== Infinity && !(Number.isInteger(size) && size >= 0)) {
      const shown = shownOption(size);
      throw new ProgrammingError(`fetchMany takes a whole number of rows, not ${shown}`);
    }
    return walk.take(size, this.#reader(Math.min(size, walk.left)));
  }

  /**
   * Moves the place in the result.
   *
   * @throws RangeError when that is outside of the result; the place is kept then.
   */
  protected move(value: number, mode: ScrollMode): void {
    const walk = this.#rows();
    checkMode(mode);
    const target = mode === "relative" ? walk.row + value : value;
    const count = walk.row + walk.left;
    if (!Number.isInteger(target) || target < 0 || target > count) {
      const size = count === 1 ? "1 row" : `${count} rows`;
      throw new RangeError(`row ${target} is outside of the result, which has ${size}`);
    }
    walk.moveTo(target);
  }

  #rows(): RowWalk {
    this.checkOpen();
    if (this.#walk) return this.#walk;
    const tag = this.statusMessage;
    throw new ProgrammingError(
      tag === null
        ? "there is no result to fetch from; execute a statement first"
        : `the last statement (${tag || "empty"}) gives no rows to fetch`,
    );
  }

  #reader(rows: number): RowReader<Row> {
    const description = this.#current?.description as Description;
    return description.plan(this.activeAdapters, this.activeFactory).reader(rows);
  }

  /** Closes the cursor and lets go of its results. */
  protected shut(): void {
    this.take([]);
    this.markClosed();
  }

  /** Shows the state, and nothing secret. */
  override toString(): string {
    const state = this.closed ? "closed" : (this.statusMessage ?? "no result");
    return `<${this.constructor.name} [${state || "empty"}] of ${this.connection.toString()}>`;
  }
}

// As for connections: the symbol is no part of the API.
Object.defineProperty(CursorCore.prototype, Symbol.for("nodejs.util.inspect.custom"), {
  value(this: CursorCore<unknown>): string {
    return this.toString();
  },
});

/** Refuses anything but the modes of `scroll()`. */
export function checkMode(mode: ScrollMode): void {
  if (mode !== "relative" && mode !== "absolute") {
    throw new TypeError(`scroll mode "${String(mode)}" is unknown; use "relative" or "absolute"`);
  }
}
