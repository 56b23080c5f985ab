// What is known of a statement can be wrong by the time it is run again, because somebody changed a table. It
// must be seen and made good: transparently wherever nothing was executed yet, and never with wrong values.

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type AsyncConnection, connect, DataError, errors, Interval } from "../../src/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { failureOf, shells } from "../support/shells.ts";

/** A table of a test's own, which other sessions can change. */
const newTable = (): string => `changed_${Math.random().toString(36).slice(2)}`;

let other: AsyncConnection;

/** Runs a statement in another session. */
const elsewhere = (text: string): Promise<unknown> => other.execute(text);

beforeAll(async () => {
  other = await connect(defaultServer().conninfo());
  await other.execute("create type prepare_changes_mood as enum ('calm')");
});

afterAll(async () => {
  await other.execute("drop type prepare_changes_mood");
  await other.close();
});

/** How a statement can be known when its table changes. */
const known: [how: string, times: number, options: object][] = [
  ["known", 2, { prepare: false }],
  ["prepared", 2, { prepare: true }],
  ["known since it was run with binary results", 2, { binary: true, prepare: false }],
];

type Change = [change: string, row: Record<string, unknown>];

/** What can happen to `create table T (a int, b text)` with the row (1, 'x'), and the row after it. */
const changes: readonly Change[] = [
  ["add column c int default 3", { a: 1, b: "x", c: 3 }],
  ["drop column b", { a: 1 }],
  ["drop column b, drop column a, add column z text default 'z'", { z: "z" }],
  ["rename a to renamed", { renamed: 1, b: "x" }],
  ["alter column a type text", { a: "1", b: "x" }],
  ["alter column a type int8", { a: 1n, b: "x" }],
  ["alter column a type interval using interval '1 day'", { a: new Interval(0, 1), b: "x" }],
  ["alter column a type inet using '10.0.0.1'", { a: "10.0.0.1", b: "x" }],
];

/** The same, to types whose binary form nobody here can read. */
const toUnreadable: readonly Change[] = [
  ["alter column a type money using '$1.50'", { a: "$1.50", b: "x" }],
  ["alter column a type prepare_changes_mood using 'calm'", { a: "calm", b: "x" }],
];

