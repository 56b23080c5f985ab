// What a worker can be told: middleware around its jobs and around itself, and options that make no sense.

import { describe, expect, test } from "@jest/globals";
import type { App } from "../../src/queue/app.ts";
import { QueueConfigurationError } from "../../src/queue/errors.ts";
import { inEachTest, places } from "./places.ts";
import { Working } from "./working.ts";

let app: App;

describe.each(places)("$name", ({ enter }) => {
  inEachTest(enter, (place) => ({ app } = place));

  describe("middleware", () => {
    test("runs from the worker's to the task's, around the function", async () => {
      const order: string[] = [];
      const layer = (name: string) => async (next: () => Promise<unknown>) => {
        order.push(`${name} in`);
        const result = await next();
        order.push(`${name} out`);
        return result;
      };
      const task = app.task({ name: "t", middleware: [layer("own")] }, () => {
        order.push("function");
      });
      await task.defer();
      await using worker = new Working(app, {
        wait: false,
        taskMiddleware: [layer("worker-wide")],
        workerMiddleware: [layer("worker")],
      });
      await worker.ended;
      expect(order.join()).toBe(
        "worker in,worker-wide in,own in,function,own out,worker-wide out,worker out",
      );
    });

    test("can stop the worker", async () => {
      const task = app.task({ name: "t" }, () => {});
      await task.batchDefer([{}, {}]);
      await using worker = new Working(app, {
        taskMiddleware: [
          (next, _, handle) => {
            handle.stop();
            return next();
          },
        ],
      });
      await worker.ended;
      expect(worker.of("job:succeeded")).toHaveLength(1);
    });
  });

  describe("options that make no sense", () => {
    test.each<[string, object, string]>([
      ["an unknown one", { concurency: 3 }, 'workers have no option "concurency"'],
      ["no slots", { concurrency: 0 }, "concurrency must be a whole number from 1 to 10000, not 0"],
      ["half a slot", { concurrency: 1.5 }, "not 1.5"],
      ["a text", { pollingInterval: "5" }, "pollingInterval must be a number of milliseconds"],
      ["no queues", { queues: [] }, "queues must be names of queues, or null, not []"],
      ["a signal that is none", { signal: 5 }, "signal must be an AbortSignal, not 5"],
      [
        "a silence too short",
        { heartbeatInterval: 1000, stalledWorkerTimeout: 1500 },
        "at least two heartbeats",
      ],
      [
        "a status that is none",
        { retention: { done: 5 } },
        "retention must be a time for succeeded",
      ],
      ["a word", { deleteJobs: "sometimes" }, "deleteJobs must be never, successful, always"],
    ])("%s", async (_, options, text) => {
      const failure = app.runWorker(options);
      await expect(failure).rejects.toThrow(QueueConfigurationError);
      await expect(failure).rejects.toThrow(text);
    });
  });
});
