// What can't be sent is refused with an error that names it and says what to do; nothing of it reaches the
// server, the transaction stays as it was, and statements of others go on as if nothing had happened.

import { describe, expect, test } from "@jest/globals";
import { type AsyncConnection, errors, type MahoutError } from "../../src/index.ts";
import { administer, expectUsable, failureOf, shells } from "../support/shells.ts";
import { bad, type Bad } from "./bad-input.ts";

const run = (conn: AsyncConnection, { text, parameters }: Bad, options?: object): unknown =>
  conn.query(text as string, parameters as unknown[], options);

function expectRefusal(error: MahoutError, { kind, message }: Bad): void {
  expect(error).toBeInstanceOf(kind);
  if (typeof message === "string") expect(error.message).toBe(message);
  else expect(error.message).toMatch(message);
}

describe.each(shells)("$name shell", ({ name, connect }) => {
  test.each(bad)("$what", async (input) => {
    await using conn = await connect();
    for (const options of [
      undefined,
      undefined,
      { prepare: true },
      { prepare: true },
      { binary: true },
    ]) {
      expectRefusal(await failureOf(() => run(conn, input, options)), input);
      await expectUsable(conn);
    }
    // A cursor that was refused something has no result, and can be used again.
    const cur = conn.cursor();
    const execute = () => cur.execute(input.text as string, input.parameters as unknown[]);
    expectRefusal(await failureOf(execute), input);
    expect([cur.description, cur.statusMessage]).toEqual([null, null]);
    await cur.execute("select 1 as n");
    expect(await cur.fetchOne()).toEqual({ n: 1 });
  });

  test("in a transaction: it goes on as if nothing had been said", async () => {
    await using conn = await connect();
    await conn.execute("create temp table t (n int)");
    await conn.execute("begin");
    await conn.execute("insert into t values (1)");
    for (const input of bad) {
      expectRefusal(await failureOf(() => run(conn, input)), input);
      await expectUsable(conn, "inTransaction");
    }
    await conn.execute("commit");
    expect(await conn.query("select n from t")).toEqual([{ n: 1 }]);
  });

  test("a statement that is known or prepared refuses the same", async () => {
    await using conn = await connect({ prepareThreshold: 1 });
    const insert = (value: unknown) => conn.query("insert into t values ($1)", [value]);
    await conn.execute("create temp table t (n int)");
    for (let n = 0; n < 4; n++) {
      await insert(n);
      const error = await failureOf(() => insert(n + 0.5));
      expect(error.message).toBe(
        `parameter $1 (int4): ${n + 0.5} is not an integer, int4 takes whole numbers`,
      );
      await expectUsable(conn);
    }
    expect(await conn.query("select count(*)::int as n from t")).toEqual([{ n: 4 }]);
  });

  test("the server is not left waiting for more, with a transaction of its own", async () => {
    await using conn = await connect();
    const text = `select state from pg_stat_activity where pid = ${conn.info.backendPid}`;
    for (const parameters of [[1.5], [1, 2]]) {
      await failureOf(() => conn.query("select $1::int4", parameters));
      expect(await administer(text)).toEqual([["idle"]]);
    }
  });

  test("65,535 parameters, as many as can be", async () => {
    await using conn = await connect();
    const count = 65_535;
    const places = Array.from({ length: count }, (_, index) => `($${index + 1}::int)`).join();
    const [row] = await conn.query(
      `select count(*)::int as count, sum(n)::int as sum from (values ${places}) as v (n)`,
      Array.from({ length: count }, (_, index) => index % 3),
    );
    expect(row).toEqual({ count, sum: count });
  });

  test("placeholders without parameters are the server's to refuse", async () => {
    await using conn = await connect();
    for (const parameters of [undefined, []]) {
      const error = await failureOf(() => conn.query("select $1::int", parameters));
      expect(error).toBeInstanceOf(errors.UndefinedParameter);
      await expectUsable(conn);
    }
  });

  test("values that throw when they are looked at", async () => {
    await using conn = await connect();
    const trap = {
      toJSON() {
        throw new Error("not for you");
      },
    };
    for (let round = 0; round < 3; round++) {
      const error = await failureOf(() => conn.query("select $1::jsonb", [trap]));
      expect(error.message).toContain("not for you");
      await expectUsable(conn);
    }
  });

  test("a value that changes while it is looked at", async () => {
    await using conn = await connect();
    let looks = 0;
    const values = {
      get 0() {
        return ++looks === 1 ? 1 : undefined;
      },
      length: 1,
    };
    const array = Object.setPrototypeOf(values, Array.prototype) as unknown[];
    // Not an array for JavaScript either.
    const error = await failureOf(() => conn.query("select $1::int", array));
    expect(error.message).toMatch(/^parameters must be an array of values for \$1/);
    await expectUsable(conn);
  });

  if (name === "async") {
    test("statements that were called around it go on", async () => {
      await using conn = await connect();
      await conn.query("select $1::int as n", [0]);
      const calls: Promise<unknown>[] = [];
      for (const [index, input] of bad.entries()) {
        calls.push(
          conn.query("select $1::int as n", [index]),
          failureOf(() => run(conn, input)),
          conn.query(`select ${index} as n`),
        );
      }
      const outcomes = await Promise.all(calls);
      for (const [index, input] of bad.entries()) {
        const [before, error, after] = outcomes.slice(index * 3);
        expect([before, after]).toEqual([[{ n: index }], [{ n: index }]]);
        expectRefusal(error as MahoutError, input);
      }
      await expectUsable(conn);
    });

    test("with a signal or a timeout", async () => {
      await using conn = await connect();
      for (const input of bad) {
        const limits = { timeout: 10_000, signal: new AbortController().signal };
        expectRefusal(await failureOf(() => run(conn, input, limits)), input);
      }
      await expectUsable(conn);
    });
  }
});
