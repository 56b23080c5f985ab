/**
 * A task with what its jobs are to be like: what `configure()` gives, and what all deferring goes through.
 *
 * The four ways to defer say the job once, in makeJob(); they differ in how many there are and in who waits.
 */
import type { DeferOptions, JobTemplate } from "./defer-options.ts";
import { applyOptions, makeJob } from "./defer-options.ts";
import { QueueConfigurationError } from "./errors.ts";
import type { NewJob } from "./job.ts";
import type { JobManager } from "./job-manager.ts";

/** The payload of `defer()`: it can be left out when nothing in it is needed. */
export type PayloadArguments<Payload> = unknown extends Payload
  ? [payload?: Payload]
  : undefined extends Payload
    ? [payload?: Payload]
    : Record<never, never> extends Payload
      ? [payload?: Payload]
      : [payload: Payload];

/** What is left to give of a payload after some of it was configured. */
export type RestOf<Payload, Given> = keyof Given extends never
  ? Payload
  : Omit<Payload, keyof Given> & Partial<Payload>;

/** Where jobs go: the manager of the app that has the task. Asked each time, since it may be attached later. */
export type FindManager = () => JobManager;

/** Defers jobs of one task. */
export class ConfiguredTask<Payload> {
  readonly #template: JobTemplate;
  readonly #options: DeferOptions;
  readonly #manager: FindManager;

  /** @internal */
  constructor(template: JobTemplate, options: DeferOptions, manager: FindManager) {
    this.#template = template;
    this.#options = options;
    this.#manager = manager;
    // What makes no sense is told where it is said.
    makeJob(template, { ...options, payload: undefined }, undefined);
  }

  /** The task's name. */
  get name(): string {
    return this.#template.name;
  }

  /** Says more about the jobs; what was said before stays, unless it is said again. */
  configure<const Given extends Partial<Payload> = Record<never, never>>(
    options: DeferOptions<Given>,
  ): ConfiguredTask<RestOf<Payload, Given>> {
    const template = applyOptions(this.#template, options);
    const merged = { ...this.#options, ...options };
    return new ConfiguredTask<RestOf<Payload, Given>>(template, merged, this.#manager);
  }

  /**
   * Stores a job, and gives its id. Calls that are made at about the same time travel together.
   *
   * @throws AlreadyEnqueued when its queueing lock is taken; InvalidPayload, InvalidTimestamp or QueueConfigurationError for what
   * can't be meant; UnboundTaskError, AppNotOpen, ConnectorException.
   */
  async defer(...[payload]: PayloadArguments<Payload>): Promise<number> {
    const job = this.#job(payload);
    return await this.#manager().deferJob(job, this.#where);
  }

  /** The same, while the thread waits. */
  deferSync(...[payload]: PayloadArguments<Payload>): number {
    return this.#manager().deferJobSync(this.#job(payload), this.#where);
  }

  /**
   * Stores a job for each payload, all of them or none, and gives their ids in order.
   *
   * @throws as {@link ConfiguredTask.defer}.
   */
  async batchDefer(payloads: Iterable<Payload>): Promise<number[]> {
    const jobs = this.#jobs(payloads);
    return await this.#manager().batchDeferJobs(jobs, this.#where);
  }

  /** The same, while the thread waits. */
  batchDeferSync(payloads: Iterable<Payload>): number[] {
    return this.#manager().batchDeferJobsSync(this.#jobs(payloads), this.#where);
  }

  get #where(): { readonly connection?: unknown } {
    const { connection } = this.#options;
    return connection === undefined ? {} : { connection };
  }

  #job(payload: unknown): NewJob {
    return makeJob(this.#template, this.#options, payload);
  }

  #jobs(payloads: Iterable<Payload>): NewJob[] {
    // Array.from() would take any object for an empty list.
    if (typeof payloads?.[Symbol.iterator] !== "function")
      throw new QueueConfigurationError("batchDefer() takes a list of payloads; defer() takes one");
    return Array.from(payloads, (payload) => this.#job(payload));
  }
}
