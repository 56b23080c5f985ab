// Prepared statements look after themselves. The server is the witness: its view pg_prepared_statements
// knows what is prepared in a session, under which name, and how often it was executed under that name.

import { describe, expect, test } from "@jest/globals";
import { type AsyncConnection, type RowFactory, errors, scalarRow } from "../../src/index.ts";
import { failureOf, shells } from "../support/shells.ts";

interface Prepared {
  readonly name: string;
  readonly statement: string;
  readonly executions: number;
}

/** A text so long that it is not remembered: looking must not change what is seen. */
const LOOK = `select name, statement, (generic_plans + custom_plans)::int as executions
  from pg_prepared_statements order by prepare_time, name -- ${"x".repeat(70_000)}`;

/** What the server has prepared for the connection, the oldest first. */
async function preparedOn(conn: AsyncConnection): Promise<Prepared[]> {
  return await conn.query<Prepared>(LOOK);
}

const statementsOn = async (conn: AsyncConnection): Promise<string[]> =>
  (await preparedOn(conn)).map(({ statement }) => statement);

/** How many statements are prepared while the statement that counts them runs. */
const COUNT = "select count(*)::int as n from pg_prepared_statements where $1::int > 0";
const COUNT_PLAIN = "select count(*)::int as n from pg_prepared_statements";

