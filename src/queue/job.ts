/**
 * What a job is: what is asked for when it is deferred, what a worker is given, and what becomes of it.
 *
 * These are the words that tasks, storages, connectors and workers share. Nothing here knows SQL.
 */

/** Where a job stands, in Procrastinate's words. */
export type JobStatus = "todo" | "doing" | "succeeded" | "failed" | "cancelled" | "aborted";

/** What a job becomes when it has ended. */
export type EndStatus = Exclude<JobStatus, "todo" | "doing">;

/** A job that is to be stored. */
export interface NewJob {
  readonly taskName: string;
  readonly queue: string;
  /** What the task's function is called with: anything that JSON can say. */
  readonly payload: unknown;
  /** Higher ones first; 0 by default. */
  readonly priority: number;
  /** Of the jobs with the same lock one runs at a time, by priority and then in the order of their ids. */
  readonly lock: string | null;
  /** Of the jobs with the same queueing lock, one at a time waits. */
  readonly queueingLock: string | null;
  /** The moment from which it may run; null for at once. */
  readonly scheduledAt: Date | null;
  /** The same as a number of milliseconds from the server's now, which no difference of clocks can move. */
  readonly scheduledIn: number | null;
}

/** What a worker is given. */
export interface ClaimedJob {
  /** A whole number, which a storage never lets grow beyond what a number holds exactly. */
  readonly id: number;
  readonly taskName: string;
  readonly queue: string;
  readonly payload: unknown;
  readonly priority: number;
  readonly lock: string | null;
  readonly queueingLock: string | null;
  readonly scheduledAt: Date | null;
  readonly createdAt: Date;
  /** How often it was started before, this time not included. */
  readonly attempts: number;
  /** How often it was taken back from a worker that was gone. */
  readonly rescues: number;
  /**
   * Proves that the worker still holds the job: it changes with every claim, so that a worker that was
   * taken for dead can't write over what another one did since.
   */
  readonly lease: number;
}

/** A job as it is listed. */
export interface Job extends Omit<ClaimedJob, "lease"> {
  readonly status: JobStatus;
  readonly workerId: number | null;
  /** Whether it was asked to stop while it ran. */
  readonly abortRequested: boolean;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  /** What it failed with the last time: name, message and stack; null when it never did. */
  readonly error: string | null;
}

interface OutcomeBase {
  readonly id: number;
  readonly lease: number;
}

/** How a claimed job went. */
export type Outcome =
  /** It has ended; with `remove`, nothing is kept of it. */
  | (OutcomeBase & {
      readonly kind: "succeeded" | "failed" | "aborted";
      readonly remove: boolean;
      readonly error: string | null;
    })
  /** It is to be tried again, after so many milliseconds, with what is given changed. */
  | (OutcomeBase & {
      readonly kind: "retry";
      readonly delay: number;
      readonly priority?: number | undefined;
      readonly queue?: string | undefined;
      readonly lock?: string | null | undefined;
      readonly error: string | null;
    })
  /** It was not started: it goes back as it was, and the claim doesn't count as an attempt. */
  | (OutcomeBase & { readonly kind: "release" });

/** What listings are narrowed down by; what is not given does not matter. */
export interface JobFilter {
  readonly id?: number | undefined;
  readonly queue?: string | undefined;
  readonly taskName?: string | undefined;
  readonly status?: JobStatus | undefined;
  readonly lock?: string | undefined;
  readonly queueingLock?: string | undefined;
  readonly workerId?: number | undefined;
  /** How many at most; 1,000 by default. */
  readonly limit?: number | undefined;
}

/** How many jobs of each status something has: a queue, a task or a lock. */
export interface JobCounts extends Readonly<Record<JobStatus, number>> {
  readonly name: string;
  /** All of them. */
  readonly total: number;
}

/** A worker that is, or was, alive. */
export interface WorkerRecord {
  readonly id: number;
  readonly name: string;
  readonly startedAt: Date;
  readonly lastHeartbeat: Date;
  /** How many jobs it holds. */
  readonly jobs: number;
}

/** A job that was taken back from a worker that had not been heard of for too long. */
export interface Rescue {
  readonly jobId: number;
  readonly workerId: number;
  /** "todo" when it is tried again, "failed" when it was rescued too often, "aborted" when somebody wanted that. */
  readonly status: "todo" | "failed" | "aborted";
}
