/**
 * The asynchronous cursor: the core's operations with promises around them.
 *
 * Cursors are cheap and many. Those of one connection share its session, its transaction and its errors;
 * their statements run one after the other in the order in which they were called.
 */
import type { OperationContext } from "../core/channels.ts";
import {
  copyChannel,
  queryChannel,
  queryContext,
  tellMany,
  tellResults,
} from "../core/channels.ts";
import { CopyCore } from "../core/copy.ts";
import { checkStream, copyArguments } from "../core/copy-options.ts";
import { CursorCore } from "../core/cursor.ts";
import type { ScrollMode } from "../core/cursor.ts";
import { NO_CONNECTION } from "../core/cursor-face.ts";
import { executeMany, manyRequestOf } from "../core/execute-many.ts";
import type { Items } from "../core/items.ts";
import type { Query, QueryParameters } from "../core/query.ts";
import { bindQuery } from "../core/query.ts";
import { recapture } from "../core/recapture.ts";
import { StreamCore } from "../core/stream.ts";
import type { DictRow, RowFactory } from "../rows.ts";
import { keepShape, nobody } from "../shapes.ts";
import type { AsyncConnection } from "./connection.ts";
import type { AsyncCopy, AsyncCopyFunction } from "./copy.ts";
import { beginCopy } from "./copy.ts";
import { itemsOf } from "./items.ts";
import { observed } from "./observed.ts";
import type {
  AsyncCopyOptions,
  AsyncExecuteManyOptions,
  AsyncExecuteOptions,
  AsyncStreamOptions,
} from "./options.ts";
import { outcome } from "./promising.ts";
import { limitsOf, streamRows } from "./stream.ts";

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
   * @param parameters values for `$1`, `$2`, ..., or an object of values for `$name`; without any, the text may hold several statements.
   * @throws the server's error, by SQLSTATE; ProgrammingError and DataError for what can't be sent;
   * InterfaceError when the cursor is closed, OperationalError when the connection is.
   */
  execute(
    query: Query,
    parameters?: QueryParameters,
    options?: AsyncExecuteOptions<Row>,
  ): Promise<this> {
    try {
      const request = this.beginRequest(query, parameters, options);
      const { core, driver } = this.connection;
      if (core.pipeline.open) {
        const sending = driver.send(this.context, request, options);
        return outcome(sending, (pending) => {
          this.expect(pending, options);
          return this;
        });
      }
      return driver.execute(this.context, request, options, (sets) => {
        this.take(sets, options);
        return this;
      });
    } catch (error) {
      return Promise.reject(recapture(error) as Error);
    }
  }

  /**
   * Executes a statement for each item of an iterable, an asynchronous one too, without waiting in between.
   * All items take effect or none, unless there is a transaction block, which fails with any of them. An
   * asynchronous source has the connection wait for it; it can't use the same connection.
   *
   * @throws as {@link execute} does, with the number of the item that failed as `index`; what the source throws.
   */
  async executeMany(
    query: Query,
    items: Iterable<QueryParameters> | AsyncIterable<QueryParameters>,
    options?: AsyncExecuteManyOptions<Row>,
  ): Promise<this> {
    const { connection } = this;
    let reason: Error | null = null;
    let source: Items | null = null;
    let ended: (() => void) | null = null;
    try {
      this.checkOpen();
      connection.core.checkOpen();
      const { context } = this;
      const request = manyRequestOf(context, query, options as AsyncExecuteManyOptions<never>);
      const { text } = request;
      this.begin(text, options);
      const given = itemsOf(items, connection.core, () => reason);
      source = given;
      const stop = (why: Error): void => {
        reason = why;
        given.wake();
      };
      const { pipeline, session, endWatchers } = connection.core;
      // A source that waits for something of its own is not woken by the end of the connection.
      ended = () => stop(session.endReason() as Error);
      endWatchers.add(ended);
      const conversation = pipeline.apart(text, executeMany(context, request, given));
      const outcome = await observed(
        queryChannel,
        () => queryContext(connection.core, "async", text),
        () => connection.driver.perform(conversation, { ...options, onStop: stop }),
        tellMany,
      );
      this.takeMany(outcome, options);
    } catch (error) {
      throw recapture(error);
    } finally {
      if (ended) connection.core.endWatchers.delete(ended);
      source?.close();
    }
    return this;
  }

  /**
   * Begins a COPY between the program and the server, and gives it to `use`. Data that was written is finished
   * when `use` returns, and refused when it throws; what it throws is thrown. Statements on the same connection
   * wait until it has ended, and are refused in `use` itself. Parameters are put into the text as literals, because the server takes none here.
   *
   * @returns what `use` gives.
   * @throws ProgrammingError for anything but a single COPY FROM STDIN or TO STDOUT; the server's error.
   */
  copy<T>(statement: Query, use: AsyncCopyFunction<T>): Promise<T>;
  copy<T>(statement: Query, parameters: QueryParameters, use: AsyncCopyFunction<T>): Promise<T>;
  copy<T>(
    statement: Query,
    parameters: QueryParameters,
    options: AsyncCopyOptions,
    use: AsyncCopyFunction<T>,
  ): Promise<T>;
  /**
   * Begins a COPY whose disposal ends it. One that takes data has to be finished with {@link AsyncCopy.finish}, or
   * nothing is copied: `await using` can't see whether its block threw.
   */
  copy(
    statement: Query,
    parameters?: QueryParameters,
    options?: AsyncCopyOptions,
  ): Promise<AsyncCopy>;
  copy(statement: Query, ...given: unknown[]): Promise<unknown> {
    try {
      const { parameters, options, use } = copyArguments<AsyncCopyFunction<unknown>>(given);
      this.checkOpen();
      const { connection, context } = this;
      const bound = bindQuery(context, statement, parameters);
      this.begin(bound.text, undefined);
      const core = new CopyCore(context, bound, options.types);
      const show = ({ result }: CopyCore): void => this.take(result);
      const limits = limitsOf(connection.core, options);
      const copy = (): Promise<unknown> => beginCopy(connection, core, limits, use, show);
      if (use === null) return copy();
      const contextOf = (): OperationContext => queryContext(connection.core, "async", bound.text);
      return observed(copyChannel, contextOf, copy, (told) => tellResults(told, core.result));
    } catch (error) {
      return Promise.reject(recapture(error) as Error);
    }
  }

  /**
   * Executes a statement and gives its rows while they arrive: as fast as they are taken, and without keeping
   * them. Leaving the loop early cancels what is left. Statements on the same connection wait until the end,
   * and are refused in the loop itself.
   *
   * @throws as {@link execute} does; ProgrammingError for a statement without rows, which is not run.
   */
  stream<R = Row>(
    query: Query,
    parameters?: QueryParameters,
    options?: AsyncStreamOptions<R>,
  ): AsyncGenerator<R, void, undefined> {
    const size = checkStream(options as AsyncStreamOptions<never>);
    const { binary } = options ?? {};
    const request = this.beginRequest(
      query,
      parameters,
      binary === undefined ? undefined : { binary },
    );
    const { connection, context } = this;
    const factory = this.rowsOf(options);
    const core = new StreamCore<R>(context, request, factory, size);
    const limits = limitsOf(connection.core, options);
    return streamRows(connection, core, limits, () => this.take([core.result]));
  }

  /** The next row; undefined after the last. */
  async fetchOne(): Promise<Row | undefined> {
    if (this.pending) await this.connection.driver.arrive(this.pending);
    return this.nextRow();
  }

  /** The next rows, up to `size` ({@link arraySize} by default). */
  async fetchMany(size: number = this.arraySize): Promise<Row[]> {
    if (this.pending) await this.connection.driver.arrive(this.pending);
    return this.nextRows(size);
  }

  /** All rows that are left. */
  async fetchAll(): Promise<Row[]> {
    if (this.pending) await this.connection.driver.arrive(this.pending);
    return this.nextRows(Infinity);
  }

  /** Goes through the rows that are left. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Row, void, undefined> {
    if (this.pending) await this.connection.driver.arrive(this.pending);
    while (this.hasRow) yield this.nextRow() as Row;
  }

  /** Goes through the results of a text with several statements, selecting each. */
  async *results(): AsyncGenerator<this, void, undefined> {
    if (this.pending) await this.connection.driver.arrive(this.pending);
    yield* this.eachResult();
  }

  /**
   * Moves the place in the result by, or to, a number of rows.
   *
   * @throws RangeError when that is outside of the result.
   */
  async scroll(value: number, mode: ScrollMode = "relative"): Promise<void> {
    if (this.pending) await this.connection.driver.arrive(this.pending);
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

keepShape(new AsyncCursor(NO_CONNECTION, nobody));
