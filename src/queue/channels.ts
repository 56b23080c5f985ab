/**
 * What a program's monitoring is told of jobs: tracing channels of `node:diagnostics_channel`.
 *
 * A message is the context of one operation; what is learnt of its outcome is added to the same object. Names of the attributes are
 * OpenTelemetry's for messaging, so a subscriber copies them to a span as they are. Payloads and results are never told.
 * While nobody listens, a job costs one look at whether anybody does.
 */
import { tracingChannel } from "node:diagnostics_channel";
import type { TracingChannel } from "node:diagnostics_channel";
import { isWatched } from "../core/channels.ts";
import type { ClaimedJob, NewJob } from "./job.ts";

/** One operation on jobs, as subscribers of the channels see it. */
export interface JobOperationContext {
  /**
   * What OpenTelemetry wants to know: `messaging.system`, `messaging.operation.type` ("send" or "process"),
   * `messaging.destination.name` (the queue), `messaging.message.id`, `messaging.batch.message_count`, `error.type`, and of our own
   * `mahout.task.name`, `mahout.job.attempts`, `mahout.job.priority`, `mahout.worker.name`.
   */
  readonly attributes: Record<string, string | number>;
  /** What it failed with; absent before and otherwise. */
  error?: unknown;
}

/** The five channels of one kind of operation. */
export type JobChannel = TracingChannel<JobOperationContext, JobOperationContext>;

/** Storing jobs, from the call until they are stored: `mahout:defer`. */
export const deferChannel: JobChannel = tracingChannel("mahout:defer");
/** Running a job, with its middleware, from its start to its end: `mahout:job`. */
export const jobChannel: JobChannel = tracingChannel("mahout:job");

/** Runs a job where its channel's subscribers see it. */
export function observeJob<T>(
  job: ClaimedJob,
  workerName: string,
  run: () => Promise<T>,
): Promise<T> {
  if (!isWatched(jobChannel)) return run();
  const { id, taskName, queue, attempts, priority } = job;
  return observe(jobChannel, run, {
    ...sharedAttributes("process", taskName, queue),
    "messaging.message.id": String(id),
    "mahout.job.attempts": attempts,
    "mahout.job.priority": priority,
    "mahout.worker.name": workerName,
  });
}

/** Stores jobs where the channel's subscribers see it. */
export function observeDefer<Ids>(jobs: readonly NewJob[], run: () => Promise<Ids>): Promise<Ids> {
  const [first] = jobs;
  if (first === undefined || !isWatched(deferChannel)) return run();
  return observe(deferChannel, run, {
    ...sharedAttributes("send", first.taskName, first.queue),
    "mahout.job.priority": first.priority,
    ...(jobs.length > 1 ? { "messaging.batch.message_count": jobs.length } : {}),
  });
}

function sharedAttributes(
  type: "send" | "process",
  taskName: string,
  queue: string,
): Record<string, string | number> {
  return {
    "messaging.system": "mahout",
    "messaging.operation.type": type,
    "messaging.destination.name": queue,
    "mahout.task.name": taskName,
  };
}

function observe<T>(
  channel: JobChannel,
  run: () => Promise<T>,
  attributes: Record<string, string | number>,
): Promise<T> {
  return channel.tracePromise(
    async () => {
      try {
        const value = await run();
        // A single job that was stored has its id only now. What a task's function gives is nobody else's.
        if (channel === deferChannel && typeof value === "number")
          attributes["messaging.message.id"] = String(value);
        return value;
      } catch (error) {
        attributes["error.type"] = nameOf(error);
        throw error;
      }
    },
    { attributes },
  );
}

function nameOf(error: unknown): string {
  const name: unknown = (error as { name?: unknown } | null | undefined)?.name;
  return typeof name === "string" ? name : typeof error;
}
