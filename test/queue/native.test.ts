// What the native schema promises beyond what every connector has to do: it waits for nobody's transaction, tells in one notification what one
// statement did, and says when to come back for what others are at work on.

import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { type AsyncConnection, connect, scalarRow } from "../../src/index.ts";
import { SchemaError } from "../../src/queue/errors.ts";
import { NativeStorage } from "../../src/queue/native/storage.ts";
import type { Wake } from "../../src/queue/operations.ts";
import { defaultServer } from "../support/default-server.ts";
import { eventually, failureOf } from "../support/shells.ts";
import { newJob } from "./new-job.ts";
import { faces, succeeded, TestQueue } from "./storages.ts";

/** Longer than anything may take that waits for nobody. */
const PROMPT = 5_000;

let queue: TestQueue;
let neighbour: AsyncConnection;

beforeAll(async () => {
  queue = await TestQueue.make();
});
beforeEach(async () => {
  neighbour = await connect(defaultServer().conninfo());
  await neighbour.execute("begin");
});
afterEach(async () => {
  await neighbour.close();
  await queue.sql("truncate {jobs}, {finished}, {turns}, {aborts}, {workers}, {periodic}");
});

const inTransaction = () => ({ connection: neighbour });
const exchange = async (...rest: Parameters<TestQueue["exchange"]>) => {
  const { connector } = queue;
  const [workerId, claim, outcomes = [], queues = null] = rest;
  return connector.run("exchange", { workerId, claim, outcomes, queues }, { timeout: PROMPT });
};

describe("a transaction that stays open", () => {
  test("holds up nobody by what it stored, with a lock or without", async () => {
    const workerId = await queue.worker();
    const jobs = [newJob({ lock: "L", priority: 9 }), newJob()];
    await queue.run("deferJobs", { jobs, skipTaken: false }, inTransaction());
    const [first, second] = await queue.defer({ lock: "L" }, { lock: "L" });
    const one = await exchange(workerId, 10);
    expect(one.jobs.map(({ id }) => id)).toEqual([first]);
    const two = await exchange(workerId, 10, succeeded(one.jobs));
    expect(two.jobs.map(({ id }) => id)).toEqual([second]);
    await neighbour.commit();
    const three = await exchange(workerId, 10, succeeded(two.jobs));
    expect(three.jobs.map(({ lock }) => lock)).toEqual(["L", null]);
  });

  test("holds back only the job that it cancels; when it gives up, that one runs", async () => {
    const workerId = await queue.worker();
    const [first, , other] = await queue.defer({ lock: "L" }, { lock: "L" }, { lock: "M" });
    const cancel = { id: first!, abort: false, remove: false };
    expect(await queue.run("cancelJob", cancel, inTransaction())).toBe(true);
    const one = await exchange(workerId, 10);
    expect(one.jobs.map(({ id }) => id)).toEqual([other]);
    // The turn that had to stay is a reason to come back, and soon.
    expect(one.nextDueIn).toBeGreaterThan(0);
    expect(one.nextDueIn).toBeLessThanOrEqual(1_000);
    await neighbour.rollback();
    const two = await exchange(workerId, 10);
    expect(two.jobs.map(({ id }) => id)).toEqual([first]);
    expect((await exchange(workerId, 10)).nextDueIn).toBe(null);
  });

  test("makes workers come back for a ready job that it has locked", async () => {
    const workerId = await queue.worker();
    const [id] = await queue.defer({});
    await queue.run("cancelJob", { id: id!, abort: false, remove: false }, inTransaction());
    for (const queues of [null, ["default"], ["default", "other"]]) {
      const { jobs, nextDueIn } = await exchange(workerId, 10, [], queues);
      expect([jobs, nextDueIn]).toEqual([[], 1_000]);
    }
    expect((await exchange(workerId, 10, [], ["other"])).nextDueIn).toBe(null);
    await neighbour.rollback();
    expect((await exchange(workerId, 10)).jobs).toHaveLength(1);
  });

  test("makes workers come back for a due job that it has locked, without haste", async () => {
    const workerId = await queue.worker();
    const [id] = await queue.defer({ scheduledIn: 10 });
    await queue.run("cancelJob", { id: id!, abort: false, remove: false }, inTransaction());
    await sleep(30);
    const { jobs, nextDueIn } = await exchange(workerId, 10);
    expect([jobs, nextDueIn]).toEqual([[], 1_000]);
  });

  test("that wants a job stopped doesn't keep its worker from telling how it went", async () => {
    const workerId = await queue.worker();
    await queue.defer({});
    const { jobs } = await exchange(workerId, 1);
    const abort = { id: jobs[0]!.id, abort: true, remove: false };
    expect(await queue.run("cancelJob", abort, inTransaction())).toBe(true);
    expect((await exchange(workerId, 0, succeeded(jobs))).lost).toEqual([]);
    await neighbour.commit();
    await queue.run("heartbeat", { workerId, maxRescues: 1 });
    expect(await queue.sql("select * from {aborts}")).toEqual([]);
  });

  test("that is about to take the queueing lock of a running job doesn't hold up its retry", async () => {
    const workerId = await queue.worker();
    await queue.defer({ queueingLock: "q" });
    const { jobs } = await exchange(workerId, 1);
    const [{ id, lease }] = jobs as [(typeof jobs)[0]];
    const jobsOfQ = [newJob({ queueingLock: "q" })];
    await queue.run("deferJobs", { jobs: jobsOfQ, skipTaken: false }, inTransaction());
    await exchange(workerId, 0, [{ kind: "retry", id, lease, delay: 0, error: "e" }]);
    await neighbour.commit();
    const { jobs: both } = await exchange(workerId, 10);
    expect(both.map(({ queueingLock }) => queueingLock)).toEqual([null, "q"]);
  });
});

