// Statements that take too long: `timeout` ends them on the server, too, the connection can be used afterwards,
// and no other statement is ever hit.

import { describe, expect, test } from "@jest/globals";
import { errors, ProgrammingError } from "../../src/index.ts";
import { administer, expectUsable, failureOf } from "../support/shells.ts";
import { onceRunning, shells, warningsOf } from "../support/shells.ts";

/** Far longer than a test may take: what runs for so long was not cancelled. */
const FOREVER = "select pg_sleep(60)";

/** What the server says the session is doing. */
async function stateOf(pid: number): Promise<string | undefined> {
  return (await administer(`select state from pg_stat_activity where pid = ${pid}`))[0]?.[0];
}

describe.each(shells)("$name shell", ({ connect }) => {
  test.each<[what: string, text: string, parameters: unknown[]]>([
    ["a simple query", FOREVER, []],
    ["a query with parameters", "select pg_sleep($1)", [60]],
  ])(
    "a timeout ends %s on the server, and the connection goes on",
    async (_what, text, parameters) => {
      await using conn = await connect();
      for (let round = 0; round < 3; round++) {
        const error = await failureOf(() => conn.query(text, parameters, { timeout: 30 }));
        expect(error).toBeInstanceOf(errors.QueryCanceled);
        expect([error.sqlstate, error.message]).toEqual([
          "57014",
          "the statement was cancelled on the server after its timeout of 30 ms",
        ]);
        expect(error.statement).toBe(text);
        // It has ended when the call has: nobody needs to wait for it.
        expect(await stateOf(conn.info.backendPid)).toBe("idle");
        await expectUsable(conn);
      }
    },
  );

  test("a statement that ends in time is not touched", async () => {
    await using conn = await connect();
    expect(await conn.query("select $1::int as n", [7], { timeout: 10_000 })).toEqual([{ n: 7 }]);
    const error = await failureOf(() => conn.query("select 1/0", [], { timeout: 10_000 }));
    expect(error).toBeInstanceOf(errors.DivisionByZero);
    await expectUsable(conn);
  });

  test("the next statement is never hit", async () => {
    await using conn = await connect();
    const outcomes = new Set<string>();
    for (let round = 0; round < 40; round++) {
      // Now the statement wins, now its timeout.
      const seconds = round % 2 === 0 ? 0.0005 * (round % 8) : 0.01;
      const text = `select 1 as n from pg_sleep(${seconds})`;
      try {
        await conn.query(text, [], { timeout: round % 5 });
        outcomes.add("done");
      } catch (error) {
        expect(error).toBeInstanceOf(errors.QueryCanceled);
        outcomes.add("cancelled");
      }
      expect(await conn.query("select 2 as n from pg_sleep(0.002)")).toEqual([{ n: 2 }]);
    }
    expect(outcomes).toContain("cancelled");
    await expectUsable(conn);
  });

  test("in a transaction it is an error like any other", async () => {
    await using conn = await connect();
    await conn.execute("begin");
    const error = await failureOf(() => conn.query(FOREVER, [], { timeout: 20 }));
    expect(error).toBeInstanceOf(errors.QueryCanceled);
    expect(conn.info.transactionStatus).toBe("inError");
    await conn.execute("rollback");
    await expectUsable(conn);
  });

  test("the server's own timeout is told in the server's words", async () => {
    await using conn = await connect();
    await conn.execute("set statement_timeout = 20");
    const error = await failureOf(() => conn.query(FOREVER, [], { timeout: 20_000 }));
    expect([error.name, error.message]).toEqual([
      "QueryCanceled",
      "canceling statement due to statement timeout",
    ]);
  });

  test("somebody else's cancel is told in the server's words", async () => {
    await using conn = await connect();
    const agent = await onceRunning(conn.info.backendPid, "endless", "pg_cancel_backend");
    const text = "select pg_sleep(60) as endless";
    const error = await failureOf(() => conn.query(text, [], { timeout: 20_000 }));
    expect([error.name, error.message, error.statement]).toEqual([
      "QueryCanceled",
      "canceling statement due to user request",
      text,
    ]);
    await agent.done;
    await expectUsable(conn);
  });

  test.each([-1, NaN, "5", null])("a timeout of %p is refused", async (timeout) => {
    await using conn = await connect();
    const error = await failureOf(() =>
      conn.query("select 1", [], { timeout: timeout as unknown as number }),
    );
    expect(error).toBeInstanceOf(ProgrammingError);
    expect(error.message).toBe(
      `timeout must be a number of milliseconds, not ${typeof timeout === "string" ? `"${timeout}"` : timeout}`,
    );
    await expectUsable(conn);
  });

  test.each([2 ** 31, 2 ** 40, Infinity])("a timeout of %p is no limit", async (timeout) => {
    const warnings = await warningsOf(async () => {
      await using conn = await connect({ connectTimeout: timeout });
      const rows = await conn.query("select 1 as n from pg_sleep(0.02)", [], { timeout });
      expect(rows).toEqual([{ n: 1 }]);
    });
    expect(warnings.map(String)).toEqual([]);
  });

  test("a statement that outlives its cancel request is waited for, and the connection goes on", async () => {
    await using conn = await connect();
    // It catches the cancel and goes on for a while. Old servers signal a session and its process group, so it
    // may be told twice.
    const text = `do $$ begin
        begin perform pg_sleep(60); exception when query_canceled then null; end;
        begin perform pg_sleep(0.05); exception when query_canceled then null; end;
      end $$`;
    const cur = await conn.execute(text, [], { timeout: 250 });
    expect(cur.statusMessage).toBe("DO");
    await expectUsable(conn);
  });
});

const [{ connect }] = shells as [(typeof shells)[0]];

describe("async shell: timeout", () => {
  test("counts the time in the queue, and withdraws what was not sent", async () => {
    await using conn = await connect();
    await conn.execute("create temp table t (n int)");
    const first = conn.query("select 1 as n from pg_sleep(0.1)");
    const second = conn.query("insert into t values (2)", [], { timeout: 10 });
    const third = conn.query("select 3 as n");
    const error = await failureOf(() => second);
    expect([error.name, error.message]).toEqual([
      "QueryCanceled",
      "the statement was withdrawn after its timeout of 10 ms: it was waiting for its turn, and was not sent",
    ]);
    expect(await Promise.all([first, third])).toEqual([[{ n: 1 }], [{ n: 3 }]]);
    expect(await conn.query("select n from t")).toEqual([]);
    await expectUsable(conn);
  });

  test("stops its own statement among those of others", async () => {
    await using conn = await connect();
    const calls = Array.from({ length: 9 }, (_, n) =>
      n === 4
        ? conn.query(FOREVER, [], { timeout: 30 })
        : conn.query("select $1::int as n from pg_sleep(0.002)", [n]),
    );
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.map(({ status }) => status)).toEqual(
      calls.map((_, n) => (n === 4 ? "rejected" : "fulfilled")),
    );
    await expectUsable(conn);
  });
});
