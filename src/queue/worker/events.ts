/**
 * What happens in a worker, as programs are told of it.
 */
import type { AbortReason } from "../job-context.ts";
import type { ClaimedJob, Rescue } from "../job.ts";

/** What happens in a worker. */
export type WorkerEvent =
  | { readonly kind: "worker:started"; readonly workerId: number }
  | { readonly kind: "worker:stopping"; readonly running: number; readonly released: number }
  | { readonly kind: "worker:stopped" }
  /** It was taken for dead and has registered again; its jobs are no longer its own. */
  | { readonly kind: "worker:registered-again"; readonly workerId: number }
  /** It hears of jobs the moment they are there. */
  | { readonly kind: "worker:listening" }
  /** It hears nothing, and asks from time to time. */
  | { readonly kind: "worker:deaf"; readonly reason: Error | null }
  /** The storage could not be used; it is tried again after `delay` milliseconds. */
  | {
      readonly kind: "storage:failed";
      readonly operation: string;
      readonly error: unknown;
      readonly delay: number;
    }
  | { readonly kind: "storage:back" }
  | { readonly kind: "job:started"; readonly job: ClaimedJob }
  | {
      readonly kind: "job:succeeded";
      readonly job: ClaimedJob;
      readonly result: unknown;
      readonly duration: number;
    }
  | {
      readonly kind: "job:failed" | "job:aborted";
      readonly job: ClaimedJob;
      readonly error: unknown;
      readonly duration: number;
    }
  | {
      readonly kind: "job:retried";
      readonly job: ClaimedJob;
      readonly error: unknown;
      readonly delay: number;
      readonly duration: number;
    }
  /** It was asked to end, and did not in time. Its function may still be running; what it does no longer counts. */
  | { readonly kind: "job:abandoned"; readonly job: ClaimedJob; readonly reason: AbortReason }
  /** The storage doesn't accept what became of it: it had been given to another worker. */
  | { readonly kind: "job:lost"; readonly jobId: number }
  | { readonly kind: "job:rescued"; readonly rescue: Rescue }
  /** A job of a schedule was stored. */
  | {
      readonly kind: "job:scheduled";
      readonly jobId: number;
      readonly taskName: string;
      readonly timestamp: number;
    };