describe("news", () => {
  const told: Wake[] = [];
  const flushed = async (): Promise<Wake[]> => {
    const mark = { type: "abort", jobIds: [1e9 + told.length] };
    await queue.sql(
      `select ${queue.table("tell_v1")}('{"type": "abort", "jobs": [${mark.jobIds[0]}]}')`,
    );
    await eventually(() => told.some((wake) => JSON.stringify(wake) === JSON.stringify(mark)));
    return told.splice(0).slice(0, -1);
  };

  test("come once for each statement, and not for what is claimed at once", async () => {
    const ears = await queue.connector.listen(
      (wake) => told.push(wake),
      new AbortController().signal,
    );
    try {
      const workerId = await queue.worker();
      const ids = await queue.defer({ queue: "a" }, { queue: "b" }, { queue: "a", lock: "L" });
      const [wake, ...more] = (await flushed()) as unknown as { queues: string[] }[];
      expect([[...wake!.queues].sort(), more]).toEqual([["a", "b"], []]);

      const { jobs } = await exchange(workerId, 10);
      await exchange(workerId, 10, succeeded(jobs));
      expect(await flushed()).toEqual([]);

      await queue.defer({ queue: "c", scheduledIn: 60_000 });
      const [due] = await flushed();
      expect(due).toMatchObject({ type: "due", queues: ["c"] });
      expect((due as { in: number }).in).toBeGreaterThan(50_000);

      await queue.defer({ queue: "a" });
      const { jobs: held } = await exchange(workerId, 1);
      await flushed();
      await queue.run("cancelJob", { id: held[0]!.id, abort: true, remove: false });
      expect(await flushed()).toEqual([{ type: "abort", jobIds: [held[0]!.id] }]);

      await queue.run("retryJob", { id: ids[0]!, delay: 0 });
      expect(await flushed()).toEqual([{ type: "ready", queues: ["a"] }]);
    } finally {
      await ears?.close();
    }
  });

  test("of what one worker makes ready for others reach those", async () => {
    const workerId = await queue.worker();
    await queue.defer({ queue: "b", lock: "L" });
    const ears = await queue.connector.listen(
      (wake) => told.push(wake),
      new AbortController().signal,
    );
    try {
      expect((await exchange(workerId, 10, [], ["a"])).jobs).toEqual([]);
      expect(await flushed()).toEqual([{ type: "ready", queues: ["b"] }]);
    } finally {
      await ears?.close();
    }
  });

  test("name no queues when they would be too many", async () => {
    const ears = await queue.connector.listen(
      (wake) => told.push(wake),
      new AbortController().signal,
    );
    try {
      const long = "q".repeat(40);
      await queue.defer(...Array.from({ length: 300 }, (_, n) => ({ queue: `${long}${n}` })));
      expect(await flushed()).toEqual([{ type: "ready", queues: [] }]);
    } finally {
      await ears?.close();
    }
  });
});

