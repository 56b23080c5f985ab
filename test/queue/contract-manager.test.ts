// What every connector does for those who look after jobs, one body over all of them: it cancels, retries, lists,
// counts and removes.

import { describe, expect, test } from "@jest/globals";
import { kinds, newName, passing } from "./connectors.ts";
import { idsOf, succeeded, tryKind } from "./contract.ts";

describe.each(kinds)("$name", (kind) => {
  const trial = tryKind(kind);
  const { defer, register, exchange, run } = trial;

  test("cancels what waits, and asks what runs to stop", async () => {
    const [waiting, removed, running] = await defer({}, {}, { priority: 1 });
    const workerId = await register();
    const { jobs } = await exchange(workerId, 1);
    expect(jobs[0]?.id).toBe(running);
    const cancel = async (id: number, abort = false, remove = false): Promise<boolean> =>
      await run("cancelJob", { id, abort, remove });
    expect(await cancel(waiting!)).toBe(true);
    expect(await cancel(waiting!)).toBe(false);
    expect(await cancel(removed!, false, true)).toBe(true);
    expect(await cancel(running!)).toBe(false);
    expect(await cancel(running!, true)).toBe(true);
    expect(await cancel(2 ** 50)).toBe(false);
    const { aborts } = await run("heartbeat", { workerId, maxRescues: 1 });
    expect(aborts).toEqual([running]);
    const listed = await run("listJobs", { queue: trial.queue });
    expect(listed.map(({ id, status, abortRequested }) => [id, status, abortRequested])).toEqual([
      [waiting, "cancelled", false],
      [running, "doing", true],
    ]);
  });

  test("has a job run again that has ended, and no other", async () => {
    const [id] = await defer({});
    const again = { id: id!, delay: 0 };
    expect(await run("retryJob", again)).toBe(false);
    const workerId = await register();
    const { jobs } = await exchange(workerId);
    expect(await run("retryJob", again)).toBe(false);
    const { lease } = jobs[0]!;
    await exchange(workerId, 0, [{ id: id!, lease, kind: "failed", remove: false, error: "x" }]);
    expect(await run("retryJob", { ...again, priority: 7 })).toBe(true);
    const [job] = await run("listJobs", { queue: trial.queue });
    expect(job).toMatchObject({ id, status: "todo", priority: 7, finishedAt: null });
    expect(idsOf(await exchange(workerId))).toEqual([id]);
    expect(await run("retryJob", { id: 2 ** 50, delay: 0 })).toBe(false);
  });

  test("lists and counts", async () => {
    const lock = newName("lock");
    const taskName = newName("task");
    const [first, second, third] = await defer({ lock, taskName }, { lock }, { taskName });
    const workerId = await register();
    await exchange(workerId, 1);
    const idsBy = async (filter: object): Promise<number[]> =>
      (await run("listJobs", { queue: trial.queue, ...filter })).map(({ id }) => id);
    expect(await idsBy({})).toEqual([first, second, third]);
    expect(await idsBy({ limit: 2 })).toEqual([first, second]);
    expect(await idsBy({ taskName })).toEqual([first, third]);
    expect(await idsBy({ lock })).toEqual([first, second]);
    expect(await idsBy({ status: "doing" })).toEqual([first]);
    expect(await idsBy({ workerId })).toEqual([first]);
    expect(await idsBy({ id: third })).toEqual([third]);
    const none = { succeeded: 0, failed: 0, cancelled: 0, aborted: 0 };
    expect(await run("listQueues", { queue: trial.queue })).toEqual([
      { name: trial.queue, total: 3, todo: 2, doing: 1, ...none },
    ]);
    expect(await run("listTasks", { taskName })).toEqual([
      { name: taskName, total: 2, todo: 1, doing: 1, ...none },
    ]);
    expect(await run("listLocks", { queue: trial.queue })).toEqual([
      { name: lock, total: 2, todo: 1, doing: 1, ...none },
    ]);
    const records = await run("listWorkers", {});
    expect(records.find(({ id }) => id === workerId)).toEqual({
      id: workerId,
      name: "worker",
      startedAt: expect.any(Date),
      lastHeartbeat: expect.any(Date),
      jobs: 1,
    });
  });

  test("removes what has ended long enough ago", async () => {
    const [id] = await defer({}, {});
    const workerId = await register();
    const { jobs } = await exchange(workerId, 1);
    await exchange(workerId, 0, [succeeded(id!, jobs[0]!.lease)]);
    const remove = async (olderThan: number, status: "failed" | "succeeded"): Promise<number> =>
      await run("deleteFinished", { olderThan, statuses: [status], queue: trial.queue, limit: 10 });
    expect(await remove(60_000, "succeeded")).toBe(0);
    expect(await remove(0, "failed")).toBe(0);
    await passing(async () => expect(await remove(0, "succeeded")).toBe(1));
    expect(await run("listJobs", { queue: trial.queue })).toHaveLength(1);
  });

  test("knows its version, and no job that isn't", async () => {
    expect(await run("schemaVersion", {})).toEqual(expect.any(Number));
    expect(await run("jobStatus", { id: 2 ** 50 })).toBeNull();
  });
});
