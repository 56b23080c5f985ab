// What the tests of transaction blocks share: a connection, a table, and blocks that run in both shells.

import { afterAll, beforeAll, beforeEach } from "@jest/globals";
import { type AsyncConnection, type AsyncTransaction } from "../../src/index.ts";
import { administer, type Shell } from "../support/shells.ts";

/** What a test of transaction blocks has at hand. */
export interface BlockStage {
  /** The connection that they are on: open at the beginning of each test. */
  readonly conn: AsyncConnection;
  /** A table of numbers, empty at the beginning of each test; at the end of a transaction they must be unique. */
  readonly table: string;
  insert(id: number): Promise<unknown>;
  ids(): Promise<number[]>;
  block<T>(run: (tx: AsyncTransaction) => Promise<T> | T, options?: object): Promise<T>;
  chain(...steps: (() => unknown)[]): unknown;
}

/** Sets the stage for the tests of a shell; `table` must be no other's. */
export function blockStage({ connect }: Shell, table: string): BlockStage {
  let conn: AsyncConnection;
  beforeAll(async () => {
    await administer(`create table ${table} (id int, unique (id) deferrable initially deferred)`);
    conn = await connect();
  });
  afterAll(async () => {
    await conn.close();
    await administer(`drop table ${table}`);
  });
  beforeEach(async () => {
    await administer(`truncate ${table}`);
    if (conn.closed) conn = await connect();
  });

  const insert = (id: number): Promise<unknown> =>
    conn.execute(`insert into ${table} values ($1)`, [id]);
  const ids = async (): Promise<number[]> =>
    (await administer(`select id from ${table} order by id`)).map(([id]) => Number(id));
  const block = <T>(run: (tx: AsyncTransaction) => Promise<T> | T, options?: object): Promise<T> =>
    // A blocking block takes no promise: its function runs to the end before the block does.
    (conn.transaction as (run: unknown, options?: object) => Promise<T>).call(conn, run, options);
  // Both shells run the same plain functions; only in the asynchronous one they return promises.
  const chain = (...steps: (() => unknown)[]): unknown =>
    steps.reduce<unknown>(
      (before, step) => (before instanceof Promise ? before.then(() => step()) : step()),
      undefined,
    );
  return {
    /** Another one once the last was closed, or its session ended. */
    get conn() {
      return conn;
    },
    table,
    insert,
    ids,
    block,
    chain,
  };
}
