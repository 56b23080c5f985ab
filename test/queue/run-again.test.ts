// Jobs that are to run again, wherever they are kept.

import { expect, test } from "@jest/globals";
import { AlreadyEnqueued } from "../../src/queue/errors.ts";
import { places } from "./places.ts";

test.each(places)(
  "a job whose queueing lock another one has by now can't run again: $name",
  async ({ enter }) => {
    const { app, leave } = await enter();
    const task = app.task({ name: "task", queueingLock: "one" }, () => {
      throw new Error("as asked");
    });
    const id = await task.defer();
    await app.runWorker({ wait: false });
    await task.defer();
    await expect(app.jobManager.retryJobById(id)).rejects.toThrow(AlreadyEnqueued);
    expect(await app.jobManager.getJobStatus(id)).toBe("failed");
    await leave();
  },
);
