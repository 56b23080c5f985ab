// The ends of cursors and connections: what closed says, what can still be done, and what can't.

import { describe, expect, test } from "@jest/globals";
import { type AsyncConnection, InterfaceError, OperationalError } from "../../src/index.ts";
import { eventually, administer, failureOf, shells } from "../support/shells.ts";

/** Everything that needs a living connection. */
const uses: [what: string, use: (conn: AsyncConnection) => unknown][] = [
  ["execute", (conn) => conn.execute("select 1")],
  ["execute with a timeout", (conn) => conn.execute("select 1", [], { timeout: 1000 })],
  ["query", (conn) => conn.query("select 1")],
  ["cursor", (conn) => conn.cursor()],
  ["fileno", (conn) => conn.fileno()],
];

describe.each(shells)("$name shell", ({ connect }) => {
  test("a closed connection is closed and not broken, and says goodbye to the server", async () => {
    const conn = await connect();
    const { backendPid } = conn.info;
    const { disconnected } = conn;
    expect([conn.closed, conn.broken]).toEqual([false, false]);
    expect(await conn.close()).toBeUndefined();
    expect([conn.closed, conn.broken]).toEqual([true, false]);
    expect([disconnected.aborted, conn.disconnected === disconnected]).toEqual([false, true]);
    const text = `select 1 from pg_stat_activity where pid = ${backendPid}`;
    await eventually(async () => (await administer(text)).length === 0);
  });

  test.each(uses)("a closed connection refuses %s", async (_what, use) => {
    const conn = await connect();
    await conn.close();
    const error = await failureOf(() => use(conn));
    expect(error).toBeInstanceOf(OperationalError);
    expect([error.message, error.code, error.cause]).toEqual([
      "the connection is closed",
      "ERR_MAHOUT_CONNECTION_CLOSED",
      undefined,
    ]);
  });

  test("closing can be repeated", async () => {
    const conn = await connect();
    await conn.close();
    await conn.close();
    await conn.close();
    expect([conn.closed, conn.broken]).toEqual([true, false]);
  });

  test("cancel has nothing to do on a closed connection", async () => {
    const conn = await connect();
    await conn.close();
    expect(await conn.cancel()).toBeUndefined();
  });

  test("an open transaction is dropped", async () => {
    const table = `dropped_${Math.random().toString(36).slice(2)}`;
    const conn = await connect();
    await conn.execute(`begin; create table ${table} (n int)`);
    await conn.close();
    const rows = await administer(`select 1 from pg_class where relname = '${table}'`);
    expect(rows).toEqual([]);
  });

  test("what a cursor has received stays there when its connection closes", async () => {
    const conn = await connect();
    const cur = await conn.execute("select generate_series(1, 3) as n");
    await cur.fetchOne();
    await conn.close();
    expect(await cur.fetchAll()).toEqual([{ n: 2 }, { n: 3 }]);
    expect([cur.closed, cur.statusMessage, cur.rowCount]).toEqual([false, "SELECT 3", 3]);
  });

  test("a cursor of a closed connection executes nothing", async () => {
    const conn = await connect();
    const cur = conn.cursor();
    await conn.close();
    const error = await failureOf(() => cur.execute("select 1"));
    expect(error).toBeInstanceOf(OperationalError);
    expect(error.message).toBe("the connection is closed");
  });

  test("a closed cursor refuses everything, and its connection goes on", async () => {
    await using conn = await connect();
    const cur = await conn.execute("select 1 as n");
    await cur.close();
    await cur.close();
    expect(cur.closed).toBe(true);
    const refused: (() => unknown)[] = [
      () => cur.execute("select 1"),
      () => cur.fetchOne(),
      () => cur.fetchMany(1),
      () => cur.fetchAll(),
      () => cur.scroll(0),
      () => cur.nextSet(),
      () => cur.setResult(0),
      async () => {
        for await (const row of cur) throw new Error(`row ${JSON.stringify(row)} came`);
      },
    ];
    for (const use of refused) {
      const error = await failureOf(use);
      expect(error).toBeInstanceOf(InterfaceError);
      expect([error.message, error.code]).toEqual([
        "the cursor is closed",
        "ERR_MAHOUT_CURSOR_CLOSED",
      ]);
    }
    expect([cur.description, cur.rowCount, cur.rowNumber]).toEqual([null, -1, null]);
    expect(await conn.query("select 1 as n")).toEqual([{ n: 1 }]);
  });

  test("blocks close what they were given", async () => {
    let conn: AsyncConnection;
    {
      await using inside = await connect();
      conn = inside;
      let cur;
      {
        await using cursor = await inside.execute("select 1");
        cur = cursor;
      }
      expect([cur.closed, inside.closed]).toEqual([true, false]);
    }
    expect(conn.closed).toBe(true);
  });

  test("a cursor closed inside of its own iteration ends it with an error", async () => {
    await using conn = await connect();
    const cur = await conn.execute("select generate_series(1, 3) as n");
    const seen: unknown[] = [];
    const error = await failureOf(async () => {
      for await (const row of cur) {
        seen.push(row);
        await cur.close();
      }
    });
    expect([seen, error.message]).toEqual([[{ n: 1 }], "the cursor is closed"]);
  });
});

describe("async shell, while something runs", () => {
  const [{ connect }] = shells as [(typeof shells)[0]];

  test("what runs and what waits fails, nothing is lost, nothing crashes", async () => {
    const conn = await connect();
    const calls = [
      conn.execute("select pg_sleep(0.2)"),
      conn.query("select $1::int", [1]),
      conn.execute("select 1", [], { timeout: 5_000 }),
      conn.execute("select 2", [], { signal: new AbortController().signal }),
      conn.query("select 3"),
    ].map((call) => failureOf(() => call));
    await conn.close();
    for (const error of await Promise.all(calls)) {
      expect(error).toBeInstanceOf(OperationalError);
      expect(error.code).toBe("ERR_MAHOUT_CONNECTION_CLOSED");
    }
    expect([conn.closed, conn.broken]).toEqual([true, false]);
  });

  test("answers that come while it closes disturb nobody", async () => {
    const conn = await connect();
    const call = failureOf(() =>
      conn.query("select repeat('x', 100000) from generate_series(1, 50)"),
    );
    await Promise.all([conn.close(), conn.close()]);
    expect((await call).code).toBe("ERR_MAHOUT_CONNECTION_CLOSED");
  });

  test("nothing can be started while it closes", async () => {
    const conn = await connect();
    const closing = conn.close();
    expect(conn.closed).toBe(true);
    const error = await failureOf(() => conn.query("select 1"));
    expect(error.message).toBe("the connection is closed");
    await closing;
  });

  test("a notice handler may close it", async () => {
    const conn = await connect();
    let closing: Promise<void> | undefined;
    conn.addNoticeHandler(() => {
      closing ??= conn.close();
    });
    // The statement's own answer may have come with the notice.
    await conn.execute("do $$ begin raise notice 'x'; end $$").catch(() => {});
    expect(conn.closed).toBe(true);
    await closing;
    expect([conn.closed, conn.broken]).toEqual([true, false]);
  });
});
