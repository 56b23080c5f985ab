// One statement for many items: atomic where autocommit is on, counted, bounded, and exact about which item
// failed, be it refused by the server, by the client or never given by its source.

import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import {
  type AsyncConnection,
  DataError,
  errors,
  OperationalError,
  PipelineAborted,
  ProgrammingError,
  scalarRow,
} from "../../src/index.ts";
import { eventually, expectUsable, failureOf, shells, terminate } from "../support/shells.ts";

const INSERT = "insert into many values ($1, $2)";

/** Hidden from the connection, which would forget its statements by itself. */
const HIDDEN_DEALLOCATE = "do $$ begin execute 'deallocate all'; end $$";

type Item = readonly unknown[];

async function withTable(conn: AsyncConnection): Promise<AsyncConnection> {
  await conn.execute("create temp table many (n int primary key, word text)");
  return conn;
}

async function countOf(conn: AsyncConnection): Promise<unknown> {
  const [count] = await conn.query("select count(*)::int from many", [], { rowFactory: scalarRow });
  return count;
}

function* numbers(count: number, at: (n: number) => Item = (n) => [n, `word ${n}`]) {
  for (let n = 0; n < count; n++) yield at(n);
}

async function* later(count: number, at: (n: number) => Item = (n) => [n, `word ${n}`]) {
  for (let n = 0; n < count; n++) {
    if (n % 100 === 50) await sleep(1);
    yield at(n);
  }
}