describe("an exchange", () => {
  test("refuses transactions whose snapshot is old", async () => {
    const workerId = await queue.worker();
    await neighbour.rollback();
    await neighbour.execute("begin isolation level repeatable read");
    const input = { workerId, claim: 1, outcomes: [], queues: null };
    const error = await failureOf(() => queue.run("exchange", input, inTransaction()));
    expect(error.message).toContain("READ COMMITTED");
  });

  test("takes outcomes in any order, of many jobs, some of them lost", async () => {
    const workerId = await queue.worker();
    await queue.defer(...Array.from({ length: 50 }, (_, n) => ({ priority: n % 7 })));
    const { jobs } = await exchange(workerId, 50);
    const outcomes = succeeded(jobs).map((outcome, n) =>
      n % 10 === 3 ? { ...outcome, lease: outcome.lease + 1 } : outcome,
    );
    const wrong = outcomes.filter((_, n) => n % 10 === 3).map(({ id }) => id);
    const { lost } = await exchange(workerId, 0, outcomes);
    expect(new Set(lost)).toEqual(new Set(wrong));
    expect(lost).toHaveLength(5);
    expect(await queue.run("listJobs", { status: "doing" })).toHaveLength(5);
  });

  test("keeps to the order of a lock when a more urgent job comes after the next was made ready", async () => {
    const workerId = await queue.worker();
    const [first] = await queue.defer({ lock: "L", queue: "b" });
    await exchange(workerId, 1, [], ["a"]);
    expect(await queue.sql("select state from {jobs}")).toEqual([["r"]]);
    const [urgent] = await queue.defer({ lock: "L", queue: "b", priority: 1 });
    const one = await exchange(workerId, 10);
    expect(one.jobs.map(({ id }) => id)).toEqual([urgent]);
    const two = await exchange(workerId, 10, succeeded(one.jobs));
    expect(two.jobs.map(({ id }) => id)).toEqual([first]);
  });
});

test("its plans don't read what they don't want, even when they were made for empty tables", async () => {
  const conn = await connect(defaultServer().conninfo());
  try {
    await queue.sql("vacuum analyze {jobs}");
    const workerId = await queue.worker();
    const input = { workerId, claim: 10, queues: null };
    const [id] = await queue.defer({});
    const { jobs } = await queue.run("exchange", { ...input, outcomes: [] }, { connection: conn });
    const [{ lease }] = jobs as [(typeof jobs)[0]];
    const retry = { kind: "retry", id: id!, lease, delay: 0, error: "e" } as const;
    const again = await queue.run(
      "exchange",
      { ...input, outcomes: [retry] },
      { connection: conn },
    );
    await queue.run(
      "exchange",
      { ...input, outcomes: succeeded(again.jobs) },
      { connection: conn },
    );
    await queue.sql("vacuum analyze {jobs}");
    await queue.run("exchange", { ...input, outcomes: [] }, { connection: conn });
    await queue.defer(
      ...Array.from({ length: 20_000 }, (_, n) => {
        if (n % 4 === 1) return { lock: "long" };
        return n % 4 === 2 ? { scheduledIn: 1e8 } : {};
      }),
    );
    const read = async (text: string, values: unknown[]): Promise<number> => {
      const explain = `explain (analyze, buffers, format json) ${text}`;
      const rows = await conn.query(explain, values, { rowFactory: scalarRow });
      const [{ Plan: plan }] = rows[0] as [{ Plan: Record<string, number> }];
      return plan["Shared Hit Blocks"]! + plan["Shared Read Blocks"]!;
    };
    const storage = new NativeStorage(queue.schema);
    for (const queues of [null, ["default"], ["default", "other"]]) {
      const first = storage.statement("exchange", { ...input, queues, outcomes: [] });
      expect(await read(first.text, [...first.values])).toBeLessThan(1_000);
      const held = await queue.run("listJobs", { status: "doing" });
      const leases = await queue.sql("select id, lease from {jobs} where state = 'd'");
      expect(held).toHaveLength(10);
      const outcomes = leases.map(([jobId, held], n) => {
        const base = { id: Number(jobId), lease: Number(held), error: null };
        if (n % 3 === 0) return { kind: "retry", delay: 0, ...base } as const;
        if (n % 3 === 1) return { kind: "failed", remove: false, ...base } as const;
        return { kind: "succeeded", remove: true, ...base } as const;
      });
      const second = storage.statement("exchange", { ...input, claim: 0, queues, outcomes });
      expect(await read(second.text, [...second.values])).toBeLessThan(1_000);
    }
  } finally {
    await conn.close();
  }
});

