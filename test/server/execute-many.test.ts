// One statement for many items: atomic where autocommit is on, counted, bounded, whatever it gives back, and
// part of the transaction or pipeline that there is.

import { describe, expect, test } from "@jest/globals";
import { errors, PipelineAborted, scalarRow } from "../../src/index.ts";
import { expectUsable, failureOf, shells } from "../support/shells.ts";
import { countOf, HIDDEN_DEALLOCATE, INSERT, numbers, withTable } from "./many-items.ts";

describe.each(shells)("$name shell", ({ connect }) => {
  test("executes a statement for each item and counts all rows", async () => {
    await using conn = await withTable(await connect());
    const cur = conn.cursor();
    expect(await cur.executeMany(INSERT, numbers(10))).toBe(cur);
    expect([cur.rowCount, cur.statusMessage, cur.query]).toEqual([10, "INSERT 0 1", INSERT]);
    expect(cur.description).toBeNull();
    expect(await countOf(conn)).toBe(10);
    await cur.executeMany("delete from many where n % 5 = $1", [[0], [1], [7]]);
    expect([cur.rowCount, cur.statusMessage]).toEqual([4, "DELETE 0"]);
    await expectUsable(conn);
  });

  test.each([
    ["an array", [[1, "a"]]],
    ["a set", new Set([[1, "a"]])],
    ["a generator", numbers(1)],
    ["an iterator's helper", { [Symbol.iterator]: () => [[1, null]].values() }],
  ])("takes %s", async (_, items) => {
    await using conn = await withTable(await connect());
    const cur = await conn.cursor().executeMany(INSERT, items);
    expect(cur.rowCount).toBe(1);
  });

  test("takes no items without asking the server", async () => {
    await using conn = await withTable(await connect());
    const cur = await conn.cursor().executeMany("this is no SQL", []);
    expect([cur.rowCount, cur.statusMessage]).toEqual([0, null]);
    expect(await cur.nextSet()).toBeNull();
    const kept = await conn.cursor().executeMany("this is no SQL", [], { returning: true });
    expect(kept.rowCount).toBe(0);
    await expectUsable(conn);
  });

  test("forgets an earlier count and result", async () => {
    await using conn = await withTable(await connect());
    const cur = await conn.cursor().executeMany(INSERT, numbers(3));
    await cur.execute("select 1 as one");
    expect([cur.rowCount, await cur.fetchAll()]).toEqual([1, [{ one: 1 }]]);
    await failureOf(() => cur.executeMany("no SQL", [[]]));
    expect([cur.rowCount, cur.description]).toEqual([-1, null]);
  });

  test("100,000 items, and only one transaction", async () => {
    await using conn = await withTable(await connect());
    const cur = conn.cursor();
    await cur.executeMany(INSERT, numbers(100_000));
    expect([cur.rowCount, await countOf(conn)]).toEqual([100_000, 100_000]);
    const transactions = "select count(distinct xmin::text)::int as n from many";
    expect(await conn.query(transactions)).toEqual([{ n: 1 }]);
    await expectUsable(conn);
  });

  test("large items, larger answers", async () => {
    await using conn = await connect();
    const cur = conn.cursor();
    const word = "x".repeat(64 * 1024);
    await cur.executeMany(
      "select $1::text || $1 || $1 || $1",
      numbers(500, () => [word]),
    );
    expect(cur.rowCount).toBe(500);
    const options = { returning: true, rowFactory: scalarRow<string> };
    const kept = conn.cursor({ rowFactory: scalarRow<string> });
    await kept.executeMany(
      "select $1::text || $1",
      numbers(20, () => [word]),
      options,
    );
    let results = 0;
    for await (const result of kept.results()) {
      results++;
      expect((await result.fetchOne())?.length).toBe(2 * word.length);
    }
    expect(results).toBe(20);
    await expectUsable(conn);
  });

  test("returning keeps every result", async () => {
    await using conn = await withTable(await connect());
    const cur = conn.cursor();
    const text = `${INSERT} returning n, word`;
    await cur.executeMany(text, numbers(3), { returning: true });
    expect([cur.rowCount, cur.statusMessage]).toEqual([1, "INSERT 0 1"]);
    expect(cur.description?.map((column) => column.name)).toEqual(["n", "word"]);
    expect(await cur.fetchAll()).toEqual([{ n: 0, word: "word 0" }]);
    expect(await cur.nextSet()).toBe(true);
    expect(await cur.fetchOne()).toEqual({ n: 1, word: "word 1" });
    await cur.setResult(-1);
    expect(await cur.fetchOne()).toEqual({ n: 2, word: "word 2" });
    expect(await cur.nextSet()).toBeNull();
    await cur.executeMany(
      "update many set word = $1 where n < $2",
      [
        ["a", 2],
        ["b", 0],
      ],
      {
        returning: true,
      },
    );
    const counts: number[] = [];
    for await (const result of cur.results()) counts.push(result.rowCount);
    expect(counts).toEqual([2, 0]);
  });

  test("rows that were not asked for are counted and dropped", async () => {
    await using conn = await connect();
    const cur = conn.cursor();
    await cur.executeMany("select generate_series(1, $1::int)", [[3], [1000], [0]]);
    expect([cur.rowCount, cur.statusMessage, cur.description]).toEqual([1003, "SELECT 0", null]);
    expect((await failureOf(() => cur.fetchOne())).message).toContain("gives no rows");
  });

  test("without parameters, as often as there are items", async () => {
    await using conn = await withTable(await connect());
    await conn.execute("create temp sequence counter");
    const text = "insert into many values (nextval('counter'), null)";
    const cur = await conn.cursor().executeMany(text, [[], [], []]);
    expect([cur.rowCount, await countOf(conn)]).toEqual([3, 3]);
    await cur.executeMany("set application_name = 'many'", [[]]);
    expect([cur.rowCount, cur.statusMessage]).toEqual([-1, "SET"]);
    await cur.executeMany("", [[], []]);
    expect([cur.rowCount, cur.statusMessage]).toEqual([-1, ""]);
    await expectUsable(conn);
  });

  test("prepares at once, unless told otherwise, and reuses the name", async () => {
    const look = "select name from pg_prepared_statements where statement = $1";
    await using conn = await withTable(await connect());
    const cur = conn.cursor();
    await cur.executeMany(INSERT, numbers(2), { prepare: false });
    expect(await conn.query(look, [INSERT])).toEqual([]);
    await cur.executeMany(INSERT, [[10, null]]);
    const prepared = await conn.query(look, [INSERT]);
    expect(prepared).toHaveLength(1);
    await cur.executeMany(INSERT, [[11, null]]);
    await cur.executeMany(INSERT, [[12, null]], { prepare: false });
    await conn.execute(INSERT, [13, null]);
    expect(await conn.query(look, [INSERT])).toEqual(prepared);
    expect(await countOf(conn)).toBe(6);

    await using pooled = await withTable(await connect({ prepareThreshold: null }));
    await pooled.cursor().executeMany(INSERT, numbers(2));
    expect(await pooled.query(look, [INSERT])).toEqual([]);
  });

  test("inside a transaction it is part of it, and fails it", async () => {
    await using conn = await withTable(await connect());
    const cur = conn.cursor();
    await conn.execute("begin");
    await cur.executeMany(INSERT, numbers(3));
    // Nothing of it was sent: nothing happened.
    await failureOf(() => cur.executeMany(INSERT, [[8, "\0"]]));
    await expectUsable(conn, "inTransaction");
    const items = numbers(50_000, (n) => [n + 3, n === 49_999 ? "\0" : ""]);
    expect((await failureOf(() => cur.executeMany(INSERT, items))).index).toBe(49_999);
    await expectUsable(conn, "inError");
    const refused = await failureOf(() => cur.executeMany(INSERT, numbers(3)));
    expect(refused).toBeInstanceOf(errors.InFailedSqlTransaction);
    await conn.execute("rollback");
    expect(await countOf(conn)).toBe(0);
    await conn.execute("begin");
    await cur.executeMany(INSERT, numbers(3));
    await conn.execute("commit");
    expect(await countOf(conn)).toBe(3);
  });

  test("with autocommit off it begins a transaction, when there is something to do", async () => {
    await using conn = await connect({ autocommit: false });
    await withTable(conn);
    await conn.commit();
    const cur = conn.cursor();
    await cur.executeMany(INSERT, []);
    expect(conn.info.transactionStatus).toBe("idle");
    for (let round = 0; round < 2; round++) {
      await cur.executeMany(INSERT, numbers(3));
      expect(conn.info.transactionStatus).toBe("inTransaction");
      await conn.rollback();
    }
    await cur.executeMany(INSERT, numbers(3));
    await conn.commit();
    expect(await countOf(conn)).toBe(3);
  });

  test("a known statement that was altered is described anew", async () => {
    await using conn = await withTable(await connect());
    const text = `${INSERT} returning *`;
    const cur = conn.cursor();
    await cur.executeMany(text, numbers(2));
    // Hidden from the connection, which would forget its statements by itself.
    await conn.execute("do $$ begin alter table many add flag bool default true; end $$");
    await cur.executeMany(
      text,
      numbers(2, (n) => [n + 10, "x"]),
      { returning: true },
    );
    expect(await cur.fetchOne()).toEqual({ n: 10, word: "x", flag: true });
    await conn.execute("do $$ begin alter table many alter n type text; end $$");
    await cur.executeMany(text, [
      ["not a number", "y"],
      ["z", "z"],
    ]);
    expect(cur.rowCount).toBe(2);
    await conn.execute(HIDDEN_DEALLOCATE);
    await cur.executeMany(text, [["20", "y"]]);
    expect(await countOf(conn)).toBe(7);
    await expectUsable(conn);
  });

  test("a known statement that is gone is described anew in the same new transaction", async () => {
    await using conn = await connect({ autocommit: false });
    await withTable(conn);
    await conn.cursor().executeMany(INSERT, numbers(2));
    await conn.execute(HIDDEN_DEALLOCATE);
    await conn.commit();
    await conn.cursor().executeMany(
      INSERT,
      numbers(2, (n) => [n + 10, "x"]),
    );
    expect(conn.info.transactionStatus).toBe("inTransaction");
    expect(await countOf(conn)).toBe(4);
    await conn.rollback();
  });

  test("other statements with such a word are fine", async () => {
    await using conn = await withTable(await connect());
    const text = "insert into many values ($1, 'a copy')";
    const cur = await conn.cursor().executeMany(
      text,
      numbers(5_000, (n) => [n]),
    );
    expect(cur.rowCount).toBe(5_000);
    await cur.executeMany("deallocate all", [[]]);
    await cur.executeMany(text, [[-1]]);
    await expectUsable(conn);
  });

  test("in a pipeline it is a series of its own, which an earlier failure holds back", async () => {
    await using conn = await withTable(await connect());
    {
      await using pipeline = await conn.pipeline();
      const before = await conn.execute("insert into many values ($1, $2)", [-1, "before"]);
      const cur = await conn.cursor().executeMany(INSERT, numbers(10_000));
      const after = await conn.execute("select count(*)::int as n from many");
      expect([cur.rowCount, await after.fetchAll()]).toEqual([10_000, [{ n: 10_001 }]]);
      expect(before.rowCount).toBe(1);
      expect((await failureOf(() => conn.cursor().executeMany(INSERT, numbers(9)))).index).toBe(0);
      await pipeline.sync();
    }
    {
      await using pipeline = await conn.pipeline();
      await conn.execute("insert into many values ($1, $2)", [-1, "again"]);
      const aborted = await failureOf(() => conn.cursor().executeMany(INSERT, [[-2, ""]]));
      expect(aborted).toBeInstanceOf(PipelineAborted);
      expect(await failureOf(() => pipeline.sync())).toBeInstanceOf(errors.UniqueViolation);
    }
    expect(await countOf(conn)).toBe(10_001);
    await expectUsable(conn);
  });
});
