/**
 * The blocking server cursor: a named cursor of the server, fetched from in pieces.
 *
 * It lives in a transaction, unless it was made with `withHold`. Its conversations are the core's.
 */
import type { Query, QueryParameters } from "../core/query.ts";
import type { ScrollMode } from "../core/cursor.ts";
import { clientOnly, ServerCursorCore } from "../core/server-cursor.ts";
import type { ServerCursorOptions } from "../core/server-cursor.ts";
import type { ExecuteOptions, Limits } from "../core/options.ts";
import type { Conversation } from "../protocol/effects.ts";
import type { DictRow, RowFactory } from "../rows.ts";
import type { Connection } from "./connection.ts";

/** Executes a query on the server and fetches its rows in pieces. */
export class ServerCursor<Row = DictRow> extends ServerCursorCore<Row> {
  /** The connection that the cursor belongs to. */
  readonly connection: Connection<unknown>;

  /** Made by {@link Connection.cursor}. @internal */
  constructor(
    connection: Connection<unknown>,
    name: string,
    rowFactory: RowFactory<Row>,
    options: ServerCursorOptions<Row>,
  ) {
    super(connection, name, rowFactory, options);
    this.connection = connection;
  }

  #run<T>(conversation: Conversation<T>, limits: Limits | undefined): T {
    this.checkOpen();
    this.connection.core.checkOpen();
    return this.connection.driver.perform(conversation, limits);
  }

  /**
   * Opens the cursor for a query, which gives rows, and describes it; no row is fetched. What it was open for
   * is closed first.
   *
   * @param parameters values for `$1`, `$2`, ..., or an object of values for `$name`.
   * @throws NoActiveSqlTransaction outside of a transaction, unless the cursor was made with `withHold`; the
   * server's error; as {@link Cursor.execute} does.
   */
  execute(query: Query, parameters?: QueryParameters, options?: ExecuteOptions<Row>): this {
    this.#run(this.apart(query, this.declare(query, parameters, options)), options);
    return this;
  }

  /** The next row; undefined after the last. One round trip for each: a loop fetches {@link itersize} rows at a time. */
  fetchOne(limits?: Limits): Row | undefined {
    const [row] = this.#run(this.apart("FETCH", this.fetch(1)), limits);
    return row;
  }

  /** The next rows, up to `size` ({@link arraySize} by default). */
  fetchMany(size: number = this.arraySize, limits?: Limits): Row[] {
    return this.#run(this.apart("FETCH", this.fetch(size)), limits);
  }

  /** All rows that are left. */
  fetchAll(limits?: Limits): Row[] {
    return this.#run(this.apart("FETCH", this.fetch(Infinity)), limits);
  }

  /** Goes through the rows that are left, fetching {@link itersize} of them at a time. */
  *[Symbol.iterator](): Generator<Row, void, undefined> {
    do {
      while (this.rowsAhead > 0) yield this.nextRow() as Row;
      if (this.isOver) return;
      this.#run(this.apart("FETCH", this.fetchPage(this.itersize)), undefined);
    } while (this.rowsAhead > 0);
  }

  /** Goes through the results, of which there is one. */
  *results(): Generator<this, void, undefined> {
    yield* this.eachResult();
  }

  /**
   * Moves by, or to, a number of rows.
   *
   * @throws RangeError when that is outside of the result: the cursor is at its end then, as only moving
   * shows it; ObjectNotInPrerequisiteState for going back where the cursor can't.
   */
  scroll(value: number, mode: ScrollMode = "relative", limits?: Limits): void {
    this.#run(this.apart("MOVE", this.moveTo(value, mode)), limits);
  }

  /** Not for a server cursor. @throws NotSupportedError */
  executeMany(): never {
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
  close(): void {
    if (this.closed) return;
    if (this.connection.closed) this.shut();
    else this.#run(this.closeBoth(), undefined);
  }

  /** Closes the cursor at the end of an `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }
}
