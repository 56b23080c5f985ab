/**
 * The blocking cursor: the core's operations, as they are.
 */
import type { Parameters } from "../adapt/parameters.ts";
import { CursorCore } from "../core/cursor.ts";
import type { ScrollMode } from "../core/cursor.ts";
import type { ExecuteOptions } from "../core/options.ts";
import type { DictRow, RowFactory } from "../rows.ts";
import type { Connection } from "./connection.ts";

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
   * @param parameters values for `$1`, `$2`, ...; without any, the text may hold several statements.
   * @throws the server's error, by SQLSTATE; ProgrammingError and DataError for what can't be sent;
   * InterfaceError when the cursor is closed, OperationalError when the connection is.
   */
  execute(text: string, parameters?: Parameters, options?: ExecuteOptions<Row>): this {
    this.begin(text, options);
    this.take(this.connection.run(this.activeAdapters, text, parameters, options), options);
    return this;
  }

  /** The next row; undefined after the last. */
  fetchOne(): Row | undefined {
    return this.nextRow();
  }

  /** The next rows, up to `size` ({@link arraySize} by default). */
  fetchMany(size: number = this.arraySize): Row[] {
    return this.nextRows(size);
  }

  /** All rows that are left. */
  fetchAll(): Row[] {
    return this.nextRows(Infinity);
  }

  /** Goes through the rows that are left. */
  *[Symbol.iterator](): Generator<Row, void, undefined> {
    while (this.hasRow) yield this.nextRow() as Row;
  }

  /** Goes through the results of a text with several statements, selecting each. */
  *results(): Generator<this, void, undefined> {
    yield* this.eachResult();
  }

  /**
   * Moves the place in the result by, or to, a number of rows.
   *
   * @throws RangeError when that is outside of the result.
   */
  scroll(value: number, mode: ScrollMode = "relative"): void {
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
