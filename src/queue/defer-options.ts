/**
 * What can be said when a job is deferred, and how a job is made of it and of what its task says.
 */
import { QueueConfigurationError } from "./errors.ts";
import type { NewJob } from "./job.ts";
import { mergePayloads, toPayload } from "./payload.ts";
import type { ScheduleOptions } from "./schedule.ts";
import { readSchedule } from "./schedule.ts";

/** What a job gets unless something else is said when it is deferred. */
export interface JobDefaults {
  /** Where it waits: a worker takes jobs of all queues, or of those that it was told; "default" by default. */
  readonly queue?: string | undefined;
  /** Higher ones are taken first; 0 by default, and it may be negative. */
  readonly priority?: number | undefined;
  /** Jobs with the same lock run one at a time, by priority and then in the order in which they were deferred. */
  readonly lock?: string | null | undefined;
  /** Of the jobs with the same queueing lock only one can wait: deferring another is refused with AlreadyEnqueued. */
  readonly queueingLock?: string | null | undefined;
}

/** How a job is deferred. What isn't given is as the task says. */
export interface DeferOptions<Given = unknown> extends JobDefaults, ScheduleOptions {
  /** Members of the payload; those given to `defer()` win over them. */
  readonly payload?: Given | undefined;
  /**
   * A connection or transaction of the connector's kind: the job is stored in its transaction, and is there when that has
   * been committed.
   */
  readonly connection?: unknown;
}

/** Whose jobs they are, with what these get by default. */
export interface JobTemplate {
  readonly name: string;
  readonly queue: string;
  readonly priority: number;
  readonly lock: string | null;
  readonly queueingLock: string | null;
}

const LARGEST_PRIORITY = 2_147_483_647;
// As in payloads: what PostgreSQL's text can't hold.
const UNSTORABLE = /[\0\ud800-\udfff]/u;

/**
 * Completes and checks what the jobs of a task get by default.
 *
 * @throws QueueConfigurationError naming what makes no sense.
 */
export function readTemplate(name: string, defaults: JobDefaults): JobTemplate {
  return applyOptions(
    {
      name: checkName(name, "the name of a task"),
      queue: "default",
      priority: 0,
      lock: null,
      queueingLock: null,
    },
    defaults,
  );
}

/**
 * Gives the template with what the options say instead.
 *
 * @throws QueueConfigurationError naming what makes no sense.
 */
export function applyOptions(template: JobTemplate, options: JobDefaults): JobTemplate {
  const { name } = template;
  const { queue = template.queue, priority = template.priority } = options;
  const { lock = template.lock, queueingLock = template.queueingLock } = options;
  return {
    name,
    queue: checkName(queue, "the name of a queue"),
    priority: checkPriority(priority),
    lock: lock === null ? null : checkName(lock, "a lock"),
    queueingLock: queueingLock === null ? null : checkName(queueingLock, "a queueing lock"),
  };
}

/**
 * Makes the job that is to be stored.
 *
 * @throws QueueConfigurationError, InvalidTimestamp or InvalidPayload for what can't be meant.
 */
export function makeJob(template: JobTemplate, options: DeferOptions, payload: unknown): NewJob {
  checkKnown(options, DEFER_OPTIONS, "a job");
  const { name, queue, priority, lock, queueingLock } = applyOptions(template, options);
  return {
    taskName: name,
    queue,
    payload: toPayload(mergePayloads(options.payload, payload, name), name),
    priority,
    lock,
    queueingLock,
    ...readSchedule(options),
  };
}

/**
 * Refuses options that nobody knows: they would be as if they hadn't been given.
 *
 * @throws QueueConfigurationError naming the first one, and those that there are.
 */
export function checkKnown(options: object, names: readonly string[], what: string): void {
  const [unknown] = Object.keys(options).filter((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new QueueConfigurationError(
    `${what} has no option "${unknown}"; there are ${names.join(", ")}`,
  );
}

/** What {@link JobDefaults} has. */
export const JOB_DEFAULTS: readonly string[] = ["queue", "priority", "lock", "queueingLock"];
const DEFER_OPTIONS = [...JOB_DEFAULTS, "payload", "connection", "scheduleAt", "scheduleIn"];

/**
 * Gives the priority back if it is one.
 *
 * @throws QueueConfigurationError naming it.
 */
export function checkPriority(value: number): number {
  if (Number.isInteger(value) && Math.abs(value) <= LARGEST_PRIORITY) return value;
  throw new QueueConfigurationError(
    `the priority of a job must be a whole number of 32 bits, not ${String(value)}`,
  );
}

/**
 * Gives the name back if it can be stored.
 *
 * @throws QueueConfigurationError naming it as `what`.
 */
export function checkName(value: unknown, what: string): string {
  if (typeof value !== "string" || value === "")
    throw new QueueConfigurationError(
      `${what} must be a string that isn't empty, not ${typeof value === "string" ? '""' : String(value)}`,
    );
  if (UNSTORABLE.test(value))
    throw new QueueConfigurationError(
      `${what} can't have U+0000 or half a surrogate pair in it: ${JSON.stringify(value)}`,
    );
  return value;
}
