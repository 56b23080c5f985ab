// Statements that somebody no longer wants: a signal and cancel() end them on the server, too, the connection can
// be used afterwards, and no other statement is ever hit.

import { getEventListeners } from "node:events";
import { describe, expect, test } from "@jest/globals";
import { errors, OperationalError } from "../../src/index.ts";
import { expectUsable, failureOf, running, shells, warningsOf } from "../support/shells.ts";

/** Far longer than a test may take: what runs for so long was not cancelled. */
const FOREVER = "select pg_sleep(60)";

describe.each(shells)("$name shell", ({ connect }) => {
  test("cancel on an idle connection hits nothing, neither now nor later", async () => {
    await using conn = await connect();
    for (let round = 0; round < 10; round++) {
      await conn.cancel();
      expect(await conn.query("select 2 as n from pg_sleep(0.002)")).toEqual([{ n: 2 }]);
    }
    await expectUsable(conn);
  });
});

const [{ connect }] = shells as [(typeof shells)[0]];

describe("async shell: signal", () => {
  test("one that was aborted before: nothing is sent", async () => {
    await using conn = await connect();
    await conn.execute("create temp table t (n int)");
    const signal = AbortSignal.abort(new Error("too late"));
    const error = await failureOf(() => conn.query("insert into t values (1)", [], { signal }));
    expect([error.name, error.message]).toEqual([
      "QueryCanceled",
      "the statement was not sent: its signal was aborted before",
    ]);
    expect(error.cause).toBe(signal.reason);
    expect(await conn.query("select n from t")).toEqual([]);
    await expectUsable(conn);
  });

  test("one that is aborted while the statement waits: it is withdrawn", async () => {
    await using conn = await connect();
    await conn.execute("create temp table t (n int)");
    const controller = new AbortController();
    const { signal } = controller;
    const first = conn.query("select 1 as n from pg_sleep(0.05)");
    const second = conn.query("insert into t values (2)", [], { signal });
    const third = conn.query("select 3 as n");
    controller.abort();
    const error = await failureOf(() => second);
    expect(error.message).toBe(
      "the statement was withdrawn by its signal: it was waiting for its turn, and was not sent",
    );
    expect((error.cause as Error).name).toBe("AbortError");
    expect(await Promise.all([first, third])).toEqual([[{ n: 1 }], [{ n: 3 }]]);
    expect(await conn.query("select n from t")).toEqual([]);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    await expectUsable(conn);
  });

  test("one that is aborted while the statement runs: it is cancelled on the server", async () => {
    await using conn = await connect();
    const controller = new AbortController();
    const call = failureOf(() => conn.query(FOREVER, [], { signal: controller.signal }));
    const others = [conn.query("select 1 as n"), conn.query("select $1::int as n", [2])];
    await running(conn);
    controller.abort(new Error("enough"));
    const error = await call;
    expect(error).toBeInstanceOf(errors.QueryCanceled);
    expect([error.message, error.statement]).toEqual([
      "the statement was cancelled on the server by its signal",
      FOREVER,
    ]);
    expect((error.cause as Error).message).toBe("enough");
    expect(await Promise.all(others)).toEqual([[{ n: 1 }], [{ n: 2 }]]);
    await expectUsable(conn);
  });

  test("one that is aborted afterwards changes nothing, and nobody listens to it any more", async () => {
    await using conn = await connect();
    const controller = new AbortController();
    const { signal } = controller;
    for (let round = 0; round < 3; round++) {
      expect(await conn.query("select 1 as n", [], { signal })).toEqual([{ n: 1 }]);
      await failureOf(() => conn.query("select 1/0", [], { signal }));
    }
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    controller.abort();
    expect(await conn.query("select 2 as n from pg_sleep(0.01)")).toEqual([{ n: 2 }]);
    await expectUsable(conn);
  });

  test("one for many statements", async () => {
    await using conn = await connect();
    const controller = new AbortController();
    const { signal } = controller;
    const warnings = await warningsOf(async () => {
      const call = () => failureOf(() => conn.query(FOREVER, [], { signal }));
      const calls = Array.from({ length: 20 }, call);
      await running(conn);
      controller.abort();
      for (const error of await Promise.all(calls)) {
        expect(error).toBeInstanceOf(errors.QueryCanceled);
      }
    });
    expect(warnings.map(String)).toEqual([]);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    await expectUsable(conn);
  });

  test("with a timeout beside it: whichever comes first", async () => {
    await using conn = await connect();
    const timed = await failureOf(() =>
      conn.query(FOREVER, [], { timeout: 20, signal: AbortSignal.timeout(20_000) }),
    );
    expect(timed.message).toMatch(/on the server after its timeout of 20 ms$/);
    const signalled = await failureOf(() =>
      conn.query(FOREVER, [], { timeout: 20_000, signal: AbortSignal.timeout(20) }),
    );
    expect(signalled.message).toMatch(/on the server by its signal$/);
    expect((signalled.cause as Error).name).toBe("TimeoutError");
    await expectUsable(conn);
  });

  test("the next statement is never hit, whenever the abort comes", async () => {
    await using conn = await connect();
    const outcomes = new Set<string>();
    for (let round = 0; round < 60; round++) {
      const controller = new AbortController();
      const { signal } = controller;
      const call = conn.query("select 1 as n", [], { signal }).then(
        () => outcomes.add("done"),
        () => outcomes.add("cancelled"),
      );
      const next = conn.query("select 2 as n from pg_sleep(0.001)");
      // Turns of the event loop are the clock here: the abort comes a bit later each time.
      for (let turn = 0; turn < round % 6; turn++) await new Promise(setImmediate);
      controller.abort();
      await call;
      expect(await next).toEqual([{ n: 2 }]);
    }
    expect(outcomes).toContain("done");
    await expectUsable(conn);
  });

  test("an abort in the very turn in which the answer comes", async () => {
    await using conn = await connect();
    for (let round = 0; round < 20; round++) {
      const controller = new AbortController();
      const call = conn.query("select 1 as n", [], { signal: controller.signal });
      const next = conn.query("select 2 as n from pg_sleep(0.005)");
      await call.finally(() => controller.abort());
      expect(await next).toEqual([{ n: 2 }]);
    }
  });
});

