/**
 * A task: a function with a name, under which jobs for it can be stored and a worker finds it again.
 *
 * A task is the function itself with methods beside it, so that it can be called as before. It belongs to a blueprint or
 * an app; the one that jobs go to is asked for when a job is deferred. What it runs with is the worker's business.
 */
import { LONGEST_TIME } from "../pool/clock.ts";
import type { FindManager, PayloadArguments, RestOf } from "./configured-task.ts";
import { ConfiguredTask } from "./configured-task.ts";
import type { DeferOptions, JobDefaults, JobTemplate } from "./defer-options.ts";
import { checkKnown, checkName, JOB_DEFAULTS, readTemplate } from "./defer-options.ts";
import { QueueConfigurationError, UnboundTaskError } from "./errors.ts";
import type { JobContext } from "./job-context.ts";
import type { TaskMiddleware } from "./middleware.ts";
import type { RetryOption, RetryPolicy } from "./retry.ts";
import { readRetryOption } from "./retry.ts";

/** What a task is defined by. */
export interface TaskOptions extends JobDefaults {
  /** What jobs call it by. It stays stored: a job that waits finds its task by it, also in the next version of the program. */
  readonly name: string;
  /** Names that it had before, whose jobs it runs, too. */
  readonly aliases?: readonly string[] | undefined;
  /** Whether jobs that fail are tried again; false by default. */
  readonly retry?: RetryOption | undefined;
  /** Runs around each of its jobs, the first one outermost. */
  readonly middleware?: readonly TaskMiddleware[] | undefined;
  /** How long a job may run, in milliseconds; then it is aborted, and has failed with JobTimeout. No limit by default, 24 days at most. */
  readonly timeout?: number | undefined;
  /** Whether the function is called with the context first, as in Procrastinate; by default, it comes after the payload. */
  readonly passContext?: boolean | undefined;
}

/** What a worker needs to know of a task, whatever its payload is. */
export interface RegisteredTask {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly queue: string;
  readonly priority: number;
  readonly lock: string | null;
  readonly queueingLock: string | null;
  /** What decides about its jobs that fail; null when they aren't tried again. */
  readonly retry: RetryPolicy | null;
  readonly middleware: readonly TaskMiddleware[];
  /** In milliseconds; null for no limit. */
  readonly timeout: number | null;
  /** Calls the function with the job's payload, and gives what it gives, or throws what it throws. */
  run(context: JobContext): unknown;
}

const TASK_OPTIONS = [
  "name",
  "aliases",
  "retry",
  "middleware",
  "timeout",
  "passContext",
  ...JOB_DEFAULTS,
];

type AnyFunction = (...args: never[]) => unknown;

/** What makes its heirs functions: the constructor gives a function that calls `run`, with the heir's methods and state. */
class Callable {
  static {
    Object.setPrototypeOf(this.prototype, Function.prototype);
  }

  constructor(run: AnyFunction) {
    const face = (...args: never[]): unknown => run(...args);
    // A function's own name would hide the task's.
    Reflect.deleteProperty(face, "name");
    return Object.setPrototypeOf(face, new.target.prototype) as Callable;
  }
}

/** The methods and facts of a task. */
export class TaskHandle<Payload, Result> extends Callable implements RegisteredTask {
  #template: JobTemplate;
  #findManager: FindManager;
  readonly #run: TaskFunction<Payload, Result> | ContextTaskFunction<Payload, Result>;
  readonly #isContextFirst: boolean;
  readonly aliases: readonly string[];
  readonly retry: RetryPolicy | null;
  readonly middleware: readonly TaskMiddleware[];
  readonly timeout: number | null;

