// What every connector does with jobs that are deferred, one body over all of them: it keeps them as they are, once
// where they may wait only once, and in the caller's transaction where there is one.

import { describe, expect, test } from "@jest/globals";
import { AlreadyEnqueued, ConnectorException } from "../../src/queue/index.ts";
import { kinds, newName, Rollback } from "./connectors.ts";
import { tryKind } from "./contract.ts";
import { newJob } from "./new-job.ts";

describe.each(kinds)("$name", (kind) => {
  const trial = tryKind(kind);
  const { defer, register, exchange, run } = trial;

  test("stores jobs, and gives them out by priority and then in order", async () => {
    const payload = { text: 'é "quoted" \\ 💚', list: [1, null, true, { deep: [0.5] }] };
    const ids = await defer({ payload }, { priority: 5 }, { priority: -1 }, {});
    expect(ids.map((id) => Number.isSafeInteger(id) && id > 0)).toEqual([true, true, true, true]);
    const workerId = await register();
    const { jobs, lost, nextDueIn, registered } = await exchange(workerId);
    expect(jobs.map(({ id }) => id)).toEqual([ids[1], ids[0], ids[3], ids[2]]);
    expect({ lost, nextDueIn, registered }).toEqual({
      lost: [],
      nextDueIn: null,
      registered: true,
    });
    expect(jobs[1]).toEqual({
      id: ids[0],
      taskName: "task",
      queue: trial.queue,
      payload,
      priority: 0,
      lock: null,
      queueingLock: null,
      scheduledAt: null,
      createdAt: expect.any(Date),
      attempts: 0,
      rescues: 0,
      lease: expect.any(Number),
    });
    expect(Math.abs(Date.now() - Number(jobs[1]?.createdAt))).toBeLessThan(60_000);
  });

  test.each<[string, unknown]>([
    ["an array", [1, "two", null]],
    ["a number", 1.5],
    ["a string", "text"],
    ["false", false],
    ["nothing", {}],
  ])("keeps a payload that is %s", async (_, payload) => {
    await defer({ payload });
    const { jobs } = await exchange(await register());
    expect(jobs[0]?.payload).toEqual(payload);
  });

  test("lets one job wait for each queueing lock", async () => {
    const queueingLock = newName("queueing");
    await defer({ queueingLock });
    const jobs = [newJob({ queue: trial.queue }), newJob({ queue: trial.queue, queueingLock })];
    await expect(run("deferJobs", { jobs, skipTaken: false })).rejects.toBeInstanceOf(
      AlreadyEnqueued,
    );
    expect(await run("listJobs", { queue: trial.queue })).toHaveLength(1);
    const ids = await run("deferJobs", { jobs, skipTaken: true });
    expect(ids).toEqual([expect.any(Number), null]);
    const twice = newJob({ queue: trial.queue, queueingLock: newName("queueing") });
    const both = await run("deferJobs", { jobs: [twice, twice], skipTaken: true });
    expect(both.filter((id) => id === null)).toHaveLength(1);
    // It is free as soon as its job runs.
    await exchange(await register());
    await expect(defer({ queueingLock })).resolves.toHaveLength(1);
  });

  test("stores a job of a schedule once for each moment", async () => {
    const job = newJob({ queue: trial.queue, taskName: newName("task") });
    const store = async (timestamp: number, periodicId = ""): Promise<number | null> =>
      await run("deferPeriodic", { job, periodicId, timestamp, catchUp: 0 });
    expect(await store(1)).toEqual(expect.any(Number));
    expect(await store(1)).toBeNull();
    expect(await store(2)).toEqual(expect.any(Number));
    expect(await store(1, "other")).toEqual(expect.any(Number));
    const queueingLock = newName("queueing");
    const locked = newJob({ queue: trial.queue, taskName: newName("task"), queueingLock });
    await defer({ queueingLock });
    const input = { job: locked, periodicId: "", timestamp: 1, catchUp: 0 };
    expect(await run("deferPeriodic", input)).toBeNull();
  });

  test("stores jobs in the caller's transaction", async () => {
    const input = { jobs: [newJob({ queue: trial.queue })], skipTaken: false };
    const { transaction } = trial.opened;
    if (transaction === null) {
      await expect(run("deferJobs", input, {})).rejects.toBeInstanceOf(ConnectorException);
      return;
    }
    const count = async (): Promise<number> =>
      (await run("listJobs", { queue: trial.queue })).length;
    await expect(
      transaction(async (connection) => {
        await run("deferJobs", input, connection);
        expect(await run("listJobs", { queue: trial.queue }, connection)).toHaveLength(1);
        expect(await count()).toBe(0);
        throw new Rollback();
      }),
    ).rejects.toBeInstanceOf(Rollback);
    expect(await count()).toBe(0);
    await transaction(async (connection) => {
      await run("deferJobs", input, connection);
      expect(await count()).toBe(0);
    });
    expect(await count()).toBe(1);
  });
});
