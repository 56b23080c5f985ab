/**
 * The blocking cursor: the core's operations, as they are.
 */
import {
  copyChannel,
  queryChannel,
  queryContext,
  tellMany,
  tellResults,
} from "../core/channels.ts";
import { CopyCore } from "../core/copy.ts";
import { checkStream, copyArguments } from "../core/copy-options.ts";
import type { CopyOptions, StreamOptions } from "../core/copy-options.ts";
import { CursorCore } from "../core/cursor.ts";
import type { ScrollMode } from "../core/cursor.ts";
import { NO_CONNECTION } from "../core/cursor-face.ts";
import { executeMany, manyRequestOf } from "../core/execute-many.ts";
import type { ExecuteManyOptions } from "../core/execute-many.ts";
import { isIterable, IterableItems, notIterable } from "../core/items.ts";
import type { Query, QueryParameters } from "../core/query.ts";
import { bindQuery } from "../core/query.ts";
import type { ExecuteOptions } from "../core/options.ts";
import { StreamCore } from "../core/stream.ts";
import type { DictRow, RowFactory } from "../rows.ts";
import { keepShape, nobody } from "../shapes.ts";
import { stopAfter } from "../transport/deadlines.ts";
import type { Connection } from "./connection.ts";
import type { CopyFunction } from "./copy.ts";
import { Copy } from "./copy.ts";
import { observed } from "./observed.ts";
import { streamRows } from "./stream.ts";

/** Executes statements and walks their results. */
export class Cursor<Row = DictRow> extends CursorCore<Row> {
  /** The connection that the cursor belongs to. */
  readonly connection: Connection<unknown>;

  /** Made by {@link Connection.cursor}. @internal */
  constructor(connection: Connection<unknown>, rowFactory: RowFactory<Row>) {
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
  execute(query: Query, parameters?: QueryParameters, options?: ExecuteOptions<Row>): this {
    const request = this.beginRequest(query, parameters, options);
    const { core, driver } = this.connection;
    if (core.pipeline.open) this.expect(driver.send(this.context, request, options), options);
    else this.take(driver.run(this.context, request, options), options);
    return this;
  }

  /**
   * Executes a statement for each item of an iterable, without waiting in between. All items take effect or
   * none, unless there is a transaction block, which fails with any of them.
   *
   * @throws as {@link execute} does, with the number of the item that failed as `index`; what the source throws.
   */
  executeMany(
    query: Query,
    items: Iterable<QueryParameters>,
    options?: ExecuteManyOptions<Row>,
  ): this {
    const { connection } = this;
    this.checkOpen();
    connection.core.checkOpen();
    const { context } = this;
    const request = manyRequestOf(context, query, options as ExecuteManyOptions<never>);
    const { text } = request;
    this.begin(text, options);
    if (!isIterable(items)) throw notIterable(items, "an iterable");
    const { pipeline } = connection.core;
    const source = new IterableItems(items, stopAfter(connection.core.timeoutOf(options)));
    try {
      const outcome = observed(
        queryChannel,
        () => queryContext(connection.core, "blocking", text),
        () =>
          connection.driver.perform(
            pipeline.apart(text, executeMany(context, request, source)),
            options,
          ),
        tellMany,
      );
      this.takeMany(outcome, options);
    } finally {
      source.close();
    }
    return this;
  }

  /**
   * Begins a COPY between the program and the server, and gives it to `use`. Data that was written is finished
   * when `use` returns, and refused when it throws; what it throws is thrown. Statements on the same connection
   * are refused until it has ended. Parameters are put into the text as literals, because the server takes none here.
   *
   * @returns what `use` gives.
   * @throws ProgrammingError for anything but a single COPY FROM STDIN or TO STDOUT; the server's error.
   */
  copy<T>(statement: Query, use: CopyFunction<T>): T;
  copy<T>(statement: Query, parameters: QueryParameters, use: CopyFunction<T>): T;
  copy<T>(
    statement: Query,
    parameters: QueryParameters,
    options: CopyOptions,
    use: CopyFunction<T>,
  ): T;
  /**
   * Begins a COPY whose disposal ends it. One that takes data has to be finished with {@link Copy.finish}, or
   * nothing is copied: `using` can't see whether its block threw.
   */
  copy(statement: Query, parameters?: QueryParameters, options?: CopyOptions): Copy;
  copy(statement: Query, ...given: unknown[]): unknown {
    const { parameters, options, use } = copyArguments<CopyFunction<unknown>>(given);
    this.checkOpen();
    const { connection, context } = this;
    const bound = bindQuery(context, statement, parameters);
    this.begin(bound.text, undefined);
    const core = new CopyCore(context, bound, options.types);
    const stay = connection.driver.occupy(core, connection.core.timeoutOf(options));
    const copy = new Copy(core, stay, ({ result }) => this.take(result));
    if (use === null) return copy.start();
    return observed(
      copyChannel,
      () => queryContext(connection.core, "blocking", bound.text),
      () => copy.start().use(use),
      (context) => tellResults(context, core.result),
    );
  }

  /**
   * Executes a statement and gives its rows while they arrive: as fast as they are taken, and without keeping
   * them. Leaving the loop early cancels what is left. Other statements on the connection are refused until
   * the end.
   *
   * @throws as {@link execute} does; ProgrammingError for a statement without rows, which is not run.
   */
  stream<R = Row>(
    query: Query,
    parameters?: QueryParameters,
    options?: StreamOptions<R>,
  ): Generator<R, void, undefined> {
    const size = checkStream(options as StreamOptions<never>);
    const { binary } = options ?? {};
    const request = this.beginRequest(
      query,
      parameters,
      binary === undefined ? undefined : { binary },
    );
    const { connection, context } = this;
    const factory = this.rowsOf(options);
    const core = new StreamCore<R>(context, request, factory, size);
    const timeout = connection.core.timeoutOf(options);
    return streamRows(connection, core, timeout, () => this.take([core.result]));
  }

  /** The next row; undefined after the last. */
  fetchOne(): Row | undefined {
    if (this.pending) this.connection.driver.arrive(this.pending);
    return this.nextRow();
  }

  /** The next rows, up to `size` ({@link arraySize} by default). */
  fetchMany(size: number = this.arraySize): Row[] {
    if (this.pending) this.connection.driver.arrive(this.pending);
    return this.nextRows(size);
  }

  /** All rows that are left. */
  fetchAll(): Row[] {
    if (this.pending) this.connection.driver.arrive(this.pending);
    return this.nextRows(Infinity);
  }

  /** Goes through the rows that are left. */
  *[Symbol.iterator](): Generator<Row, void, undefined> {
    if (this.pending) this.connection.driver.arrive(this.pending);
    while (this.hasRow) yield this.nextRow() as Row;
  }

  /** Goes through the results of a text with several statements, selecting each. */
  *results(): Generator<this, void, undefined> {
    if (this.pending) this.connection.driver.arrive(this.pending);
    yield* this.eachResult();
  }

  /**
   * Moves the place in the result by, or to, a number of rows.
   *
   * @throws RangeError when that is outside of the result.
   */
  scroll(value: number, mode: ScrollMode = "relative"): void {
    if (this.pending) this.connection.driver.arrive(this.pending);
    this.move(value, mode);
  }

  /** Closes the cursor; it can't be used any more. */
  close(): void {
    this.shut();
  }

  /** Closes the cursor at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.shut();
  }
}

keepShape(new Cursor(NO_CONNECTION, nobody));
