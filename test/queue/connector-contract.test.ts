// What every connector has to do, whatever it works with: one body, over all of them.

import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Exchanged, NewJob, Outcome, Wake } from "../../src/queue/index.ts";
import { AlreadyEnqueued, ConnectorException } from "../../src/queue/index.ts";
import { newJob } from "./new-job.ts";
import { kinds, newName, type Opened, openKind, passing, Rollback } from "./connectors.ts";

const FOREVER = 3_600_000;

describe.each(kinds)("$name", (kind) => {
  let opened: Opened;
  let queue: string;
  let workers: number[];

  beforeAll(async () => {
    opened = await openKind(kind);
  });
  afterAll(async () => {
    await opened.close();
  });
  beforeEach(() => {
    queue = newName("queue");
    workers = [];
  });
  afterEach(async () => {
    for (const workerId of workers) await opened.run("unregisterWorker", { workerId });
  });

  async function defer(...parts: Partial<NewJob>[]): Promise<number[]> {
    const jobs = parts.map((part) => newJob({ queue, ...part }));
    const ids = await opened.run("deferJobs", { jobs, skipTaken: false });
    return ids.map(Number);
  }

  async function register(stalledAfter = FOREVER): Promise<number> {
    const workerId = await opened.run("registerWorker", { name: "worker", stalledAfter });
    workers.push(workerId);
    return workerId;
  }

  async function exchange(
    workerId: number,
    claim = 100,
    outcomes: readonly Outcome[] = [],
  ): Promise<Exchanged> {
    return await opened.run("exchange", { workerId, outcomes, claim, queues: [queue] });
  }

  const idsOf = ({ jobs }: Exchanged): number[] => jobs.map(({ id }) => id);

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
      queue,
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

  test("takes no more than it is asked for, and only of the queues that it is told", async () => {
    const ids = await defer({}, {}, {});
    const [other] = await defer({ queue: newName("other") });
    const workerId = await register();
    expect(idsOf(await exchange(workerId, 2))).toEqual(ids.slice(0, 2));
    expect(idsOf(await exchange(workerId, 0))).toEqual([]);
    const input = { workerId, outcomes: [], claim: 1000, queues: null };
    const all = idsOf(await opened.run("exchange", input));
    expect(all).toEqual(expect.arrayContaining([ids[2], other]));
  });

  test("waits for the time of a job, and says how long that is", async () => {
    const soon = new Date(Date.now() + 60_000);
    const [, second, third] = await defer(
      { scheduledAt: soon },
      { scheduledIn: 150 },
      { scheduledAt: new Date(Date.now() - 1000) },
    );
    const workerId = await register();
    const first = await exchange(workerId);
    expect(idsOf(first)).toEqual([third]);
    expect(first.nextDueIn).toBeGreaterThan(0);
    expect(first.nextDueIn).toBeLessThanOrEqual(150);
    await sleep(first.nextDueIn ?? 0);
    await passing(async () => {
      expect(idsOf(await exchange(workerId))).toEqual([second]);
    });
    const { nextDueIn } = await exchange(workerId);
    expect(nextDueIn).toBeGreaterThan(30_000);
    expect(nextDueIn).toBeLessThanOrEqual(61_000);
    const [waiting] = await opened.run("listJobs", { queue, status: "todo" });
    expect(waiting?.scheduledAt).toEqual(soon);
  });

  test("runs one job of a lock at a time, and hands the next one over at once", async () => {
    const lock = newName("lock");
    const ids = await defer({ lock }, { lock }, { lock, priority: 1 }, {});
    const workerId = await register();
    const first = await exchange(workerId);
    expect(new Set(idsOf(first))).toEqual(new Set([ids[2], ids[3]]));
    const outcomes = first.jobs.map(({ id, lease }) => succeeded(id, lease));
    const second = await exchange(workerId, 100, outcomes);
    expect(idsOf(second)).toEqual([ids[0]]);
    expect(idsOf(await exchange(workerId))).toEqual([]);
    const third = await exchange(workerId, 100, [succeeded(ids[0]!, second.jobs[0]!.lease)]);
    expect(idsOf(third)).toEqual([ids[1]]);
  });

  test("lets a job that waits for its time hold its place in a lock", async () => {
    const lock = newName("lock");
    const [head] = await defer({ lock, scheduledIn: 60_000 }, { lock });
    const workerId = await register();
    expect(idsOf(await exchange(workerId))).toEqual([]);
    expect(await opened.run("cancelJob", { id: head!, abort: false, remove: false })).toBe(true);
    expect(idsOf(await exchange(workerId))).toHaveLength(1);
  });

  test("lets one job wait for each queueing lock", async () => {
    const queueingLock = newName("queueing");
    await defer({ queueingLock });
    const jobs = [newJob({ queue }), newJob({ queue, queueingLock })];
    await expect(opened.run("deferJobs", { jobs, skipTaken: false })).rejects.toBeInstanceOf(
      AlreadyEnqueued,
    );
    expect(await opened.run("listJobs", { queue })).toHaveLength(1);
    const ids = await opened.run("deferJobs", { jobs, skipTaken: true });
    expect(ids).toEqual([expect.any(Number), null]);
    const twice = newJob({ queue, queueingLock: newName("queueing") });
    const both = await opened.run("deferJobs", { jobs: [twice, twice], skipTaken: true });
    expect(both.filter((id) => id === null)).toHaveLength(1);
    // It is free as soon as its job runs.
    await exchange(await register());
    await expect(defer({ queueingLock })).resolves.toHaveLength(1);
  });

  test("writes down how jobs went", async () => {
    const ids = await defer({}, {}, {}, {});
    const workerId = await register();
    const { jobs } = await exchange(workerId);
    const base = (index: number): { id: number; lease: number } => ({
      id: jobs[index]!.id,
      lease: jobs[index]!.lease,
    });
    await exchange(workerId, 0, [
      { ...base(0), kind: "succeeded", remove: false, error: null },
      { ...base(1), kind: "failed", remove: false, error: "Error: it broke" },
      { ...base(2), kind: "aborted", remove: false, error: null },
      { ...base(3), kind: "succeeded", remove: true, error: null },
    ]);
    const statuses = await Promise.all(ids.map((id) => opened.run("jobStatus", { id })));
    expect(statuses).toEqual(["succeeded", "failed", "aborted", null]);
    const [, failed] = await opened.run("listJobs", { queue });
    expect(failed).toMatchObject({ error: "Error: it broke", attempts: 1, status: "failed" });
    expect(failed?.startedAt).toBeInstanceOf(Date);
    expect(failed?.finishedAt).toBeInstanceOf(Date);
  });

  test("tries a job again, with what is to be different", async () => {
    const [id] = await defer({});
    const workerId = await register();
    const first = await exchange(workerId);
    const other = newName("queue");
    const { lease } = first.jobs[0]!;
    const changes = { priority: 3, queue: other, lock: "a lock" };
    await exchange(workerId, 0, [
      { id: id!, lease, kind: "retry", delay: 0, error: "Error: once", ...changes },
    ]);
    const [job] = await opened.run("listJobs", { queue: other });
    expect(job).toMatchObject({
      id,
      ...changes,
      status: "todo",
      attempts: 1,
      error: "Error: once",
    });
    queue = other;
    const second = await exchange(workerId);
    expect(second.jobs[0]).toMatchObject({ id, attempts: 1 });
    expect(second.jobs[0]?.lease).not.toBe(lease);
    await exchange(workerId, 0, [
      { id: id!, lease: second.jobs[0]!.lease, kind: "retry", delay: 60_000, error: null },
    ]);
    const third = await exchange(workerId);
    expect(idsOf(third)).toEqual([]);
    expect(third.nextDueIn).toBeGreaterThan(30_000);
  });

  test("takes a job back as if it had not been given out", async () => {
    const [id] = await defer({});
    const workerId = await register();
    const { jobs } = await exchange(workerId);
    await exchange(workerId, 0, [{ id: id!, lease: jobs[0]!.lease, kind: "release" }]);
    const again = await exchange(workerId);
    expect(again.jobs[0]).toMatchObject({ id, attempts: 0, rescues: 0 });
  });

  test("lets nobody end a job that is somebody else's by now", async () => {
    const [id] = await defer({});
    const workerId = await register();
    const { jobs } = await exchange(workerId);
    const stale = succeeded(id!, jobs[0]!.lease);
    await exchange(workerId, 0, [{ id: id!, lease: stale.lease, kind: "release" }]);
    await exchange(workerId);
    expect((await exchange(workerId, 0, [stale])).lost).toEqual([id]);
    expect(await opened.run("jobStatus", { id: id! })).toBe("doing");
    const unknown = succeeded(2 ** 50, 1);
    expect((await exchange(workerId, 0, [unknown])).lost).toEqual([unknown.id]);
  });

  test("gives nothing to a worker that it doesn't know, but takes what it has done", async () => {
    const [id] = await defer({}, {});
    const workerId = await register();
    const { jobs } = await exchange(workerId, 1);
    const done = succeeded(id!, jobs[0]!.lease);
    const stranger = workerId + 1000;
    const answer = await exchange(stranger, 10, [done]);
    expect(answer).toMatchObject({ jobs: [], lost: [], registered: false });
    expect(await opened.run("jobStatus", { id: id! })).toBe("succeeded");
  });

  test("gives the jobs of a worker that is gone to others", async () => {
    const [first, second] = await defer({}, {});
    const gone = await register(1);
    await exchange(gone);
    const alive = await register();
    await passing(async () => {
      const { rescued } = await opened.run("heartbeat", { workerId: alive, maxRescues: 1 });
      expect(new Set(rescued.map(({ jobId }) => jobId))).toEqual(new Set([first, second]));
      expect(rescued[0]).toMatchObject({ workerId: gone, status: "todo" });
    });
    const again = await exchange(alive);
    expect(again.jobs[0]).toMatchObject({ attempts: 1, rescues: 1 });
    expect((await opened.run("heartbeat", { workerId: gone, maxRescues: 1 })).registered).toBe(
      false,
    );
  });

  test("gives a job up that was taken back too often", async () => {
    const [id] = await defer({});
    const alive = await register();
    await exchange(await register(1));
    await passing(async () => {
      const { rescued } = await opened.run("heartbeat", { workerId: alive, maxRescues: 0 });
      expect(rescued).toEqual([{ jobId: id, workerId: expect.any(Number), status: "failed" }]);
    });
    const [job] = await opened.run("listJobs", { queue });
    expect(job).toMatchObject({ status: "failed", rescues: 1 });
    expect(job?.error).not.toBeNull();
  });

  test("says when the next worker will have been silent for too long", async () => {
    const alive = await register();
    const beat = { workerId: alive, maxRescues: 1 };
    const before = await opened.run("heartbeat", beat);
    expect(before).toMatchObject({ registered: true, aborts: [], rescued: [], nextStallIn: null });
    await defer({});
    await exchange(await register(50_000));
    const { nextStallIn } = await opened.run("heartbeat", beat);
    expect(nextStallIn).toBeGreaterThan(20_000);
    expect(nextStallIn).toBeLessThanOrEqual(50_000);
  });

  test("releases what a worker doesn't know that it has", async () => {
    const ids = await defer({}, {}, {});
    const workerId = await register();
    const { jobs } = await exchange(workerId);
    const successor = await register();
    const [first, second] = jobs;
    // The second is known by what it was before it was claimed again.
    const held = [first!, { ...second!, lease: second!.lease - 1 }];
    const unknown = { workerId, successor: successor + 1_000, held };
    expect(await opened.run("reconcile", unknown)).toBeNull();
    for (let i = 0; i < 2; i++) {
      expect(await opened.run("reconcile", { workerId, successor, held })).toEqual([ids[1]]);
    }
    // What comes late in the old name has no effect but for its outcomes.
    expect(await exchange(workerId)).toMatchObject({ registered: false, jobs: [] });
    expect(idsOf(await exchange(successor))).toEqual([ids[1], ids[2]]);
    const { id, lease } = first!;
    const done: Outcome = { kind: "succeeded", id, lease, remove: false, error: null };
    const telling = { workerId: successor, outcomes: [done], claim: 0, queues: null };
    expect((await opened.run("exchange", telling)).lost).toEqual([]);
  });

  test("releases the jobs of a worker that leaves", async () => {
    const ids = await defer({}, {});
    const workerId = await register();
    await exchange(workerId);
    await opened.run("unregisterWorker", { workerId });
    expect(idsOf(await exchange(await register()))).toEqual(ids);
  });

  test("cancels what waits, and asks what runs to stop", async () => {
    const [waiting, removed, running] = await defer({}, {}, { priority: 1 });
    const workerId = await register();
    const { jobs } = await exchange(workerId, 1);
    expect(jobs[0]?.id).toBe(running);
    const cancel = async (id: number, abort = false, remove = false): Promise<boolean> =>
      await opened.run("cancelJob", { id, abort, remove });
    expect(await cancel(waiting!)).toBe(true);
    expect(await cancel(waiting!)).toBe(false);
    expect(await cancel(removed!, false, true)).toBe(true);
    expect(await cancel(running!)).toBe(false);
    expect(await cancel(running!, true)).toBe(true);
    expect(await cancel(2 ** 50)).toBe(false);
    const { aborts } = await opened.run("heartbeat", { workerId, maxRescues: 1 });
    expect(aborts).toEqual([running]);
    const listed = await opened.run("listJobs", { queue });
    expect(listed.map(({ id, status, abortRequested }) => [id, status, abortRequested])).toEqual([
      [waiting, "cancelled", false],
      [running, "doing", true],
    ]);
  });

  test("has a job run again that has ended, and no other", async () => {
    const [id] = await defer({});
    const again = { id: id!, delay: 0 };
    expect(await opened.run("retryJob", again)).toBe(false);
    const workerId = await register();
    const { jobs } = await exchange(workerId);
    expect(await opened.run("retryJob", again)).toBe(false);
    const { lease } = jobs[0]!;
    await exchange(workerId, 0, [{ id: id!, lease, kind: "failed", remove: false, error: "x" }]);
    expect(await opened.run("retryJob", { ...again, priority: 7 })).toBe(true);
    const [job] = await opened.run("listJobs", { queue });
    expect(job).toMatchObject({ id, status: "todo", priority: 7, finishedAt: null });
    expect(idsOf(await exchange(workerId))).toEqual([id]);
    expect(await opened.run("retryJob", { id: 2 ** 50, delay: 0 })).toBe(false);
  });

  test("lists and counts", async () => {
    const lock = newName("lock");
    const taskName = newName("task");
    const [first, second, third] = await defer({ lock, taskName }, { lock }, { taskName });
    const workerId = await register();
    await exchange(workerId, 1);
    const idsBy = async (filter: object): Promise<number[]> =>
      (await opened.run("listJobs", { queue, ...filter })).map(({ id }) => id);
    expect(await idsBy({})).toEqual([first, second, third]);
    expect(await idsBy({ limit: 2 })).toEqual([first, second]);
    expect(await idsBy({ taskName })).toEqual([first, third]);
    expect(await idsBy({ lock })).toEqual([first, second]);
    expect(await idsBy({ status: "doing" })).toEqual([first]);
    expect(await idsBy({ workerId })).toEqual([first]);
    expect(await idsBy({ id: third })).toEqual([third]);
    const none = { succeeded: 0, failed: 0, cancelled: 0, aborted: 0 };
    expect(await opened.run("listQueues", { queue })).toEqual([
      { name: queue, total: 3, todo: 2, doing: 1, ...none },
    ]);
    expect(await opened.run("listTasks", { taskName })).toEqual([
      { name: taskName, total: 2, todo: 1, doing: 1, ...none },
    ]);
    expect(await opened.run("listLocks", { queue })).toEqual([
      { name: lock, total: 2, todo: 1, doing: 1, ...none },
    ]);
    const records = await opened.run("listWorkers", {});
    expect(records.find(({ id }) => id === workerId)).toEqual({
      id: workerId,
      name: "worker",
      startedAt: expect.any(Date),
      lastHeartbeat: expect.any(Date),
      jobs: 1,
    });
  });

  test("finds the jobs of workers that are silent", async () => {
    const [id] = await defer({});
    await exchange(await register());
    const stalled = async (olderThan: number): Promise<number[]> =>
      (await opened.run("stalledJobs", { olderThan, queue })).map((job) => job.id);
    expect(await stalled(60_000)).toEqual([]);
    await passing(async () => expect(await stalled(0)).toEqual([id]));
  });

  test("removes what has ended long enough ago", async () => {
    const [id] = await defer({}, {});
    const workerId = await register();
    const { jobs } = await exchange(workerId, 1);
    await exchange(workerId, 0, [succeeded(id!, jobs[0]!.lease)]);
    const remove = async (olderThan: number, status: "failed" | "succeeded"): Promise<number> =>
      await opened.run("deleteFinished", { olderThan, statuses: [status], queue, limit: 10 });
    expect(await remove(60_000, "succeeded")).toBe(0);
    expect(await remove(0, "failed")).toBe(0);
    await passing(async () => expect(await remove(0, "succeeded")).toBe(1));
    expect(await opened.run("listJobs", { queue })).toHaveLength(1);
  });

  test("stores a job of a schedule once for each moment", async () => {
    const job = newJob({ queue, taskName: newName("task") });
    const store = async (timestamp: number, periodicId = ""): Promise<number | null> =>
      await opened.run("deferPeriodic", { job, periodicId, timestamp, catchUp: 0 });
    expect(await store(1)).toEqual(expect.any(Number));
    expect(await store(1)).toBeNull();
    expect(await store(2)).toEqual(expect.any(Number));
    expect(await store(1, "other")).toEqual(expect.any(Number));
    const queueingLock = newName("queueing");
    const locked = newJob({ queue, taskName: newName("task"), queueingLock });
    await defer({ queueingLock });
    const input = { job: locked, periodicId: "", timestamp: 1, catchUp: 0 };
    expect(await opened.run("deferPeriodic", input)).toBeNull();
  });

  test("knows its version, and no job that isn't", async () => {
    expect(await opened.run("schemaVersion", {})).toEqual(expect.any(Number));
    expect(await opened.run("jobStatus", { id: 2 ** 50 })).toBeNull();
  });

  test("stores jobs in the caller's transaction", async () => {
    const input = { jobs: [newJob({ queue })], skipTaken: false };
    const { transaction } = opened;
    if (transaction === null) {
      await expect(opened.run("deferJobs", input, {})).rejects.toBeInstanceOf(ConnectorException);
      return;
    }
    const count = async (): Promise<number> => (await opened.run("listJobs", { queue })).length;
    await expect(
      transaction(async (connection) => {
        await opened.run("deferJobs", input, connection);
        expect(await opened.run("listJobs", { queue }, connection)).toHaveLength(1);
        expect(await count()).toBe(0);
        throw new Rollback();
      }),
    ).rejects.toBeInstanceOf(Rollback);
    expect(await count()).toBe(0);
    await transaction(async (connection) => {
      await opened.run("deferJobs", input, connection);
      expect(await count()).toBe(0);
    });
    expect(await count()).toBe(1);
  });

  if (!kind.isSync)
    test("tells of what can be done, without being asked", async () => {
      const wakes: Wake[] = [];
      const ears = await opened.connector.listen((wake) => wakes.push(wake), never());
      if (ears === null) throw new Error("it can't listen");
      const told = async (wake: object): Promise<void> => {
        await passing(() => {
          expect(wakes).toEqual(expect.arrayContaining([expect.objectContaining(wake)]));
        });
      };
      try {
        const [id] = await defer({ priority: 9 });
        await told({ type: "ready", queues: [queue] });
        await defer({ scheduledIn: 60_000 });
        await told({ type: "due", queues: [queue] });
        await exchange(await register(), 1);
        await opened.run("cancelJob", { id: id!, abort: true, remove: false });
        await told({ type: "abort", jobIds: [id] });
      } finally {
        await ears.close();
      }
      const count = wakes.length;
      await defer({});
      await exchange(workers[0]!);
      expect(wakes).toHaveLength(count);
    });
});

function succeeded(id: number, lease: number): Outcome {
  return { id, lease, kind: "succeeded", remove: false, error: null };
}

function never(): AbortSignal {
  return new AbortController().signal;
}