describe.each(shells)("$name shell", ({ connect }) => {
  const counts = async (conn: AsyncConnection, times: number, options: object = {}) => {
    const found: number[] = [];
    for (let round = 0; round < times; round++) {
      const rows = await conn.query(COUNT, [1], {
        rowFactory: scalarRow as RowFactory<number>,
        ...options,
      });
      found.push(...rows);
    }
    return found;
  };

  test("after five executions, the sixth is prepared", async () => {
    await using conn = await connect();
    expect(conn.prepareThreshold).toBe(5);
    expect(await counts(conn, 8)).toEqual([0, 0, 0, 0, 0, 1, 1, 1]);
    const found: unknown[] = [];
    for (let round = 0; round < 8; round++) found.push((await conn.query(COUNT_PLAIN))[0]?.["n"]);
    expect(found).toEqual([1, 1, 1, 1, 1, 2, 2, 2]);
  });

  test.each([
    [0, [1, 1, 1]],
    [1, [0, 1, 1]],
    [2, [0, 0, 1]],
    [null, [0, 0, 0, 0, 0, 0, 0, 0]],
  ])("a threshold of %p", async (prepareThreshold, expected) => {
    await using conn = await connect({ prepareThreshold });
    expect(conn.prepareThreshold).toBe(prepareThreshold);
    expect(await counts(conn, expected.length)).toEqual(expected);
  });

  test("the threshold can be changed", async () => {
    await using conn = await connect({ prepareThreshold: null });
    expect(await counts(conn, 3)).toEqual([0, 0, 0]);
    conn.prepareThreshold = 1;
    expect(await counts(conn, 1)).toEqual([1]);
  });

  test.each([-1, 1.5, NaN, "5", Infinity])("a threshold of %p is refused", async (given) => {
    const prepareThreshold = given as number;
    const message = `prepareThreshold must be a whole number or null, not ${given}`;
    expect((await failureOf(() => connect({ prepareThreshold }))).message).toBe(message);
    await using conn = await connect();
    const error = await failureOf(() => (conn.prepareThreshold = prepareThreshold));
    expect([error.message, conn.prepareThreshold]).toEqual([message, 5]);
  });

  test.each([-1, 1.5, NaN, "5", null])("a maximum of %p is refused", async (given) => {
    const preparedMax = given as number;
    const message = `preparedMax must be a whole number, not ${given}`;
    await using conn = await connect();
    const error = await failureOf(() => (conn.preparedMax = preparedMax));
    expect([error.message, conn.preparedMax]).toEqual([message, 100]);
  });

  test("prepare: true prepares at once, and executes by name from then on", async () => {
    await using conn = await connect();
    for (let round = 1; round <= 3; round++) {
      const rows = await conn.query("select $1::int + 1 as n", [round], { prepare: true });
      expect(rows).toEqual([{ n: round + 1 }]);
      const [only, ...others] = await preparedOn(conn);
      expect(others).toEqual([]);
      expect(only).toMatchObject({ statement: "select $1::int + 1 as n", executions: round });
    }
    await conn.query("select 7 as n", [], { prepare: true });
    await conn.query("select 7 as n");
    expect((await preparedOn(conn)).map(({ executions }) => executions)).toEqual([3, 2]);
  });

  test("prepare: false never prepares, and leaves what is prepared alone", async () => {
    await using conn = await connect();
    expect(await counts(conn, 10, { prepare: false })).toEqual(Array<number>(10).fill(0));
    await conn.query("select $1::int as n", [1], { prepare: true });
    await conn.query("select $1::int as n", [2], { prepare: false });
    expect((await preparedOn(conn)).map(({ executions }) => executions)).toEqual([1]);
  });

  test("names are the connection's own, so that a pooler can mix connections", async () => {
    await using one = await connect();
    await using other = await connect();
    for (const conn of [one, other]) await conn.query("select $1::int", [1], { prepare: true });
    const [first] = await preparedOn(one);
    const [second] = await preparedOn(other);
    expect(first?.name).toMatch(/^_mahout_\w+_\d+$/);
    expect(second?.name).toMatch(/^_mahout_\w+_\d+$/);
    expect(first?.name).not.toBe(second?.name);
  });

  test("what was used longest ago is closed on the server when there are too many", async () => {
    await using conn = await connect({ preparedMax: 3 });
    expect(conn.preparedMax).toBe(3);
    const run = (n: number) => conn.query(`select $1::int + ${n}`, [n], { prepare: true });
    for (const n of [1, 2, 3, 1, 4]) await run(n);
    expect(await statementsOn(conn)).toEqual([1, 3, 4].map((n) => `select $1::int + ${n}`));
    for (const n of [5, 6, 7, 8]) await run(n);
    expect(await statementsOn(conn)).toEqual([6, 7, 8].map((n) => `select $1::int + ${n}`));
    // The one that fell out is prepared again, and works.
    expect(await run(1)).toHaveLength(1);
    expect(await statementsOn(conn)).toHaveLength(3);
  });

  test("what fell out while nothing was said in the extended protocol is closed later", async () => {
    await using conn = await connect({ preparedMax: 2 });
    await conn.query("select $1::int + 1", [1], { prepare: true });
    for (let n = 0; n < 5; n++) await conn.query(`select ${n} as n`);
    await conn.query("select $1::int + 2", [1], { prepare: true });
    expect(await statementsOn(conn)).toEqual(["select $1::int + 2"]);
  });

  test("what fell out while a statement failed is closed later", async () => {
    await using conn = await connect({ preparedMax: 2 });
    for (const n of [1, 2]) await conn.query(`select $1::int + ${n}`, [n], { prepare: true });
    await failureOf(() => conn.query("select 1 / $1::int", [0]));
    await failureOf(() => conn.query("select 2 / $1::int", [0]));
    await conn.query("select $1::int + 3", [1], { prepare: true });
    expect(await statementsOn(conn)).toEqual(["select $1::int + 3"]);
  });

  test("a lower maximum closes what is too much", async () => {
    await using conn = await connect();
    for (let n = 0; n < 10; n++) await conn.query(`select $1::int + ${n}`, [n], { prepare: true });
    conn.preparedMax = 2;
    await conn.query("select $1::int + 10", [1], { prepare: true });
    const left = await statementsOn(conn);
    expect(left.at(-1)).toBe("select $1::int + 10");
    expect(left.length).toBeLessThanOrEqual(2);
  });

  test("a maximum of 0 prepares nothing", async () => {
    await using conn = await connect({ preparedMax: 0 });
    expect(await counts(conn, 8)).toEqual(Array<number>(8).fill(0));
    expect(await counts(conn, 2, { prepare: true })).toEqual([0, 0]);
  });

  test("many statements of many texts, as many as remembered and more", async () => {
    await using conn = await connect({ prepareThreshold: 0 });
    for (let n = 0; n < 250; n++) {
      expect(await conn.query(`select $1::int + ${n} as n`, [1])).toEqual([{ n: n + 1 }]);
    }
    expect(await preparedOn(conn)).toHaveLength(100);
  });

  test.each(["discard all", "deallocate all", "discard /* */ all; select 1"])(
    "after %s, all is prepared anew",
    async (text) => {
      await using conn = await connect();
      const run = () => conn.query("select $1::int as n", [1], { prepare: true });
      await run();
      await failureOf(() => conn.execute(text)).catch(() => {});
      if (!text.includes(";")) expect(await preparedOn(conn)).toEqual([]);
      expect(await run()).toEqual([{ n: 1 }]);
      expect(await run()).toEqual([{ n: 1 }]);
      expect(await statementsOn(conn)).toEqual(["select $1::int as n"]);
    },
  );

  test("deallocate all in a transaction", async () => {
    await using conn = await connect();
    const run = () => conn.query("select $1::int as n", [1], { prepare: true });
    await run();
    await conn.execute("begin");
    await conn.execute("deallocate all");
    expect(await run()).toEqual([{ n: 1 }]);
    await conn.execute("commit");
    expect(await run()).toEqual([{ n: 1 }]);
  });

  test("a statement that somebody deallocated by name is prepared again", async () => {
    await using conn = await connect();
    const run = () => conn.query("select $1::int as n", [1], { prepare: true });
    await run();
    await conn.execute(`deallocate "${(await preparedOn(conn))[0]?.name}"`);
    expect(await run()).toEqual([{ n: 1 }]);
    expect(await statementsOn(conn)).toEqual(["select $1::int as n"]);
  });

  test("a rollback forgets nothing", async () => {
    await using conn = await connect();
    await conn.execute("begin");
    await conn.query("select $1::int as n", [1], { prepare: true });
    await failureOf(() => conn.query("select 1/0"));
    await conn.execute("rollback");
    const [before] = await preparedOn(conn);
    expect(await conn.query("select $1::int as n", [2])).toEqual([{ n: 2 }]);
    expect(await preparedOn(conn)).toEqual([{ ...before, executions: 2 }]);
  });

  test("what the program prepared by itself is left alone", async () => {
    await using conn = await connect();
    await conn.execute("prepare mine as select 1 as n");
    for (let n = 0; n < 8; n++) expect(await conn.query("execute mine")).toEqual([{ n: 1 }]);
    expect(await statementsOn(conn)).toContain("prepare mine as select 1 as n");
  });

  test("a statement that can't be parsed leaves nothing behind", async () => {
    await using conn = await connect();
    for (let round = 0; round < 3; round++) {
      const error = await failureOf(() => conn.query("select nope($1)", [1], { prepare: true }));
      expect(error).toBeInstanceOf(errors.UndefinedFunction);
    }
    expect(await preparedOn(conn)).toEqual([]);
  });

  test("a statement that fails when it runs is prepared once all the same", async () => {
    await using conn = await connect({ prepareThreshold: 2 });
    for (let round = 0; round < 8; round++) {
      const error = await failureOf(() => conn.query("select 1 / $1::int", [0]));
      expect(error).toBeInstanceOf(errors.DivisionByZero);
    }
    expect((await statementsOn(conn)).length).toBeLessThanOrEqual(1);
    expect(await conn.query("select 1 / $1::int as n", [1])).toEqual([{ n: 1 }]);
  });

  test("several statements in one text stay several", async () => {
    await using conn = await connect({ prepareThreshold: 1 });
    for (let round = 0; round < 8; round++) {
      const cur = await conn.execute("select 1 as n; select 2 as n");
      const rows: unknown[] = [];
      for await (const each of cur.results()) rows.push(...(await each.fetchAll()));
      expect(rows).toEqual([{ n: 1 }, { n: 2 }]);
    }
    expect(await preparedOn(conn)).toEqual([]);
  });

  test("what is no query is not prepared", async () => {
    await using conn = await connect({ prepareThreshold: 1 });
    for (let round = 0; round < 5; round++) {
      await conn.execute("set application_name to 'x'");
      await conn.execute("create temp table if not exists t (n int)");
      await conn.execute("begin");
      await conn.execute("commit");
    }
    expect(await preparedOn(conn)).toEqual([]);
  });

  test("a text of 100,000 characters is not", async () => {
    await using conn = await connect({ prepareThreshold: 0 });
    const text = `select $1::int as n -- ${"x".repeat(100_000)}`;
    for (let n = 0; n < 3; n++) expect(await conn.query(text, [n])).toEqual([{ n }]);
    expect(await preparedOn(conn)).toEqual([]);
  });
});