describe.each(shells)("$name shell", ({ name, connect }) => {
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

  test.each([0, 3, 4_999, 40_000])(
    "the server refuses item %i: nothing took effect",
    async (bad) => {
      await using conn = await withTable(await connect());
      const cur = conn.cursor();
      await conn.execute("insert into many values (-1, '')");
      const items = numbers(bad + 10, (n) => [n === bad ? -1 : n, "word"]);
      const error = await failureOf(() => cur.executeMany(INSERT, items));
      expect(error).toBeInstanceOf(errors.UniqueViolation);
      expect([error.index, error.statement, error.sqlstate]).toEqual([bad, INSERT, "23505"]);
      expect(error.message).toMatch(new RegExp(`^item ${bad}: duplicate key value`));
      expect(error.stack).toContain(`item ${bad}: duplicate key`);
      expect(error.stack).toContain("execute-many.test");
      expect([cur.rowCount, await countOf(conn)]).toEqual([-1, 1]);
      expect(items.next()).toEqual({ done: true, value: undefined });
      await expectUsable(conn);
    },
  );

  test.each([0, 3, 4_999, 40_000])(
    "the client refuses item %i: nothing took effect",
    async (bad) => {
      await using conn = await withTable(await connect());
      const cur = conn.cursor();
      for (let round = 0; round < 2; round++) {
        const items = numbers(bad + 10, (n) => [n, n === bad ? "\0" : "word"]);
        const error = await failureOf(() => cur.executeMany(INSERT, items));
        expect(error).toBeInstanceOf(DataError);
        expect(error.index).toBe(bad);
        expect(error.message).toMatch(new RegExp(`^item ${bad}: parameter \\$2 \\(text\\): .*NUL`));
        expect(await countOf(conn)).toBe(0);
        expect(items.next().done).toBe(true);
        await expectUsable(conn);
      }
    },
  );

  const notItems: [what: string, item: unknown, message: string][] = [
    ["a string", "ab", "an item must be an array of values for $1, $2, ..., not string"],
    ["null", null, "an item must be an array of values for $1, $2, ..., not null"],
    ["too few values", [1], "the statement has 2 parameters, but 1 value was given"],
    ["too many values", [1, "a", 2], "the statement has 2 parameters, but 3 values were given"],
    ["undefined", [1, undefined], "parameter $2"],
    ["a value of another kind", [{}, "a"], "parameter $1 (int4)"],
    ["text that is no number", ["x", "a"], "invalid input syntax for type integer"],
  ];
  test.each(notItems)("refuses %s for an item", async (_, item, message) => {
    await using conn = await withTable(await connect());
    for (const items of [[item], [[1, "a"], item]]) {
      const cur = conn.cursor();
      const error = await failureOf(() => cur.executeMany(INSERT, items as Item[]));
      expect(error).toMatchObject({ index: items.length - 1 });
      expect(error.message).toContain(`item ${items.length - 1}: ${message}`);
    }
    expect(await countOf(conn)).toBe(0);
    await expectUsable(conn);
  });

  test.each([[1], [null], [undefined], [{}]])("refuses %p for items", async (items) => {
    await using conn = await connect();
    const error = await failureOf(() => conn.cursor().executeMany("select $1", items as never));
    expect(error).toBeInstanceOf(ProgrammingError);
    expect(error.message).toMatch(/^executeMany takes an iterable/);
    await expectUsable(conn);
  });

  test("refuses unknown options and a closed cursor", async () => {
    await using conn = await connect();
    const cur = conn.cursor();
    const bad = { sizes: 1 } as object;
    expect((await failureOf(() => cur.executeMany("x", [], bad))).message).toContain('"sizes"');
    await cur.close();
    expect((await failureOf(() => cur.executeMany("x", []))).code).toBe("ERR_MAHOUT_CURSOR_CLOSED");
    await conn.close();
    expect((await failureOf(() => conn.execute("x"))).code).toBe("ERR_MAHOUT_CONNECTION_CLOSED");
  });

  test.each([0, 5, 20_000])("a source that throws at %i: nothing took effect", async (at) => {
    await using conn = await withTable(await connect());
    const mine = new Error("no more");
    const items = numbers(at + 1, (n) => {
      if (n === at) throw mine;
      return [n, "word"];
    });
    expect(await failureOf(() => conn.cursor().executeMany(INSERT, items))).toBe(mine);
    expect(await countOf(conn)).toBe(0);
    await expectUsable(conn);
  });

  test("a statement that the server refuses is no item's fault", async () => {
    await using conn = await withTable(await connect());
    const cases = ["insert into nowhere values ($1)", "select 1; select 2", "no SQL"];
    for (const text of cases) {
      const error = await failureOf(() => conn.cursor().executeMany(text, [[1]]));
      expect([error.statement, error.index]).toEqual([text, undefined]);
      await expectUsable(conn);
    }
  });

  test("an error of the commit is no item's fault", async () => {
    await using conn = await connect();
    await conn.execute("create temp table late (n int unique deferrable initially deferred)");
    const cur = conn.cursor();
    const error = await failureOf(() =>
      cur.executeMany("insert into late values ($1)", [[1], [1]]),
    );
    expect(error).toBeInstanceOf(errors.UniqueViolation);
    expect(error.index).toBeUndefined();
    expect(await conn.query("select from late")).toEqual([]);
    await expectUsable(conn);
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

  test.each(["copy many from stdin", "copy many to stdout", "/* x */ COPY (select 1) TO STDOUT"])(
    "refuses %s and names copy()",
    async (text) => {
      await using conn = await withTable(await connect());
      for (const items of [[[]], [[], [], []]]) {
        const error = await failureOf(() => conn.cursor().executeMany(text, items));
        expect(error).toBeInstanceOf(ProgrammingError);
        expect(error.message).toContain("use copy()");
        await expectUsable(conn);
      }
    },
  );

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

  test("a server that is killed meanwhile ends it with its reason", async () => {
    await using conn = await withTable(await connect());
    const { backendPid } = conn.info;
    const text = "select pg_terminate_backend(case when $1 = 20000 then $2::int else 0 end)";
    const items = numbers(100_000, (n) => [n, backendPid]);
    const error = await failureOf(() => conn.cursor().executeMany(text, items));
    // What the server said is lost when the system learns first that nobody reads any more.
    expect(error).toBeInstanceOf(OperationalError);
    expect([conn.closed, conn.broken]).toEqual([true, true]);
    expect(items.next().done).toBe(true);
  });

  test("a timeout ends an endless source", async () => {
    await using conn = await withTable(await connect());
    const cur = conn.cursor();
    const error = await failureOf(() =>
      cur.executeMany(INSERT, numbers(Infinity), { timeout: 300 }),
    );
    expect(error).toBeInstanceOf(errors.QueryCanceled);
    expect(error.message).toContain("timeout of 300 ms");
    expect(await countOf(conn)).toBe(0);
    await expectUsable(conn);
  });

  test("a timeout ends an item that takes long", async () => {
    await using conn = await connect();
    const text = "select pg_sleep($1)";
    const items = [[0], [60]];
    const error = await failureOf(() => conn.cursor().executeMany(text, items, { timeout: 200 }));
    expect(error).toBeInstanceOf(errors.QueryCanceled);
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

  test("items that use the connection itself", async () => {
    await using conn = await withTable(await connect());
    const seen: unknown[] = [];
    function* items() {
      try {
        seen.push(conn.execute("select 1"));
      } catch (error) {
        seen.push(error);
      }
      yield [1, "a"];
    }
    await conn.cursor().executeMany(INSERT, items());
    // The one is busy; with the other it is for later.
    if (name === "blocking") expect(seen).toMatchObject([{ code: "ERR_MAHOUT_BUSY" }]);
    else
      expect(await (await (seen[0] as ReturnType<typeof conn.execute>)).fetchAll()).toHaveLength(1);
    expect(await countOf(conn)).toBe(1);
  });
});

describe("asynchronous items", () => {
  const connect = async (): Promise<AsyncConnection> => {
    const [shell] = shells;
    return await (shell as (typeof shells)[number]).connect();
  };

  test("are taken as they come", async () => {
    await using conn = await withTable(await connect());
    const cur = await conn.cursor().executeMany(INSERT, later(2_000));
    expect([cur.rowCount, await countOf(conn)]).toEqual([2_000, 2_000]);
    async function* none(): AsyncGenerator<Item> {}
    expect((await conn.cursor().executeMany("no SQL", none())).rowCount).toBe(0);
    await expectUsable(conn);
  });

  test("that end with an error", async () => {
    await using conn = await withTable(await connect());
    const mine = new Error("no more");
    const items = later(500, (n) => {
      if (n === 400) throw mine;
      return [n, ""];
    });
    expect(await failureOf(() => conn.cursor().executeMany(INSERT, items))).toBe(mine);
    expect(await countOf(conn)).toBe(0);
    await expectUsable(conn);
  });

  test("that are refused end without waiting for the source", async () => {
    await using conn = await withTable(await connect());
    let left = false;
    async function* items(): AsyncGenerator<Item> {
      try {
        yield [1, "a"];
        yield [1, "b"];
        await new Promise(() => {});
      } finally {
        left = true;
      }
    }
    const error = await failureOf(() => conn.cursor().executeMany(INSERT, items()));
    expect(error).toBeInstanceOf(errors.UniqueViolation);
    expect([error.index, left]).toEqual([1, false]);
    expect(await countOf(conn)).toBe(0);
    await expectUsable(conn);
  });

  test("are given up when the session ends", async () => {
    await using conn = await withTable(await connect());
    async function* items(): AsyncGenerator<Item> {
      yield [1, "a"];
      await new Promise(() => {});
    }
    const failure = failureOf(() => conn.cursor().executeMany(INSERT, items()));
    const text = `select query from pg_stat_activity where pid = ${conn.info.backendPid}`;
    await using other = await connect();
    await eventually(async () => (await other.query<{ query: string }>(text))[0]?.query === INSERT);
    await terminate(conn.info.backendPid);
    expect(await failure).toBeInstanceOf(errors.AdminShutdown);
  });

  test.each(["signal", "timeout"])("a %s ends the wait for an item", async (limit) => {
    await using conn = await withTable(await connect());
    let asked = false;
    let closed = false;
    const items: AsyncIterable<Item> = {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          if (asked) return await new Promise(() => {});
          asked = true;
          return { done: false, value: [1, "a"] };
        },
        return: async () => {
          closed = true;
          return { done: true, value: undefined };
        },
      }),
    };
    const stop = new AbortController();
    const options = limit === "signal" ? { signal: stop.signal } : { timeout: 200 };
    const failure = failureOf(() => conn.cursor().executeMany(INSERT, items, options));
    await eventually(() => asked);
    stop.abort();
    expect(await failure).toBeInstanceOf(errors.QueryCanceled);
    expect(closed).toBe(true);
    expect(await countOf(conn)).toBe(0);
    await expectUsable(conn);
  });

  test("a call that is withdrawn closes its source", async () => {
    await using conn = await withTable(await connect());
    const slow = conn.execute("select pg_sleep(0.3)");
    const items = numbers(3);
    const error = await failureOf(() => conn.cursor().executeMany(INSERT, items, { timeout: 50 }));
    expect(error.outcome).toBe("not sent");
    expect(items.next().done).toBe(true);
    await slow;
  });

  test("can't come from the connection that waits for them", async () => {
    await using conn = await withTable(await connect());
    async function* items(): AsyncGenerator<Item> {
      yield [1, "a"];
      for (const { n } of await conn.query("select 2 as n")) yield [n, "b"];
    }
    const error = await failureOf(() => conn.cursor().executeMany(INSERT, items()));
    expect(error.message).toContain("can't come from the connection");
    expect(await countOf(conn)).toBe(0);
    // From another one they can, and afterwards from this one as well.
    await using other = await connect();
    async function* allowed(): AsyncGenerator<Item> {
      for (const { n } of await other.query("select 2 as n")) yield [n, "b"];
    }
    await conn.cursor().executeMany(INSERT, allowed());
    expect(await countOf(conn)).toBe(1);
  });

  test("statements of other callers come after it", async () => {
    await using conn = await withTable(await connect());
    const many = conn.cursor().executeMany(INSERT, later(300));
    expect(await countOf(conn)).toBe(300);
    await many;
    const both = [
      conn.cursor().executeMany(
        INSERT,
        numbers(1_000, (n) => [n + 1_000, ""]),
      ),
      conn.cursor().executeMany(
        INSERT,
        numbers(1_000, (n) => [n + 1_500, ""]),
      ),
      conn.query("select 1 as one"),
    ];
    const [first, second, third] = await Promise.allSettled(both);
    expect(first?.status).toBe("fulfilled");
    expect(second).toMatchObject({ status: "rejected", reason: { index: 0 } });
    expect(third).toEqual({ status: "fulfilled", value: [{ one: 1 }] });
    expect(await countOf(conn)).toBe(1_300);
  });
});
