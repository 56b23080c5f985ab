// Statements and the three ways to run them: execute() gives a cursor, query() the rows, and a cursor
// can be used again. What a statement of an unusual shape gives: nothing, no columns, or 1,600 of them.

import { describe, expect, test } from "@jest/globals";
import { dictRow, tupleRow } from "../../src/index.ts";
import { failureOf, shells } from "../support/shells.ts";

describe.each(shells)("$name shell", ({ connect, Connection }) => {
  test("execute gives a cursor that stands before the first row", async () => {
    await using conn = await connect();
    const cur = await conn.execute("select 1 as one, 'x' as word");
    expect(cur.connection).toBe(conn);
    expect(await cur.fetchOne()).toEqual({ one: 1, word: "x" });
    expect(await cur.fetchOne()).toBeUndefined();
  });

  test("query gives the rows", async () => {
    await using conn = await connect();
    expect(await conn.query("select generate_series(1, 3) as n")).toEqual([
      { n: 1 },
      { n: 2 },
      { n: 3 },
    ]);
    expect(await conn.query("select 1 where false")).toEqual([]);
    expect(await conn.query("set application_name = 'x'")).toEqual([]);
  });

  test("query gives the rows of the last result that has any", async () => {
    await using conn = await connect();
    const text = "select 1 as a; select 2 as a; set application_name = 'x'";
    expect(await conn.query(text)).toEqual([{ a: 2 }]);
  });

  test("parameters, from the first execution to the prepared ones", async () => {
    await using conn = await connect();
    for (let round = 0; round < 8; round++) {
      const rows = await conn.query("select $1::int + 1 as n, $2::text as t", [round, `t${round}`]);
      expect(rows).toEqual([{ n: round + 1, t: `t${round}` }]);
      expect(await conn.query("select 40 + 2 as n")).toEqual([{ n: 42 }]);
    }
  });

  test("a parameter's type may be left to the server", async () => {
    await using conn = await connect();
    expect(await conn.query("select $1 as t, $2 + 1 as n", ["x", 1])).toEqual([{ t: "x", n: 2 }]);
  });

  test("null is NULL, and no parameters are no parameters", async () => {
    await using conn = await connect();
    expect(await conn.query("select $1::int as n", [null])).toEqual([{ n: null }]);
    expect(await conn.query("select 1 as n", [])).toEqual([{ n: 1 }]);
    expect(await conn.query("select 1 as n", undefined)).toEqual([{ n: 1 }]);
  });

  test("a cursor runs one statement after the other, and execute returns it", async () => {
    await using conn = await connect();
    const cur = conn.cursor();
    expect([cur.query, cur.description, cur.statusMessage]).toEqual([null, null, null]);
    expect([cur.rowCount, cur.rowNumber]).toEqual([-1, null]);
    expect(await cur.execute("select 1 as a")).toBe(cur);
    expect(cur.query).toBe("select 1 as a");
    await cur.execute("select $1::text as b", ["x"]);
    expect(await cur.fetchAll()).toEqual([{ b: "x" }]);
    expect(cur.query).toBe("select $1::text as b");
  });

  test("a statement that fails leaves the cursor without a result", async () => {
    await using conn = await connect();
    const cur = await conn.execute("select 1 as a");
    expect((await failureOf(() => cur.execute("select nope"))).sqlstate).toBe("42703");
    expect([cur.description, cur.statusMessage, cur.rowCount]).toEqual([null, null, -1]);
    expect((await failureOf(() => cur.fetchOne())).message).toBe(
      "there is no result to fetch from; execute a statement first",
    );
    await cur.execute("select 2 as a");
    expect(await cur.fetchOne()).toEqual({ a: 2 });
  });

  test.each(["", " ", ";", "-- nothing"])("an empty statement: %p", async (text) => {
    await using conn = await connect();
    const cur = await conn.execute(text);
    expect([cur.statusMessage, cur.rowCount, cur.description]).toEqual(["", -1, null]);
    expect((await failureOf(() => cur.fetchAll())).message).toBe(
      "the last statement (empty) gives no rows to fetch",
    );
    const prepared = await conn.execute(text, [], { prepare: true });
    expect(prepared.statusMessage).toBe("");
    expect(await conn.query(text)).toEqual([]);
  });

  test("no columns", async () => {
    await using conn = await connect();
    for (const options of [{}, { prepare: true }, { binary: true }]) {
      const cur = await conn.execute("select from generate_series(1, 3)", [], options);
      expect(cur.description).toEqual([]);
      expect(cur.rowCount).toBe(3);
      expect(await cur.fetchAll()).toEqual([{}, {}, {}]);
      const tuples = { ...options, rowFactory: tupleRow };
      expect(await conn.query("select", [], tuples)).toEqual([[]]);
    }
  });

  test("1,600 columns, as many as a server gives", async () => {
    await using conn = await connect();
    const columns = Array.from({ length: 1600 }, (_, index) => `${index} as c${index}`);
    const expected = Object.fromEntries(columns.map((_, index) => [`c${index}`, index]));
    for (const prepare of [false, true]) {
      const text = `select ${columns.join()} from generate_series(1, 2)`;
      const cur = await conn.execute(text, [], { prepare });
      expect(cur.description).toHaveLength(1600);
      expect(await cur.fetchAll()).toEqual([expected, expected]);
    }
  });

  test("columns of the same name: the last one in objects, all of them in arrays", async () => {
    await using conn = await connect();
    const text = "select 1 as a, 2 as b, 3 as a from generate_series(1, $1)";
    // Beyond some hundred rows another reader does the same.
    for (const count of [1, 1000]) {
      const dicts = await conn.query(text, [count], { rowFactory: dictRow });
      expect(dicts).toHaveLength(count);
      expect(dicts.at(-1)).toEqual({ a: 3, b: 2 });
      const tuples = await conn.query(text, [count], { rowFactory: tupleRow });
      expect(tuples.at(-1)).toEqual([1, 2, 3]);
    }
  });

  test("with closes the connection, also when its function throws", async () => {
    await using conn = await connect();
    const conninfo = conn.info.dsn;
    let inside: typeof conn | undefined;
    const result = await Connection.with(conninfo, (given) => {
      inside = given;
      return given.query("select 7 as n");
    });
    expect(result).toEqual([{ n: 7 }]);
    expect([inside?.closed, inside?.broken]).toEqual([true, false]);
    const error = await failureOf(() =>
      Connection.with(conninfo, (given) => {
        inside = given;
        throw new Error("mine");
      }),
    );
    expect(error.message).toBe("mine");
    expect(inside?.closed).toBe(true);
  });
});
