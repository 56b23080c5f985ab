// The tests of disconnections.test.ts and disconnections.slow.test.ts: connections that end, for all reasons. The
// system knows of it, and so do we at once; or it does not, and a limit or a probe finds out.

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type AsyncConnection, MahoutError } from "../../src/index.ts";
import { endAll, knownEndings, silentEndings, untilTold } from "../support/disconnections.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { failureOf, type Shell, shells } from "../support/shells.ts";

const COUNT = 5;
const LIMITS = { statementTimeout: 100, cancelTimeout: 100 };
const PATIENCE = 600_000;

/** How often, and how fast. */
export interface Size {
  /** How many rounds there are, of so many connections each. */
  readonly rounds: number;
  /** How long it may take to notice what the system knows, in milliseconds. */
  readonly atOnce: number;
  /** What a limit may be exceeded by, in milliseconds. */
  readonly slack: number;
}

function expectGone(conn: AsyncConnection): void {
  expect([conn.closed, conn.broken, conn.disconnected.aborted]).toEqual([true, true, true]);
  expect(conn.disconnected.reason).toBeInstanceOf(MahoutError);
}

/** Tests of so many connections that end. */
export function testDisconnections({ rounds, atOnce, slack }: Size): void {
  let server: TestServer;

  beforeAll(async () => {
    server = await startServer();
  }, 60_000);

  afterAll(async () => {
    await server.stop();
  });

  describe.each(shells)("$name shell", (shell) => {
    test.each(knownEndings.map((ending) => [ending.name, ending] as const))(
      "%s: an idle connection tells at once",
      async (_name, ending) => {
        const times: number[] = [];
        for (let round = 0; round < rounds; round++) {
          const scene = { shell, server, ending, count: COUNT };
          const { found, known } = await endAll(scene, async (conn) => {
            const time = await untilTold(conn);
            expectGone(conn);
            return time;
          });
          times.push(...found.map((time) => time - known));
        }
        expect(times).toHaveLength(rounds * COUNT);
        expect(Math.max(...times)).toBeLessThan(atOnce);
      },
      PATIENCE,
    );

    test.each(silentEndings.map((ending) => [ending.name, ending] as const))(
      "%s: a statement ends within its limits, and the connection with it",
      async (_name, ending) => {
        // A blocking connection is alone: the others would wait for it to begin.
        const isBlocking = shell.name === "blocking";
        const [times, count] = isBlocking ? [rounds * COUNT, 1] : [rounds, COUNT];
        for (let round = 0; round < times; round++) {
          await endAll({ shell, server, ending, count, options: LIMITS }, async (conn, begin) => {
            while (begin() === 0) await new Promise(setImmediate);
            // What came after that has begun in earnest.
            for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
            const start = performance.now();
            const error = await failureOf(() => conn.query("select 1 from pg_sleep(0.5)"));
            const time = performance.now() - start;
            expect(error).toMatchObject({ name: "CancellationTimeout", outcome: "unknown" });
            expect(time).toBeLessThan(LIMITS.statementTimeout + 2 * LIMITS.cancelTimeout + slack);
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
        for (let round = 0; round < rounds; round++) {
          const scene = { shell, server, ending, count: COUNT, options: { probe } };
          const { found, known } = await endAll(scene, async (conn) => {
            const time = await untilTold(conn);
            expectGone(conn);
            expect(conn.disconnected.reason).toMatchObject({ code: "ERR_MAHOUT_PROBE" });
            return time;
          });
          expect(Math.max(...found) - known).toBeLessThan(
            2 * probe.interval + probe.timeout + slack,
          );
        }
      },
      PATIENCE,
    );
  });
}
