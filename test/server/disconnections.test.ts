// Connections that end, for all reasons: the system knows of it, and so do we at once; or it does not, and a
// limit or a probe finds out. How fast that is, is measured in disconnections.slow.test.ts.

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type AsyncConnection, MahoutError } from "../../src/index.ts";
import { endAll, knownEndings, silentEndings, untilTold } from "../support/disconnections.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { failureOf, type Shell, shells } from "../support/shells.ts";

const ROUNDS = 2;
const COUNT = 5;
/** How long it may take at most, in milliseconds: here only that it is not for ever. */
const AT_ONCE = 8_000;
const SLACK = 8_000;
const LIMITS = { statementTimeout: 100, cancelTimeout: 100 };
const PATIENCE = 600_000;

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
}, 60_000);

afterAll(async () => {
  await server.stop();
});

function expectGone(conn: AsyncConnection): void {
  expect([conn.closed, conn.broken, conn.disconnected.aborted]).toEqual([true, true, true]);
  expect(conn.disconnected.reason).toBeInstanceOf(MahoutError);
}

describe.each(shells)("$name shell", (shell) => {
  test.each(knownEndings.map((ending) => [ending.name, ending] as const))(
    "%s: an idle connection tells at once",
    async (_name, ending) => {
      const times: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const scene = { shell, server, ending, count: COUNT };
        const { found, known } = await endAll(scene, async (conn) => {
          const time = await untilTold(conn);
          expectGone(conn);
          return time;
        });
        times.push(...found.map((time) => time - known));
      }
      expect(times).toHaveLength(ROUNDS * COUNT);
      expect(Math.max(...times)).toBeLessThan(AT_ONCE);
    },
    PATIENCE,
  );

  test.each(silentEndings.map((ending) => [ending.name, ending] as const))(
    "%s: a statement ends within its limits, and the connection with it",
    async (_name, ending) => {
      // A blocking connection is alone: the others would wait for it to begin.
      const isBlocking = shell.name === "blocking";
      const [rounds, count] = isBlocking ? [ROUNDS * COUNT, 1] : [ROUNDS, COUNT];
      for (let round = 0; round < rounds; round++) {
        await endAll({ shell, server, ending, count, options: LIMITS }, async (conn, begin) => {
          while (begin() === 0) await new Promise(setImmediate);
          // What came after that has begun in earnest.
          for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
          const start = performance.now();
          const error = await failureOf(() => conn.query("select 1 from pg_sleep(0.5)"));
          const time = performance.now() - start;
          expect(error).toMatchObject({ name: "CancellationTimeout", outcome: "unknown" });
          expect(time).toBeLessThan(LIMITS.statementTimeout + 2 * LIMITS.cancelTimeout + SLACK);
          expectGone(conn);
        });
      }
    },
    PATIENCE,
  );
});

describe("async shell, with a probe", () => {
  const [shell] = shells as [Shell];
  const probe = { interval: 50, timeout: 100 };

  test.each(silentEndings.map((ending) => [ending.name, ending] as const))(
    "%s: an idle connection tells within the probe's limits",
    async (_name, ending) => {
      for (let round = 0; round < ROUNDS; round++) {
        const scene = { shell, server, ending, count: COUNT, options: { probe } };
        const { found, known } = await endAll(scene, async (conn) => {
          const time = await untilTold(conn);
          expectGone(conn);
          expect(conn.disconnected.reason).toMatchObject({ code: "ERR_MAHOUT_PROBE" });
          return time;
        });
        expect(Math.max(...found) - known).toBeLessThan(2 * probe.interval + probe.timeout + SLACK);
      }
    },
    PATIENCE,
  );
});