describe("async shell, many at once", () => {
  const [{ connect }] = shells as [(typeof shells)[0]];

  test("the same text is prepared once", async () => {
    await using conn = await connect({ prepareThreshold: 3 });
    const calls = Array.from({ length: 100 }, (_, n) => conn.query("select $1::int as n", [n]));
    expect(await Promise.all(calls)).toEqual(calls.map((_, n) => [{ n }]));
    const plain = Array.from({ length: 100 }, () =>
      conn.query("select 5 as n", [], { prepare: true }),
    );
    expect(new Set((await Promise.all(plain)).map(([row]) => row?.["n"]))).toEqual(new Set([5]));
    expect(await statementsOn(conn)).toEqual(["select $1::int as n", "select 5 as n"]);
  });

  test("statements that fall out and come back, all at once", async () => {
    await using conn = await connect({ preparedMax: 3, prepareThreshold: 0 });
    const calls = Array.from({ length: 500 }, (_, n) =>
      conn.query(`select $1::int + ${n % 7} as n`, [n]),
    );
    expect(await Promise.all(calls)).toEqual(calls.map((_, n) => [{ n: n + (n % 7) }]));
    expect((await statementsOn(conn)).length).toBeLessThanOrEqual(3);
  });

  test("deallocate all among others disturbs none of them", async () => {
    await using conn = await connect({ prepareThreshold: 0 });
    const calls = Array.from({ length: 60 }, (_, n) =>
      n % 10 === 5 ? conn.query("deallocate all") : conn.query("select $1::int as n", [n]),
    );
    const expected = calls.map((_, n) => (n % 10 === 5 ? [] : [{ n }]));
    expect(await Promise.all(calls)).toEqual(expected);
  });

  test("alter table among others changes those after it, and only those", async () => {
    await using conn = await connect({ prepareThreshold: 0 });
    await conn.execute("create temp table t as select 1 as a");
    const select = () => conn.query("select * from t where $1::int = 1", [1]);
    await select();
    const calls = [
      select(),
      select(),
      conn.query("alter table t add b int"),
      select(),
      conn.query("alter table t drop a"),
      select(),
    ];
    const [a, b] = [[{ a: 1 }], [{ a: 1, b: null }]];
    expect(await Promise.all(calls)).toEqual([a, a, [], b, [], [{ b: null }]]);
  });
});
