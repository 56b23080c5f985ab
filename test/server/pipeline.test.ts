// Pipelines, in both shells: what is sent when, which error goes where, and that no size of anything blocks.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import {
  type AsyncConnection,
  errors,
  PipelineAborted,
  ProgrammingError,
  tupleRow,
} from "../../src/index.ts";
import { administer, expectUsable, failureOf, shells, terminate } from "../support/shells.ts";

describe.each(shells)("pipelines ($name)", ({ name, connect }) => {
  let conn: AsyncConnection;
  const table = `piped_${name}`;
  beforeAll(async () => {
    await administer(`create table ${table} (id int primary key)`);
    conn = await connect();
  });
  afterAll(async () => {
    await conn.close();
    await administer(`drop table ${table}`);
  });
  beforeEach(async () => {
    await administer(`truncate ${table}`);
    if (conn.closed) conn = await connect();
  });

  const insert = (id: number): ReturnType<AsyncConnection["execute"]> =>
    conn.execute(`insert into ${table} values ($1)`, [id]);
  const ids = async (): Promise<number[]> =>
    (await administer(`select id from ${table} order by id`)).map(([id]) => Number(id));
  /** The directions of messages while `run` runs, each run of one direction as one letter. */
  const turnsOf = async (run: () => unknown): Promise<string> => {
    const lines: string[] = [];
    conn.trace((line: string) => void lines.push(line));
    await run();
    conn.untrace();
    return lines
      .map((line) => /\t([FB])\t/.exec(line)?.[1] ?? "")
      .join("")
      .replace(/(.)\1+/g, "$1");
  };

  test("send everything before anything is waited for", async () => {
    await insert(0);
    const turns = await turnsOf(async () => {
      await using p = await conn.pipeline();
      const cursors = [];
      for (let id = 1; id <= 50; id++) cursors.push(await insert(id));
      expect(cursors.map((cursor) => cursor.rowCount)).toContain(-1);
      expect(String(p)).toMatch(/Pipeline \[open\]/);
    });
    expect(turns).toBe("FB");
    expect(await ids()).toHaveLength(51);
    await expectUsable(conn);
  });

  test("fetching waits for what is fetched, and not for the end", async () => {
    await using p = await conn.pipeline();
    const one = await conn.execute("select 1 as n");
    const two = await conn.execute("select $1::int as n", [2]);
    const three = await conn.execute("select generate_series(1, 3)", [], { rowFactory: tupleRow });
    expect(await two.fetchOne()).toEqual({ n: 2 });
    expect(await one.fetchAll()).toEqual([{ n: 1 }]);
    const rows: unknown[] = [];
    for await (const row of three) rows.push(row);
    expect(rows).toEqual([[1], [2], [3]]);
    expect([one.statusMessage, three.rowCount, two.description?.[0]?.name]).toEqual([
      "SELECT 1",
      3,
      "n",
    ]);
    await p.sync();
    expect(p.open).toBe(true);
  });

  test("query gives rows", async () => {
    await using p = await conn.pipeline();
    expect(await conn.query("select 1 as n")).toEqual([{ n: 1 }]);
    expect(await p.query("select $1::text as t", ["x"])).toEqual([{ t: "x" }]);
    const cursor = await p.execute("select 5 as n");
    expect(await cursor.fetchMany(3)).toEqual([{ n: 5 }]);
  });

  test.each([
    ["known", true],
    ["unknown", false],
  ])(
    "an error names its statement, and what follows is aborted (%s statements)",
    async (_kind, known) => {
      const text = `select $1::int / $2::int as q${known ? "" : " -- new"}`;
      if (known) for (let run = 0; run < 7; run++) await conn.query(text, [4, 2]);
      const p = await conn.pipeline();
      const first = await conn.execute(text, [6, 3]);
      const second = await conn.execute(text, [1, 0]);
      const third = await conn.execute(text, [8, 2]);
      const fourth = await conn.execute("select 1 as n");
      const failure = await failureOf(() => second.fetchOne());
      expect(failure).toBeInstanceOf(errors.DivisionByZero);
      expect([failure.index, failure.statement]).toEqual([1, text]);
      expect(await first.fetchOne()).toEqual({ q: 2 });
      for (const [cursor, index] of [
        [third, 2],
        [fourth, 3],
      ] as const) {
        const aborted = await failureOf(() => cursor.fetchAll());
        expect(aborted).toBeInstanceOf(PipelineAborted);
        expect([aborted.index, aborted.message]).toEqual([
          index,
          `the pipeline was aborted, so statement ${index} was not run: statement 1 of it failed: division by zero`,
        ]);
        expect(aborted.cause).toBeInstanceOf(errors.DivisionByZero);
      }
      const atSync = await failureOf(() => p.sync());
      expect([atSync.constructor, atSync.index]).toEqual([errors.DivisionByZero, 1]);
      const after = await conn.execute(text, [9, 3]);
      expect(await after.fetchOne()).toEqual({ q: 3 });
      await end(p);
      await expectUsable(conn);
    },
  );

  test("a failed series undoes all of itself, another one nothing of it", async () => {
    const p = await conn.pipeline();
    await insert(1);
    await p.sync();
    await insert(2);
    await insert(1);
    await insert(3);
    expect(await failureOf(() => p.sync())).toBeInstanceOf(errors.UniqueViolation);
    await insert(4);
    await end(p);
    expect(await ids()).toEqual([1, 4]);
  });

  /** Disposes of something, as its shell does. */
  async function end(block: object): Promise<void> {
    const { [Symbol.asyncDispose]: later, [Symbol.dispose]: now } = block as Partial<
      AsyncDisposable & Disposable
    >;
    if (later) await later.call(block);
    else now?.call(block);
  }

  test("the end of the block throws what nobody asked for", async () => {
    const p = await conn.pipeline();
    await insert(1);
    await conn.execute("select 1/0");
    await insert(2);
    const error = await failureOf(() => end(p));
    expect([error.constructor, error.index]).toEqual([errors.DivisionByZero, 1]);
    expect(await ids()).toEqual([]);
    await expectUsable(conn);
  });

  test("what can't be sent is refused, and the others are not disturbed", async () => {
    const p = await conn.pipeline();
    await insert(1);
    const wrong = await failureOf(() =>
      conn.execute(`insert into ${table} values ($1)`, [new Date(0)]),
    );
    expect([wrong.index, wrong.message]).toEqual([1, expect.stringContaining("$1")]);
    expect((await failureOf(() => conn.execute("select $1::int", [undefined]))).message).toMatch(
      /undefined/,
    );
    const limited = await failureOf(() => conn.execute("select 1", [], { timeout: 50 }));
    expect(limited).toBeInstanceOf(ProgrammingError);
    await insert(2);
    await end(p);
    expect(await ids()).toEqual([1, 2]);
  });

  test("several statements in one text are refused by the server", async () => {
    const p = await conn.pipeline();
    await conn.execute("select 1; select 2");
    expect(await failureOf(() => p.sync())).toBeInstanceOf(errors.SyntaxError);
    await end(p);
    await expectUsable(conn);
  });

  test.each(["copy (select 1) to stdout", `copy piped_${name} from stdin`])(
    "%s is refused and disturbs nothing",
    async (text) => {
      const p = await conn.pipeline();
      const cursor = await conn.execute(text);
      expect((await failureOf(() => cursor.fetchOne())).message).toMatch(/COPY/);
      await failureOf(() => p.sync());
      await insert(1);
      await end(p);
      expect(await ids()).toEqual([1]);
      await expectUsable(conn);
    },
  );

  test("prepare and evict statements on their way", async () => {
    const own = await connect({ preparedMax: 3, prepareThreshold: 0 });
    const p = await own.pipeline();
    for (let round = 0; round < 3; round++) {
      for (let text = 0; text < 7; text++) {
        const cursor = await own.execute(`select $1::int + ${text} as n`, [round]);
        if (text === 6) expect(await cursor.fetchOne()).toEqual({ n: round + 6 });
      }
      await own.execute("deallocate all");
      const fresh = await own.execute("select $1::int + 1 as n", [round]);
      expect(await fresh.fetchOne()).toEqual({ n: round + 1 });
    }
    await end(p);
    await own.close();
  });

  test("a name whose Parse was skipped is not used afterwards", async () => {
    const own = await connect({ prepareThreshold: 0 });
    const text = "select $1::int as n";
    await own.query("select $1::int as m", [1]);
    const p = await own.pipeline();
    await own.execute("select 1/0");
    await own.execute(text, [1]).then?.(undefined, () => {});
    await failureOf(() => p.sync());
    const cursor = await own.execute(text, [2]);
    expect(await cursor.fetchOne()).toEqual({ n: 2 });
    await end(p);
    expect(await own.query(text, [3])).toEqual([{ n: 3 }]);
    await own.close();
  });

  test("nest: the inner one's sync does not end the outer one", async () => {
    const outer = await conn.pipeline();
    await insert(1);
    const inner = await conn.pipeline();
    await insert(2);
    await insert(2);
    expect(await failureOf(() => end(inner))).toBeInstanceOf(errors.UniqueViolation);
    await insert(3);
    await end(outer);
    expect(await ids()).toEqual([1, 3]);
  });

  test("nest with errors pending: each is told where it belongs", async () => {
    const outer = await conn.pipeline();
    await conn.execute("select 1/0");
    const inner = await conn.pipeline();
    await insert(1);
    expect(await failureOf(() => end(inner))).toBeInstanceOf(errors.DivisionByZero);
    await end(outer);
    expect(await ids()).toEqual([1]);
  });

  test("transactions inside cost one wait", async () => {
    await insert(0);
    const turns = await turnsOf(async () => {
      const p = await conn.pipeline();
      const tx = await conn.transaction();
      await insert(1);
      await insert(2);
      await tx.commit();
      expect(tx.status).toBe("committed");
      await end(p);
    });
    expect(turns).toBe("FB");
    expect(await ids()).toEqual([0, 1, 2]);
  });

  test("a transaction inside that fails is rolled back, and nothing else", async () => {
    const p = await conn.pipeline();
    await insert(1);
    const tx = await conn.transaction();
    await insert(2);
    await insert(2);
    const error = await failureOf(() => tx.commit());
    expect(error).toBeInstanceOf(errors.UniqueViolation);
    expect(tx.status).toBe("rolledBackWithError");
    await insert(3);
    await end(p);
    expect(await ids()).toEqual([1, 3]);
    await expectUsable(conn);
  });

  test("an error that a block took back and threw is not thrown again", async () => {
    const p = await conn.pipeline();
    const outer = await conn.transaction();
    await insert(1);
    const inner = await conn.transaction();
    await conn.execute("select 1/0");
    expect(await failureOf(() => inner.commit())).toBeInstanceOf(errors.DivisionByZero);
    await insert(2);
    await outer.commit();
    await end(p);
    expect(await ids()).toEqual([1, 2]);
    await expectUsable(conn);
  });

  test("autocommit off: one BEGIN for the whole of it", async () => {
    const own = await connect({ autocommit: false });
    const warnings: string[] = [];
    own.addNoticeHandler((diag) => warnings.push(diag.messagePrimary ?? ""));
    const p = await own.pipeline();
    for (let id = 1; id <= 5; id++) await own.execute(`insert into ${table} values (${id})`);
    await end(p);
    expect([warnings, own.info.transactionStatus, await ids()]).toEqual([[], "inTransaction", []]);
    await own.commit();
    expect(await ids()).toEqual([1, 2, 3, 4, 5]);
    await own.close();
  });

  test("can't be used after its end", async () => {
    const p = await conn.pipeline();
    await end(p);
    await end(p);
    for (const wrong of [() => p.sync(), () => p.execute("select 1"), () => p.query("select 1")])
      expect((await failureOf(wrong)).message).toMatch(/the pipeline has ended/);
  });

  test("40,000 statements, with answers of 64 MB and questions of 64 MB, block nobody", async () => {
    const big = "x".repeat(64 * 1024);
    const p = await conn.pipeline();
    const cursors: Awaited<ReturnType<typeof insert>>[] = [];
    for (let n = 0; n < 1_000; n++)
      cursors.push(await conn.execute("select length($1::text) as n", [big]));
    for (let n = 0; n < 1_000; n++)
      cursors.push(await conn.execute("select repeat('y', $1::int) as y", [65_536]));
    for (let n = 0; n < 38_000; n++) cursors.push(await conn.execute("select $1::int as n", [n]));
    await end(p);
    expect(cursors.map((cursor) => cursor.rowCount).every((count) => count === 1)).toBe(true);
    expect(await cursors.at(-1)?.fetchOne()).toEqual({ n: 37_999 });
  }, 60_000);

  test("a limit bounds what is waited for inside, too", async () => {
    const p = await conn.pipeline({ timeout: 80 });
    const slow = await conn.execute("select pg_sleep(20)");
    const error = await failureOf(() => slow.fetchOne());
    expect(error.sqlstate).toBe("57014");
    await failureOf(() => end(p));
    await expectUsable(conn);
    const own = await connect({ statementTimeout: 80 });
    const q = await own.pipeline();
    await own.execute("select pg_sleep(20)");
    expect((await failureOf(() => own.query("select $1::text || 'new'", ["x"]))).message).toMatch(
      /statement timeout|80 ms|aborted/,
    );
    await failureOf(() => end(q));
    await expectUsable(own);
    await own.close();
  });

  test("a limit of the block or of a sync cancels what runs, and the block still ends", async () => {
    for (const limited of ["block", "sync"]) {
      const p = await conn.pipeline(limited === "block" ? { timeout: 60 } : {});
      await insert(limited === "block" ? 1 : 2);
      await conn.execute("select pg_sleep(20)");
      if (limited === "sync") {
        const late = await failureOf(() => p.sync({ timeout: 60 }));
        expect([late.sqlstate, late.message]).toEqual(["57014", expect.stringContaining("60 ms")]);
        await insert(3);
        await end(p);
      } else {
        expect((await failureOf(() => end(p))).sqlstate).toBe("57014");
      }
      await expectUsable(conn);
    }
    expect(await ids()).toEqual([3]);
  });

  test("the session's end reaches everybody", async () => {
    const p = await conn.pipeline();
    const cursor = await conn.execute("select 1");
    await terminate(conn.info.backendPid);
    // What was sent before was answered, and is still given.
    const failure = await failureOf(async () => {
      await cursor.fetchOne();
      await (await conn.execute("select 2")).fetchOne();
    });
    expect(failure.message).toMatch(/terminating|connection/);
    await failureOf(() => end(p));
    expect(conn.broken).toBe(true);
  });
});
