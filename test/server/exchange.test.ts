// A statement that is prepared and whose rows are wanted at once is run in one exchange, past everything that a
// longer course takes. Whatever can come of it is the same as ever.

import { AsyncLocalStorage } from "node:async_hooks";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  type AsyncConnection,
  connect,
  errors,
  type MahoutError,
  PipelineAborted,
  type RowFactory,
  scalarRow,
  tupleRow,
} from "../../src/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { failureOf, shells } from "../support/shells.ts";

let other: AsyncConnection;

beforeAll(async () => {
  other = await connect(defaultServer().conninfo());
  await other.execute(
    "create table exchange_unique (n int unique deferrable initially deferred, of text)",
  );
});

afterAll(async () => {
  await other.execute("drop table exchange_unique");
  await other.close();
});

describe.each(shells)("one exchange, in the $name shell", (shell) => {
  const isAsync = shell.name === "async";

  /** Has a statement prepared, so that whoever runs it next needs no more than an exchange. */
  async function prepare(conn: AsyncConnection, text: string, values: unknown[] = []) {
    await conn.query(text, values, { prepare: true });
  }

  test("gives the rows of every factory of ours, and of the program's in its own context", async () => {
    await using conn = await shell.connect();
    const text = "select $1::int4 as a, 'x' as b";
    await prepare(conn, text, [0]);
    expect(await conn.query(text, [1])).toEqual([{ a: 1, b: "x" }]);
    expect(await conn.query(text, [2], { rowFactory: tupleRow })).toEqual([[2, "x"]]);
    expect(await conn.query(text, [3], { rowFactory: scalarRow })).toEqual([3]);
    const context = new AsyncLocalStorage<string>();
    const factory: RowFactory<unknown> = () => (row) => [context.getStore(), ...row];
    const read = (name: string, n: number): Promise<unknown[]> =>
      context.run(name, async () => await conn.query(text, [n], { rowFactory: factory }));
    expect(await Promise.all([read("one", 4), read("two", 5)])).toEqual([
      [["one", 4, "x"]],
      [["two", 5, "x"]],
    ]);
  });

  test("a value that can't be read is an error of that call alone", async () => {
    await using conn = await shell.connect();
    const text = "select i as a from generate_series(1, $1::int4) i";
    await prepare(conn, text, [1]);
    conn.adapters.registerLoader(
      "int4",
      (bytes, start) => {
        const value = bytes.readInt32BE(start);
        if (value === 3) throw new RangeError("three is too many");
        return value;
      },
      1,
    );
    await prepare(conn, text, [1]);
    const run = async (n: number): Promise<unknown> => {
      try {
        return (await conn.query(text, [n])).length;
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(await Promise.all([run(2), run(5), run(1)])).toEqual([2, "three is too many", 1]);
    expect(await conn.query(text, [2])).toEqual([{ a: 1 }, { a: 2 }]);
  });

  test("columns of one name are refused where they are to be, with rows or without", async () => {
    await using conn = await shell.connect({ duplicateColumns: "error" });
    const text = "select 1 as a, 2 as a from generate_series(1, $1::int4)";
    for (const count of [0, 1, 0, 1]) {
      const error = await failureOf(() => conn.query(text, [count], { prepare: true }));
      expect(error).toMatchObject({ code: "ERR_MAHOUT_DUPLICATE_COLUMNS" });
    }
    expect(await conn.query(text, [2], { rowFactory: tupleRow })).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });

  test("many rows that come in many pieces are all there", async () => {
    await using conn = await shell.connect();
    const text = "select i, repeat('é' || i, $1::int4) as t from generate_series(1, 3000) i";
    await prepare(conn, text, [1]);
    const rows = await conn.query<{ i: number; t: string }>(text, [70]);
    expect(rows.map(({ i }) => i)).toEqual(Array.from({ length: 3000 }, (_, index) => index + 1));
    expect(rows.every(({ i, t }) => t === `é${i}`.repeat(70))).toBe(true);
  });

  test("an error among the rows, or after them, is the statement's", async () => {
    await using conn = await shell.connect();
    const halves = "select 12 / ($1::int4 - i) as x from generate_series(1, 9) i";
    await prepare(conn, halves, [100]);
    expect(await failureOf(() => conn.query(halves, [5]))).toBeInstanceOf(errors.DivisionByZero);
    const insert = "insert into exchange_unique values ($1, $2) returning n";
    await prepare(conn, insert, [isAsync ? 1 : 2, shell.name]);
    // The constraint is looked at when the transaction ends: the row has come by then.
    const error = await failureOf(() => conn.query(insert, [isAsync ? 1 : 2, shell.name]));
    expect(error).toBeInstanceOf(errors.UniqueViolation);
    expect(await conn.query(halves, [10])).toHaveLength(9);
  });

  test("a statement that the server has forgotten is run again", async () => {
    await using conn = await shell.connect();
    const text = "select $1::int4 as a";
    await prepare(conn, text, [0]);
    await conn.execute("do $$ begin execute 'deallocate all'; end $$");
    expect(await conn.query(text, [1])).toEqual([{ a: 1 }]);
    expect(await conn.query(text, [2])).toEqual([{ a: 2 }]);
    expect(await conn.query(text, [3])).toEqual([{ a: 3 }]);
  });

  test("the end of the connection says what is known of the statement", async () => {
    await using conn = await shell.connect();
    const text = "select pg_terminate_backend(pg_backend_pid()), $1::int4 as a";
    const harmless = "select pg_backend_pid(), $1::int4 as a";
    await prepare(conn, harmless, [1]);
    await conn.query(text.replace("pg_backend_pid()", "0"), [1], { prepare: true });
    const victim = "select pg_terminate_backend($1::int4)";
    await prepare(conn, victim, [0]);
    const error = await failureOf(() => conn.query(victim, [conn.info.backendPid]));
    expect(error).toBeInstanceOf(errors.AdminShutdown);
    const late = (await failureOf(() => conn.query(harmless, [1]))) as MahoutError;
    expect(late).toMatchObject({ outcome: "not sent" });
  });

  test("bad parameters are refused before anything is sent", async () => {
    await using conn = await shell.connect();
    const text = "select $1::int4 as a";
    await prepare(conn, text, [1]);
    expect(await failureOf(() => conn.query(text, [undefined]))).toMatchObject({
      message: expect.stringContaining("$1 is undefined"),
    });
    expect(await failureOf(() => conn.query(text, [1, 2]))).toMatchObject({
      message: expect.stringContaining("1 parameter"),
    });
    expect(await failureOf(() => conn.query(text, ["x"]))).toBeInstanceOf(Error);
    expect(await conn.query(text, [2])).toEqual([{ a: 2 }]);
  });
});

test("in a pipeline an error names its statement, and those behind it are skipped", async () => {
  await using conn = await connect(defaultServer().conninfo());
  const text = "select 12 / $1::int4 as x";
  await conn.query(text, [1], { prepare: true });
  const outcomes: PromiseSettledResult<unknown>[] = [];
  const error = await failureOf(() =>
    conn.pipeline(async (pipeline) => {
      const told = [1, 0, 2].map((n) => pipeline.query(text, [n]));
      outcomes.push(...(await Promise.allSettled(told)));
      // Nobody looks at this one.
      void pipeline.query(text, [0]);
    }),
  );
  expect(error).toBeInstanceOf(errors.DivisionByZero);
  expect(error).toMatchObject({ index: 1, statement: text });
  const [first, second, third] = outcomes;
  expect(first).toEqual({ status: "fulfilled", value: [{ x: 12 }] });
  expect(second).toMatchObject({ reason: { index: 1 } });
  expect(third).toMatchObject({ reason: { index: 2 } });
  expect((third as PromiseRejectedResult).reason).toBeInstanceOf(PipelineAborted);
});
