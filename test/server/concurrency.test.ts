// One connection, many cursors: they share the session, its transaction, what is visible in it and its error
// state; their statements run one after the other, first come first served, whoever calls. In the
// asynchronous shell many of them may be on the wire at once, which nobody can tell from the outcome.

import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import {
  type AsyncConnection,
  DataError,
  errors,
  type MahoutError,
  ProgrammingError,
} from "../../src/index.ts";
import { administer, failureOf, shells } from "../support/shells.ts";

describe.each(shells)("cursors of one connection, $name shell", ({ connect }) => {
  test("share the transaction", async () => {
    await using conn = await connect();
    const [one, other] = [conn.cursor(), conn.cursor()];
    await one.execute("begin");
    expect(conn.info.transactionStatus).toBe("inTransaction");
    await other.execute("create temp table t (n int)");
    await one.execute("insert into t values (1)");
    await other.execute("select n from t");
    expect(await other.fetchAll()).toEqual([{ n: 1 }]);
    await other.execute("rollback");
    expect(conn.info.transactionStatus).toBe("idle");
    expect(await failureOf(() => one.execute("select n from t"))).toBeInstanceOf(
      errors.UndefinedTable,
    );
  });

  test("see what others did and nobody else sees yet", async () => {
    await using conn = await connect();
    await using stranger = await connect();
    const table = `visible_${Math.random().toString(36).slice(2)}`;
    await conn.execute(`create table ${table} (n int)`);
    try {
      const [one, other] = [conn.cursor(), conn.cursor()];
      await one.execute("begin");
      await one.execute(`insert into ${table} values (1)`);
      await other.execute(`select n from ${table}`);
      expect(await other.fetchAll()).toEqual([{ n: 1 }]);
      expect(await stranger.query(`select n from ${table}`)).toEqual([]);
      await other.execute("commit");
      expect(await stranger.query(`select n from ${table}`)).toEqual([{ n: 1 }]);
    } finally {
      await administer(`drop table ${table}`);
    }
  });

  test("share the error state, until the rollback", async () => {
    await using conn = await connect();
    const [one, other] = [conn.cursor(), conn.cursor()];
    await one.execute("begin");
    expect((await failureOf(() => one.execute("select 1/0"))).sqlstate).toBe("22012");
    expect(conn.info.transactionStatus).toBe("inError");
    for (const cur of [one, other, conn.cursor()]) {
      const error = await failureOf(() => cur.execute("select 1"));
      expect(error).toBeInstanceOf(errors.InFailedSqlTransaction);
    }
    await other.execute("rollback");
    for (const cur of [one, other]) {
      await cur.execute("select 1 as n");
      expect(await cur.fetchOne()).toEqual({ n: 1 });
    }
  });

  test("share the session's settings and temporary tables", async () => {
    await using conn = await connect();
    const [one, other] = [conn.cursor(), conn.cursor()];
    await one.execute("set application_name to 'shared'; create temp table t as select 1 as n");
    await other.execute("select current_setting('application_name') as name, n from t");
    expect(await other.fetchOne()).toEqual({ name: "shared", n: 1 });
  });

  test("have results of their own", async () => {
    await using conn = await connect();
    const cursors = [];
    for (let n = 0; n < 5; n++) {
      cursors.push(await conn.execute("select $1::int + generate_series(0, 2) as n", [n * 10]));
    }
    for (const step of [0, 1, 2]) {
      for (const [n, cur] of cursors.entries()) {
        expect(await cur.fetchOne()).toEqual({ n: n * 10 + step });
      }
    }
  });

  test("outside of a transaction, an error is nobody else's", async () => {
    await using conn = await connect();
    const [one, other] = [conn.cursor(), conn.cursor()];
    await failureOf(() => one.execute("select nope"));
    await other.execute("select 1 as n");
    expect(await other.fetchOne()).toEqual({ n: 1 });
  });
});

const [{ connect }] = shells as [(typeof shells)[0]];

