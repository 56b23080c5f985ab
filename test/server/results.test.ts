// Several statements in one text give several results: nextSet, results, setResult.

import { describe, expect, test } from "@jest/globals";
import { tupleRow } from "../../src/index.ts";
import { failureOf, shells } from "../support/shells.ts";

const THREE = "select 1 as a; create temp table t (n int); select 'x' as b, 2 as c";

describe.each(shells)("$name shell", ({ connect }) => {
  test("nextSet goes from one to the next", async () => {
    await using conn = await connect();
    const cur = await conn.execute(THREE);
    expect([cur.statusMessage, await cur.fetchOne()]).toEqual(["SELECT 1", { a: 1 }]);
    expect(cur.nextSet()).toBe(true);
    expect([cur.statusMessage, cur.description, cur.rowNumber]).toEqual([
      "CREATE TABLE",
      null,
      null,
    ]);
    expect((await failureOf(() => cur.fetchOne())).name).toBe("ProgrammingError");
    expect(cur.nextSet()).toBe(true);
    expect(cur.description?.map(({ name }) => name)).toEqual(["b", "c"]);
    expect(await cur.fetchAll()).toEqual([{ b: "x", c: 2 }]);
    expect(cur.nextSet()).toBeNull();
    // The last one stays selected.
    expect(cur.rowNumber).toBe(1);
    expect(cur.nextSet()).toBeNull();
  });

  test("results goes through all, and gives the cursor itself", async () => {
    await using conn = await connect();
    const cur = await conn.execute(THREE);
    const seen: unknown[] = [];
    for await (const each of cur.results()) {
      expect(each).toBe(cur);
      seen.push([each.statusMessage, each.description ? await each.fetchAll() : null]);
    }
    expect(seen).toEqual([
      ["SELECT 1", [{ a: 1 }]],
      ["CREATE TABLE", null],
      ["SELECT 1", [{ b: "x", c: 2 }]],
    ]);
  });

  test("results starts with the one that is selected, and can be left", async () => {
    await using conn = await connect();
    const cur = await conn.execute("select 1; select 2; select 3", [], { rowFactory: tupleRow });
    cur.nextSet();
    for await (const each of cur.results()) {
      expect(await each.fetchAll()).toEqual([[2]]);
      break;
    }
    cur.nextSet();
    expect(await cur.fetchAll()).toEqual([[3]]);
  });

  test("results of nothing are none", async () => {
    await using conn = await connect();
    for await (const cur of conn.cursor().results()) throw new Error(`${cur.query} came`);
  });

  test("setResult selects by number, negative ones from the end", async () => {
    await using conn = await connect();
    const cur = await conn.execute("select 10 as n; select 20 as n; select 30 as n");
    const select = async (index: number) => (await cur.setResult(index).fetchOne())?.["n"];
    const found: unknown[] = [];
    for (const index of [2, 0, 1, -1, -3, -2]) found.push(await select(index));
    expect(found).toEqual([30, 10, 20, 30, 10, 20]);
    expect(cur.setResult(0)).toBe(cur);
    expect(cur.nextSet()).toBe(true);
    expect(await cur.fetchOne()).toEqual({ n: 20 });
  });

  test("each result is read from its start when it is selected", async () => {
    await using conn = await connect();
    const cur = await conn.execute("select 10 as n; select 20 as n");
    expect(await cur.fetchAll()).toEqual([{ n: 10 }]);
    expect(await cur.setResult(0).fetchAll()).toEqual([{ n: 10 }]);
  });

  test.each([3, -4, 1.5, NaN])("setResult refuses %p", async (index) => {
    await using conn = await connect();
    const cur = await conn.execute("select 1 as n; select 2 as n; select 3 as n");
    cur.setResult(1);
    const error = await failureOf(() => cur.setResult(index));
    expect([error.name, error.message]).toEqual([
      "RangeError",
      `result ${index} is out of range: there are 3 results`,
    ]);
    expect(await cur.fetchOne()).toEqual({ n: 2 });
  });

  test("setResult without a result", async () => {
    await using conn = await connect();
    const error = await failureOf(() => conn.cursor().setResult(0));
    expect(error.message).toBe("result 0 is out of range: there are 0 results");
    const cur = await conn.execute("select 1");
    expect((await failureOf(() => cur.setResult(1))).message).toMatch(/there is 1 result$/);
  });

  test("when one of the statements fails, there is no result", async () => {
    await using conn = await connect();
    const cur = conn.cursor();
    const error = await failureOf(() => cur.execute("select 1; select 1/0; select 3"));
    expect(error.sqlstate).toBe("22012");
    expect([cur.statusMessage, cur.nextSet()]).toEqual([null, null]);
    expect(await conn.query("select 1 as n")).toEqual([{ n: 1 }]);
  });

  test("an implicit transaction around all, unless the text has its own", async () => {
    await using conn = await connect();
    await conn.execute("create temp table t (n int)");
    await failureOf(() => conn.execute("insert into t values (1); select 1/0"));
    expect(await conn.query("select n from t")).toEqual([]);
    await failureOf(() => conn.execute("begin; insert into t values (2); commit; select 1/0"));
    expect(await conn.query("select n from t")).toEqual([{ n: 2 }]);
  });

  test("several statements can't have parameters", async () => {
    await using conn = await connect();
    for (const [parameters, options] of [
      [[1], {}],
      [[], { prepare: true }],
      [[], { binary: true }],
    ] as const) {
      const text = parameters.length > 0 ? "select $1::int; select 2" : "select 1; select 2";
      const error = await failureOf(() => conn.execute(text, parameters, options));
      expect([error.name, error.message]).toEqual([
        "SyntaxError",
        "cannot insert multiple commands into a prepared statement",
      ]);
    }
    expect(await conn.query("select 1 as n; select 2 as n")).toEqual([{ n: 2 }]);
  });
});
