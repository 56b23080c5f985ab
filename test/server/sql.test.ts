// Pieces of SQL and placeholders by name, wherever a statement can be given, in both shells.

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  type AsyncConnection,
  BlockingConnectionPool,
  ConnectionPool,
  Identifier,
  Placeholder,
  type Query,
  type QueryParameters,
  ProgrammingError,
  sql,
  SQL,
} from "../../src/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { expectUsable, failureOf, shells } from "../support/shells.ts";

describe.each(shells)("$name shell", ({ name, connect }) => {
  let conn: AsyncConnection;

  beforeAll(async () => {
    conn = await connect();
    await conn.execute('create temp table "Things" (id int, name text, tags text[], data jsonb)');
    await conn.execute(
      `insert into "Things" values (1, 'one', '{a}', '[1]'), (2, 'two', '{}', '{}')`,
    );
  });
  afterAll(async () => conn.close());

  const things = sql.identifier("Things");
  const byId = (id: number) => sql`select name from ${things} where id = ${id}`;

  test("a template is taken wherever text is", async () => {
    const rows = [{ name: "two" }];
    expect(await conn.query(byId(2))).toEqual(rows);
    expect(await (await conn.execute(byId(2))).fetchAll()).toEqual(rows);
    const cursor = conn.cursor();
    await cursor.execute(byId(2), [], { prepare: true });
    expect(await cursor.fetchAll()).toEqual(rows);
    expect(cursor.query).toBe('select name from "Things" where id = $1');
    const streamed: unknown[] = [];
    for await (const row of conn.cursor().stream(byId(2))) streamed.push(row);
    expect(streamed).toEqual(rows);
    {
      await using tx = await conn.transaction();
      expect(await tx.query(byId(2))).toEqual(rows);
      expect(await (await tx.execute(byId(2))).fetchAll()).toEqual(rows);
      await using server = conn.cursor("of_a_template");
      await server.execute(byId(2));
      expect(await server.fetchAll()).toEqual(rows);
    }
    await using pipeline = await conn.pipeline();
    const pending = await pipeline.execute(byId(2));
    expect(await pipeline.query(byId(2))).toEqual(rows);
    expect(await pending.fetchAll()).toEqual(rows);
  });

  test("in copy(), values become literals", async () => {
    const read = async (query: Query, parameters: QueryParameters = []): Promise<unknown[]> => {
      const copied: unknown[] = [];
      await using copy = await conn.cursor().copy(query, parameters);
      for await (const row of copy.rows()) copied.push(row);
      return copied;
    };
    const it = "o'n\\e";
    expect(await read(sql`copy (select ${it}, ${-1}) to stdout`)).toEqual([[it, -1]]);
    expect(await read(sql`copy (select ${sql.literal(it)}) to stdout`)).toEqual([[it]]);
    expect(await read("copy (select $b::text, $a::int) to stdout", { a: 1, b: it })).toEqual([
      [it, 1],
    ]);
    const error = await failureOf(() => read(sql`copy (select '${it}') to stdout`));
    expect(error.code).toBe("ERR_MAHOUT_SQL_MISPLACED");
    expect(error.message).not.toContain("n\\e");
  });

  test("pools take them", async () => {
    const Pool = (
      name === "async" ? ConnectionPool : BlockingConnectionPool
    ) as typeof ConnectionPool;
    const pool = new Pool(defaultServer().conninfo(), { maxSize: 1 });
    try {
      expect(await pool.query(sql`select ${1}::int as n`)).toEqual([{ n: 1 }]);
      expect(await pool.query("select $n::int as n", { n: 2 })).toEqual([{ n: 2 }]);
      expect(await (await pool.execute(sql`select ${3}::int as n`)).fetchOne()).toEqual({ n: 3 });
    } finally {
      await pool.close();
    }
  });

  test("values go as the types that the server describes", async () => {
    const [row] = await conn.query(
      sql`select ${["a", null]}::text[] as list, ${[1, { a: 2 }]}::jsonb as json, ${5n}::int8 as big`,
    );
    expect(row).toEqual({ list: ["a", null], json: [1, { a: 2 }], big: 5n });
  });

  test("equal shapes share one prepared statement", async () => {
    await using own = await connect({ prepareThreshold: 0 });
    const find = (columns: string[], id: number, tail: SQL) =>
      sql`select ${sql.join(columns.map((column) => sql.identifier(column)))} from pg_class where oid = ${id} ${tail}`;
    for (let id = 0; id < 10; id++) {
      await own.query(find(["relname", "oid"], id, sql.raw("limit 1")));
      await own.query("select relname from pg_class where oid = $oid", { oid: id });
    }
    const prepared = await own.query(
      "select statement from pg_prepared_statements where statement like '%pg_class where%'",
    );
    expect(prepared.map(({ statement }) => statement as string).sort()).toEqual([
      'select "relname", "oid" from pg_class where oid = $1 limit 1',
      "select relname from pg_class where oid = $1",
    ]);
  });

  test("executeMany() takes templates without values, and items by name", async () => {
    await using cursor = conn.cursor();
    await conn.execute("create temp table if not exists many (a int, b text)");
    const insert = sql`insert into ${sql.identifier("many")} values (${new Placeholder("a")}, ${new Placeholder("b")})`;
    await cursor.executeMany(insert, [
      { a: 1, b: "x" },
      { b: "y", a: 2 },
    ]);
    await cursor.executeMany(
      new SQL("insert into {} values ({}, {})").format(
        new Identifier("many"),
        new Placeholder(),
        new Placeholder(),
      ),
      [[3, "z"]],
    );
    await cursor.executeMany("insert into many values ($a, $b || '$a')", [{ a: 4, b: "w" }]);
    expect(await conn.query("select * from many order by a", [], {})).toEqual([
      { a: 1, b: "x" },
      { a: 2, b: "y" },
      { a: 3, b: "z" },
      { a: 4, b: "w$a" },
    ]);
    const refused: [query: Query, items: object[], message: string][] = [
      [sql`insert into many values (${1}, 'x')`, [[]], "can't have values in it"],
      [
        "insert into many values ($a, $b)",
        [{ a: 1, b: "x" }, [1, "x"]],
        "item 1: an item must be an object",
      ],
      [
        "insert into many values ($a, $b)",
        [{ a: 1, b: "x" }, { a: 1 }],
        "item 1: there is no value for $b",
      ],
      [
        "insert into many values ($1, $2)",
        [[1, "x"], { a: 1 }],
        "item 1: an item must be an array",
      ],
      ["insert into many values ($1, $2)", [{ a: 1 }], "no placeholder like $name"],
    ];
    for (const [query, items, message] of refused) {
      const error = await failureOf(() => cursor.executeMany(query, items as []));
      expect(error).toBeInstanceOf(ProgrammingError);
      expect(error.message).toContain(message);
    }
    expect(await conn.query("select count(*)::int as n from many")).toEqual([{ n: 4 }]);
  });

  test("names are left alone where they are none", async () => {
    const text = `select $a::int as "$a", '$a' as s, E'\\'$a' as e, $q$ $a $q$ as q, $a$b$a$ as d,
      U&'\\0024a' as u, $b::jsonb->>$key as json, ($list::int[])[$at] as element, -$a::int as minus
      /* $x /* $y */ */ -- $z`;
    expect(await conn.query(text, { a: 1, b: { k: "v" }, key: "k", list: [7, 8], at: 2 })).toEqual([
      { $a: 1, s: "$a", e: "'$a", q: " $a ", d: "b", u: "$a", json: "v", element: 8, minus: -1 },
    ]);
  });

  test("the session's way to read strings counts", async () => {
    await using own = await connect();
    const text = "select $a::text || '\\' as found, '$b' as other";
    expect(await own.query(text, { a: "x" })).toEqual([{ found: "x\\", other: "$b" }]);
    await own.execute("set standard_conforming_strings = off; set escape_string_warning = off");
    expect(await own.query("select '\\'$b' as found, $a::text as a", { a: "x" })).toEqual([
      { found: "'$b", a: "x" },
    ]);
    expect((await failureOf(() => own.query(text, { a: "x" }))).message).toContain("has no end");
    await expectUsable(own);
  });

  test("what can't be resolved has a name", async () => {
    const refused: [query: unknown, parameters: unknown, code: string][] = [
      [{ text: "select 1" }, [], "ERR_MAHOUT_NO_STATEMENT"],
      [sql, [], "ERR_MAHOUT_NO_STATEMENT"],
      [sql`select ${1}::int`, [1], "ERR_MAHOUT_PARAMETERS_MIXED"],
      [sql`select ${1}::int`, { a: 1 }, "ERR_MAHOUT_PARAMETERS_MIXED"],
      [sql`select '${1}'`, [], "ERR_MAHOUT_SQL_MISPLACED"],
      ["select $a::int", { b: 1 }, "ERR_MAHOUT_PARAMETER_MISSING"],
      ["select $a::int", { a: undefined }, "ERR_MAHOUT_PARAMETER_MISSING"],
      ["select 1", { timeout: 5 }, "ERR_MAHOUT_PARAMETERS_UNUSED"],
      ["select $1::int, $a::int", { a: 1 }, "ERR_MAHOUT_PARAMETERS_MIXED"],
    ];
    const cursor = conn.cursor();
    for (const [query, parameters, code] of refused) {
      for (const run of [
        () => conn.query(query as string, parameters as []),
        () => conn.execute(query as string, parameters as []),
        () => cursor.execute(query as string, parameters as []),
        async () => {
          await using tx = await conn.transaction();
          await tx.query(query as string, parameters as []);
        },
      ]) {
        const error = await failureOf(run);
        expect(error).toBeInstanceOf(ProgrammingError);
        expect(error.code).toBe(code);
      }
    }
    for (const type of ["json", "text", "int", "inet", "text[]"]) {
      const error = await failureOf(() => conn.query(`select $1::${type}`, [sql`now()`]));
      expect(error.message).toMatch(/Composed/);
    }
    await expectUsable(conn);
  });

  test("in a pipeline, what can't be resolved is told", async () => {
    const error = await failureOf(async () => {
      await using pipeline = await conn.pipeline();
      // The blocking shell tells at once, the asynchronous one also whoever didn't look.
      const query = async (): Promise<unknown> => pipeline.query("select $a::int", {});
      const told = await failureOf(query);
      await pipeline.sync();
      throw told;
    });
    expect(error.code).toBe("ERR_MAHOUT_PARAMETER_MISSING");
    await expectUsable(conn);
  });
});
