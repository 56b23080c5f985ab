// Where the contract of connectors is tried: a connector of a kind for a block of tests, and for each test a queue of
// its own and workers that leave at its end.

import { afterAll, afterEach, beforeAll, beforeEach } from "@jest/globals";
import type { Exchanged, NewJob, Outcome } from "../../src/queue/index.ts";
import { type Kind, newName, type Opened, openKind } from "./connectors.ts";
import { newJob } from "./new-job.ts";

const FOREVER = 3_600_000;

/** A connector that is tried. */
export interface Trial {
  readonly opened: Opened;
  /** Where jobs are deferred to and taken from, unless something else is said. */
  queue: string;
  /** The workers that are registered. */
  readonly workers: readonly number[];
  run: Opened["run"];
  /** Stores jobs that are as by default but for what is said. */
  defer(...parts: Partial<NewJob>[]): Promise<number[]>;
  register(stalledAfter?: number): Promise<number>;
  exchange(workerId: number, claim?: number, outcomes?: readonly Outcome[]): Promise<Exchanged>;
}

/** Opens a connector before the tests of the block that calls it, and closes it after them. */
export function tryKind(kind: Kind): Trial {
  let opened: Opened;
  let workers: number[];

  const trial: Trial = {
    get opened() {
      return opened;
    },
    queue: "",
    get workers() {
      return workers;
    },
    run: (name, input, connection) => opened.run(name, input, connection),
    defer: async (...parts) => {
      const jobs = parts.map((part) => newJob({ queue: trial.queue, ...part }));
      const ids = await opened.run("deferJobs", { jobs, skipTaken: false });
      return ids.map(Number);
    },
    register: async (stalledAfter = FOREVER) => {
      const workerId = await opened.run("registerWorker", { name: "worker", stalledAfter });
      workers.push(workerId);
      return workerId;
    },
    exchange: async (workerId, claim = 100, outcomes = []) => {
      const queues = [trial.queue];
      return await opened.run("exchange", { workerId, outcomes, claim, queues });
    },
  };

  beforeAll(async () => {
    opened = await openKind(kind);
  });
  afterAll(async () => {
    await opened.close();
  });
  beforeEach(() => {
    trial.queue = newName("queue");
    workers = [];
  });
  afterEach(async () => {
    for (const workerId of workers) await opened.run("unregisterWorker", { workerId });
  });
  return trial;
}

/** The ids of the jobs that were given out. */
export function idsOf({ jobs }: Exchanged): number[] {
  return jobs.map(({ id }) => id);
}

/** The outcome of a job that went well. */
export function succeeded(id: number, lease: number): Outcome {
  return { id, lease, kind: "succeeded", remove: false, error: null };
}
