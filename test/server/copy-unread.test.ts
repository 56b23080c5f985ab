// COPY into a server that has stopped listening, or has gone: whoever writes hears of it soon, also when the
// system goes on taking every byte and the program never gives its event loop a turn.

import { describe, expect, test } from "@jest/globals";
import type { AsyncConnection } from "../../src/index.ts";
import { expectUsable, failureOf, shells } from "../support/shells.ts";

/** What is written before somebody must have heard; a megabyte each. */
const MOST = 64;

const FATAL = "terminating connection due to administrator command";

/** Enough quick statements that the blocking shell reads its socket itself by then. */
async function hurry(conn: AsyncConnection): Promise<void> {
  for (let n = 0; n < 200; n++) await conn.query("select 1");
}

describe.each(shells)("$name shell", ({ connect }) => {
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
