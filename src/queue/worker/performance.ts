/**
 * One job on its way through its task's function: from being started to what has become of it.
 *
 * It ends in one of three ways: the function does, or it is aborted and ends then, or it is aborted and does not. The
 * last is not waited for longer than `abortTimeout`: a function that never settles must not keep a slot, a worker, or the job.
 * What it does later is ignored.
 */
import { inspect } from "node:util";
import { observeJob } from "../channels.ts";
import { JobAborted, JobTimeout, TaskNotFound } from "../errors.ts";
import type { ClaimedJob, Outcome } from "../job.ts";
import type { AbortReason } from "../job-context.ts";
import type { WorkerEvent } from "./events.ts";
import type { RunningJob } from "./holdings.ts";
import type { DeleteJobs } from "./settings.ts";

/** What a failed job does next; what is not given stays as it was. */
export interface Again {
  /** In how many milliseconds it is tried again. */
  readonly delay: number;
  readonly priority?: number | undefined;
  readonly queue?: string | undefined;
  readonly lock?: string | null | undefined;
}

/** What a job's function may look at while it runs. */
export interface Invocation {
  readonly job: ClaimedJob;
  /** Aborted when the job is to end, with a JobAborted or JobTimeout as its reason. */
  readonly signal: AbortSignal;
  /** When it was started. */
  readonly startTime: Date;
  /** Why it is to end; null while it isn't. */
  readonly abortReason: AbortReason | null;
}

/** What a worker knows of a task. */
export interface Performer {
  /** How long a job may run, in milliseconds; null for ever. */
  readonly timeout: number | null;
  /** Calls the task's function, through its middleware. */
  perform(invocation: Invocation): unknown;
  /** What is done after a failure; null when the job has failed for good. */
  decide(error: unknown, job: ClaimedJob): Again | null;
}

/** What a performance asks of its worker. */
export interface Stage {
  /** The worker's name. */
  readonly name: string;
  readonly deleteJobs: DeleteJobs;
  readonly abortTimeout: number;
  /** The task of this name. */
  find(taskName: string): Performer | undefined;
  /** The job has left the stage; null when its outcome is nobody's business any more. */
  left(job: ClaimedJob, outcome: Outcome | null): void;
  tell(event: WorkerEvent): void;
}

/** How much of an error's text is kept. */
const LONGEST_ERROR = 16_384;

/** A job that runs. */
export class Performance implements RunningJob, Invocation {
  readonly job: ClaimedJob;
  readonly startTime: Date = new Date();
  readonly #stage: Stage;
  readonly #began = performance.now();
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | null = null;
  #reason: AbortReason | null = null;
  #left = false;

  constructor(job: ClaimedJob, stage: Stage) {
    this.job = job;
    this.#stage = stage;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get abortReason(): AbortReason | null {
    return this.#reason;
  }

  /** Starts it; never throws. */
  start(): void {
    this.#stage.tell({ kind: "job:started", job: this.job });
    const performer = this.#stage.find(this.job.taskName);
    if (performer === undefined) {
      const error = new TaskNotFound(
        `there is no task "${this.job.taskName}" in this app: define it, or import the module that does`,
      );
      return this.#failed(error, null);
    }
    const { timeout } = performer;
    if (timeout !== null) this.#timer = setTimeout(() => this.abort("timeout"), timeout);
    this.#perform(performer).catch((error: unknown) => this.#failed(error, performer));
  }

  async #perform(performer: Performer): Promise<void> {
    const result = await observeJob(this.job, this.#stage.name, async () =>
      performer.perform(this),
    );
    if (this.#leave()) return;
    const { id, lease } = this.job;
    const remove = this.#stage.deleteJobs !== "never";
    this.#tellEnd({ kind: "job:succeeded", result });
    this.#stage.left(this.job, { kind: "succeeded", id, lease, remove, error: null });
  }

  abort(reason: AbortReason): void {
    if (this.#reason !== null || this.#left) return;
    this.#reason = reason;
    const { abortTimeout } = this.#stage;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#abandon(reason), abortTimeout);
    this.#controller.abort(reasonError(reason, this.job));
  }

  #abandon(reason: AbortReason): void {
    this.#stage.tell({ kind: "job:abandoned", job: this.job, reason });
    this.#failed(this.signal.reason, this.#stage.find(this.job.taskName) ?? null);
  }

  /** Decides what becomes of a job whose function threw, or was given up. */
  #failed(error: unknown, performer: Performer | null): void {
    if (this.#leave()) return;
    const reason = this.#reason;
    if (reason === "lost") return this.#stage.left(this.job, null);
    if (reason === "shutdown") return this.#retry(error, { delay: 0 });
    // The signal's reason is what usually comes back out of an aborted call; the timeout is the story then.
    const cause = reason === "timeout" ? this.signal.reason : error;
    if (reason === "user request" || isJobAborted(error)) return this.#end("aborted", error);
    let again: Again | null = null;
    try {
      again = performer?.decide(cause, this.job) ?? null;
    } catch (failure) {
      return this.#end("failed", failure);
    }
    if (again) this.#retry(cause, again);
    else this.#end("failed", cause);
  }

  #end(kind: "failed" | "aborted", error: unknown): void {
    const { id, lease } = this.job;
    const remove = this.#stage.deleteJobs === "always";
    this.#tellEnd({ kind: `job:${kind}`, error });
    this.#stage.left(this.job, { kind, id, lease, remove, error: describe(error) });
  }

  #retry(error: unknown, again: Again): void {
    const { id, lease } = this.job;
    this.#tellEnd({ kind: "job:retried", error, delay: again.delay });
    this.#stage.left(this.job, { kind: "retry", id, lease, ...again, error: describe(error) });
  }

  /** Notes that it is over; true when it was over already. */
  #leave(): boolean {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const already = this.#left;
    this.#left = true;
    return already;
  }

  #tellEnd(
    event:
      | { readonly kind: "job:succeeded"; readonly result: unknown }
      | { readonly kind: "job:failed" | "job:aborted"; readonly error: unknown }
      | { readonly kind: "job:retried"; readonly error: unknown; readonly delay: number },
  ): void {
    const duration = performance.now() - this.#began;
    this.#stage.tell({ ...event, job: this.job, duration } as WorkerEvent);
  }
}

function isJobAborted(error: unknown): boolean {
  return error instanceof JobAborted;
}

function reasonError(reason: AbortReason, job: ClaimedJob): Error {
  const which = `job ${job.id} (${job.taskName})`;
  if (reason === "timeout") return new JobTimeout(`${which} ran for longer than its task allows`);
  const why = {
    "user request": "somebody cancelled it",
    shutdown: "its worker stops",
    lost: "its worker was taken for dead, and another may run it",
  }[reason];
  return new JobAborted(`${which} is to stop: ${why}`);
}

/** What is kept of an error, whatever was thrown. */
export function describe(error: unknown): string {
  let text: string;
  try {
    const { stack } = (error ?? {}) as { stack?: unknown };
    text = typeof stack === "string" && stack !== "" ? stack : inspect(error);
    const { cause } = (error ?? {}) as { cause?: unknown };
    if (cause !== undefined) text += `\ncaused by ${inspect(cause, { depth: 1 })}`;
  } catch {
    text = "a value that cannot be shown";
  }
  // The storage takes neither NUL nor halves of characters; a cut may make one.
  const short = text.length > LONGEST_ERROR ? `${text.slice(0, LONGEST_ERROR - 1)}…` : text;
  return Buffer.from(short.replaceAll("\0", "\uFFFD")).toString();
}
