// What every connector does for workers, one body over all of them: it knows them, takes their jobs back when they are
// gone, and wakes them.

import { describe, expect, test } from "@jest/globals";
import type { Outcome, Wake } from "../../src/queue/index.ts";
import { kinds, passing } from "./connectors.ts";
import { idsOf, succeeded, tryKind } from "./contract.ts";

describe.each(kinds)("$name", (kind) => {
  const trial = tryKind(kind);
  const { defer, register, exchange, run } = trial;

  test("gives nothing to a worker that it doesn't know, but takes what it has done", async () => {
    const [id] = await defer({}, {});
    const workerId = await register();
    const { jobs } = await exchange(workerId, 1);
    const done = succeeded(id!, jobs[0]!.lease);
    const stranger = workerId + 1000;
    const answer = await exchange(stranger, 10, [done]);
    expect(answer).toMatchObject({ jobs: [], lost: [], registered: false });
    expect(await run("jobStatus", { id: id! })).toBe("succeeded");
  });

  test("gives the jobs of a worker that is gone to others", async () => {
    const [first, second] = await defer({}, {});
    const gone = await register(1);
    await exchange(gone);
    const alive = await register();
    await passing(async () => {
      const { rescued } = await run("heartbeat", { workerId: alive, maxRescues: 1 });
      expect(new Set(rescued.map(({ jobId }) => jobId))).toEqual(new Set([first, second]));
      expect(rescued[0]).toMatchObject({ workerId: gone, status: "todo" });
    });
    const again = await exchange(alive);
    expect(again.jobs[0]).toMatchObject({ attempts: 1, rescues: 1 });
    expect((await run("heartbeat", { workerId: gone, maxRescues: 1 })).registered).toBe(false);
  });

  test("gives a job up that was taken back too often", async () => {
    const [id] = await defer({});
    const alive = await register();
    await exchange(await register(1));
    await passing(async () => {
      const { rescued } = await run("heartbeat", { workerId: alive, maxRescues: 0 });
      expect(rescued).toEqual([{ jobId: id, workerId: expect.any(Number), status: "failed" }]);
    });
    const [job] = await run("listJobs", { queue: trial.queue });
    expect(job).toMatchObject({ status: "failed", rescues: 1 });
    expect(job?.error).not.toBeNull();
  });

  test("says when the next worker will have been silent for too long", async () => {
    const alive = await register();
    const beat = { workerId: alive, maxRescues: 1 };
    const before = await run("heartbeat", beat);
    expect(before).toMatchObject({ registered: true, aborts: [], rescued: [], nextStallIn: null });
    await defer({});
    await exchange(await register(50_000));
    const { nextStallIn } = await run("heartbeat", beat);
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
    expect(await run("reconcile", unknown)).toBeNull();
    for (let i = 0; i < 2; i++) {
      expect(await run("reconcile", { workerId, successor, held })).toEqual([ids[1]]);
    }
    // What comes late in the old name has no effect but for its outcomes.
    expect(await exchange(workerId)).toMatchObject({ registered: false, jobs: [] });
    expect(idsOf(await exchange(successor))).toEqual([ids[1], ids[2]]);
    const { id, lease } = first!;
    const done: Outcome = { kind: "succeeded", id, lease, remove: false, error: null };
    const telling = { workerId: successor, outcomes: [done], claim: 0, queues: null };
    expect((await run("exchange", telling)).lost).toEqual([]);
  });

  test("releases the jobs of a worker that leaves", async () => {
    const ids = await defer({}, {});
    const workerId = await register();
    await exchange(workerId);
    await run("unregisterWorker", { workerId });
    expect(idsOf(await exchange(await register()))).toEqual(ids);
  });

  test("finds the jobs of workers that are silent", async () => {
    const [id] = await defer({});
    await exchange(await register());
    const stalled = async (olderThan: number): Promise<number[]> =>
      (await run("stalledJobs", { olderThan, queue: trial.queue })).map((job) => job.id);
    expect(await stalled(60_000)).toEqual([]);
    await passing(async () => expect(await stalled(0)).toEqual([id]));
  });

  if (!kind.isSync)
    test("tells of what can be done, without being asked", async () => {
      const wakes: Wake[] = [];
      const ears = await trial.opened.connector.listen((wake) => wakes.push(wake), never());
      if (ears === null) throw new Error("it can't listen");
      const told = async (wake: object): Promise<void> => {
        await passing(() => {
          expect(wakes).toEqual(expect.arrayContaining([expect.objectContaining(wake)]));
        });
      };
      try {
        const [id] = await defer({ priority: 9 });
        await told({ type: "ready", queues: [trial.queue] });
        await defer({ scheduledIn: 60_000 });
        await told({ type: "due", queues: [trial.queue] });
        await exchange(await register(), 1);
        await run("cancelJob", { id: id!, abort: true, remove: false });
        await told({ type: "abort", jobIds: [id] });
      } finally {
        await ears.close();
      }
      const count = wakes.length;
      await defer({});
      await exchange(trial.workers[0]!);
      expect(wakes).toHaveLength(count);
    });
});

function never(): AbortSignal {
  return new AbortController().signal;
}
