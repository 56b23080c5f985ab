// COPY whose session or connection ends in the middle, or whose server listens no more: whoever copies hears of
// it soon, also when the system goes on taking every byte and the event loop has no turn.

import { describe, expect, test } from "@jest/globals";
import { type AsyncConnection, MahoutError } from "../../src/index.ts";
import {
  administer,
  expectUsable,
  failureOf,
  onceRunning,
  shells,
  terminate,
} from "../support/shells.ts";

/** More than all buffers between here and the server hold. */
const ENDLESS = "copy (select repeat('x', 1000), generate_series(1, 1000000000)) to stdout";

/** What is written before somebody must have heard; a megabyte each. */
const MOST = 64;

const FATAL = "terminating connection due to administrator command";

/** Enough quick statements that the blocking shell reads its socket itself by then. */
async function hurry(conn: AsyncConnection): Promise<void> {
  for (let n = 0; n < 200; n++) await conn.query("select 1");
}

describe.each(shells)("$name shell", ({ connect }) => {
  describe("the server ends the session", () => {
    test("while data goes in", async () => {
      const conn = await connect();
      await conn.execute("create temp table t (n int, s text)");
      const copy = await conn.cursor().copy("copy t from stdin");
      await copy.writeRow([1, "x"]);
      await terminate(conn.info.backendPid);
      const error = await failureOf(async () => {
        for (let row = 0; row < 1e6; row++) await copy.writeRow([row, "x".repeat(1000)]);
      });
      expect([error.message, error.sqlstate]).toEqual([FATAL, "57P01"]);
      expect((await failureOf(() => copy.finish())).message).toBe(FATAL);
      expect((await failureOf(() => copy.write("x"))).message).toBe(FATAL);
      expect([conn.closed, conn.broken]).toEqual([true, true]);
      await copy.close();
      await conn.close();
    });

    test("while data comes out", async () => {
      const conn = await connect();
      const copy = await conn.cursor().copy(ENDLESS);
      expect(await copy.readRow()).toBeDefined();
      // A session that waits for its reader can't be ended: the reader goes on meanwhile.
      await administer(`select pg_terminate_backend(${conn.info.backendPid})`);
      const error = await failureOf(async () => {
        for await (const piece of copy) expect(piece.length).toBeGreaterThan(0);
      });
      expect(error.sqlstate === "57P01" || error.code === "ERR_MAHOUT_CONNECTION_LOST").toBe(true);
      expect(conn.broken).toBe(true);
      expect(await failureOf(() => copy.read())).toBeInstanceOf(MahoutError);
      await copy.close();
      await conn.close();
    });

    test("before it answers", async () => {
      const conn = await connect();
      const agent = await onceRunning(conn.info.backendPid, "pg_sleep(60)", "pg_terminate_backend");
      const error = await failureOf(() =>
        conn.cursor().copy("copy (select pg_sleep(60)) to stdout", (copy) => copy.read()),
      );
      expect(error.message).toBe(FATAL);
      await agent.done;
      expect(conn.broken).toBe(true);
      await conn.close();
    });

    test("while a block is being left", async () => {
      const conn = await connect();
      await conn.execute("create temp table t (n int, s text)");
      const copy = await conn.cursor().copy("copy t from stdin");
      await terminate(conn.info.backendPid);
      await copy.close();
      expect([conn.closed, conn.broken]).toEqual([true, true]);
      await conn.close();
    });
  });

  test("the connection is closed in the middle", async () => {
    const conn = await connect();
    const copy = await conn.cursor().copy(ENDLESS);
    await copy.readRow();
    await conn.close();
    expect([conn.closed, conn.broken]).toEqual([true, false]);
    const error = await failureOf(async () => {
      for await (const piece of copy) expect(piece.length).toBeGreaterThan(0);
    });
    expect(error.message).toContain("the connection");
    await copy.close();
  });

  /** Ends a session through another of the same shell, which for the blocking one needs no event loop. */
  async function terminateFrom(agent: AsyncConnection, pid: number): Promise<void> {
    await agent.query("select pg_terminate_backend($1::int)", [pid]);
    const look = "select from pg_stat_activity where pid = $1::int";
    while ((await agent.query(look, [pid])).length > 0);
  }

  describe.each([
    ["one that has just begun", false],
    ["one that has been quick so far", true],
  ])("%s", (_name, quick) => {
    test("a session that was ended", async () => {
      await using agent = await connect();
      const conn = await connect();
      await conn.execute("create temp table t (s text)");
      if (quick) await hurry(conn);
      const copy = await conn.cursor().copy("copy t from stdin");
      await terminateFrom(agent, conn.info.backendPid);
      const piece = `${"x".repeat(1023)}\n`.repeat(1024);
      const error = await failureOf(async () => {
        for (let n = 0; n < MOST; n++) await copy.write(piece);
      });
      expect([error.message, error.sqlstate]).toEqual([FATAL, "57P01"]);
      await copy.close();
      await conn.close();
    });

    test("data that was refused", async () => {
      await using conn = await connect();
      await conn.execute("create temp table t (n int)");
      if (quick) await hurry(conn);
      const copy = await conn.cursor().copy("copy t from stdin");
      const piece = "not a number\n".repeat(80_000);
      const error = await failureOf(async () => {
        for (let n = 0; n < MOST; n++) await copy.write(piece);
      });
      expect(error.name).toBe("InvalidTextRepresentation");
      await copy.close();
      await expectUsable(conn);
    });
  });
});
