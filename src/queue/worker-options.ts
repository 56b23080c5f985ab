/**
 * How a worker works. What is not said when it is run is as the app's `workerDefaults` say, else as it is said here.
 */
import type { JobContext } from "./job-context.ts";
import type { TaskMiddleware, WorkerMiddleware } from "./middleware.ts";
import type { EndStatus } from "./job.ts";
import type { WorkerEvent } from "./worker/events.ts";

/** For how long what is left of ended jobs is kept, in milliseconds; what isn't named is kept for ever. */
export type Retention = { readonly [status in EndStatus]?: number };

/** How a worker works. */
export interface WorkerOptions {
  /** From which queues it takes jobs; all by default. */
  readonly queues?: readonly string[] | undefined;
  /** What it is called in logs and lists; "worker" by default. */
  readonly name?: string | undefined;
  /** How many jobs it runs at a time; 1 by default. */
  readonly concurrency?: number | undefined;
  /** Whether it waits for more jobs; true by default. With false it ends when there is nothing left to do. */
  readonly wait?: boolean | undefined;
  /** How many jobs beyond those that run it takes in advance; 0 by default. They are given back when it stops. */
  readonly prefetch?: number | undefined;
  /**
   * How often it asks for jobs while it can't listen, in milliseconds; 5,000 by default. While it listens it asks twelve times as
   * seldom, only to be sure.
   */
  readonly pollingInterval?: number | undefined;
  /**
   * How long it waits for running jobs when it is to stop, before they are aborted, in milliseconds; 25,000 by default, and null
   * for as long as they take.
   */
  readonly shutdownGracefulTimeout?: number | null | undefined;
  /**
   * How long an aborted job may take to end, in milliseconds; 5,000 by default. After that it is left to itself: its slot and
   * the job are free, and what it still does counts for nothing.
   */
  readonly abortTimeout?: number | undefined;
  /** Whether it listens for what is to be done; true by default. Without, it asks from time to time. */
  readonly listenNotify?: boolean | undefined;
  /** Of which jobs nothing is kept when they have ended; "never" by default. */
  readonly deleteJobs?: "never" | "successful" | "always" | undefined;
  /** How often it says that it is alive, in milliseconds; 10,000 by default. */
  readonly heartbeatInterval?: number | undefined;
  /** After how long without that its jobs are given to others, in milliseconds; 2.5 heartbeats by default. */
  readonly stalledWorkerTimeout?: number | undefined;
  /** How often a job is taken back from workers that are gone before it has failed; 10 by default. */
  readonly maxRescues?: number | undefined;
  /** Called with what happens in it. What it throws becomes a process warning. */
  readonly onEvent?: ((event: WorkerEvent) => unknown) | undefined;
  /** Has it stop, as SIGTERM does. */
  readonly signal?: AbortSignal | undefined;
  /** Whether SIGINT and SIGTERM have it stop; true by default. */
  readonly installSignalHandlers?: boolean | undefined;
  /** Runs around each job, before the task's own. */
  readonly taskMiddleware?: readonly TaskMiddleware[] | undefined;
  /** Runs around the worker. */
  readonly workerMiddleware?: readonly WorkerMiddleware[] | undefined;
  /** What functions find as `context.additional`; each job gets a copy. */
  readonly additionalContext?: JobContext["additional"] | undefined;
  /** For how long what is left of ended jobs is kept; for ever by default. */
  readonly retention?: Retention | undefined;
}
