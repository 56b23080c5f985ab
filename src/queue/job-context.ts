/**
 * What a task's function learns of the job that it runs for, and what stands around it. Types only: the worker makes it.
 */
import type { App } from "./app.ts";
import type { ClaimedJob } from "./job.ts";
import type { RegisteredTask } from "./task.ts";

/** Why a job is to stop: somebody asked, the worker ends, it took too long, or the worker lost it to another. */
export type AbortReason = "user request" | "shutdown" | "timeout" | "lost";

/** What runs around a task's function. */
export interface JobContext {
  readonly job: ClaimedJob;
  readonly task: RegisteredTask;
  readonly app: App;
  /** The name of the worker that runs it. */
  readonly workerName: string;
  /** When this worker started it. */
  readonly startTime: Date;
  /** Aborted when the job is to stop; its reason is the error that says why. */
  readonly signal: AbortSignal;
  /** Why it is to stop; null as long as it isn't. */
  readonly abortReason: AbortReason | null;
  /** What the worker was given as `additionalContext`. */
  readonly additional: Readonly<Record<string, unknown>>;
  /** Whether it is to stop; a function that does then throws JobAborted. */
  shouldAbort(): boolean;
}
