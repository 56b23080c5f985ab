/**
 * Whether a job that failed is tried again, when, and with what changed.
 *
 * A strategy looks at the error and at the job and decides; nothing here waits or stores. All waits are milliseconds.
 * Attempts are counted as Procrastinate counts them: a job that runs for the first time has had none.
 */
import { types } from "node:util";
import { checkName, checkPriority } from "./defer-options.ts";
import { QueueConfigurationError } from "./errors.ts";
import type { ClaimedJob } from "./job.ts";
import { readMoment } from "./schedule.ts";

/** What a strategy looks at. */
export interface Failure {
  /** What the task's function threw. */
  readonly error: unknown;
  /** The job; `attempts` says how often it had been started before. */
  readonly job: ClaimedJob;
}

/** How a job is tried again: at once, unless it says when. What isn't given stays as it was. */
export interface RetryDecision {
  /** In how many milliseconds. */
  readonly retryIn?: number | undefined;
  /** At which moment: a Date, or an ISO 8601 string with its time zone. */
  readonly retryAt?: Date | string | undefined;
  readonly priority?: number | undefined;
  readonly queue?: string | undefined;
  /** Null to have none. */
  readonly lock?: string | null | undefined;
}

/** Decides about jobs that failed. Null: it isn't tried again, it has failed. */
export interface RetryPolicy {
  getRetryDecision(failure: Failure): RetryDecision | null;
}

/**
 * What a task says about it: `false` (the default) for never, `true` for always and at once, a number for so many times
 * at once, or something that decides.
 */
export type RetryOption = boolean | number | RetryPolicy;

/** A class of errors. */
export type ErrorClass = abstract new (...args: never[]) => unknown;

/** How {@link RetryStrategy} decides. */
export interface RetryStrategyOptions {
  /** How many times it is tried again; without it, for ever. */
  readonly maxAttempts?: number | undefined;
  /** How long it waits each time. */
  readonly wait?: number | undefined;
  /** How much longer each time than the time before. */
  readonly linearWait?: number | undefined;
  /**
   * The same to a growing power: with 5000 it waits 5, 25, 125 seconds and so on, so the base counts in seconds. It is added to
   * the others.
   */
  readonly exponentialWait?: number | undefined;
  /** Other errors than instances of these are not tried again. */
  readonly retryExceptions?: readonly ErrorClass[] | undefined;
}

/** No wait is longer: ten years. */
const LONGEST_WAIT = 315_360_000_000;

/** Tries again a number of times, after waits that stay or grow. */
export class RetryStrategy implements RetryPolicy {
  readonly maxAttempts: number | undefined;
  readonly wait: number;
  readonly linearWait: number;
  readonly exponentialWait: number;
  readonly retryExceptions: readonly ErrorClass[] | undefined;

  /** @throws QueueConfigurationError for options that make no sense. */
  constructor(options: RetryStrategyOptions = {}) {
    const { maxAttempts, wait = 0, linearWait = 0, exponentialWait = 0 } = options;
    if (maxAttempts !== undefined && !(Number.isInteger(maxAttempts) && maxAttempts >= 0))
      throw new QueueConfigurationError(
        `maxAttempts must be a whole number from 0, not ${String(maxAttempts)}`,
      );
    for (const [name, value] of Object.entries({ wait, linearWait, exponentialWait })) {
      if (!(Number.isFinite(value) && value >= 0))
        throw new QueueConfigurationError(
          `${name} must be a number of milliseconds from 0, not ${String(value)}`,
        );
    }
    this.maxAttempts = maxAttempts;
    this.wait = wait;
    this.linearWait = linearWait;
    this.exponentialWait = exponentialWait;
    this.retryExceptions = options.retryExceptions;
  }

  getRetryDecision({ error, job }: Failure): RetryDecision | null {
    if (this.maxAttempts !== undefined && job.attempts >= this.maxAttempts) return null;
    const { retryExceptions } = this;
    if (retryExceptions !== undefined && !retryExceptions.some((one) => error instanceof one))
      return null;
    const grown =
      this.exponentialWait === 0 ? 0 : 1000 * (this.exponentialWait / 1000) ** (job.attempts + 1);
    const retryIn = this.wait + this.linearWait * job.attempts + grown;
    return { retryIn: Math.min(Math.round(retryIn), LONGEST_WAIT) };
  }
}

/**
 * Gives what decides for a task; null when it is never tried again.
 *
 * @throws QueueConfigurationError for what isn't such an option.
 */
export function readRetryOption(option: RetryOption | undefined): RetryPolicy | null {
  if (option === undefined || option === false || option === 0) return null;
  if (option === true) return new RetryStrategy();
  if (typeof option === "number") return new RetryStrategy({ maxAttempts: option });
  if (typeof option?.getRetryDecision === "function") return option;
  throw new QueueConfigurationError(
    "retry must be a boolean, a number of times, or have a method getRetryDecision()",
  );
}

/** A decision, read: what the outcome of a job needs. */
export interface Retry {
  /** In milliseconds, from 0. */
  readonly delay: number;
  readonly priority?: number | undefined;
  readonly queue?: string | undefined;
  readonly lock?: string | null | undefined;
}

/**
 * Reads a decision.
 *
 * @throws QueueConfigurationError when it says twice when, or nothing that can be done; InvalidTimestamp for a bad `retryAt`.
 */
export function readRetryDecision(decision: RetryDecision): Retry {
  if (types.isPromise(decision)) {
    decision.catch(() => {});
    throw new QueueConfigurationError(
      "getRetryDecision() gave a promise: it has to decide at once, so it can't be async",
    );
  }
  if (typeof decision !== "object")
    throw new QueueConfigurationError(
      `getRetryDecision() must give an object or null, not ${String(decision)}`,
    );
  const { retryIn, retryAt, priority, queue, lock } = decision;
  // What can't be stored would hold up whatever else the worker has to tell.
  if (priority !== undefined) checkPriority(priority);
  if (queue !== undefined) checkName(queue, "the name of a queue");
  if (lock !== undefined && lock !== null) checkName(lock, "a lock");
  if (retryIn !== undefined && retryAt !== undefined)
    throw new QueueConfigurationError("retryIn and retryAt can't both be given: leave one");
  if (retryIn !== undefined && !Number.isFinite(retryIn))
    throw new QueueConfigurationError(
      `retryIn must be a number of milliseconds, not ${String(retryIn)}`,
    );
  const wait =
    retryAt === undefined ? (retryIn ?? 0) : readMoment(retryAt, "retryAt").getTime() - Date.now();
  return { delay: Math.min(Math.max(wait, 0), LONGEST_WAIT), priority, queue, lock };
}
