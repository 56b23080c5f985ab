// What the tests of executeMany() share: a table, a statement that fills it, and sources of items.

import { setTimeout as sleep } from "node:timers/promises";
import { type AsyncConnection, scalarRow } from "../../src/index.ts";

/** Makes a row of {@link withTable} of an item. */
export const INSERT: string = "insert into many values ($1, $2)";

/** Hidden from the connection, which would forget its statements by itself. */
export const HIDDEN_DEALLOCATE: string = "do $$ begin execute 'deallocate all'; end $$";

/** The parameters of one execution. */
export type Item = readonly unknown[];

/** The same connection, with a temporary table of its own. */
export async function withTable(conn: AsyncConnection): Promise<AsyncConnection> {
  await conn.execute("create temp table many (n int primary key, word text)");
  return conn;
}

/** How many rows the table has. */
export async function countOf(conn: AsyncConnection): Promise<unknown> {
  const [count] = await conn.query("select count(*)::int from many", [], { rowFactory: scalarRow });
  return count;
}

/** So many items. */
export function* numbers(count: number, at: (n: number) => Item = (n) => [n, `word ${n}`]) {
  for (let n = 0; n < count; n++) yield at(n);
}

/** The same, some of them a little later. */
export async function* later(count: number, at: (n: number) => Item = (n) => [n, `word ${n}`]) {
  for (let n = 0; n < count; n++) {
    if (n % 100 === 50) await sleep(1);
    yield at(n);
  }
}
