// What every connector does with jobs that can be run, one body over all of them: it gives them out, and writes down
// how they went.

import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import { kinds, newName, passing } from "./connectors.ts";
import { idsOf, succeeded, tryKind } from "./contract.ts";

describe.each(kinds)("$name", (kind) => {
  const trial = tryKind(kind);
  const { defer, register, exchange, run } = trial;

  test("takes no more than it is asked for, and only of the queues that it is told", async () => {
    const ids = await defer({}, {}, {});
    const [other] = await defer({ queue: newName("other") });
    const workerId = await register();
    expect(idsOf(await exchange(workerId, 2))).toEqual(ids.slice(0, 2));
    expect(idsOf(await exchange(workerId, 0))).toEqual([]);
    const input = { workerId, outcomes: [], claim: 1000, queues: null };
    const all = idsOf(await run("exchange", input));
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
    const [waiting] = await run("listJobs", { queue: trial.queue, status: "todo" });
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
    expect(await run("cancelJob", { id: head!, abort: false, remove: false })).toBe(true);
    expect(idsOf(await exchange(workerId))).toHaveLength(1);
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
    const statuses = await Promise.all(ids.map((id) => run("jobStatus", { id })));
    expect(statuses).toEqual(["succeeded", "failed", "aborted", null]);
    const [, failed] = await run("listJobs", { queue: trial.queue });
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
    const [job] = await run("listJobs", { queue: other });
    expect(job).toMatchObject({
      id,
      ...changes,
      status: "todo",
      attempts: 1,
      error: "Error: once",
    });
    trial.queue = other;
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
    expect(await run("jobStatus", { id: id! })).toBe("doing");
    const unknown = succeeded(2 ** 50, 1);
    expect((await exchange(workerId, 0, [unknown])).lost).toEqual([unknown.id]);
  });
});
