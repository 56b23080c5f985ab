// Series of several callers, asynchronous contexts and blocks on one connection: whose turn it is, who is told
// of what, and that nothing is left behind.

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AsyncResource } from "node:async_hooks";
import { describe, expect, test } from "@jest/globals";
import {
  AsyncConnection,
  type AsyncConnectOptions,
  type AsyncTransaction,
  errors,
  PipelineAborted,
} from "../../src/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { administer, expectUsable, failureOf } from "../support/shells.ts";
import { runProgram } from "../support/programs.ts";
import { stackOf } from "../support/stacks.ts";
import { end, tablesOfSeries } from "./series-tables.ts";

const ids = tablesOfSeries("shared_series");

describe("series of several callers", () => {
  const open = (options?: AsyncConnectOptions): Promise<AsyncConnection> =>
    AsyncConnection.connect(defaultServer().conninfo(), options);
  /** Calls from a context that is inside of no block. */
  const outside = new AsyncResource("stranger");
  const stranger = <T>(run: () => T): T => outside.runInAsyncScope(run);
  const settled = (promise: Promise<unknown>): Promise<unknown> =>
    Promise.race([
      promise.then(
        (value) => ({ value }),
        (error: Error) => error,
      ),
      sleep(5_000, "never"),
    ]);

  test.each(["insert into shared_series values (1)", "select 1/0"])(
    "%s, called while the pipeline is left, has its own Sync",
    async (text) => {
      const conn = await open();
      await conn.query("insert into shared_series values ($1)", [0]);
      let stray: Promise<unknown> = Promise.resolve();
      await conn.pipeline(async () => {
        void conn.execute("select pg_sleep(0.2)");
        setTimeout(() => {
          stray = settled(conn.execute(text));
        }, 50);
      });
      const outcome = await stray;
      if (text.startsWith("select")) expect(outcome).toBeInstanceOf(errors.DivisionByZero);
      await conn.execute("insert into shared_series values (7)");
      await conn.close();
      expect(await ids()).toEqual(text.startsWith("select") ? [0, 7] : [0, 1, 7]);
    },
  );

  test.each<[call: string, run: (conn: AsyncConnection) => unknown]>([
    ["execute and fetch", async (conn) => (await conn.execute("select 1/0")).fetchAll()],
    ["query", (conn) => conn.query("select 1/0")],
    ["query of what is prepared", (conn) => conn.query("select 1/$1::int", [0], { prepare: true })],
    ["a refused value", (conn) => conn.query("select $1::int", ["xxx"])],
    ["a value of a wrong kind", (conn) => conn.query("select $1::int", [{}])],
    ["undefined", (conn) => conn.query("select $1::int", [undefined])],
    ["a row that can't be read", (conn) => conn.query("select 9007199254740993::int8 as n")],
  ])("the stack of %s leads to the caller", async (_call, run) => {
    const conn = await open({ int8: "number" });
    await conn.query("select 1/$1::int", [1], { prepare: true });
    async function thisIsMine(): Promise<void> {
      await run(conn);
    }
    for (let round = 0; round < 3; round++) {
      expect(await stackOf(() => conn.pipeline(thisIsMine))).toContain("thisIsMine");
      let stack = "";
      const block = conn.pipeline(async () => {
        stack = await stackOf(thisIsMine);
      });
      // It tells as well, except of what could not be read.
      await block.catch(() => {});
      expect(stack).toContain("thisIsMine");
    }
    await conn.close();
  });

  test("what a pipeline tells is an error of its own", async () => {
    const conn = await open();
    for (const wrong of [0, {}, undefined]) {
      let seen: unknown;
      const told = await failureOf(() =>
        conn.pipeline(async () => {
          seen = await failureOf(() => conn.query("select 1/$1::int", [wrong]));
        }),
      );
      expect(told).not.toBe(seen);
      expect(told).toMatchObject({ name: (seen as Error).name, message: (seen as Error).message });
    }
    await conn.close();
  });

  test("of what nobody looks at, the pipeline tells, or the engine does", () => {
    const program = join(__dirname, "programs", "unseen-failures.ts");
    const { status, stdout, stderr } = runProgram(program, { timeout: 20_000 });
    if (status !== 0) throw new Error(stderr);
    const unreadable = [expect.stringContaining("9007199254740993")];
    expect(JSON.parse(stdout)).toEqual({
      failed: { told: "division by zero", unhandled: [] },
      "failed, prepared": { told: "division by zero", unhandled: [] },
      refused: { told: expect.stringContaining("undefined"), unhandled: [] },
      unreadable: { told: null, unhandled: unreadable },
      "unreadable, prepared": { told: null, unhandled: unreadable },
    });
  });

  test("a query that could not be sent is told by the pipeline when nobody looks", async () => {
    const conn = await open();
    for (const wrong of [[undefined], [{}], [1, 2]]) {
      const error = await failureOf(() =>
        conn.pipeline(() =>
          conn.transaction(async () => {
            void conn.query("insert into shared_series values ($1)", [1]);
            void conn.query("insert into shared_series values ($1)", wrong);
          }),
        ),
      );
      expect(error.name).toMatch(/ProgrammingError|DataError/);
    }
    await conn.close();
  });

  test("a COMMIT by hand is not overtaken", async () => {
    const conn = await open({ autocommit: false });
    await Promise.all([
      conn.execute("insert into shared_series values (1)"),
      conn.execute("commit"),
      conn.execute("insert into shared_series values (2)"),
    ]);
    await conn.rollback();
    await conn.close();
    expect(await ids()).toEqual([1]);
  });

  test("blocks that wait inside of one that ends are refused", async () => {
    const conn = await open();
    let inner: Promise<unknown> = Promise.resolve();
    await failureOf(() =>
      conn.transaction(async (tx) => {
        void settled(tx.transaction(() => sleep(30)));
        inner = settled(
          tx.transaction((one) => one.execute("insert into shared_series values (2)")),
        );
        await sleep(5);
        throw new Error("outer");
      }),
    );
    await conn.transaction((tx) => tx.execute("insert into shared_series values (3)"));
    expect(await inner).toMatchObject({ message: expect.stringContaining("has ended") });
    expect(await ids()).toEqual([3]);
    await conn.close();
  });

  test("a block of another context waits for what is left open in a pipeline", async () => {
    const conn = await open();
    let slow: Promise<unknown> = Promise.resolve();
    await conn.pipeline(async () => {
      slow = settled(
        conn.transaction(async (tx) => {
          await tx.execute("insert into shared_series values (1)");
          await sleep(60);
          throw new Error("mine");
        }),
      );
      await sleep(10);
    });
    const outermost = await stranger(() =>
      conn.transaction(async (tx) => {
        await tx.execute("insert into shared_series values (2)");
        return tx.outermost;
      }),
    );
    expect([outermost, await slow, await ids()]).toEqual([true, new Error("mine"), [2]]);
    await conn.close();
  });

  test("a block that is ended twice gives its turn away once", async () => {
    const conn = await open();
    const tx = await conn.transaction();
    await tx.execute("select 1");
    const log: boolean[] = [];
    const strangers = [1, 2].map(() =>
      stranger(() =>
        conn.transaction(async (one) => {
          log.push(one.outermost);
          await one.execute("select 1");
          await sleep(20);
        }),
      ),
    );
    void conn.query("select pg_sleep(0.05)");
    const ends = await Promise.allSettled([tx.commit(), tx.commit()]);
    expect(ends.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    await Promise.all(strangers);
    expect(log).toEqual([true, true]);
    await conn.close();
  });

  test("an end that is refused before it begins can be tried again", async () => {
    const conn = await open();
    const tx = await conn.transaction();
    await tx.execute("insert into shared_series values (1)");
    await conn.cursor().copy("copy shared_series to stdout", [], {}, async () => {
      expect((await failureOf(() => tx.commit())).message).toMatch(/copy\(\)/);
    });
    expect(tx.status).toBe("active");
    await tx.commit();
    expect(await ids()).toEqual([1]);
    await conn.close();
  });

  test("a pipeline ends although its signal was aborted before", async () => {
    const conn = await open();
    const abort = new AbortController();
    await settled(
      conn.pipeline(
        async () => {
          await conn.execute("select 1");
          abort.abort();
        },
        { signal: abort.signal },
      ),
    );
    await settled(conn.pipeline((p) => p.sync({ signal: AbortSignal.abort() })));
    await expectUsable(conn);
    await conn.close();
  });

  test.each(["terminated", "closed"])(
    "who waits in a pipeline hears of a connection that is %s",
    async (how) => {
      const conn = await open();
      const { backendPid } = conn.info;
      let outcome: unknown;
      await settled(
        conn.pipeline(async () => {
          await conn.execute("select pg_sleep(5)");
          const waiting = settled(conn.transaction(() => 1));
          await sleep(30);
          if (how === "terminated") await administer(`select pg_terminate_backend(${backendPid})`);
          else await conn.close();
          outcome = await waiting;
        }),
      );
      expect(outcome).toBeInstanceOf(Error);
      await conn.close();
    },
  );

  test.each([
    ["copy shared_series from stdin", /copy/i],
    ["copy shared_series to stdout", /copy/i],
  ])("%s, not waited for, disturbs nothing", async (text, message) => {
    const conn = await open();
    const error = await settled(
      conn.pipeline(async (p) => {
        void p.query(text);
        void p.query("select 1");
      }),
    );
    expect(error).toMatchObject({ message: expect.stringMatching(message) });
    await expectUsable(conn);
    await conn.close();
  });

  test("a probe does not end a series", async () => {
    const conn = await open({ probe: { interval: 10, timeout: 2_000 } });
    const error = await failureOf(() =>
      conn.pipeline(async (p) => {
        await p.query("insert into shared_series values (1) returning id");
        await sleep(80);
        await p.execute("select 1/0");
      }),
    );
    expect([error.sqlstate, await ids()]).toEqual(["22012", []]);
    await conn.close();
  });

  test("what became of a series is unknown when its connection ended", async () => {
    const conn = await open();
    let inside: unknown;
    const error = await failureOf(() =>
      conn.pipeline(async (p) => {
        const query = p.query("select pg_sleep(5)").catch((reason: unknown) => {
          inside = (reason as { outcome?: unknown }).outcome;
        });
        await sleep(20);
        await administer(`select pg_terminate_backend(${conn.info.backendPid})`);
        await query;
      }),
    );
    expect([inside, error.outcome, error]).toEqual([
      "unknown",
      "unknown",
      expect.any(errors.AdminShutdown),
    ]);
    await conn.close();
  });

  test("blocks that a context opened and ended leave nothing behind in it", async () => {
    const conn = await open();
    const unit = async (): Promise<AsyncTransaction> => {
      const tx = await conn.transaction();
      await Promise.resolve();
      await tx.commit();
      return tx;
    };
    const time = async (): Promise<number> => {
      const began = performance.now();
      for (let run = 0; run < 3_000; run++) await unit();
      return performance.now() - began;
    };
    const times = [await time(), await time(), await time(), await time()];
    // It grew tenfold when each run left a scope for the next one to walk through.
    expect(Math.min(...times.slice(1))).toBeLessThan(5 * Math.max(...times.slice(0, 2)));
    await conn.close();
  });

  test("a floating query of a block is no unhandled rejection in a pipeline", async () => {
    const conn = await open();
    const error = await failureOf(() =>
      conn.pipeline(() =>
        conn.transaction(async (tx) => {
          void tx.query("select 1/0");
        }),
      ),
    );
    expect(error).toBeInstanceOf(errors.DivisionByZero);
    await sleep(10);
    await conn.close();
  });

  test("60,000 skipped statements cost no error each", async () => {
    const conn = await open();
    const p = await conn.pipeline();
    await conn.execute("select 1/0");
    const cursors: Awaited<ReturnType<typeof conn.execute>>[] = [];
    for (let n = 0; n < 60_000; n++) cursors.push(await conn.execute("select 1 as n"));
    await failureOf(() => p.sync());
    const aborted = await failureOf(() => cursors.at(-1)?.fetchOne());
    expect([aborted.constructor, aborted.index]).toEqual([PipelineAborted, 60_000]);
    await end(p);
    await conn.close();
  });

  test("errors of blocks point to their caller", async () => {
    const conn = await open();
    async function callsForCommit(): Promise<void> {
      await conn.transaction(async () => {
        for (let copy = 0; copy < 2; copy++)
          await conn.execute("insert into shared_series_late values (5)");
      });
    }
    async function callsForSync(): Promise<void> {
      await conn.pipeline(async (p) => {
        await p.execute("select 1/0");
        await p.sync();
      });
    }
    expect((await failureOf(callsForCommit)).stack).toContain("callsForCommit");
    expect((await failureOf(callsForSync)).stack).toContain("callsForSync");
    await conn.close();
  });
});
