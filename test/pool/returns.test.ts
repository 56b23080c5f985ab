// What comes back in disorder: open and failed transactions, statements under way, pipelines, COPY, cancels,
// settings, LISTEN; and the modes of `reset`.

import { describe, expect, test } from "@jest/globals";
import type { AsyncConnection, PoolEvent } from "../../src/index.ts";
import { ProgrammingError } from "../../src/index.ts";
import { administer, eventually, expectUsable, failureOf, warningsOf } from "../support/shells.ts";
import { newPool, type Options, pidOf, untilSize } from "./pools.ts";

type Leave = (conn: AsyncConnection) => unknown;

/** What a user leaves behind, and whether the connection can be kept. */
const leftovers: [what: string, leave: Leave, kept: boolean, complains: boolean][] = [
  ["nothing", () => {}, true, false],
  ["a transaction", (conn) => conn.execute("begin; select 1"), true, true],
  ["a failed transaction", (conn) => conn.execute("begin; select 1/0").catch(() => {}), true, true],
  [
    "an implicit transaction",
    async (conn) => {
      conn.autocommit = false;
      await conn.execute("select 1");
    },
    true,
    true,
  ],
  ["a block without a statement", (conn) => conn.transaction(), true, true],
  [
    "a block in a block, used",
    async (conn) => {
      const outer = await conn.transaction();
      await outer.execute("select 1");
      await outer.transaction();
    },
    true,
    true,
  ],
  ["a statement under way", (conn) => void conn.execute("select pg_sleep(0.05)"), true, true],
  [
    "statements that wait for their turn",
    (conn) => {
      for (let i = 0; i < 5; i++)
        void conn.execute("select pg_sleep(0.01)", [], { timeout: 1_000 });
    },
    true,
    true,
  ],
  [
    "a cancel under way",
    (conn) => {
      // The request may come before the server has begun with the statement, which then runs to its end.
      void conn.execute("select pg_sleep(5)").catch(() => {});
      void conn.cancel();
    },
    true,
    true,
  ],
  ["a pipeline", (conn) => conn.pipeline(), false, true],
  [
    "a COPY",
    (conn) =>
      conn
        .cursor()
        .copy("copy (select 1) to stdout")
        .then(() => {}),
    false,
    true,
  ],
  [
    "a loop over notifications",
    (conn) => void failureOf(() => conn.notifies().next()),
    false,
    true,
  ],
  [
    "a prepared two-phase transaction",
    async (conn) => {
      await conn.tpcBegin("left behind");
      await conn.execute("select 1");
      await conn.tpcPrepare();
    },
    false,
    true,
  ],
  [
    "a two-phase transaction",
    async (conn) => {
      await conn.tpcBegin("left behind, too");
      await conn.execute("select 1");
    },
    false,
    true,
  ],
];

describe("what comes back with", () => {
  test.each(leftovers)("%s", async (_what, leave, kept, complains) => {
    const pool = newPool({ maxSize: 1 });
    const events: PoolEvent[] = [];
    pool.watch((event) => events.push(event));
    const pid = await pidOf(pool);
    const warnings = await warningsOf(async () => {
      const conn = await pool.getConn();
      await leave(conn);
      await pool.putConn(conn);
    });
    expect(warnings).toHaveLength(complains ? 1 : 0);
    expect(warnings.every((one) => (one as { code?: string }).code === "MAHOUT_POOL_RETURN")).toBe(
      true,
    );
    expect(events.filter(({ kind }) => kind === "badReturn")).toHaveLength(complains ? 1 : 0);
    await pool.connection(async (conn) => {
      expect(conn.info.backendPid === pid).toBe(kept);
      expect(conn.autocommit).toBe(true);
      await expectUsable(conn);
      expect(await conn.transaction(() => conn.query("select 1 as n"))).toEqual([{ n: 1 }]);
    });
    expect(pool.getStats()).toMatchObject({ poolSize: 1, returnsBad: kept ? 0 : 1 });
    await administer("rollback prepared 'left behind'").catch(() => {});
  });

  test("something that runs for too long is cancelled on the server", async () => {
    const pool = newPool({ maxSize: 1 });
    const conn = await pool.getConn();
    const { backendPid } = conn.info;
    const running = failureOf(() => conn.execute("select pg_sleep(60)"));
    const warnings = await warningsOf(() => pool.putConn(conn));
    expect(warnings[0]?.message).toContain("while a statement ran");
    expect((await running).sqlstate ?? (await running).code).toMatch(/57014|ERR_MAHOUT/);
    const text = `select 1 from pg_stat_activity where pid = ${backendPid} and state = 'active'`;
    await eventually(async () => (await administer(text)).length === 0);
    await untilSize(pool, 1);
  });
});

test("a block that outlives its loan fails, and disturbs nobody", async () => {
  const pool = newPool({ maxSize: 1 });
  const conn = await pool.getConn();
  let goOn!: () => void;
  const paused = new Promise<void>((resolve) => (goOn = resolve));
  const entered = new Promise<void>((resolve) => {
    void failureOf(() =>
      conn.transaction(async (tx) => {
        await tx.execute("select 1");
        resolve();
        await paused;
        await tx.execute("select 2");
      }),
    ).then((error) => (outcome = error));
  });
  let outcome: unknown;
  await entered;
  await warningsOf(() => pool.putConn(conn));
  await pool.connection(async (next) => {
    await next.execute("begin");
    goOn();
    await eventually(() => outcome !== undefined);
    expect(outcome).toBeInstanceOf(ProgrammingError);
    await expectUsable(next, "inTransaction");
  });
});

