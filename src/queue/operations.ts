/**
 * Everything that is ever asked of a storage of jobs: one table of names, inputs and outputs.
 *
 * A storage in PostgreSQL says each operation as one statement (statement.ts), so that asynchronous and blocking
 * connectors can carry it out alike; the one in memory as a function. Another storage is another such table.
 * All operations are atomic, and safe to be called from many processes at once.
 */
import type {
  ClaimedJob,
  Job,
  JobCounts,
  JobFilter,
  JobStatus,
  NewJob,
  Outcome,
  Rescue,
  WorkerRecord,
} from "./job.ts";

interface Operation<In, Out> {
  readonly in: In;
  readonly out: Out;
}

/** A job in a worker's hands. */
export interface Held {
  readonly id: number;
  readonly lease: number;
}

/** What a worker wants in one exchange. */
export interface Exchange {
  readonly workerId: number;
  /** How the jobs went that it has done with since the last one. */
  readonly outcomes: readonly Outcome[];
  /** How many jobs it takes. */
  readonly claim: number;
  /** From which queues; null for all. */
  readonly queues: readonly string[] | null;
}

/** What it gets. */
export interface Exchanged {
  readonly jobs: readonly ClaimedJob[];
  /** The jobs among `outcomes` that were not its own any more; nothing was changed for them. */
  readonly lost: readonly number[];
  /**
   * In how many milliseconds there may be something to claim for its queues, when nothing is told before: the next scheduled job
   * is due, or one that others are at work on can be free. Null when there is nothing to come back for.
   */
  readonly nextDueIn: number | null;
  /** Whether the storage knows the worker; when not, no job was given, and it has to register again. */
  readonly registered: boolean;
}

/** The operations. */
export interface Operations {
  /**
   * Stores jobs, all or none, and gives their ids in order. A queueing lock that is taken makes it fail with
   * AlreadyEnqueued; with `skipTaken`, that job is left out, and null stands for its id.
   */
  readonly deferJobs: Operation<
    { readonly jobs: readonly NewJob[]; readonly skipTaken: boolean },
    (number | null)[]
  >;
  /** Stores a job of a schedule unless one was stored for this moment: null then, or when its queueing lock is taken. */
  readonly deferPeriodic: Operation<
    {
      readonly job: NewJob;
      readonly periodicId: string;
      /** In seconds since 1970. */
      readonly timestamp: number;
      /** How late such a moment may be, in milliseconds: it has to be remembered for longer than that. */
      readonly catchUp: number;
    },
    number | null
  >;
  readonly exchange: Operation<Exchange, Exchanged>;
  /** Tells of a worker. Without a heartbeat for `stalledAfter` milliseconds its jobs are taken back. */
  readonly registerWorker: Operation<
    { readonly name: string; readonly stalledAfter: number },
    number
  >;
  /** Forgets a worker; jobs that it still holds are released. */
  readonly unregisterWorker: Operation<{ readonly workerId: number }, void>;
  /**
   * Says that the worker is alive, takes the jobs of those back that are not, and asks what it has to stop.
   * A job that was rescued more than `maxRescues` times has failed.
   */
  readonly heartbeat: Operation<
    { readonly workerId: number; readonly maxRescues: number },
    {
      readonly registered: boolean;
      /** The jobs of this worker that somebody wants aborted. */
      readonly aborts: readonly number[];
      readonly rescued: readonly Rescue[];
      /**
       * In how many milliseconds the next of the other workers that hold jobs will have been silent for too long, should it stay
       * silent; null when no other holds any.
       */
      readonly nextStallIn: number | null;
    }
  >;
  /**
   * Has another registration take the place of a worker's, after an exchange whose answer was lost: what is held, by its lease, goes on
   * with the successor, and everything else that the storage thinks the worker has is released. An exchange in the old name that comes later than
   * this claims nothing. May be carried out twice. Gives the jobs among `held` that are not the worker's any more; null, with nothing changed, when
   * the successor isn't known.
   */
  readonly reconcile: Operation<
    {
      readonly workerId: number;
      readonly successor: number;
      readonly held: readonly Held[];
    },
    number[] | null
  >;
  /**
   * Cancels a job that waits; one that runs is asked to stop with `abort`. With `remove` nothing is kept of it.
   * False when there is no such job, or it has ended, or runs and `abort` was not given.
   */
  readonly cancelJob: Operation<
    { readonly id: number; readonly abort: boolean; readonly remove: boolean },
    boolean
  >;
  /** Has a job that ended, or one that runs on a worker that is gone, run again. False when it can't. */
  readonly retryJob: Operation<
    {
      readonly id: number;
      readonly delay: number;
      readonly priority?: number | undefined;
      readonly queue?: string | undefined;
      readonly lock?: string | null | undefined;
    },
    boolean
  >;
  readonly jobStatus: Operation<{ readonly id: number }, JobStatus | null>;
  readonly listJobs: Operation<JobFilter, Job[]>;
  readonly listQueues: Operation<JobFilter, JobCounts[]>;
  readonly listTasks: Operation<JobFilter, JobCounts[]>;
  readonly listLocks: Operation<JobFilter, JobCounts[]>;
  readonly listWorkers: Operation<Record<string, never>, WorkerRecord[]>;
  /** The jobs that are held by workers that have not been heard of for `olderThan` milliseconds, or are gone. */
  readonly stalledJobs: Operation<
    {
      readonly olderThan: number;
      readonly queue?: string | undefined;
      readonly taskName?: string | undefined;
    },
    Job[]
  >;
  /** Removes up to `limit` jobs that ended more than `olderThan` milliseconds ago; gives how many. */
  readonly deleteFinished: Operation<
    {
      readonly olderThan: number;
      readonly statuses: readonly JobStatus[];
      readonly queue?: string | undefined;
      readonly limit: number;
    },
    number
  >;
  /** The version of the schema that is there; null when there is none. */
  readonly schemaVersion: Operation<Record<string, never>, number | null>;
}

/** The name of an operation. */
export type OperationName = keyof Operations;
/** What an operation takes. */
export type Input<Name extends OperationName> = Operations[Name]["in"];
/** What an operation gives. */
export type Output<Name extends OperationName> = Operations[Name]["out"];

/** What workers are told without asking, when the connector can listen. */
export type Wake =
  /** Jobs of these queues can run; an empty list: of any. */
  | { readonly type: "ready"; readonly queues: readonly string[] }
  /** Jobs of these queues can run in so many milliseconds; an empty list: of any. */
  | { readonly type: "due"; readonly queues: readonly string[]; readonly in: number }
  /** These jobs are to be stopped. */
  | { readonly type: "abort"; readonly jobIds: readonly number[] }
  /** What was told meanwhile may have been missed: everything has to be looked up. */
  | { readonly type: "gap" }
  /** Nothing will be told from now on, until a "gap" says that it will again. */
  | { readonly type: "deaf"; readonly reason: Error };
