// What a worker does with jobs, whatever keeps them: runs them, so many at a time, again where they failed, and when their
// moment has come.

import { describe, expect, test } from "@jest/globals";
import type { App } from "../../src/queue/app.ts";
import type { JobContext } from "../../src/queue/job-context.ts";
import { RetryStrategy } from "../../src/queue/retry.ts";
import type { WorkerOptions } from "../../src/queue/worker-options.ts";
import { inEachTest, places } from "./places.ts";
import { Working } from "./working.ts";

let app: App;

const statusOf = (id: number): Promise<string | null> => app.jobManager.getJobStatus(id);

describe.each(places)("$name", ({ enter }) => {
  inEachTest(enter, (place) => ({ app } = place));

  describe("a job", () => {
    test("is run with its payload, and its result is told", async () => {
      const add = app.task({ name: "add" }, ({ a, b }: { a: number; b: number }) => a + b);
      const id = await add.defer({ a: 1, b: 2 });
      await using worker = new Working(app);
      const [event] = await worker.until("job:succeeded");
      expect(event).toMatchObject({ result: 3, job: { id, taskName: "add", attempts: 0 } });
      await worker.stop();
      expect(await statusOf(id)).toBe("succeeded");
    });

    test("that is deferred while the worker waits is run at once", async () => {
      const task = app.task({ name: "late" }, () => "done");
      await using worker = new Working(app, { pollingInterval: 60_000 });
      await worker.until("worker:listening");
      await task.defer();
      await worker.until("job:succeeded");
    });

    test("gets the context, first if its task wants that", async () => {
      const seen: unknown[] = [];
      const first = app.task(
        { name: "first", passContext: true },
        (context, payload: { n: number }) => {
          seen.push([context.task.name, context.workerName, context.app === app, payload.n]);
        },
      );
      const second = app.task({ name: "second" }, ({ n }: { n: number }, context: JobContext) => {
        seen.push([context.additional, context.signal.aborted, context.shouldAbort(), n]);
      });
      await first.defer({ n: 1 });
      await second.defer({ n: 2 });
      const options = { name: "ann", additionalContext: { db: 5 }, wait: false };
      await using worker = new Working(app, options);
      await worker.ended;
      expect(seen).toEqual([
        ["first", "ann", true, 1],
        [{ db: 5 }, false, false, 2],
      ]);
    });

    test.each([
      ["an error", new TypeError("broken"), "TypeError: broken"],
      ["a text", "words", "words"],
      ["nothing", undefined, "undefined"],
      ["an object without prototype", Object.assign(Object.create(null), { a: 1 }), "a: 1"],
      [
        "something that can't be shown",
        {
          get stack(): string {
            throw new Error("no");
          },
        },
        "cannot be shown",
      ],
    ])("that throws %s has failed, and says why", async (_, thrown: unknown, text) => {
      const task = app.task({ name: "failing" }, () => {
        throw thrown;
      });
      const id = await task.defer();
      await using worker = new Working(app, { wait: false });
      await worker.ended;
      const [event] = worker.of("job:failed");
      expect(event?.error === thrown).toBe(true);
      const [job] = await app.jobManager.listJobs({ id });
      expect(job?.status).toBe("failed");
      expect(job?.error).toContain(text);
    });

    test("of an unknown task has failed, and those around it have not", async () => {
      const known = app.task({ name: "known" }, () => 1);
      const ids = [];
      for (let n = 0; n < 300; n++) {
        ids.push(await app.configureTask("gone").defer());
        if (n % 100 === 0) ids.push(await known.defer());
      }
      await using worker = new Working(app, { wait: false, concurrency: 3, prefetch: 400 });
      await worker.ended;
      expect(worker.of("job:failed")).toHaveLength(300);
      expect(worker.of("job:succeeded")).toHaveLength(3);
      const [job] = await app.jobManager.listJobs({ taskName: "gone", limit: 1 });
      expect(job?.error).toContain('there is no task "gone"');
    });

    test("is not kept when that is said", async () => {
      const task = app.task({ name: "either" }, ({ fails }: { fails: boolean }) => {
        if (fails) throw new Error("as asked");
      });
      const run = async (deleteJobs: WorkerOptions["deleteJobs"]): Promise<unknown[]> => {
        const ids = await task.batchDefer([{ fails: false }, { fails: true }]);
        await using worker = new Working(app, { deleteJobs, wait: false });
        await worker.ended;
        return await Promise.all(ids.map(statusOf));
      };
      expect(await run("never")).toEqual(["succeeded", "failed"]);
      expect(await run("successful")).toEqual([null, "failed"]);
      expect(await run("always")).toEqual([null, null]);
    });
  });

  describe("slots", () => {
    test("no more jobs run at a time than there are", async () => {
      let running = 0;
      let most = 0;
      const task = app.task({ name: "counted" }, async () => {
        most = Math.max(most, ++running);
        await new Promise(setImmediate);
        running--;
      });
      await task.batchDefer(Array.from({ length: 50 }, () => ({})));
      await using worker = new Working(app, { concurrency: 7, prefetch: 20, wait: false });
      await worker.ended;
      expect(worker.of("job:succeeded")).toHaveLength(50);
      expect(most).toBe(7);
    });

    test("jobs of one lock run one after the other, in order, beside others", async () => {
      const order: number[] = [];
      let running = 0;
      const task = app.task({ name: "locked", lock: "one" }, async ({ n }: { n: number }) => {
        expect(++running).toBe(1);
        await new Promise(setImmediate);
        order.push(n);
        running--;
      });
      const other = app.task({ name: "free" }, () => {});
      await task.batchDefer(Array.from({ length: 20 }, (__, n) => ({ n })));
      await other.batchDefer(Array.from({ length: 20 }, () => ({})));
      await using worker = new Working(app, { concurrency: 5, prefetch: 5, wait: false });
      await worker.ended;
      expect(worker.of("job:failed")).toEqual([]);
      expect(order).toEqual(Array.from({ length: 20 }, (__, n) => n));
    });

    test("only queues that it serves", async () => {
      const task = app.task({ name: "t" }, () => {});
      const mine = await task.configure({ queue: "mine" }).defer();
      const theirs = await task.configure({ queue: "theirs" }).defer();
      await using worker = new Working(app, { queues: ["mine"], wait: false });
      await worker.ended;
      expect([await statusOf(mine), await statusOf(theirs)]).toEqual(["succeeded", "todo"]);
    });
  });

  describe("another attempt", () => {
    test("follows at once, as often as the task allows", async () => {
      const attempts: number[] = [];
      const task = app.task({ name: "flaky", retry: 2 }, (_: object, { job }: JobContext) => {
        attempts.push(job.attempts);
        throw new Error("again");
      });
      const id = await task.defer({});
      await using worker = new Working(app, { pollingInterval: 60_000 });
      await worker.until("job:failed");
      expect(attempts).toEqual([0, 1, 2]);
      expect(worker.of("job:retried")).toMatchObject([{ delay: 0 }, { delay: 0 }]);
      await worker.stop();
      expect(await statusOf(id)).toBe("failed");
    });

    test("follows when its time has come, without being asked for", async () => {
      const retry = new RetryStrategy({ maxAttempts: 1, wait: 150 });
      const task = app.task({ name: "later", retry }, (_: object, { job }: JobContext) => {
        if (job.attempts === 0) throw new Error("not yet");
      });
      await task.defer({});
      await using worker = new Working(app, { pollingInterval: 60_000 });
      const [again] = await worker.until("job:retried");
      expect(again).toMatchObject({ delay: 150 });
      await worker.until("job:succeeded");
    });

    test("can be in another queue, and a strategy that throws ends the job", async () => {
      const decisions = [{ retryIn: 0, queue: "second", priority: 3 }];
      const task = app.task(
        { name: "moving", retry: { getRetryDecision: () => decisions.shift() ?? fail() } },
        () => {
          throw new Error("no");
        },
      );
      const fail = (): never => {
        throw new Error("the strategy is broken");
      };
      const id = await task.defer();
      await using worker = new Working(app, { wait: false });
      await worker.ended;
      const [job] = await app.jobManager.listJobs({ id });
      expect(job).toMatchObject({ queue: "second", priority: 3, status: "failed" });
      expect(job?.error).toContain("the strategy is broken");
    });
  });

  describe("schedules", () => {
    test("a moment that comes is run once, with its timestamp", async () => {
      const seen: number[] = [];
      const tick = app.task({ name: "tick" }, ({ timestamp }: { timestamp: number }) => {
        seen.push(timestamp);
      });
      app.periodic({ cron: "* * * * * *" }, tick);
      await using one = new Working(app);
      await using two = new Working(app);
      await one.until("job:scheduled", 1);
      await Promise.race([one.until("job:succeeded", 2), two.until("job:succeeded", 2)]);
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen.every((timestamp) => Math.abs(timestamp - Date.now() / 1000) < 30)).toBe(true);
    });
  });
});