test("the driver's own settings go back to what configure left", async () => {
  const pool = newPool({
    maxSize: 1,
    configure: (conn) => {
      conn.prepareThreshold = 2;
    },
  });
  const handler = (): void => {};
  await pool.connection((conn) => {
    conn.autocommit = false;
    conn.isolationLevel = "serializable";
    conn.readOnly = true;
    conn.prepareThreshold = null;
    conn.preparedMax = 7;
    conn.statementTimeout = 1_234;
    conn.rowFactory = () => () => ({ other: true });
    conn.addNoticeHandler(handler);
    conn.addNotifyHandler(handler);
  });
  await pool.connection((conn) => {
    const { autocommit, isolationLevel, readOnly, deferrable } = conn;
    const { prepareThreshold, preparedMax, statementTimeout } = conn;
    expect({ autocommit, isolationLevel, readOnly, deferrable }).toEqual({
      autocommit: true,
      isolationLevel: null,
      readOnly: null,
      deferrable: null,
    });
    expect({ prepareThreshold, preparedMax, statementTimeout }).toEqual({
      prepareThreshold: 2,
      preparedMax: 100,
      statementTimeout: null,
    });
    expect(() => conn.removeNoticeHandler(handler)).toThrow("not added");
    expect(() => conn.removeNotifyHandler(handler)).toThrow("not added");
  });
  expect(await pool.query("select 1 as n")).toEqual([{ n: 1 }]);
});

describe("reset", () => {
  const soil = async (conn: AsyncConnection): Promise<void> => {
    await conn.execute("set search_path to pg_catalog; listen something");
    await conn.execute("create temp table left_behind (n int)");
    await conn.execute("select pg_advisory_lock(42)");
    for (let i = 0; i < 7; i++) await conn.execute("select $1::int", [i]);
    await conn.execute("notify something");
  };
  const traces = async (conn: AsyncConnection): Promise<unknown> =>
    (
      await conn.query(`select current_setting('search_path') <> '"$user", public' as path,
        (select count(*) from pg_listening_channels())::int as channels,
        (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid())::int as locks,
        (select count(*) from pg_prepared_statements)::int as prepared,
        to_regclass('pg_temp.left_behind') is not null as temporary`)
    )[0];

  test.each([
    ["none", { path: true, channels: 1, locks: 1, prepared: 1, temporary: true }],
    ["rollback", { path: true, channels: 1, locks: 1, prepared: 1, temporary: true }],
    ["discard", { path: false, channels: 0, locks: 0, prepared: 0, temporary: false }],
  ] as const)("%s", async (reset, expected) => {
    const pool = newPool({ maxSize: 1, reset });
    const pid = await pidOf(pool);
    await pool.connection(soil);
    await pool.connection(async (conn) => {
      expect(conn.info.backendPid).toBe(pid);
      expect(await traces(conn)).toEqual(expected);
      // What was prepared and forgotten is prepared again.
      for (let i = 0; i < 7; i++)
        expect(await conn.query("select $1::int as n", [i])).toEqual([{ n: i }]);
      const late: unknown[] = [];
      for await (const notify of conn.notifies(0)) late.push(notify);
      expect(late).toHaveLength(reset === "discard" ? 0 : 1);
    });
  });

  test("rollback does not warn about an open transaction", async () => {
    const pool = newPool({ maxSize: 1, reset: "rollback" });
    const warnings = await warningsOf(async () => {
      await using conn = await pool.connection();
      await conn.execute("begin");
    });
    expect(warnings).toEqual([]);
    expect(pool.getStats()).toMatchObject({ returnsInTransaction: 1, returnsBad: 0 });
  });

  const functions: [string, Options["reset"] & object, boolean][] = [
    ["a function", (conn: AsyncConnection) => conn.execute("reset all"), true],
    [
      "a function that throws",
      () => {
        throw new RangeError("no");
      },
      false,
    ],
    [
      "a function that leaves a transaction",
      (conn: AsyncConnection) => conn.execute("begin"),
      false,
    ],
  ];
  test.each(functions)("%s", async (_what, reset, kept) => {
    const pool = newPool({ maxSize: 1, reset });
    const warnings = await warningsOf(async () => {
      const pid = await pidOf(pool);
      await pool.connection(async (conn) => {
        expect(conn.info.backendPid === pid).toBe(kept);
        await expectUsable(conn);
      });
    });
    expect(warnings.length).toBe(kept ? 0 : 1);
    expect(pool.getStats().returnsBad).toBe(kept ? 0 : 2);
  });
});

describe("configure", () => {
  test("sees each new connection first", async () => {
    const pool = newPool({
      maxSize: 2,
      configure: (conn) => conn.execute("set application_name to 'configured'"),
    });
    const held = await Promise.all([pool.getConn(), pool.getConn()]);
    for (const conn of held) {
      expect(await conn.query("show application_name")).toEqual([
        { application_name: "configured" },
      ]);
      await pool.putConn(conn);
    }
    await pool.close();
  });

  test.each([
    ["throws", () => Promise.reject(new RangeError("no"))],
    ["leaves a transaction", (conn: AsyncConnection) => conn.execute("begin")],
  ])("one that %s is a failed attempt, and nothing stays open", async (_what, configure) => {
    const pool = newPool({ maxSize: 1, configure });
    const error = await failureOf(() => pool.getConn({ timeout: 200 }));
    expect((error.cause as Error | undefined)?.message ?? error.message).toMatch(
      /^no$|left the connection/,
    );
    expect(pool.getStats().connectionsErrors).toBeGreaterThan(0);
    expect(pool.getStats().poolSize).toBeLessThanOrEqual(1);
  });
});