describe.each(shells)("a table that changes, in the $name shell", (shell) => {
  describe.each(known)("statement %s", (_how, times, options) => {
    async function withTable(body: (conn: AsyncConnection, table: string) => Promise<void>) {
      await using conn = await shell.connect();
      const table = newTable();
      await conn.execute(`create table ${table} (a int, b text)`);
      await conn.execute(`insert into ${table} values (1, 'x')`);
      for (const text of [`select * from ${table}`, `select * from ${table} where $1::int = 1`]) {
        for (let round = 0; round < times; round++) {
          const parameters = text.includes("$1") ? [1] : [];
          expect(await conn.query(text, parameters, options)).toEqual([{ a: 1, b: "x" }]);
        }
      }
      try {
        await body(conn, table);
      } finally {
        await conn.close();
        await elsewhere(`drop table ${table}`);
      }
    }

    const select = async (conn: AsyncConnection, table: string) => [
      ...(await conn.query(`select * from ${table}`, [], options)),
      ...(await conn.query(`select * from ${table} where $1::int = 1`, [1], options)),
    ];

    test.each([...changes, ...toUnreadable])(
      "%s, by the connection itself",
      async (change, row) => {
        await withTable(async (conn, table) => {
          await conn.execute(`alter table ${table} ${change}`);
          expect(await select(conn, table)).toEqual([row, row]);
          expect(await select(conn, table)).toEqual([row, row]);
        });
      },
    );

    test.each([...changes, ...toUnreadable])("%s, in a transaction", async (change, row) => {
      await withTable(async (conn, table) => {
        await conn.execute("begin");
        await conn.execute(`alter table ${table} ${change}`);
        expect(await select(conn, table)).toEqual([row, row]);
        await conn.execute("rollback");
        const before = { a: 1, b: "x" };
        expect(await select(conn, table)).toEqual([before, before]);
      });
    });

    test.each(changes)("%s, by another session", async (change, row) => {
      await withTable(async (conn, table) => {
        await elsewhere(`alter table ${table} ${change}`);
        expect(await select(conn, table)).toEqual([row, row]);
        expect(await select(conn, table)).toEqual([row, row]);
      });
    });

    test.each(changes.slice(0, 3))(
      "%s, by a function that the statement's tag doesn't tell",
      async (change, row) => {
        await withTable(async (conn, table) => {
          await conn.execute(`do $$ begin alter table ${table} ${change}; end $$`);
          expect(await select(conn, table)).toEqual([row, row]);
        });
      },
    );

    test.each(toUnreadable)("%s, by another session: never wrong values", async (change, row) => {
      await withTable(async (conn, table) => {
        await elsewhere(`alter table ${table} ${change}`);
        // It was asked for in binary, and has been executed: once, an error is all that can be given.
        for (const [text, parameters] of [
          [`select * from ${table}`, []],
          [`select * from ${table} where $1::int = 1`, [1]],
        ] as const) {
          const select = () => conn.query(text, parameters, options);
          const first = await Promise.resolve()
            .then(select)
            .catch((error: unknown) => error);
          if (first instanceof Error) expect(first).toBeInstanceOf(DataError);
          else expect(first).toEqual([row]);
          expect(await select()).toEqual([row]);
        }
      });
    });

    test("dropped and made again", async () => {
      await withTable(async (conn, table) => {
        await conn.execute(`drop table ${table}`);
        const error = await failureOf(() => select(conn, table));
        expect(error).toBeInstanceOf(errors.UndefinedTable);
        await conn.execute(`create table ${table} as select 'new' as n`);
        expect(await select(conn, table)).toEqual([{ n: "new" }, { n: "new" }]);
      });
    });

    test("another schema comes first in the search path", async () => {
      await withTable(async (conn, table) => {
        await conn.execute(`create temp table ${table} as select 2::int8 as other`);
        expect(await select(conn, table)).toEqual([{ other: 2n }, { other: 2n }]);
        await conn.execute(`drop table pg_temp.${table}`);
        const before = { a: 1, b: "x" };
        expect(await select(conn, table)).toEqual([before, before]);
      });
    });
  });

  test.each([{ prepare: true }, { prepare: false }])(
    "changed by another session while in a transaction: an error, and all is well after it %p",
    async (options) => {
      await using conn = await shell.connect();
      const table = newTable();
      await conn.execute(`create table ${table} as select 1 as a, 2 as b`);
      const select = () => conn.query(`select * from ${table} where $1::int = 1`, [1], options);
      for (let round = 0; round < 3; round++) expect(await select()).toEqual([{ a: 1, b: 2 }]);
      await conn.execute("begin");
      await elsewhere(`alter table ${table} add c int`);
      const error = await failureOf(select);
      expect(["0A000", "08P01"]).toContain(error.sqlstate);
      expect(conn.info.transactionStatus).toBe("inError");
      await conn.execute("rollback");
      expect(await select()).toEqual([{ a: 1, b: 2, c: null }]);
      await conn.execute(`drop table ${table}`);
    },
  );

  describe.each([{ prepare: true }, { prepare: false }])("parameters %p", (options) => {
    test.each<[from: string, first: unknown, to: string, then: unknown]>([
      ["int4", 1, "text", "1"],
      ["int4", 1, "text", "one"],
      ["int4", 1, "int8", 3_000_000_000n],
      ["int4", 1, "numeric", "1.5"],
      ["int4", 1, "uuid using gen_random_uuid()", "3d9f7c0e-0000-4000-8000-000000000000"],
      ["text", "1", "int4 using a::int4", 2],
      ["jsonb", { a: 1 }, "int4[] using '{}'", [1, 2]],
    ])("%s, given %p, follow the column to %s, given %p", async (from, first, to, then) => {
      await using conn = await shell.connect();
      const table = newTable();
      await conn.execute(`create table ${table} (a ${from})`);
      const select = (value: unknown) =>
        conn.query(`select count(*)::int as n from ${table} where a = $1`, [value], options);
      const insert = (value: unknown) =>
        conn.query(`insert into ${table} values ($1)`, [value], options);
      for (let n = 0; n < 3; n++) {
        await insert(first);
        expect(await select(first)).toEqual([{ n: n + 1 }]);
      }
      await elsewhere(`alter table ${table} alter column a type ${to}`);
      await insert(then);
      expect((await select(then))[0]?.["n"]).toBeGreaterThanOrEqual(1);
      await conn.execute(`drop table ${table}`);
    });
  });

  test("an insert is repeated only when nothing of it happened", async () => {
    await using conn = await shell.connect();
    const table = newTable();
    await conn.execute(`create table ${table} (a int)`);
    const insert = (n: number) =>
      conn.query(`insert into ${table} values ($1) returning *`, [n], { prepare: true });
    await insert(1);
    await elsewhere(`alter table ${table} add b int default 5`);
    expect(await insert(2)).toEqual([{ a: 2, b: 5 }]);
    expect(await conn.query(`select a from ${table} order by a`)).toEqual([{ a: 1 }, { a: 2 }]);
    await conn.execute(`drop table ${table}`);
  });
});