describe("async shell: cancel", () => {
  test("ends what runs, in the server's words", async () => {
    await using conn = await connect();
    const call = failureOf(() => conn.query(FOREVER));
    await running(conn);
    expect(await conn.cancel()).toBeUndefined();
    const error = await call;
    expect([error.name, error.message, error.statement]).toEqual([
      "QueryCanceled",
      "canceling statement due to user request",
      FOREVER,
    ]);
    await expectUsable(conn);
  });

  test("ends only what ran when it was called", async () => {
    await using conn = await connect();
    for (let round = 0; round < 30; round++) {
      const before = round % 2 === 0 ? conn.query("select 1").catch(() => {}) : undefined;
      const cancelling = conn.cancel();
      const after = conn.query("select 2 as n from pg_sleep(0.005)");
      expect(await after).toEqual([{ n: 2 }]);
      await cancelling;
      await before;
    }
    await expectUsable(conn);
  });

  test("can be called again and again", async () => {
    await using conn = await connect();
    const call = failureOf(() => conn.query(FOREVER));
    await running(conn);
    await Promise.all([conn.cancel(), conn.cancel(), conn.cancel()]);
    expect((await call).sqlstate).toBe("57014");
    await expectUsable(conn);
  });

  test("while the connection closes", async () => {
    const conn = await connect();
    const call = failureOf(() => conn.query(FOREVER));
    await running(conn);
    const cancelling = conn.cancel();
    await conn.close();
    await cancelling;
    expect(await call).toBeInstanceOf(OperationalError);
  });
});