  /** @internal */
  constructor(
    options: TaskOptions,
    run: TaskFunction<Payload, Result> | ContextTaskFunction<Payload, Result>,
  ) {
    super(run);
    const { aliases = [], retry, middleware = [], timeout } = options;
    this.#template = readTemplate(options.name, options);
    this.#run = run;
    this.#isContextFirst = options.passContext === true;
    this.aliases = aliases.map((alias) => checkName(alias, "an alias of a task"));
    this.retry = readRetryOption(retry);
    this.middleware = [...middleware];
    this.timeout = readTimeout(timeout);
    this.#findManager = () => {
      throw new UnboundTaskError(
        `the task "${this.name}" belongs to no app: add its blueprint with app.addTasksFrom()`,
      );
    };
  }

  /** Its name, with the namespace under which an app has it. */
  get name(): string {
    return this.#template.name;
  }

  /** The queue of its jobs. */
  get queue(): string {
    return this.#template.queue;
  }

  /** The priority of its jobs. */
  get priority(): number {
    return this.#template.priority;
  }

  /** The lock of its jobs; null for none. */
  get lock(): string | null {
    return this.#template.lock;
  }

  /** The queueing lock of its jobs; null for none. */
  get queueingLock(): string | null {
    return this.#template.queueingLock;
  }

  /**
   * Says what jobs are to be like that are deferred with what it returns.
   *
   * @throws QueueConfigurationError or InvalidTimestamp for what can't be meant.
   */
  configure<const Given extends Partial<Payload> = Record<never, never>>(
    options: DeferOptions<Given>,
  ): ConfiguredTask<RestOf<Payload, Given>> {
    return new ConfiguredTask(this.#template, options, () => this.#findManager());
  }

  /**
   * Stores a job, and gives its id. Calls that are made at about the same time travel together.
   *
   * @throws as {@link ConfiguredTask.defer}.
   */
  async defer(...payload: PayloadArguments<Payload>): Promise<number> {
    return await this.#plain().defer(...payload);
  }

  /** The same, while the thread waits. */
  deferSync(...payload: PayloadArguments<Payload>): number {
    return this.#plain().deferSync(...payload);
  }

  /**
   * Stores a job for each payload, all of them or none, and gives their ids in order.
   *
   * @throws as {@link ConfiguredTask.defer}.
   */
  async batchDefer(payloads: Iterable<Payload>): Promise<number[]> {
    return await this.#plain().batchDefer(payloads);
  }

  /** The same, while the thread waits. */
  batchDeferSync(payloads: Iterable<Payload>): number[] {
    return this.#plain().batchDeferSync(payloads);
  }

  run(context: JobContext): Result {
    const payload = context.job.payload as Payload;
    return this.#isContextFirst
      ? (this.#run as ContextTaskFunction<Payload, Result>)(context, payload)
      : (this.#run as TaskFunction<Payload, Result>)(payload, context);
  }

  /** Makes it the task of an app, under the name that it has there. @internal */
  bind(name: string, findManager: FindManager): void {
    this.#template = { ...this.#template, name };
    this.#findManager = findManager;
  }

  #plain(): ConfiguredTask<Payload> {
    return new ConfiguredTask<Payload>(this.#template, {}, () => this.#findManager());
  }
}

/** A task: call it, or defer it. */
export type Task<Payload, Result> = TaskHandle<Payload, Result> &
  ((payload: Payload, context?: JobContext) => Result);

/** A task whose function takes the context first. */
export type ContextTask<Payload, Result> = TaskHandle<Payload, Result> &
  ((context: JobContext, payload: Payload) => Result);

/** A task's function, in the two ways of {@link TaskOptions.passContext}. */
export type TaskFunction<Payload, Result> = (payload: Payload, context: JobContext) => Result;
/** A task's function that takes the context first. */
export type ContextTaskFunction<Payload, Result> = (
  context: JobContext,
  payload: Payload,
) => Result;

/**
 * Makes a task of a function.
 *
 * @internal
 */
export function makeTask<Payload, Result>(
  options: TaskOptions,
  run: TaskFunction<Payload, Result> | ContextTaskFunction<Payload, Result>,
): TaskHandle<Payload, Result> {
  if (typeof run !== "function")
    throw new QueueConfigurationError(
      `the task "${String(options.name)}" needs a function, not ${typeof run}`,
    );
  checkKnown(options, TASK_OPTIONS, "a task");
  return new TaskHandle<Payload, Result>(options, run);
}

function readTimeout(timeout: number | undefined): number | null {
  if (timeout === undefined) return null;
  if (timeout === Infinity) return null;
  if (typeof timeout === "number" && timeout > 0 && timeout <= LONGEST_TIME) return timeout;
  throw new QueueConfigurationError(
    `the timeout of a task must be a number of milliseconds above 0 and up to ${LONGEST_TIME} (24 days), or left out, not ${String(timeout)}`,
  );
}
