// One statement for many items, when it fails: exact about which item it was, be it refused by the server, by
// the client or never given by its source; and when it is stopped.

import { describe, expect, test } from "@jest/globals";
import { DataError, errors, OperationalError, ProgrammingError } from "../../src/index.ts";
import { expectUsable, failureOf, shells } from "../support/shells.ts";
import { countOf, INSERT, type Item, numbers, withTable } from "./many-items.ts";

describe.each(shells)("$name shell", ({ name, connect }) => {
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
      expect(error.stack).toContain("execute-many-errors.test");
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
