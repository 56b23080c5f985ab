// A job to be stored, in tests.

import type { NewJob } from "../../src/queue/job.ts";

/** A job that is as by default but for what is said. */
export function newJob(job: Partial<NewJob> = {}): NewJob {
  return {
    taskName: "task",
    queue: "default",
    payload: {},
    priority: 0,
    lock: null,
    queueingLock: null,
    scheduledAt: null,
    scheduledIn: null,
    ...job,
  };
}
