/**
 * The client cursor of the asynchronous shell: values are put into the text here, for statements that take no
 * parameters. What that means is the core's.
 */
import { clientRequestOf, mogrify, noItems } from "../core/client-binding.ts";
import type { ExecuteRequest } from "../core/extended.ts";
import type { RunOptions } from "../core/options.ts";
import type { Query, QueryParameters } from "../core/query.ts";
import type { DictRow, RowFactory } from "../rows.ts";
import type { AsyncConnection } from "./connection.ts";
import { AsyncCursor } from "./cursor.ts";

/** Executes statements that take no parameters, with their values as literals in the text. */
export class AsyncClientCursor<Row = DictRow> extends AsyncCursor<Row> {
  /** Makes a cursor on a connection, as `conn.cursor({ binding: "client" })` does. */
  constructor(connection: AsyncConnection<unknown>, rowFactory?: RowFactory<Row>) {
    super(connection, rowFactory ?? (connection.rowFactory as RowFactory<Row>));
  }

  /**
   * The text as `execute()` would send it.
   *
   * @throws as `execute()` does, for what can't be a literal.
   */
  mogrify(query: Query, parameters?: QueryParameters): string {
    this.checkOpen();
    return mogrify(this.context, query, parameters);
  }

  /** Not for a client cursor. @throws NotSupportedError */
  override async executeMany(): Promise<never> {
    throw noItems();
  }

  protected override requestOf(
    query: Query,
    parameters: QueryParameters | undefined,
    options: RunOptions | undefined,
  ): ExecuteRequest {
    return clientRequestOf(this.context, query, parameters, options);
  }
}
