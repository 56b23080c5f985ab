/**
 * What can be done with jobs beside running them: store, list, count, cancel, try again, remove. Each in two forms, which ask the
 * connector for the same operation.
 *
 * The connector is asked for each time, because an app's can be replaced.
 */
import { observeDefer } from "./channels.ts";
import type { Connector, RunOptions } from "./connector.ts";
import { DeferBatch, taken } from "./defer-batch.ts";
import { checkName, checkPriority } from "./defer-options.ts";
import { ConnectorException, QueueConfigurationError } from "./errors.ts";
import type {
  EndStatus,
  Job,
  JobCounts,
  JobFilter,
  JobStatus,
  NewJob,
  WorkerRecord,
} from "./job.ts";
import { checkFilter } from "./job-filter.ts";
import { isSpan } from "./schedule.ts";
import type { Input, OperationName, Output } from "./operations.ts";

/** What part of a transaction of the caller's it is to be; see {@link RunOptions}. */
export type ManageOptions = RunOptions;
/** The same for calls that wait: nothing can abort those. */
export type ManageSyncOptions = Omit<RunOptions, "signal">;

/** How a job is cancelled. */
export interface CancelOptions {
  /** Whether a job that runs already is asked to stop, too; false by default. */
  readonly abort?: boolean | undefined;
  /** Whether nothing is kept of it; false by default. */
  readonly remove?: boolean | undefined;
}

/** What is changed when a job is tried again. */
export interface RetryJobOptions {
  /** In how many milliseconds; at once by default. */
  readonly delay?: number | undefined;
  readonly priority?: number | undefined;
  readonly queue?: string | undefined;
  readonly lock?: string | null | undefined;
}

/** Which jobs that ended are removed. */
export interface DeleteOptions {
  /** For how long they must have ended, in milliseconds. */
  readonly olderThan: number;
  /** How they must have ended; only "succeeded" by default. */
  readonly statuses?: readonly EndStatus[] | undefined;
  readonly queue?: string | undefined;
  /** How many at most, 10,000 by default. */
  readonly limit?: number | undefined;
}

/** Which jobs count as stalled. */
export interface StalledOptions {
  /** For how long their worker must not have been heard of, in milliseconds; 30,000 by default. */
  readonly olderThan?: number | undefined;
  readonly queue?: string | undefined;
  readonly taskName?: string | undefined;
}

/** Stores and looks after jobs. */
export class JobManager {
  readonly #connector: () => Connector;
  readonly #batches = new WeakMap<Connector, DeferBatch>();

  /** @internal */
  constructor(connector: () => Connector) {
    this.#connector = connector;
  }

