// What the tests of two-phase transactions share: a table, names, and what the server knows of them.

import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, expect } from "@jest/globals";
import { type AsyncConnection, Xid } from "../../src/index.ts";
import { administer } from "../support/shells.ts";

/** Names of this run: what is prepared is seen by the whole server. */
export const run: string = randomBytes(4).toString("hex");
let serial = 0;

/** The table of {@link insert}, of this file's own. */
export const TABLE: string = `two_phase_${run}`;

/** A name for a transaction. */
export const newName = (): string => `${run}-${serial++}`;

/** The names of this run's transactions that the server keeps. */
export async function preparedNames(): Promise<string[]> {
  const rows = await administer("select gid from pg_prepared_xacts order by prepared");
  return rows
    .map(([name]) => name as string)
    .filter((name) => Xid.fromString(name).gtrid.startsWith(run));
}

/** The numbers that were committed under a name. */
export async function committed(name: string): Promise<number[]> {
  const rows = await administer(`select n from ${TABLE} where name = '${name}' order by n`);
  return rows.map(([n]) => Number(n));
}

/** Inserts a number under a name. */
export const insert = (conn: AsyncConnection<unknown>, name: string, n = 1): Promise<unknown> =>
  conn.execute(`insert into ${TABLE} values ($1, $2)`, [name, n]);

/** Makes the table, and looks after each test whether a transaction was left prepared. */
export function keepTwoPhaseTidy(): void {
  beforeAll(async () => {
    await administer(`create table ${TABLE} (name text, n int)`);
  });

  afterEach(async () => {
    const left = await preparedNames();
    for (const name of left) await administer(`rollback prepared '${name}'`);
    expect(left).toEqual([]);
  });

  afterAll(async () => {
    await administer(`drop table ${TABLE}`);
  });
}
