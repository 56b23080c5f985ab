/**
 * What can be put around tasks and around workers. Types, and the one rule of their order: the first is the outermost.
 */
import type { JobContext } from "./job-context.ts";

/** What middleware may do with the worker. */
export interface WorkerHandle {
  /** The worker's name. */
  readonly name: string;
  /** Has it stop as a signal would: what runs is waited for. */
  stop(): void;
}

/** Goes on with what the middleware stands around; gives its result, or throws what it throws. */
export type CallNext = () => Promise<unknown>;

/** Runs around each job: what it returns is the result, what it throws is what the job fails with. */
export type TaskMiddleware = (
  callNext: CallNext,
  context: JobContext,
  worker: WorkerHandle,
) => unknown;

/** Runs around a worker's whole life. */
export type WorkerMiddleware = (callNext: CallNext, worker: WorkerHandle) => Promise<unknown>;

/** Puts middleware around a function: worker-wide ones first, then the task's own. */
export function surround(
  middleware: readonly TaskMiddleware[],
  run: (context: JobContext) => unknown,
): (context: JobContext, worker: WorkerHandle) => Promise<unknown> {
  return async (context, worker) => {
    const callFrom = async (index: number): Promise<unknown> => {
      const layer = middleware[index];
      if (layer === undefined) return await run(context);
      return await layer(() => callFrom(index + 1), context, worker);
    };
    return await callFrom(0);
  };
}
