// Streams: rows while they arrive, at the reader's pace, and a connection that is usable whatever becomes of it.

import { describe, expect, test } from "@jest/globals";
import {
  type AsyncConnection,
  type AsyncCursor,
  errors,
  MahoutError,
  ProgrammingError,
  tupleRow,
} from "../../src/index.ts";
import {
  administer,
  eventually,
  expectUsable,
  failureOf,
  onceRunning,
  shells,
} from "../support/shells.ts";

/** Rows without end; the server makes each when it is wanted. */
const ENDLESS = "select generate_series(1, 1000000000) as n, repeat('x', 200) as s";

async function all<Row>(rows: AsyncIterable<Row>): Promise<Row[]> {
  const found: Row[] = [];
  for await (const row of rows) found.push(row);
  return found;
}

describe.each(shells)("$name shell", ({ connect }) => {
  test("gives the rows that a query gives", async () => {
    await using conn = await connect();
    const cur = conn.cursor();
    const texts: [text: string, parameters: unknown[]][] = [
      ["select n, n::text as s, now() as d, null as z from generate_series(1, 1000) n", []],
      ["select $1::int as a, $2::jsonb as b", [1, { x: [1] }]],
      ["select n from generate_series(1, $1) n", [5]],
      ["select 1 where false", []],
      ["select from generate_series(1, 3)", []],
      ["select 1 as x, 2 as x", []],
      ["values (1), (2)", []],
      ["show server_version", []],
    ];
    await conn.execute("begin");
    for (const [text, parameters] of texts) {
      for (const size of [1, 2, 100, 100_000]) {
        const found = await all(cur.stream(text, parameters, { size }));
        expect(found).toEqual(await conn.query(text, parameters));
      }
    }
    await conn.execute("commit");
    await expectUsable(conn);
  });

  test("statements that give rows on the way", async () => {
    await using conn = await connect();
    await conn.execute("create temp table t (n int)");
    const cur = conn.cursor();
    const found = await all(
      cur.stream("insert into t select generate_series(1, $1::int) returning n", [50_000]),
    );
    expect(found.length).toBe(50_000);
    expect([cur.rowCount, cur.statusMessage]).toEqual([50_000, "INSERT 0 50000"]);
  });

  test("row factories, formats, and the cursor meanwhile", async () => {
    await using conn = await connect();
    const cur = conn.cursor({ rowFactory: tupleRow });
    const text = "select generate_series(1, 2) as n, 'x'::text as s";
    expect(await all(cur.stream(text))).toEqual([
      [1, "x"],
      [2, "x"],
    ]);
    const rowFactory = () => (values: readonly unknown[]) => values.join();
    expect(await all(cur.stream(text, [], { rowFactory }))).toEqual(["1,x", "2,x"]);
    for (const binary of [true, false]) {
      for await (const row of cur.stream(text, [], { binary })) {
        expect(row[1]).toBe("x");
        expect(cur.query).toBe(text);
        const formats = cur.description?.map((column) => [column.name, column.format]);
        expect(formats?.[0]).toEqual(["n", binary ? "binary" : "text"]);
      }
      expect(cur.statusMessage).toBe("SELECT 2");
    }
  });

  test("what isn't a query with rows is not run", async () => {
    await using conn = await connect();
    await conn.execute("create temp table t (n int)");
    const cur = conn.cursor();
    for (const text of [
      "insert into t values (1)",
      "copy t to stdout",
      "",
      "create temp table u ()",
    ]) {
      const error = await failureOf(() => all(cur.stream(text)));
      expect(error).toBeInstanceOf(ProgrammingError);
      expect(error.message).toContain("it was not run");
      await expectUsable(conn);
    }
    expect(await conn.query("table t")).toEqual([]);
    const several = await failureOf(() => all(cur.stream("select 1; select 2")));
    expect(several).toBeInstanceOf(errors.SyntaxError);
    await expectUsable(conn);
  });

  test("bad input", async () => {
    await using conn = await connect();
    const cur = conn.cursor();
    for (const size of [0, -1, 1.5, NaN, Infinity, "5"]) {
      const error = await failureOf(() => cur.stream("select 1", [], { size: size as number }));
      expect(error).toBeInstanceOf(ProgrammingError);
      expect(error.message).toMatch(/not ("5"|-?[\w.]+|an object)$/);
    }
    const odd = { nope: 1 } as object;
    expect((await failureOf(() => cur.stream("select 1", [], odd))).message).toContain('"nope"');
    const wrong: [text: string, parameters: unknown[], kind: string][] = [
      ["selec", [], "SyntaxError"],
      ["select $1::int", [], "ProgrammingError"],
      ["select $1::int", [1.5], "DataError"],
      ["select $1::int", [undefined], "ProgrammingError"],
      ["select 'a\0b'", [], "DataError"],
    ];
    for (const [text, parameters, kind] of wrong) {
      const error = await failureOf(() => all(cur.stream(text, parameters)));
      expect([text, error.name]).toEqual([text, kind]);
      await expectUsable(conn);
    }
  });

  test("an error on the way comes after the rows before it", async () => {
    await using conn = await connect();
    const cur = conn.cursor();
    let last = 0;
    const error = await failureOf(async () => {
      for await (const row of cur.stream(
        "select n, 1 / (n - 70000) from generate_series(1, 90000) n",
      ))
        last = row.n;
    });
    expect(error).toBeInstanceOf(errors.DivisionByZero);
    expect(error.statement).toContain("70000");
    expect(last).toBe(69_999);
    await expectUsable(conn);
  });

  test("a row that can't be read, after those before it", async () => {
    await using conn = await connect();
    const cur = conn.cursor();
    const text =
      "select case n when 57 then '290000-01-01'::timestamptz else now() end as d from generate_series(1, 200) n";
    let rows = 0;
    const error = await failureOf(async () => {
      for await (const row of cur.stream(text)) rows += row.d ? 1 : 0;
    });
    expect([error.name, rows]).toEqual(["DataError", 56]);
    await expectUsable(conn);
  });

  describe("left early", () => {
    const ways: [way: string, leave: (cur: AsyncCursor, conn: AsyncConnection) => Promise<void>][] =
      [
        [
          "by break",
          async (cur) => {
            for await (const row of cur.stream(ENDLESS)) if (row.n === 3) break;
          },
        ],
        [
          "by break, at once",
          async (cur) => {
            for await (const row of cur.stream(ENDLESS)) {
              expect(row.n).toBe(1);
              break;
            }
          },
        ],
        [
          "by return() and never begun",
          async (cur) => {
            await cur.stream(ENDLESS).return();
          },
        ],
        [
          "by an error",
          async (cur) => {
            const mine = new Error("mine");
            const thrown = await failureOf(async () => {
              for await (const row of cur.stream(ENDLESS)) if (row.n > 1000) throw mine;
            });
            expect(thrown).toBe(mine);
          },
        ],
        [
          "with little left",
          async (cur) => {
            for await (const row of cur.stream("select n from generate_series(1, 5000) n"))
              if (row.n === 2) break;
          },
        ],
      ];
    test.each(ways)("%s", async (_way, leave) => {
      await using conn = await connect();
      for (let round = 0; round < 3; round++) {
        const began = Date.now();
        await leave(conn.cursor(), conn);
        expect(Date.now() - began).toBeLessThan(5_000);
        await expectUsable(conn);
      }
    });

    test("in a transaction, which has failed then if the server was stopped", async () => {
      await using conn = await connect();
      await conn.execute("begin");
      for await (const row of conn.cursor().stream("select 1 as n")) expect(row.n).toBe(1);
      await expectUsable(conn, "inTransaction");
      for await (const row of conn.cursor().stream(ENDLESS)) if (row.n === 2) break;
      await expectUsable(conn, "inError");
      await conn.execute("rollback");
      await expectUsable(conn);
    });
  });

  test("a reader that stands still holds the server up, and nothing grows", async () => {
    await using conn = await connect();
    let rows = 0;
    for await (const row of conn.cursor().stream(ENDLESS)) {
      rows += row.n > 0 ? 1 : 0;
      if (rows === 5) {
        const { rss } = process.memoryUsage();
        const waits = `select wait_event from pg_stat_activity where pid = ${conn.info.backendPid}`;
        await eventually(async () => (await administer(waits))[0]?.[0] === "ClientWrite");
        expect(process.memoryUsage().rss - rss).toBeLessThan(50e6);
      }
      if (rows > 100_000) break;
    }
    await expectUsable(conn);
  });

  test("a timeout", async () => {
    await using conn = await connect();
    const cur = conn.cursor();
    const error = await failureOf(() => all(cur.stream(ENDLESS, [], { timeout: 50 })));
    expect(error).toBeInstanceOf(errors.QueryCanceled);
    expect(error.message).toContain("after its timeout of 50 ms");
    await expectUsable(conn);
    // It counts for the reader as well.
    const slow = await failureOf(async () => {
      for await (const row of cur.stream(ENDLESS, [], { timeout: 50 })) {
        const until = Date.now() + 80;
        if (row.n === 2) await eventually(() => Date.now() > until);
      }
    });
    expect(slow).toBeInstanceOf(errors.QueryCanceled);
    await expectUsable(conn);
    const asleep = await failureOf(() =>
      all(cur.stream("select pg_sleep(60)", [], { timeout: 50 })),
    );
    expect(asleep).toBeInstanceOf(errors.QueryCanceled);
    await expectUsable(conn);
    expect(await all(cur.stream("select 1 as n", [], { timeout: 10_000 }))).toEqual([{ n: 1 }]);
  });

  test("the server ends the session", async () => {
    const conn = await connect();
    const agent = await onceRunning(conn.info.backendPid, "pg_sleep(60)", "pg_terminate_backend");
    const error = await failureOf(() => all(conn.cursor().stream("select pg_sleep(60)")));
    expect(error).toBeInstanceOf(errors.AdminShutdown);
    expect(conn.broken).toBe(true);
    await agent.done;
    await conn.close();

    const other = await connect();
    const lost = await failureOf(async () => {
      for await (const row of other.cursor().stream(ENDLESS)) {
        if (row.n === 10) await administer(`select pg_terminate_backend(${other.info.backendPid})`);
      }
    });
    expect(lost).toBeInstanceOf(MahoutError);
    expect(other.broken).toBe(true);
    await other.close();
  });

  test("with autocommit off it is part of the transaction", async () => {
    await using conn = await connect({ autocommit: false });
    expect(await all(conn.cursor().stream("select 1 as n"))).toEqual([{ n: 1 }]);
    await expectUsable(conn, "inTransaction");
    await conn.rollback();
  });
});