test("of many processes one defers the job of a moment", async () => {
  const others = await Promise.all([1, 2, 3, 4, 5, 6].map(() => TestQueue.at(queue.schema)));
  const input = { job: newJob(), periodicId: "p", timestamp: 1_000_000, catchUp: 0 };
  const ids = await Promise.all(others.map((other) => other.run("deferPeriodic", input)));
  expect(ids.filter((id) => id !== null)).toHaveLength(1);
  expect(await queue.sql("select count(*) from {jobs}")).toEqual([["1"]]);
});

describe.each(faces)("a bulk of jobs ($name)", (face) => {
  test("is stored through COPY as it would be without: ids in order, turns, times", async () => {
    const bulk = await TestQueue.at(queue.schema, face);
    const odd = { text: 'tab\t line\n "quoted" \\N back\\slash \u2028' };
    const at = new Date("2040-01-02T03:04:05.678Z");
    const ids = await bulk.defer(
      ...Array.from({ length: 3_000 }, (_, n) => ({ payload: n })),
      { payload: odd, queue: "\\.", taskName: "a\tb", lock: "l\\" },
      { scheduledAt: at },
      { scheduledIn: 3_600_000, queueingLock: "\\N" },
    );
    expect(new Set(ids).size).toBe(3_003);
    const [strange, fixed, later] = await bulk
      .run("listJobs", {})
      .then(async () =>
        Promise.all(ids.slice(-3).map(async (id) => (await bulk.run("listJobs", { id }))[0]!)),
      );
    expect(strange).toMatchObject({ payload: odd, queue: "\\.", taskName: "a\tb", lock: "l\\" });
    expect(fixed!.scheduledAt).toEqual(at);
    expect(later!.scheduledAt!.getTime() - Date.now()).toBeGreaterThan(3_500_000);
    expect(later!.queueingLock).toBe("\\N");
    const workerId = await bulk.worker();
    const { jobs } = await bulk.exchange(workerId, 5_000);
    expect(jobs.map(({ id }) => id)).toEqual(ids.slice(0, 3_001));
    expect(jobs[17]!.payload).toBe(17);
  });

  test("is stored whole or not at all", async () => {
    const bulk = await TestQueue.at(queue.schema, face);
    const jobs = Array.from({ length: 2_000 }, (_, n) => ({ queueingLock: `q${n % 1_999}` }));
    const error = await failureOf(() => bulk.defer(...jobs));
    expect([error.name, error.message]).toEqual([
      "AlreadyEnqueued",
      'a job with the queueing lock "q0" is waiting already',
    ]);
    expect(await bulk.sql("select count(*) from {jobs}")).toEqual([["0"]]);
  });
});

test("a missing schema is named, with the remedy", async () => {
  const nowhere = await TestQueue.at("not there");
  const error = await failureOf(() => nowhere.defer({}));
  expect(error).toBeInstanceOf(SchemaError);
  expect(error.message).toContain('"not there"');
  expect(error.message).toContain("schemaManager.apply()");
});
