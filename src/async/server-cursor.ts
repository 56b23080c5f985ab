/**
 * The asynchronous server cursor: a named cursor of the server, fetched from in pieces.
 *
 * It lives in a transaction, unless it was made with `withHold`. Its conversations are the core's.
 */
import type { Query, QueryParameters } from "../core/query.ts";
import type { ScrollMode } from "../core/cursor.ts";
import { clientOnly, ServerCursorCore } from "../core/server-cursor.ts";
import type { ServerCursorOptions } from "../core/server-cursor.ts";
import { recapture } from "../core/recapture.ts";
import type { Conversation } from "../protocol/effects.ts";
import type { DictRow, RowFactory } from "../rows.ts";
import type { AsyncConnection } from "./connection.ts";
import type { AsyncExecuteOptions, AsyncLimits } from "./options.ts";

/** Executes a query on the server and fetches its rows in pieces. */
export class AsyncServerCursor<Row = DictRow> extends ServerCursorCore<Row> {
  /** The connection that the cursor belongs to. */
  readonly connection: AsyncConnection<unknown>;

  /** Made by {@link AsyncConnection.cursor}. @internal */
  constructor(
    connection: AsyncConnection<unknown>,
    name: string,
    rowFactory: RowFactory<Row>,
    options: ServerCursorOptions<Row>,
  ) {
    super(connection, name, rowFactory, options);
    this.connection = connection;
  }

  async #run<T>(conversation: Conversation<T>, limits: AsyncLimits | undefined): Promise<T> {
    try {
      this.checkOpen();
      this.connection.core.checkOpen();
      return await this.connection.driver.perform(conversation, limits);
    } catch (error) {
      throw recapture(error);
    }
  }

  /**
   * Opens the cursor for a query, which gives rows, and describes it; no row is fetched. What it was open for
   * is closed first.
   *
   * @param parameters values for `$1`, `$2`, ..., or an object of values for `$name`.
   * @throws NoActiveSqlTransaction outside of a transaction, unless the cursor was made with `withHold`; the
   * server's error; as {@link AsyncCursor.execute} does.
   */
  async execute(
    query: Query,
    parameters?: QueryParameters,
    options?: AsyncExecuteOptions<Row>,
  ): Promise<this> {
    await this.#run(this.apart(query, this.declare(query, parameters, options)), options);
    return this;
  }

  /** The next row; undefined after the last. One round trip for each: a loop fetches {@link itersize} rows at a time. */
  async fetchOne(limits?: AsyncLimits): Promise<Row | undefined> {
    const [row] = await this.#run(this.apart("FETCH", this.fetch(1)), limits);
    return row;
  }

  /** The next rows, up to `size` ({@link arraySize} by default). */
  async fetchMany(size: number = this.arraySize, limits?: AsyncLimits): Promise<Row[]> {
    return await this.#run(this.apart("FETCH", this.fetch(size)), limits);
  }

  /** All rows that are left. */
  async fetchAll(limits?: AsyncLimits): Promise<Row[]> {
    return await this.#run(this.apart("FETCH", this.fetch(Infinity)), limits);
  }

  /** Goes through the rows that are left, fetching {@link itersize} of them at a time. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Row, void, undefined> {
    do {
      while (this.rowsAhead > 0) yield this.nextRow() as Row;
      if (this.isOver) return;
      await this.#run(this.apart("FETCH", this.fetchPage(this.itersize)), undefined);
    } while (this.rowsAhead > 0);
  }

  /** Goes through the results, of which there is one. */
  async *results(): AsyncGenerator<this, void, undefined> {
    yield* this.eachResult();
  }

  /**
   * Moves by, or to, a number of rows.
   *
   * @throws RangeError when that is outside of the result: the cursor is at its end then, as only moving
   * shows it; ObjectNotInPrerequisiteState for going back where the cursor can't.
   */
  async scroll(value: number, mode: ScrollMode = "relative", limits?: AsyncLimits): Promise<void> {
    await this.#run(this.apart("MOVE", this.moveTo(value, mode)), limits);
  }

  /** Not for a server cursor. @throws NotSupportedError */
  async executeMany(): Promise<never> {
    throw clientOnly("executeMany");
  }

  /** Not for a server cursor. @throws NotSupportedError */
  copy(): never {
    throw clientOnly("copy");
  }

  /** Not for a server cursor. @throws NotSupportedError */
  stream(): never {
    throw clientOnly("stream");
  }

  /** Closes the cursor, on the server too where it still lives; it can't be used any more. */
  async close(): Promise<void> {
    if (this.closed) return;
    if (this.connection.closed) this.shut();
    else await this.#run(this.closeBoth(), undefined);
  }

  /** Closes the cursor at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
