// Connections that the server ends: idle or in the middle of a statement, it is noticed when it happens,
// and what the server said is the error that everybody sees.

import { describe, expect, test } from "@jest/globals";
import { type AsyncConnection, errors, OperationalError } from "../../src/index.ts";
import { eventually, failureOf, onceRunning, shells, terminate } from "../support/shells.ts";

const FATAL = "terminating connection due to administrator command";

/** What a connection that was terminated says of itself. */
async function expectBroken(conn: AsyncConnection): Promise<void> {
  expect([conn.closed, conn.broken]).toEqual([true, true]);
  expect(conn.disconnected.aborted).toBe(true);
  expect(conn.disconnected.reason).toBeInstanceOf(errors.AdminShutdown);
  expect([conn.info.status, conn.info.transactionStatus]).toEqual(["bad", "unknown"]);
  expect(conn.info.errorMessage).toBe(FATAL);
  for (const use of [() => conn.query("select 1"), () => conn.cursor(), () => conn.fileno()]) {
    const error = await failureOf(use);
    expect(error).toBeInstanceOf(OperationalError);
    expect([error.message, error.code]).toEqual([
      `the connection is closed: ${FATAL}`,
      "ERR_MAHOUT_CONNECTION_CLOSED",
    ]);
    expect(error.cause).toBeInstanceOf(errors.AdminShutdown);
  }
}

describe.each(shells)("$name shell", ({ name, connect }) => {
  test("an idle connection notices that it was terminated", async () => {
    await using conn = await connect();
    const { disconnected } = conn;
    let fired = 0;
    disconnected.addEventListener("abort", () => fired++);
    await terminate(conn.info.backendPid);
    // Nothing of the connection is touched in between: the event comes by itself.
    await eventually(() => fired > 0);
    await expectBroken(conn);
    expect([fired, conn.disconnected === disconnected]).toEqual([1, true]);
  });

  test("closed tells it, too", async () => {
    await using conn = await connect();
    await terminate(conn.info.backendPid);
    await eventually(() => conn.closed);
    await expectBroken(conn);
  });

  test("a statement that runs fails with what the server said", async () => {
    await using conn = await connect();
    const agent = await onceRunning(conn.info.backendPid, "endless", "pg_terminate_backend");
    const error = await failureOf(() => conn.execute("select pg_sleep(60) as endless"));
    expect(error).toBeInstanceOf(errors.AdminShutdown);
    expect(error.message).toBe(FATAL);
    expect([error.diag.severity, error.sqlstate]).toEqual(["FATAL", "57P01"]);
    await agent.done;
    await expectBroken(conn);
  });

  test("a statement that ends its own session", async () => {
    await using conn = await connect();
    for (const text of ["select 1", "select $1::int"]) {
      await conn.query(text, text.includes("$") ? [1] : []);
    }
    const error = await failureOf(() =>
      conn.query("select pg_terminate_backend(pg_backend_pid())"),
    );
    expect(error).toBeInstanceOf(errors.AdminShutdown);
    await expectBroken(conn);
  });

  test("a statement that is run without looking", async () => {
    await using conn = await connect();
    await terminate(conn.info.backendPid);
    const error = await failureOf(() => conn.query("select $1::int", [1]));
    expect(error).toBeInstanceOf(OperationalError);
    expect(error.message).toContain(FATAL);
    await expectBroken(conn);
  });

  test("a session that was idle for too long", async () => {
    await using conn = await connect();
    const { disconnected } = conn;
    await conn.execute("set idle_session_timeout = 20");
    await eventually(() => disconnected.aborted);
    expect(disconnected.reason).toBeInstanceOf(errors.IdleSessionTimeout);
    const error = await failureOf(() => conn.query("select 1"));
    expect(error.cause).toBeInstanceOf(errors.IdleSessionTimeout);
  });

  test("a transaction that was idle for too long", async () => {
    await using conn = await connect();
    await conn.execute("begin; set local idle_in_transaction_session_timeout = 20");
    await eventually(() => conn.broken);
    expect(conn.disconnected.reason).toBeInstanceOf(errors.IdleInTransactionSessionTimeout);
  });

  test("broken stays when the connection is closed afterwards", async () => {
    const conn = await connect();
    await terminate(conn.info.backendPid);
    await eventually(() => conn.closed);
    await conn.close();
    await conn.close();
    await expectBroken(conn);
  });

  test("each gets an error of its own", async () => {
    await using conn = await connect();
    await terminate(conn.info.backendPid);
    await eventually(() => conn.closed);
    const first = await failureOf(() => conn.query("select 1"));
    const second = await failureOf(() => conn.query("select 1"));
    expect(first).not.toBe(second);
    expect(first.cause).not.toBe(second.cause);
    expect(conn.disconnected.reason).not.toBe(first.cause);
  });

  test("cancel has nothing to do any more", async () => {
    await using conn = await connect();
    await terminate(conn.info.backendPid);
    await eventually(() => conn.closed);
    expect(await conn.cancel()).toBeUndefined();
  });

  test("other connections go on", async () => {
    await using conn = await connect();
    await using other = await connect();
    await terminate(conn.info.backendPid);
    await eventually(() => conn.closed);
    expect([other.closed, await other.query("select 1 as n")]).toEqual([false, [{ n: 1 }]]);
    expect(other.disconnected.aborted).toBe(false);
  });

  if (name === "blocking") {
    test("is noticed by a program that never returns to its event loop", async () => {
      await using conn = await connect();
      const deadline = Date.now() + 10_000;
      await conn.execute("set idle_session_timeout = 20");
      while (!conn.closed && Date.now() < deadline);
      expect([conn.closed, conn.broken, conn.disconnected.aborted]).toEqual([true, true, true]);
    });
  }
});

describe("async shell, with many callers", () => {
  const [{ connect }] = shells as [(typeof shells)[0]];

  test("all of them hear what the server said, each with an error of its own", async () => {
    await using conn = await connect();
    const { signal } = new AbortController();
    await conn.query("select $1::int", [1]);
    const calls = [
      conn.query("select pg_sleep(60) as endless"),
      conn.query("select 1"),
      conn.query("select $1::int", [1]),
      conn.query("select $1::text", ["unknown so far"]),
      conn.execute("select 2", [], { signal }),
      conn.execute("select 3", [], { timeout: 60_000 }),
      ...Array.from({ length: 300 }, (_, index) => conn.execute("select $1::int", [index])),
    ].map((call) => failureOf(() => call));
    const agent = await onceRunning(conn.info.backendPid, "endless", "pg_terminate_backend");
    const failures = await Promise.all(calls);
    await agent.done;
    for (const error of failures) {
      expect(error).toBeInstanceOf(errors.AdminShutdown);
      expect([error.message, error.diag.severity]).toEqual([FATAL, "FATAL"]);
    }
    expect(new Set(failures).size).toBe(failures.length);
    await expectBroken(conn);
  });

  test("nobody has to listen to calls that fail with the connection", async () => {
    await using conn = await connect();
    // Jest fails the test should one of these become an unhandled rejection.
    const calls = Promise.allSettled([
      conn.query("select pg_terminate_backend(pg_backend_pid())"),
      conn.query("select 1"),
    ]);
    expect((await calls).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await expectBroken(conn);
  });
});
