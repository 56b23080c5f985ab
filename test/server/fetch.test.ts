// Rows and the place among them: fetchOne, fetchMany, fetchAll, iteration, scroll, and the numbers that
// tell where one stands. A row that cannot be made leaves the place where it was.

import { describe, expect, test } from "@jest/globals";
import { scalarRow } from "../../src/index.ts";
import { failureOf, shells } from "../support/shells.ts";

const FIVE = "select generate_series(1, 5)";

describe.each(shells)("$name shell", ({ connect: open }) => {
  const connect = () => open({ rowFactory: scalarRow<number> });

  test("fetchOne, fetchMany and fetchAll go on where the last one ended", async () => {
    await using conn = await connect();
    const cur = await conn.execute(FIVE);
    expect(cur.rowNumber).toBe(0);
    expect(await cur.fetchOne()).toBe(1);
    expect(cur.rowNumber).toBe(1);
    expect(await cur.fetchMany(2)).toEqual([2, 3]);
    expect(cur.rowNumber).toBe(3);
    expect(await cur.fetchAll()).toEqual([4, 5]);
    expect([cur.rowNumber, cur.rowCount]).toEqual([5, 5]);
  });

  test("after the last row there is undefined, and there are no rows", async () => {
    await using conn = await connect();
    const cur = await conn.execute(FIVE);
    await cur.fetchAll();
    for (let round = 0; round < 2; round++) {
      expect(await cur.fetchOne()).toBeUndefined();
      expect(await cur.fetchMany(3)).toEqual([]);
      expect(await cur.fetchAll()).toEqual([]);
      expect(cur.rowNumber).toBe(5);
    }
  });

  test("fetchMany takes arraySize rows unless it is told", async () => {
    await using conn = await connect();
    const cur = await conn.execute(FIVE);
    expect(cur.arraySize).toBe(1);
    expect(await cur.fetchMany()).toEqual([1]);
    cur.arraySize = 3;
    expect(await cur.fetchMany()).toEqual([2, 3, 4]);
    expect(await cur.fetchMany(0)).toEqual([]);
    expect(await cur.fetchMany(100)).toEqual([5]);
  });

  test.each([-1, 1.5, NaN, "2"])("fetchMany refuses %p", async (size) => {
    await using conn = await connect();
    const cur = await conn.execute(FIVE);
    const error = await failureOf(() => cur.fetchMany(size as number));
    const shown = typeof size === "string" ? `"${size}"` : String(size);
    expect(error.message).toBe(`fetchMany takes a whole number of rows, not ${shown}`);
    expect(await cur.fetchOne()).toBe(1);
  });

  test("iteration goes through the rows that are left", async () => {
    await using conn = await connect();
    const cur = await conn.execute(FIVE);
    await cur.fetchOne();
    const rows: number[] = [];
    for await (const row of cur) rows.push(row);
    expect(rows).toEqual([2, 3, 4, 5]);
    for await (const row of cur) throw new Error(`row ${row} came twice`);
  });

  test("iteration can be left and taken up again", async () => {
    await using conn = await connect();
    const cur = await conn.execute(FIVE);
    for await (const row of cur) if (row === 2) break;
    expect(cur.rowNumber).toBe(2);
    expect(await cur.fetchOne()).toBe(3);
    const rest: number[] = [];
    for await (const row of cur) rest.push(row);
    expect(rest).toEqual([4, 5]);
  });

  test("another statement may run on the connection while rows are gone through", async () => {
    await using conn = await connect();
    const sums: number[] = [];
    for await (const row of await conn.execute(FIVE)) {
      const cur = await conn.execute<number>("select $1::int * 10", [row]);
      sums.push((await cur.fetchOne()) as number);
    }
    expect(sums).toEqual([10, 20, 30, 40, 50]);
  });

  test("rowCount: rows of a result, rows that a command touched, or -1", async () => {
    await using conn = await connect();
    const cur = conn.cursor();
    const counts: [text: string, count: number][] = [
      ["create temp table counted (n int)", -1],
      ["insert into counted select generate_series(1, 4)", 4],
      ["insert into counted values (5), (6) returning n", 2],
      ["update counted set n = n + 1 where n > 2", 4],
      ["delete from counted where n = 1", 1],
      ["select * from counted", 5],
      ["select * from counted where false", 0],
      ["create temp table copied as select * from counted", 5],
      ["begin", -1],
      ["declare portal cursor for select * from counted", -1],
      ["move 2 from portal", 2],
      ["fetch 1 from portal", 1],
      ["rollback", -1],
      ["set application_name = 'x'", -1],
    ];
    for (const [text, count] of counts) {
      await cur.execute(text);
      expect([text, cur.rowCount]).toEqual([text, count]);
    }
  });

  test("statusMessage is the command's tag", async () => {
    await using conn = await connect();
    const cur = await conn.execute("create temp table t (n int)");
    expect(cur.statusMessage).toBe("CREATE TABLE");
    await cur.execute("insert into t values ($1), ($2)", [1, 2]);
    expect(cur.statusMessage).toBe("INSERT 0 2");
    await cur.execute("select n from t");
    expect(cur.statusMessage).toBe("SELECT 2");
    await cur.execute("select n from t", [], { prepare: true });
    expect(cur.statusMessage).toBe("SELECT 2");
  });

  test("a statement without rows has nothing to fetch", async () => {
    await using conn = await connect();
    const cur = await conn.execute("create temp table t (n int)");
    for (const fetch of [() => cur.fetchOne(), () => cur.fetchMany(1), () => cur.fetchAll()]) {
      const error = await failureOf(fetch);
      expect(error.name).toBe("ProgrammingError");
      expect(error.message).toBe("the last statement (CREATE TABLE) gives no rows to fetch");
    }
    const iteration = await failureOf(async () => {
      for await (const row of cur) throw new Error(`row ${row} came from nowhere`);
    });
    expect(iteration.name).toBe("ProgrammingError");
    expect((await failureOf(() => cur.scroll(0))).name).toBe("ProgrammingError");
    expect((await failureOf(() => conn.cursor().fetchOne())).message).toMatch(/no result/);
  });

  test("scroll moves by a number of rows, or to one", async () => {
    await using conn = await connect();
    const cur = await conn.execute(FIVE);
    await cur.scroll(2);
    expect([await cur.fetchOne(), cur.rowNumber]).toEqual([3, 3]);
    await cur.scroll(-3);
    expect(await cur.fetchOne()).toBe(1);
    await cur.scroll(1, "relative");
    expect(await cur.fetchOne()).toBe(3);
    await cur.scroll(4, "absolute");
    expect(await cur.fetchAll()).toEqual([5]);
    await cur.scroll(0, "absolute");
    expect(await cur.fetchAll()).toEqual([1, 2, 3, 4, 5]);
    await cur.scroll(-5);
    expect(cur.rowNumber).toBe(0);
    await cur.scroll(5);
    expect([cur.rowNumber, await cur.fetchOne()]).toEqual([5, undefined]);
  });

  test.each<[value: number, mode: "relative" | "absolute"]>([
    [4, "relative"],
    [-3, "relative"],
    [6, "absolute"],
    [-1, "absolute"],
    [0.5, "absolute"],
    [NaN, "relative"],
  ])("scroll refuses %p %s, and stays where it was", async (value, mode) => {
    await using conn = await connect();
    const cur = await conn.execute(FIVE);
    await cur.fetchMany(2);
    const error = await failureOf(() => cur.scroll(value, mode));
    expect(error.name).toBe("RangeError");
    expect(error.message).toMatch(/outside of the result, which has 5 rows/);
    expect([cur.rowNumber, await cur.fetchOne()]).toEqual([2, 3]);
  });

  test("scroll refuses a mode that there isn't", async () => {
    await using conn = await connect();
    const cur = await conn.execute(FIVE);
    const error = await failureOf(() => cur.scroll(1, "sideways" as "relative"));
    expect([error.name, error.message]).toEqual([
      "TypeError",
      'scroll mode "sideways" is unknown; use "relative" or "absolute"',
    ]);
    expect(cur.rowNumber).toBe(0);
  });

  test("scroll finds its way in a result of many reads", async () => {
    await using conn = await connect();
    const cur = await conn.execute("select n || repeat('x', 200) from generate_series(0, 9999) n");
    const at = async (row: number) => {
      await cur.scroll(row, "absolute");
      return Number.parseInt(String(await cur.fetchOne()), 10);
    };
    for (const row of [9999, 0, 5000, 4999, 5001, 1, 9998, 321, 322, 7777]) {
      expect(await at(row)).toBe(row);
    }
    await cur.scroll(0, "absolute");
    expect(await cur.fetchAll()).toHaveLength(10_000);
  });

  test("a row that cannot be made leaves the place where it was", async () => {
    await using conn = await connect();
    let broken = true;
    const cur = await conn.execute(FIVE, [], {
      rowFactory: () => (values) => {
        if (broken && values[0] === 3) throw new Error("no three");
        return values[0] as number;
      },
    });
    expect(await cur.fetchMany(2)).toEqual([1, 2]);
    expect((await failureOf(() => cur.fetchAll())).message).toBe("no three");
    expect((await failureOf(() => cur.fetchOne())).message).toBe("no three");
    expect(cur.rowNumber).toBe(2);
    broken = false;
    expect(await cur.fetchAll()).toEqual([3, 4, 5]);
  });
});