  /** Stores a job; without options, along with others that are deferred at about the same time. */
  async deferJob(job: NewJob, options: ManageOptions = {}): Promise<number> {
    const { connection, signal, timeout } = options;
    const isAlone = connection !== undefined || signal !== undefined || timeout !== undefined;
    return await observeDefer([job], async () => {
      if (!isAlone) return await this.#batch().add(job);
      return only(job, await this.#run("deferJobs", { jobs: [job], skipTaken: true }, options));
    });
  }

  /** The same, while the thread waits. */
  deferJobSync(job: NewJob, options: ManageSyncOptions = {}): number {
    return only(job, this.#runSync("deferJobs", { jobs: [job], skipTaken: true }, options));
  }

  /** Stores jobs, all of them or none. */
  async batchDeferJobs(jobs: readonly NewJob[], options: ManageOptions = {}): Promise<number[]> {
    if (jobs.length === 0) return [];
    return await observeDefer(jobs, async () =>
      all(await this.#run("deferJobs", { jobs, skipTaken: false }, options)),
    );
  }

  /** The same, while the thread waits. */
  batchDeferJobsSync(jobs: readonly NewJob[], options: ManageSyncOptions = {}): number[] {
    if (jobs.length === 0) return [];
    return all(this.#runSync("deferJobs", { jobs, skipTaken: false }, options));
  }

  /**
   * Cancels a job that waits; with `abort`, one that runs is asked to stop.
   *
   * @returns whether there was anything to cancel: false when the job has ended, isn't there, or runs and `abort` wasn't given.
   */
  async cancelJobById(
    id: number,
    cancel: CancelOptions = {},
    options?: ManageOptions,
  ): Promise<boolean> {
    return await this.#run("cancelJob", cancelInput(id, cancel), options);
  }

  /** The same, while the thread waits. */
  cancelJobByIdSync(id: number, cancel: CancelOptions = {}, options?: ManageSyncOptions): boolean {
    return this.#runSync("cancelJob", cancelInput(id, cancel), options);
  }

  /**
   * Has a job run again that ended, or whose worker is gone.
   *
   * @returns whether it can.
   */
  async retryJobById(
    id: number,
    retry: RetryJobOptions = {},
    options?: ManageOptions,
  ): Promise<boolean> {
    return await this.#run("retryJob", retryInput(id, retry), options);
  }

  /** The same, while the thread waits. */
  retryJobByIdSync(id: number, retry: RetryJobOptions = {}, options?: ManageSyncOptions): boolean {
    return this.#runSync("retryJob", retryInput(id, retry), options);
  }

  /** Where a job stands; null when there is no such job. */
  async getJobStatus(id: number, options?: ManageOptions): Promise<JobStatus | null> {
    return await this.#run("jobStatus", { id: checkId(id) }, options);
  }

  /** The same, while the thread waits. */
  getJobStatusSync(id: number, options?: ManageSyncOptions): JobStatus | null {
    return this.#runSync("jobStatus", { id: checkId(id) }, options);
  }

  /** The jobs that the filter leaves, in the order of their ids; 1,000 of them unless it says otherwise. */
  async listJobs(filter: JobFilter = {}, options?: ManageOptions): Promise<Job[]> {
    return await this.#run("listJobs", checkFilter(filter), options);
  }

  /** The same, while the thread waits. */
  listJobsSync(filter: JobFilter = {}, options?: ManageSyncOptions): Job[] {
    return this.#runSync("listJobs", checkFilter(filter), options);
  }

  /** How many jobs of each status the queues have. */
  async listQueues(filter: JobFilter = {}, options?: ManageOptions): Promise<JobCounts[]> {
    return await this.#run("listQueues", checkFilter(filter), options);
  }

  /** The same, while the thread waits. */
  listQueuesSync(filter: JobFilter = {}, options?: ManageSyncOptions): JobCounts[] {
    return this.#runSync("listQueues", checkFilter(filter), options);
  }

  /** How many jobs of each status the tasks have. */
  async listTasks(filter: JobFilter = {}, options?: ManageOptions): Promise<JobCounts[]> {
    return await this.#run("listTasks", checkFilter(filter), options);
  }

  /** The same, while the thread waits. */
  listTasksSync(filter: JobFilter = {}, options?: ManageSyncOptions): JobCounts[] {
    return this.#runSync("listTasks", checkFilter(filter), options);
  }

  /** How many jobs of each status the locks have. */
  async listLocks(filter: JobFilter = {}, options?: ManageOptions): Promise<JobCounts[]> {
    return await this.#run("listLocks", checkFilter(filter), options);
  }

  /** The same, while the thread waits. */
  listLocksSync(filter: JobFilter = {}, options?: ManageSyncOptions): JobCounts[] {
    return this.#runSync("listLocks", checkFilter(filter), options);
  }

  /** The workers that are, or were until a short while ago. */
  async listWorkers(options?: ManageOptions): Promise<WorkerRecord[]> {
    return await this.#run("listWorkers", {}, options);
  }

  /** The same, while the thread waits. */
  listWorkersSync(options?: ManageSyncOptions): WorkerRecord[] {
    return this.#runSync("listWorkers", {}, options);
  }

  /** The jobs of workers that have not been heard of. Workers take such jobs back by themselves. */
  async getStalledJobs(stalled: StalledOptions = {}, options?: ManageOptions): Promise<Job[]> {
    return await this.#run("stalledJobs", stalledInput(stalled), options);
  }

  /** The same, while the thread waits. */
  getStalledJobsSync(stalled: StalledOptions = {}, options?: ManageSyncOptions): Job[] {
    return this.#runSync("stalledJobs", stalledInput(stalled), options);
  }

  /** Removes what is kept of jobs that ended, and gives how many those were. */
  async deleteOldJobs(which: DeleteOptions, options?: ManageOptions): Promise<number> {
    return await this.#run("deleteFinished", deleteInput(which), options);
  }

  /** The same, while the thread waits. */
  deleteOldJobsSync(which: DeleteOptions, options?: ManageSyncOptions): number {
    return this.#runSync("deleteFinished", deleteInput(which), options);
  }

  #batch(): DeferBatch {
    const connector = this.#connector();
    let batch = this.#batches.get(connector);
    if (batch === undefined) this.#batches.set(connector, (batch = new DeferBatch(connector)));
    return batch;
  }

  async #run<Name extends OperationName>(
    name: Name,
    input: Input<Name>,
    options?: ManageOptions,
  ): Promise<Output<Name>> {
    return await this.#connector().run(name, input, options);
  }

  #runSync<Name extends OperationName>(
    name: Name,
    input: Input<Name>,
    options?: ManageSyncOptions,
  ): Output<Name> {
    return this.#connector().getSyncConnector().runSync(name, input, options);
  }
}

function cancelInput(
  id: number,
  { abort = false, remove = false }: CancelOptions,
): Input<"cancelJob"> {
  return { id: checkId(id), abort, remove };
}

function retryInput(
  id: number,
  { delay = 0, priority, queue, lock }: RetryJobOptions,
): Input<"retryJob"> {
  checkSpan(delay, "delay");
  if (priority !== undefined) checkPriority(priority);
  if (queue !== undefined) checkName(queue, "the name of a queue");
  if (typeof lock === "string") checkName(lock, "a lock");
  return { id: checkId(id), delay, priority, queue, lock };
}

function deleteInput(which: DeleteOptions): Input<"deleteFinished"> {
  const { olderThan, statuses = ["succeeded"], queue, limit = 10_000 } = which;
  checkSpan(olderThan, "olderThan");
  return { olderThan, statuses, queue, limit };
}

function stalledInput(stalled: StalledOptions): Input<"stalledJobs"> {
  const { olderThan = 30_000, queue, taskName } = stalled;
  return { olderThan: checkSpan(olderThan, "olderThan"), queue, taskName };
}

function checkSpan(value: number, what: string): number {
  if (isSpan(value)) return value;
  throw new QueueConfigurationError(
    `${what} must be a number of milliseconds from 0, not ${String(value)}`,
  );
}

function checkId(id: number): number {
  if (Number.isSafeInteger(id)) return id;
  throw new QueueConfigurationError(`the id of a job must be a whole number, not ${String(id)}`);
}

/** One job is skipped, and refused here: an error of the server would have ended the caller's transaction. */
function only(job: NewJob, [id = null]: readonly (number | null)[]): number {
  if (id === null) throw taken(job);
  return id;
}

/** Without skipTaken no id can be missing; a storage that leaves one out is broken. */
function all(ids: readonly (number | null)[]): number[] {
  return ids.map((id) => {
    if (id === null) throw new ConnectorException("the storage left out a job without saying why");
    return id;
  });
}
