/**
 * The asynchronous cursor: the core's operations with promises around them.
 *
 * Cursors are cheap and many. Those of one connection share its session, its transaction and its errors;
 * their statements run one after the other in the order in which they were called.
 */
import type { Parameters } from "../adapt/parameters.ts";
import { CursorCore } from "../core/cursor.ts";
import type { ScrollMode } from "../core/cursor.ts";
import { recapture } from "../core/recapture.ts";
import type { DictRow, RowFactory } from "../rows.ts";
import type { AsyncConnection } from "./connection.ts";
import type { AsyncExecuteOptions } from "./options.ts";

/** Executes statements and walks their results. */
export class AsyncCursor<Row = DictRow> extends CursorCore<Row> {
  /** The connection that the cursor belongs to. */
  readonly connection: AsyncConnection<unknown>;

  /** Made by {@link AsyncConnection.cursor}. */
  constructor(connection: AsyncConnection<unknown>, rowFactory: RowFactory<Row>) {
    super(connection.core, rowFactory);
    this.connection = connection;
  }

  /**
   * Executes a statement and waits for its result.
   *
   * @param parameters values for `$1`, `$2`, ...; without any, the text may hold several statements.
   * @throws the server's error, by SQLSTATE; ProgrammingError and DataError for what can't be sent;
   * InterfaceError when the cursor is closed, OperationalError when the connection is.
   */
  async execute(
    text: string,
    parameters?: Parameters,
    options?: AsyncExecuteOptions<Row>,
  ): Promise<this> {
    try {
      this.begin(text, options);
      this.take(await this.connection.run(this.activeAdapters, text, parameters, options), options);
    } catch (error) {
      throw recapture(error);
    }
    return this;
  }

  /** The next row; undefined after the last. */
  async fetchOne(): Promise<Row | undefined> {
    return this.nextRow();
  }

  /** The next rows, up to `size` ({@link arraySize} by default). */
  async fetchMany(size: number = this.arraySize): Promise<Row[]> {
    return this.nextRows(size);
  }

  /** All rows that are left. */
  async fetchAll(): Promise<Row[]> {
    return this.nextRows(Infinity);
  }

  /** Goes through the rows that are left. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Row, void, undefined> {
    while (this.hasRow) yield this.nextRow() as Row;
  }

  /** Goes through the results of a text with several statements, selecting each. */
  async *results(): AsyncGenerator<this, void, undefined> {
    yield* this.eachResult();
  }

  /**
   * Moves the place in the result by, or to, a number of rows.
   *
   * @throws RangeError when that is outside of the result.
   */
  async scroll(value: number, mode: ScrollMode = "relative"): Promise<void> {
    this.move(value, mode);
  }

  /** Closes the cursor; it can't be used any more. */
  async close(): Promise<void> {
    this.shut();
  }

  /** Closes the cursor at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.shut();
  }
}