/** A table that numbers what is inserted, in the order in which the server does it. */
async function withLog(conn: AsyncConnection): Promise<() => Promise<unknown[]>> {
  await conn.execute("create temp table log (at serial, who int)");
  return async () =>
    (await conn.query("select who from log order by at")).map(({ who }) => who as unknown);
}

const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

describe("many callers of one connection", () => {
  test("300 statements of many cursors run in the order in which they were called", async () => {
    await using conn = await connect();
    const order = await withLog(conn);
    const cursors = range(20).map(() => conn.cursor());
    const calls = range(300).map((n) => {
      const cur = n % 3 === 0 ? conn.cursor() : cursors[n % 20];
      // Whoever takes longer is not overtaken.
      const seconds = n % 7 === 0 ? Math.random() / 500 : 0;
      return n % 2 === 0
        ? cur?.execute("insert into log (who) select $1 from pg_sleep($2)", [n, seconds])
        : cur?.execute(`insert into log (who) select ${n} from pg_sleep(${seconds})`);
    });
    await Promise.all(calls);
    expect(await order()).toEqual(range(300));
  });

  test("tasks that do other things in between keep the order of their calls", async () => {
    await using conn = await connect();
    const order = await withLog(conn);
    const called: number[] = [];
    const task = async (task: number): Promise<void> => {
      for (let step = 0; step < 10; step++) {
        const n = task * 100 + step;
        await sleep(Math.random() * 3);
        called.push(n);
        await conn.execute("insert into log (who) values ($1)", [n]);
      }
    };
    await Promise.all(range(20).map(task));
    expect(await order()).toEqual(called);
  });

  test("statements of every kind keep their order among each other", async () => {
    await using conn = await connect();
    const order = await withLog(conn);
    const insert = (n: number, value: string): string =>
      `insert into log (who) select ${value} from pg_sleep(${n % 5 === 0 ? 0.001 : 0})`;
    const kinds: ((n: number) => Promise<unknown>)[] = [
      (n) => conn.execute(insert(n, String(n))),
      (n) => conn.execute(insert(0, "$1"), [n]),
      (n) => conn.execute(insert(0, "$1 + 0"), [n], { prepare: true }),
      (n) => conn.execute(insert(n, String(n)), [], { timeout: 10_000 }),
      (n) => conn.execute(insert(0, "$1"), [n], { signal: new AbortController().signal }),
      (n) => conn.execute(`${insert(n, String(n))}; select 1`),
      (n) => conn.execute(`set application_name to 'n${n}'; ${insert(0, String(n))}`),
      (n) => failureOf(() => conn.execute("insert into log (who) values ($1)", [n, n])),
      (n) => failureOf(() => conn.execute(`insert into log (who) values (${n} / 0)`)),
    ];
    const calls = range(270).map((n) => kinds[n % kinds.length]?.(n));
    await Promise.all(calls);
    expect(await order()).toEqual(range(270).filter((n) => n % kinds.length < 7));
  });

  test("2,000 at once: each gets its own rows or its own error", async () => {
    await using conn = await connect();
    // From its second execution on, a statement doesn't wait for the one before it.
    const kinds: [run: (n: number) => Promise<unknown>, outcome: (n: number) => unknown][] = [
      [(n) => conn.query("select $1::int as n", [n]), (n) => [{ n }]],
      [(n) => conn.query(`select ${n} as n`), (n) => [{ n }]],
      [
        (n) => conn.query("select $1::text || $2 as t", [`a${n}`, `b${n}`]),
        (n) => [{ t: `a${n}b${n}` }],
      ],
      [(n) => conn.query("select 1 / ($1::int - $1)", [n]), () => errors.DivisionByZero],
      [(n) => conn.query(`selec ${n}`), () => errors.SyntaxError],
      [
        (n) => conn.query("select $1::int", [`no number ${n}`]),
        () => errors.InvalidTextRepresentation,
      ],
      [(n) => conn.query("select $1::int", [n + 0.5]), () => DataError],
      [(n) => conn.query("select $1::int", [n, n]), () => ProgrammingError],
      [(n) => conn.query("select $1::int", [undefined, n]), () => ProgrammingError],
      [
        (n) => conn.query("select g + $1::int as n from generate_series(1, 3) as g", [n]),
        (n) => [{ n: n + 1 }, { n: n + 2 }, { n: n + 3 }],
      ],
      [(n) => conn.query(`select ${n} as a; select ${n + 1} as b`), (n) => [{ b: n + 1 }]],
      [(n) => conn.query(`select ${n} as a; select 1/0`), () => errors.DivisionByZero],
      [() => conn.query(""), () => []],
    ];
    const outcomes = await Promise.allSettled(
      range(2000).map((n) => kinds[n % kinds.length]?.[0](n)),
    );
    const failures = new Set<unknown>();
    for (const [n, outcome] of outcomes.entries()) {
      const expected = kinds[n % kinds.length]?.[1](n);
      if (outcome.status === "fulfilled") {
        expect([n, outcome.value]).toEqual([n, expected]);
      } else {
        expect([n, (outcome.reason as object).constructor]).toEqual([n, expected]);
        expect((outcome.reason as MahoutError).message.length).toBeGreaterThan(0);
        failures.add(outcome.reason);
      }
    }
    expect(failures.size).toBe(outcomes.filter(({ status }) => status === "rejected").length);
    expect(await conn.query("select 1 as n")).toEqual([{ n: 1 }]);
    expect(conn.info.transactionStatus).toBe("idle");
  });

  test("an error in a shared transaction is that of its own statement, then everybody's", async () => {
    await using conn = await connect();
    const outcomes = await Promise.allSettled([
      conn.query("begin"),
      conn.query("select 1 as n"),
      conn.query("select 1/0"),
      conn.query("select 2 as n"),
      conn.query("select $1::int as n", [3]),
      conn.query("rollback"),
      conn.query("select 4 as n"),
    ]);
    expect(
      outcomes.map((one) =>
        one.status === "fulfilled" ? one.value : (one.reason as MahoutError).sqlstate,
      ),
    ).toEqual([[], [{ n: 1 }], "22012", "25P02", "25P02", [], [{ n: 4 }]]);
    expect(conn.info.transactionStatus).toBe("idle");
  });

  test("a large result in the middle doesn't mix with the small ones around it", async () => {
    await using conn = await connect();
    const outcomes = await Promise.all(
      range(30).map((n) =>
        n % 10 === 5
          ? conn.query(`select ${n} as n, g, repeat('x', 500) as x from generate_series(1, 5000) g`)
          : conn.query("select $1::int as n", [n]),
      ),
    );
    for (const [n, rows] of outcomes.entries()) {
      expect(rows).toHaveLength(n % 10 === 5 ? 5000 : 1);
      expect(rows.every((row) => row["n"] === n)).toBe(true);
    }
  });

  test("several megabytes of statements at once", async () => {
    await using conn = await connect();
    const word = "w".repeat(50_000);
    const calls = range(200).map((n) =>
      conn.query("select length($1) as length, $2::int as n", [word, n]),
    );
    const outcomes = await Promise.all(calls);
    expect(outcomes).toEqual(range(200).map((n) => [{ length: 50_000, n }]));
  });

  test("a cursor whose statement still runs has no rows yet, and the one that ends last counts", async () => {
    await using conn = await connect();
    const cur = conn.cursor();
    const first = cur.execute("select 1 as n from pg_sleep(0.01)");
    expect([cur.statusMessage, cur.query]).toEqual([null, "select 1 as n from pg_sleep(0.01)"]);
    const second = cur.execute("select 2 as n");
    await first;
    await second;
    expect(await cur.fetchAll()).toEqual([{ n: 2 }]);
  });

  test("connections don't wait for each other", async () => {
    await using one = await connect();
    await using other = await connect();
    await one.query("select pg_advisory_lock(471100)");
    const waiting = other.query("select pg_advisory_lock(471100), 1 as n");
    await one.query("select pg_advisory_unlock(471100)");
    expect(await waiting).toMatchObject([{ n: 1 }]);
  });
});
