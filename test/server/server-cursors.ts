// What the tests of server cursors share.

import { type AsyncConnection, type AsyncServerCursor, scalarRow } from "../../src/index.ts";
import type { Shell } from "../support/shells.ts";

/** A query of ten rows. */
export const TEN: string = "select generate_series(1, 10)";

/** The names of the cursors that the session has open. */
export async function openOn(conn: AsyncConnection<unknown>): Promise<string[]> {
  const text = "select name from pg_cursors where name <> '' order by name";
  return await conn.query(text, [], { rowFactory: scalarRow<string> });
}

/** All rows that are left. */
export async function rowsOf<Row>(cursor: AsyncServerCursor<Row>): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const row of cursor) rows.push(row);
  return rows;
}

/** A connection of a shell, inside a transaction, whose rows are the values of their only column. */
export async function begun({ connect }: Shell): Promise<AsyncConnection<number>> {
  const conn = await connect({ rowFactory: scalarRow<number> });
  await conn.execute("begin");
  return conn;
}
