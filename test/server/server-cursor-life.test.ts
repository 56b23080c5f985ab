// How long named cursors live, and with what: transactions and none, others of the same name, taking one over,
// pipelines, limits, sessions that end; and what they refuse.

import { describe, expect, test } from "@jest/globals";
import {
  type AsyncServerCursor,
  errors,
  NotSupportedError,
  OperationalError,
  ProgrammingError,
  scalarRow,
} from "../../src/index.ts";
import { expectUsable, failureOf, shells, terminate } from "../support/shells.ts";
import { begun, openOn, rowsOf, TEN } from "./server-cursors.ts";

describe.each(shells)("$name shell", (shell) => {
  const { connect: open } = shell;

  test("outside of a transaction the error names the remedies", async () => {
    await using conn = await open();
    for (const parameters of [[], [1]]) {
      const cur = conn.cursor("lost");
      const text = parameters.length > 0 ? "select $1::int" : "select 1";
      const error = await failureOf(() => cur.execute(text, parameters));
      expect(error).toBeInstanceOf(errors.NoActiveSqlTransaction);
      expect(error.message).toContain("conn.transaction()");
      expect(error.message).toContain("{ withHold: true }");
      expect(error.stack).toContain("server-cursor-life.test");
      await cur.close();
      await expectUsable(conn);
    }
  });

  test("with autocommit off, executing begins the transaction", async () => {
    await using conn = await open({ autocommit: false, rowFactory: scalarRow<number> });
    const cur = await conn.cursor("ten").execute("select generate_series(1, $1::int)", [3]);
    expect(conn.info.transactionStatus).toBe("inTransaction");
    expect(await cur.fetchAll()).toEqual([1, 2, 3]);
    await conn.rollback();
    expect(await failureOf(() => cur.fetchOne())).toBeInstanceOf(errors.InvalidCursorName);
    await conn.rollback();
    await cur.close();
  });

  test("withHold lives on when the transaction has ended, and without one", async () => {
    await using conn = await begun(shell);
    const cur = await conn.cursor("held", { withHold: true }).execute(TEN);
    expect(await cur.fetchOne()).toBe(1);
    await conn.execute("commit");
    expect(await cur.fetchMany(2)).toEqual([2, 3]);
    const other = await conn.cursor("other", { withHold: true }).execute(TEN);
    expect(await openOn(conn)).toEqual(["held", "other"]);
    await failureOf(() => conn.execute("no SQL"));
    await conn.execute("begin");
    await failureOf(() => conn.execute("no SQL"));
    await other.close();
    await conn.execute("rollback");
    expect(await openOn(conn)).toEqual(["held"]);
    expect(await cur.fetchAll()).toEqual([4, 5, 6, 7, 8, 9, 10]);
    await cur.close();
    expect(await openOn(conn)).toEqual([]);
    await expectUsable(conn);
  });

  test("executing again closes what was open, also when that fails", async () => {
    await using conn = await begun(shell);
    const cur = await conn.cursor("ten").execute(TEN);
    await cur.fetchMany(3);
    await cur.execute("select 7 where $1", [true]);
    expect([cur.rowNumber, await cur.fetchAll()]).toEqual([0, [7]]);
    await conn.execute("savepoint s");
    expect(await failureOf(() => cur.execute("no SQL"))).toBeInstanceOf(errors.SyntaxError);
    expect([cur.description, cur.rowNumber]).toEqual([null, null]);
    await conn.execute("rollback to s");
    await cur.execute(TEN);
    expect(await cur.fetchOne()).toBe(1);
  });

  test("close", async () => {
    await using conn = await begun(shell);
    const cur = await conn.cursor("ten").execute(TEN);
    await cur.close();
    await cur.close();
    expect([cur.closed, await openOn(conn)]).toEqual([true, []]);
    for (const use of [
      () => cur.fetchOne(),
      () => cur.fetchMany(1),
      () => cur.fetchAll(),
      () => cur.scroll(1),
      () => cur.execute(TEN),
      () => rowsOf(cur),
    ]) {
      expect((await failureOf(use)).code).toBe("ERR_MAHOUT_CURSOR_CLOSED");
    }
    // One that was never used, or is gone, or can't be closed any more.
    await conn.cursor("unused").close();
    const gone = await conn.cursor("gone").execute(TEN);
    await conn.execute("close gone");
    await gone.close();
    const failed = await conn.cursor("failed").execute(TEN);
    await failureOf(() => conn.execute("no SQL"));
    await failed.close();
    await conn.execute("rollback");
    await expectUsable(conn);
    {
      await conn.execute("begin");
      await using disposed = await conn.cursor("disposed").execute(TEN);
      await disposed.fetchOne();
    }
    expect(await openOn(conn)).toEqual([]);
    const last = await conn.cursor("last").execute(TEN);
    await conn.close();
    await last.close();
    expect(last.closed).toBe(true);
  });

  const taken: [how: string, open: string][] = [
    ["DECLARE", `declare "it's" scroll cursor for ${TEN}`],
    [
      "a function",
      `create function pg_temp.opens(c refcursor) returns refcursor language plpgsql as $$
         begin open c scroll for select generate_series(1, 10); return c; end $$;
       select pg_temp.opens('it''s')`,
    ],
  ];
  test.each(taken)("takes over a cursor opened by %s", async (_, text) => {
    await using conn = await begun(shell);
    await conn.execute(text);
    const cur = conn.cursor("it's", { itersize: 4 });
    expect([cur.description, cur.rowNumber]).toEqual([null, null]);
    expect(await cur.fetchMany(2)).toEqual([1, 2]);
    expect(cur.description).toHaveLength(1);
    expect(cur.rowNumber).toBeNull();
    for await (const row of cur) if (row === 4) break;
    await cur.scroll(1);
    expect(await cur.fetchOne()).toBe(6);
    await cur.scroll(-3);
    expect(await cur.fetchOne()).toBe(4);
    await cur.scroll(7, "absolute");
    expect([cur.rowNumber, await cur.fetchOne()]).toEqual([7, 8]);
    expect(await failureOf(() => cur.scroll(9))).toBeInstanceOf(RangeError);
    expect(cur.rowNumber).toBe(10);
    await cur.close();
    expect(await openOn(conn)).toEqual([]);
  });

  test("a cursor taken over learns where it stands when it runs into an end", async () => {
    await using conn = await begun(shell);
    await conn.execute(`declare c scroll cursor for ${TEN}; move 3 in c`);
    const cur = conn.cursor("c");
    await cur.scroll(-2);
    expect([cur.rowNumber, await cur.fetchOne()]).toEqual([null, 2]);
    expect(await failureOf(() => cur.scroll(-3))).toBeInstanceOf(RangeError);
    expect([cur.rowNumber, await cur.fetchOne()]).toEqual([0, 1]);
    const other = conn.cursor("c");
    await other.scroll(-1);
    expect(other.rowNumber).toBe(0);
    const third = conn.cursor("c");
    expect(await failureOf(() => third.scroll(99))).toBeInstanceOf(RangeError);
    await third.scroll(-1);
    expect([third.rowNumber, await third.fetchAll()]).toEqual([null, [10]]);
    const fourth = conn.cursor("c");
    expect(await failureOf(() => fourth.scroll(11, "absolute"))).toBeInstanceOf(RangeError);
    expect(await failureOf(() => fourth.scroll(-1, "absolute"))).toBeInstanceOf(RangeError);
    await fourth.scroll(0, "absolute");
    expect([fourth.rowNumber, (await fourth.fetchAll()).length]).toEqual([0, 10]);
  });

  test("one that isn't open is an error of the server", async () => {
    await using conn = await begun(shell);
    for (const use of [
      (cur: AsyncServerCursor<number>) => cur.fetchOne(),
      (cur: AsyncServerCursor<number>) => cur.scroll(1),
      (cur: AsyncServerCursor<number>) => rowsOf(cur),
    ]) {
      const error = await failureOf(() => use(conn.cursor("nowhere")));
      expect(error).toBeInstanceOf(errors.InvalidCursorName);
      await conn.execute("rollback");
      await conn.execute("begin");
    }
  });

  test.each([
    "a b",
    'quo"ted',
    '"; drop table x; --',
    "$1",
    "Ünïcode 🐘",
    "select",
    "'",
    "\\",
    "a".repeat(63),
  ])("takes the name %j as it is", async (name) => {
    await using conn = await begun(shell);
    const cur = await conn.cursor(name, { itersize: 3 }).execute(TEN);
    expect(await openOn(conn)).toEqual([name]);
    await cur.scroll(8);
    expect(await cur.fetchAll()).toEqual([9, 10]);
    await cur.close();
    expect(await openOn(conn)).toEqual([]);
  });

  test.each(["", "a".repeat(64), "🐘".repeat(16), "a\0b", null, 7, true, "\ud800"])(
    "refuses the name %j",
    async (name) => {
      await using conn = await begun(shell);
      const error = await failureOf(() => conn.cursor(name as string));
      expect(error).toBeInstanceOf(errors.MahoutError);
      expect(error.message).toMatch(/name|NUL|surrogate/);
    },
  );

  test.each([{ itersize: 0 }, { itersize: 1.5 }, { itersize: "9" }, { size: 1 }])(
    "refuses the options %j",
    async (options) => {
      await using conn = await open();
      const error = await failureOf(() => conn.cursor("c", options as object));
      expect(error).toBeInstanceOf(ProgrammingError);
    },
  );

  test("refuses several statements, and values that don't fit, before anything happens", async () => {
    await using conn = await begun(shell);
    const cur = conn.cursor("c");
    const failing: [text: string, parameters: unknown[]][] = [
      ["select $1::int", [1, 2]],
      ["select $1::int", [{}]],
      ["select $1::int", [undefined]],
    ];
    for (const [text, parameters] of failing) {
      expect(await failureOf(() => cur.execute(text, parameters))).toBeInstanceOf(ProgrammingError);
      await expectUsable(conn, "inTransaction");
    }
    await conn.execute("savepoint s");
    for (const text of ["select 1; select 2", "insert into x values (1)", ""]) {
      expect(await failureOf(() => cur.execute(text))).toBeInstanceOf(ProgrammingError);
      await conn.execute("rollback to s");
    }
    expect(await openOn(conn)).toEqual([]);
    expect(await failureOf(() => cur.fetchMany(-1))).toBeInstanceOf(ProgrammingError);
    await expectUsable(conn, "inTransaction");
  });

  test.each(["executeMany", "copy", "stream"] as const)(
    "has no %s, and says who has",
    async (method) => {
      await using conn = await begun(shell);
      const cur = conn.cursor("c");
      const error = await failureOf(() => (cur[method] as (text: string) => unknown)("select 1"));
      expect(error).toBeInstanceOf(NotSupportedError);
      expect(error.message).toContain(`conn.cursor().${method}()`);
    },
  );

  test("a timeout ends a fetch; the rows that were there are not lost", async () => {
    await using conn = await open({ rowFactory: scalarRow<number> });
    await conn.execute("begin");
    const text =
      "select case when n = 5 then pg_sleep(60)::text::int else n end from generate_series(1, 9) n";
    const cur = await conn.cursor("c", { itersize: 4 }).execute(text);
    for await (const row of cur) if (row === 2) break;
    const error = await failureOf(() => cur.fetchAll({ timeout: 100 }));
    expect(error).toBeInstanceOf(errors.QueryCanceled);
    expect(cur.rowNumber).toBe(2);
    expect(await cur.fetchMany(2)).toEqual([3, 4]);
    await expectUsable(conn, "inError");
  });

  test("in a pipeline it waits for its own answers", async () => {
    await using conn = await begun(shell);
    await conn.execute("create temp table t (n int)");
    {
      await using pipeline = await conn.pipeline();
      await conn.execute("insert into t values ($1)", [7]);
      const cur = await conn.cursor("c", { itersize: 2 }).execute("select n from t");
      await conn.execute("insert into t values ($1)", [8]);
      expect(await rowsOf(cur)).toEqual([7]);
      await conn.execute("insert into t values ($1)", [9]);
      await cur.close();
      await pipeline.sync();
    }
    expect(await conn.query("select count(*)::int from t")).toEqual([3]);
    expect(await openOn(conn)).toEqual([]);
    await expectUsable(conn, "inTransaction");
  });

  test("inside a transaction block, which it begins", async () => {
    await using conn = await open({ rowFactory: scalarRow<number> });
    {
      await using tx = await conn.transaction();
      await using cur = conn.cursor("c");
      await cur.execute("select generate_series(1, $1::int)", [3]);
      expect(await rowsOf(cur)).toEqual([1, 2, 3]);
      await tx.commit();
    }
    await expectUsable(conn);
  });

  test("a session that is killed ends it with its reason", async () => {
    await using conn = await begun(shell);
    const cur = await conn.cursor("c").execute(TEN);
    await cur.fetchOne();
    await terminate(conn.info.backendPid);
    expect(await failureOf(() => cur.fetchOne())).toBeInstanceOf(OperationalError);
    await cur.close();
    expect(cur.closed).toBe(true);
  });
});
