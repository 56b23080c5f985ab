// How jobs and workers are stopped, wherever jobs are kept: by a cancellation, by a time that is over, and at the worker's end.

import { describe, expect, test } from "@jest/globals";
import type { App } from "../../src/queue/app.ts";
import { JobAborted, JobTimeout } from "../../src/queue/errors.ts";
import type { JobContext } from "../../src/queue/job-context.ts";
import { inEachTest, places } from "./places.ts";
import { Working } from "./working.ts";

let app: App;

/** Something that comes when it is told to. */
function gate<T = void>(): { readonly opened: Promise<T>; open(value: T): void } {
  let open: (value: T) => void = () => {};
  const opened = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { opened, open: (value) => open(value) };
}

/** A function that goes on until its signal is aborted, and throws its reason then. */
function untilAborted({ signal }: JobContext): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}

const cancel = (id: number): Promise<boolean> => app.jobManager.cancelJobById(id, { abort: true });

describe.each(places)("$name", ({ enter }) => {
  inEachTest(enter, (place) => ({ app } = place));

  describe("being stopped", () => {
    test("a job that is cancelled gets its signal, and is aborted", async () => {
      const started = gate();
      const task = app.task({ name: "long" }, (_: object, context: JobContext) => {
        started.open();
        return untilAborted(context);
      });
      const id = await task.defer({});
      await using worker = new Working(app);
      await started.opened;
      expect(await cancel(id)).toBe(true);
      const [event] = await worker.until("job:aborted");
      expect(event?.error).toBeInstanceOf(JobAborted);
      await worker.stop();
      expect(await app.jobManager.getJobStatus(id)).toBe("aborted");
    });

    test("a job that ends well although it was cancelled has succeeded", async () => {
      const started = gate();
      const end = gate();
      const task = app.task({ name: "deaf" }, async () => {
        started.open();
        await end.opened;
      });
      const id = await task.defer();
      await using worker = new Working(app, { abortTimeout: 10_000 });
      await started.opened;
      await cancel(id);
      end.open();
      await worker.until("job:succeeded");
      await worker.stop();
      expect(await app.jobManager.getJobStatus(id)).toBe("succeeded");
    });

    test("a job that takes too long has failed with JobTimeout, and is tried again like others", async () => {
      const task = app.task(
        { name: "slow", timeout: 30, retry: 1 },
        (_: object, context: JobContext) => untilAborted(context),
      );
      const id = await task.defer({});
      await using worker = new Working(app, { wait: false });
      await worker.ended;
      expect(worker.of("job:retried")[0]?.error).toBeInstanceOf(JobTimeout);
      expect(worker.of("job:failed")[0]?.error).toBeInstanceOf(JobTimeout);
      expect(await app.jobManager.getJobStatus(id)).toBe("failed");
    });

    test("a job that never ends doesn't keep its slot", async () => {
      const stuck = app.task({ name: "stuck", timeout: 20 }, () => new Promise(() => {}));
      const next = app.task({ name: "next" }, () => "in turn");
      await stuck.defer({});
      await next.defer();
      await using worker = new Working(app, { abortTimeout: 20, wait: false });
      await worker.ended;
      expect(worker.of("job:abandoned")).toMatchObject([{ reason: "timeout" }]);
      expect(worker.of("job:succeeded")).toMatchObject([{ result: "in turn" }]);
    });

    test("a worker waits for what runs, and gives back what has not begun", async () => {
      const started = gate();
      const end = gate();
      const task = app.task({ name: "one" }, async () => {
        started.open();
        await end.opened;
      });
      const ids = await task.batchDefer([{}, {}, {}]);
      await using worker = new Working(app, { prefetch: 5 });
      await started.opened;
      const stopped = worker.stop();
      const [stopping] = await worker.until("worker:stopping");
      expect(stopping).toMatchObject({ running: 1, released: 2 });
      end.open();
      await stopped;
      const statuses = ids.map((id) => app.jobManager.getJobStatus(id));
      expect(await Promise.all(statuses)).toEqual(["succeeded", "todo", "todo"]);
      const left = await app.jobManager.listJobs({ status: "todo" });
      expect(left.map(({ attempts }) => attempts)).toEqual([0, 0]);
    });

    test("a worker that has waited long enough aborts what runs; it is tried again", async () => {
      const started = gate();
      const task = app.task({ name: "endless" }, (_: object, context: JobContext) => {
        started.open();
        return untilAborted(context);
      });
      const id = await task.defer({});
      await using worker = new Working(app, { shutdownGracefulTimeout: 20 });
      await started.opened;
      await worker.stop();
      const [job] = await app.jobManager.listJobs({ id });
      expect(job).toMatchObject({ status: "todo", attempts: 1 });
    });

    test("a worker ends although a job doesn't", async () => {
      const started = gate();
      const task = app.task({ name: "rock" }, () => {
        started.open();
        return new Promise(() => {});
      });
      const id = await task.defer({});
      await using worker = new Working(app, { shutdownGracefulTimeout: 10, abortTimeout: 20 });
      await started.opened;
      await worker.stop();
      expect(worker.of("job:abandoned")).toMatchObject([{ reason: "shutdown" }]);
      expect(await app.jobManager.getJobStatus(id)).toBe("todo");
    });

    test("a signal that was aborted before stops it before anything runs", async () => {
      const task = app.task({ name: "never" }, () => {});
      const id = await task.defer();
      await app.runWorker({ signal: AbortSignal.abort(), installSignalHandlers: false });
      expect(await app.jobManager.getJobStatus(id)).toBe("todo");
    });
  });
});
