/**
 * The jobs of a storage in memory, and the rules by which they are taken: which can run, in what order, and what a lock means.
 *
 * It is looked through from end to end for each question, since it is for tests; nothing here waits or tells anybody.
 */
import type { ClaimedJob, EndStatus, Job, JobFilter, JobStatus, NewJob } from "../job.ts";

/** A job as it is kept. Times are milliseconds since 1970. */
export interface KeptJob {
  readonly id: number;
  readonly taskName: string;
  queue: string;
  /** JSON text, so that nobody shares an object with the storage. */
  readonly payload: string;
  priority: number;
  lock: string | null;
  queueingLock: string | null;
  scheduledAt: number | null;
  readonly createdAt: number;
  startedAt: number | null;
  finishedAt: number | null;
  status: JobStatus;
  /** How often it was started, this time included. */
  attempts: number;
  rescues: number;
  abortRequested: boolean;
  workerId: number | null;
  lease: number;
  error: string | null;
}

/** What is changed when a job is to run again. */
export interface Changes {
  readonly priority?: number | undefined;
  readonly queue?: string | undefined;
  readonly lock?: string | null | undefined;
}

/** Jobs, by their ids. */
export class KeptJobs {
  readonly #byId = new Map<number, KeptJob>();
  #lastId = 0;
  #lastLease = 0;

  /** All of them, in the order of their ids. */
  get all(): KeptJob[] {
    return [...this.#byId.values()];
  }

  get(id: number): KeptJob | undefined {
    return this.#byId.get(id);
  }

  remove(job: KeptJob): void {
    this.#byId.delete(job.id);
  }

  clear(): void {
    this.#byId.clear();
  }

  /** Keeps a job; null when its queueing lock is taken. */
  add(job: NewJob): KeptJob | null {
    if (this.isQueued(job.queueingLock)) return null;
    const now = Date.now();
    const { taskName, queue, priority, lock, queueingLock, scheduledAt, scheduledIn } = job;
    const kept: KeptJob = {
      id: ++this.#lastId,
      taskName,
      queue,
      payload: JSON.stringify(job.payload),
      priority,
      lock,
      queueingLock,
      scheduledAt: scheduledIn === null ? (scheduledAt?.getTime() ?? null) : now + scheduledIn,
      createdAt: now,
      startedAt: null,
      finishedAt: null,
      status: "todo",
      attempts: 0,
      rescues: 0,
      abortRequested: false,
      workerId: null,
      lease: 0,
      error: null,
    };
    this.#byId.set(kept.id, kept);
    return kept;
  }

  /** Whether a job waits that has this queueing lock. */
  isQueued(queueingLock: string | null): boolean {
    if (queueingLock === null) return false;
    return this.all.some((job) => job.status === "todo" && job.queueingLock === queueingLock);
  }

  /** Takes up to `count` jobs that can run, the first ones first. */
  claim(count: number, queues: readonly string[] | null, workerId: number): ClaimedJob[] {
    const claimed: ClaimedJob[] = [];
    for (const job of this.#waiting()) {
      if (claimed.length >= count) break;
      if (isOf(job, queues) && isDue(job) && this.#hasTurn(job))
        claimed.push(this.#take(job, workerId));
    }
    return claimed;
  }

  /** When the next job of these queues is due that isn't yet; null when there is none. */
  nextDue(queues: readonly string[] | null): number | null {
    const moments = this.#waiting()
      .filter((job) => isOf(job, queues) && !isDue(job) && this.#hasTurn(job))
      .map((job) => job.scheduledAt ?? 0);
    return moments.length === 0 ? null : Math.min(...moments);
  }

  /** The queue of the job that is next on a lock; null when there is none. */
  queueBehind(lock: string | null): string | null {
    if (lock === null) return null;
    const next = this.#waiting().find((job) => job.lock === lock);
    return next !== undefined && this.#hasTurn(next) ? next.queue : null;
  }

  /** Has a job run again. A queueing lock that somebody else has by now is given up. */
  requeue(job: KeptJob, delay: number, { priority, queue, lock }: Changes = {}): void {
    if (this.isQueued(job.queueingLock)) job.queueingLock = null;
    job.status = "todo";
    job.workerId = null;
    job.startedAt = null;
    job.finishedAt = null;
    job.abortRequested = false;
    job.scheduledAt = delay > 0 ? Date.now() + delay : null;
    if (priority !== undefined) job.priority = priority;
    if (queue !== undefined) job.queue = queue;
    if (lock !== undefined) job.lock = lock;
  }

  /** Gives a job back that wasn't run, as it was before it was taken. */
  release(job: KeptJob): void {
    const { scheduledAt, abortRequested } = job;
    this.requeue(job, 0);
    job.scheduledAt = scheduledAt;
    job.abortRequested = abortRequested;
    job.attempts--;
  }

  /** Ends a job, with or without a trace. */
  end(job: KeptJob, status: EndStatus, error: string | null, remove: boolean): void {
    if (remove) return this.remove(job);
    job.status = status;
    job.workerId = null;
    job.finishedAt = Date.now();
    job.error = error ?? (status === "succeeded" ? null : job.error);
  }

  /** Those that wait, in the order in which they are taken. */
  #waiting(): KeptJob[] {
    return this.all.filter(({ status }) => status === "todo").sort(inOrder);
  }

  /** Of the jobs with a lock only the first may run, and only if none runs. */
  #hasTurn(job: KeptJob): boolean {
    const { lock } = job;
    if (lock === null) return true;
    return !this.all.some((other) => {
      if (other.lock !== lock || other === job) return false;
      return other.status === "doing" || (other.status === "todo" && inOrder(other, job) < 0);
    });
  }

  #take(job: KeptJob, workerId: number): ClaimedJob {
    const claimed = { ...faceOf(job), lease: ++this.#lastLease };
    job.status = "doing";
    job.workerId = workerId;
    job.startedAt = Date.now();
    job.lease = claimed.lease;
    job.attempts++;
    return claimed;
  }
}

/** A job as it is listed. */
export function listed(job: KeptJob): Job {
  const { status, workerId, abortRequested, error } = job;
  return {
    ...faceOf(job),
    status,
    workerId,
    abortRequested,
    startedAt: dateOf(job.startedAt),
    finishedAt: dateOf(job.finishedAt),
    error,
  };
}

/** Whether the filter leaves a job. */
export function passes(job: KeptJob, filter: JobFilter): boolean {
  const { limit: _, ...wanted } = filter;
  return Object.entries(wanted).every(
    ([name, value]) => value === undefined || job[name as keyof KeptJob] === value,
  );
}

function faceOf(job: KeptJob): Omit<ClaimedJob, "lease"> {
  const { id, taskName, queue, priority, lock, queueingLock, attempts, rescues } = job;
  return {
    id,
    taskName,
    queue,
    payload: JSON.parse(job.payload) as unknown,
    priority,
    lock,
    queueingLock,
    scheduledAt: dateOf(job.scheduledAt),
    createdAt: new Date(job.createdAt),
    attempts,
    rescues,
  };
}

function dateOf(moment: number | null): Date | null {
  return moment === null ? null : new Date(moment);
}

function inOrder(one: KeptJob, other: KeptJob): number {
  return other.priority - one.priority || one.id - other.id;
}

function isDue({ scheduledAt }: KeptJob): boolean {
  return scheduledAt === null || scheduledAt <= Date.now();
}

function isOf({ queue }: KeptJob, queues: readonly string[] | null): boolean {
  return queues === null || queues.includes(queue);
}
