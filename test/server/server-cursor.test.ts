// Named cursors: declared with parameters, fetched in pieces, moved both ways. The server is the witness of what
// is open and of where it stands.

import { describe, expect, test } from "@jest/globals";
import { errors, scalarRow, tupleRow } from "../../src/index.ts";
import { expectUsable, failureOf, shells } from "../support/shells.ts";
import { begun, openOn, rowsOf, TEN } from "./server-cursors.ts";

describe.each(shells)("$name shell", (shell) => {
  const { connect: open } = shell;

  test("executes, and knows the columns before a row was fetched", async () => {
    await using conn = await begun(shell);
    const cur = conn.cursor("ten");
    expect([cur.name, cur.scrollable, cur.withHold, cur.itersize]).toEqual([
      "ten",
      null,
      false,
      100,
    ]);
    expect([cur.description, cur.rowNumber, cur.rowCount, cur.query]).toEqual([
      null,
      null,
      -1,
      null,
    ]);
    expect(
      await cur.execute("select n, n::text as t from generate_series(1, $1::int) n", [3]),
    ).toBe(cur);
    expect(cur.description?.map(({ name, typeDisplay }) => [name, typeDisplay])).toEqual([
      ["n", "int4"],
      ["t", "text"],
    ]);
    expect([cur.rowNumber, cur.rowCount, cur.statusMessage]).toEqual([0, -1, "DECLARE CURSOR"]);
    expect(await openOn(conn)).toEqual(["ten"]);
    cur.rowFactory = tupleRow as never;
    expect(await cur.fetchAll()).toEqual([
      [1, "1"],
      [2, "2"],
      [3, "3"],
    ]);
    expect([cur.rowNumber, cur.rowCount, cur.statusMessage]).toEqual([3, -1, "FETCH 3"]);
    await expectUsable(conn, "inTransaction");
  });

  test("fetchOne, fetchMany and fetchAll go on where the last one ended", async () => {
    await using conn = await begun(shell);
    const cur = await conn.cursor("ten").execute(TEN);
    expect(await cur.fetchOne()).toBe(1);
    expect(await cur.fetchMany()).toEqual([2]);
    cur.arraySize = 2;
    expect(await cur.fetchMany()).toEqual([3, 4]);
    expect(await cur.fetchMany(0)).toEqual([]);
    expect(cur.rowNumber).toBe(4);
    expect(await cur.fetchAll()).toEqual([5, 6, 7, 8, 9, 10]);
    for (let round = 0; round < 2; round++) {
      expect(await cur.fetchOne()).toBeUndefined();
      expect(await cur.fetchMany(3)).toEqual([]);
      expect(await cur.fetchAll()).toEqual([]);
      expect(await rowsOf(cur)).toEqual([]);
      expect(cur.rowNumber).toBe(10);
    }
    expect(await cur.nextSet()).toBeNull();
  });

  test.each([1, 3, 5, 10, 11, 100])("a loop fetches pages of %i", async (itersize) => {
    await using conn = await begun(shell);
    const cur = await conn.cursor("ten", { itersize }).execute(TEN);
    expect(await rowsOf(cur)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(cur.rowNumber).toBe(10);
  });

  test("a loop that was left goes on anywhere, with all its rows", async () => {
    await using conn = await begun(shell);
    const cur = conn.cursor("ten", { itersize: 4 });
    const leave = async (after: number) => {
      for await (const row of cur) if (row === after) break;
    };
    await cur.execute(TEN);
    await leave(2);
    expect(cur.rowNumber).toBe(2);
    expect(await cur.fetchOne()).toBe(3);
    expect(await cur.fetchMany(3)).toEqual([4, 5, 6]);
    expect(await rowsOf(cur)).toEqual([7, 8, 9, 10]);

    await cur.execute(TEN);
    await leave(2);
    await leave(3);
    expect(await cur.fetchAll()).toEqual([4, 5, 6, 7, 8, 9, 10]);

    // Inside the page, to its end, and beyond it.
    for (const by of [1, 2, 4]) {
      await cur.execute(TEN);
      await leave(2);
      await cur.scroll(by);
      expect([cur.rowNumber, await cur.fetchOne()]).toEqual([2 + by, 3 + by]);
    }
  });

  test("values come in the formats that suit them, as for a client cursor", async () => {
    const text = `select 1::int8 as a, '{1,2}'::int4[] as b, '2024-01-02 03:04:05Z'::timestamptz as c,
        'x'::text as d, null::float8 as e, '\\x00ff'::bytea as f, '{"a":1}'::jsonb as g`;
    await using conn = await open();
    await conn.execute("begin");
    const cur = conn.cursor("all");
    for (const options of [{}, { binary: true }, { binary: false }]) {
      const client = await conn.execute(text, [], { prepare: true, ...options });
      await cur.execute(text, [], options);
      const formats = (columns: typeof cur.description) => columns?.map((column) => column.format);
      expect(formats(cur.description)).toEqual(formats(client.description));
      expect(await cur.fetchAll()).toEqual(await client.fetchAll());
    }
  });

  test("rowFactory: the connection's, the cursor's, the call's, and a later change", async () => {
    await using conn = await begun(shell);
    const cur = conn.cursor("ten", { rowFactory: tupleRow, itersize: 2 });
    await cur.execute(TEN);
    expect(await cur.fetchOne()).toEqual([1]);
    await cur.execute(TEN, [], { rowFactory: scalarRow as never });
    expect(await cur.fetchMany(3)).toEqual([1, 2, 3]);
    expect(await cur.fetchOne()).toBe(4);
    cur.rowFactory = tupleRow;
    expect(await cur.fetchOne()).toEqual([5]);
  });

  test("scroll moves by and to rows", async () => {
    await using conn = await begun(shell);
    const cur = await conn.cursor("ten", { scrollable: true, itersize: 3 }).execute(TEN);
    const steps: [value: number, mode: "relative" | "absolute", next: number | undefined][] = [
      [0, "relative", 1],
      [3, "relative", 5],
      [-2, "relative", 4],
      [0, "absolute", 1],
      [9, "absolute", 10],
      [-1, "relative", 10],
      [10, "absolute", undefined],
      [-10, "relative", 1],
      [8, "relative", 10],
      [0, "relative", undefined],
      [-3, "relative", 8],
      [4, "absolute", 5],
    ];
    for (const [value, mode, next] of steps) {
      await cur.scroll(value, mode);
      expect([value, mode, await cur.fetchOne()]).toEqual([value, mode, next]);
      if (next !== undefined) expect(cur.rowNumber).toBe(next);
    }
    // Behind the last row, where the server stands one further.
    await cur.fetchAll();
    await cur.scroll(-1);
    expect([cur.rowNumber, await cur.fetchAll()]).toEqual([9, [10]]);
    await cur.scroll(0, "absolute");
    for await (const row of cur) if (row === 2) break;
    await cur.scroll(-1);
    expect([cur.rowNumber, await cur.fetchOne()]).toEqual([1, 2]);
  });

  test("scroll out of the result is a RangeError, and proves where the end is", async () => {
    await using conn = await begun(shell);
    const cur = await conn.cursor("ten", { scrollable: true }).execute(TEN);
    const outside: [value: number, mode: "relative" | "absolute", at: number][] = [
      [-1, "absolute", 0],
      [-1, "relative", 0],
      [11, "absolute", 10],
      [1, "relative", 10],
      [-11, "relative", 10],
      [2 ** 31, "relative", 10],
      [1.5, "relative", 10],
      [NaN, "absolute", 10],
    ];
    for (const [value, mode, at] of outside) {
      const error = await failureOf(() => cur.scroll(value, mode));
      expect(error).toBeInstanceOf(RangeError);
      expect([value, cur.rowNumber]).toEqual([value, at]);
      await cur.scroll(0);
    }
    expect((await failureOf(() => cur.scroll(11, "absolute"))).message).toBe(
      "row 11 is outside of the result, which has 10 rows",
    );
    expect(await failureOf(() => cur.scroll(1, "sideways" as never))).toBeInstanceOf(TypeError);
    await cur.scroll(-4);
    expect(await cur.fetchAll()).toEqual([7, 8, 9, 10]);
    await expectUsable(conn, "inTransaction");
  });

  test("a cursor that can't go back says so", async () => {
    await using conn = await begun(shell);
    const cur = await conn.cursor("ten", { scrollable: false }).execute(TEN);
    await cur.scroll(2);
    expect(await cur.fetchOne()).toBe(3);
    await cur.scroll(7, "absolute");
    expect(await cur.fetchOne()).toBe(8);
    const error = await failureOf(() => cur.scroll(-1));
    expect(error).toBeInstanceOf(errors.ObjectNotInPrerequisiteState);
    await expectUsable(conn, "inError");
  });

  test("fetchOne leaves the server on its row, for `where current of`", async () => {
    await using conn = await begun(shell);
    await conn.execute("create temp table t as select generate_series(1, 3) as n");
    const cur = await conn.cursor("c").execute("select n from t for update");
    await cur.fetchOne();
    await cur.fetchOne();
    await conn.execute("update t set n = n * 10 where current of c");
    expect(await conn.query("select n from t order by n")).toEqual([1, 3, 20]);
  });

  test("a row that can't be made leaves the place where it was", async () => {
    await using conn = await begun(shell);
    let fails = true;
    const picky = () => (values: readonly unknown[]) => {
      if (fails && values[0] === 3) throw new Error("three");
      return values[0];
    };
    const cur = conn.cursor("c", { rowFactory: picky, itersize: 2 });
    await cur.execute(TEN);
    expect((await failureOf(() => cur.fetchMany(4))).message).toBe("three");
    expect(cur.rowNumber).toBe(0);
    expect((await failureOf(() => rowsOf(cur))).message).toBe("three");
    expect(cur.rowNumber).toBe(2);
    fails = false;
    expect(await cur.fetchAll()).toEqual([3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test("100,000 rows, with other statements in between", async () => {
    await using conn = await begun(shell);
    const cur = await conn
      .cursor("c", { itersize: 10_000 })
      .execute("select generate_series(1, 100000)");
    let sum = 0;
    for await (const row of cur) {
      sum += row;
      if (row % 20_000 === 0) expect(await conn.query("select 1")).toEqual([1]);
    }
    expect(sum).toBe(5_000_050_000);
  });
});
