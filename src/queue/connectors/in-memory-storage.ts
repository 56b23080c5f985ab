/**
 * The operations of a storage in memory: the same table as a database's, as functions.
 *
 * Each is one piece of work that nothing comes between, as a transaction is. What others are to be told is handed to `tell`.
 */
import { taken } from "../defer-batch.ts";
import type { JobCounts, JobFilter, JobStatus, Outcome, Rescue } from "../job.ts";
import type { Input, OperationName, Output, Wake } from "../operations.ts";
import type { KeptJob } from "./in-memory-jobs.ts";
import { KeptJobs, listed, passes } from "./in-memory-jobs.ts";

interface KeptWorker {
  readonly id: number;
  readonly name: string;
  readonly startedAt: number;
  readonly stalledAfter: number;
  lastHeartbeat: number;
}

type Handlers = { readonly [Name in OperationName]: (input: Input<Name>) => Output<Name> };

const NO_JOBS: Readonly<Record<JobStatus, number>> = {
  todo: 0,
  doing: 0,
  succeeded: 0,
  failed: 0,
  cancelled: 0,
  aborted: 0,
};

/** Jobs, workers and the moments of schedules. */
export class InMemoryStorage {
  readonly jobs: KeptJobs = new KeptJobs();
  readonly #workers = new Map<number, KeptWorker>();
  readonly #moments = new Set<string>();
  readonly #tell: (wake: Wake) => void;
  #lastWorker = 0;

  constructor(tell: (wake: Wake) => void) {
    this.#tell = tell;
  }

  /** Forgets everything; ids go on. */
  clear(): void {
    this.jobs.clear();
    this.#workers.clear();
    this.#moments.clear();
  }

  /** Carries out an operation. */
  run<Name extends OperationName>(name: Name, input: Input<Name>): Output<Name> {
    return this.#handlers[name](input);
  }

  readonly #handlers: Handlers = {
    deferJobs: ({ jobs, skipTaken }) => this.#deferJobs(jobs, skipTaken),
    deferPeriodic: ({ job, periodicId, timestamp }) => {
      const moment = JSON.stringify([job.taskName, periodicId, timestamp]);
      if (this.#moments.has(moment)) return null;
      const [id = null] = this.#deferJobs([job], true);
      if (id !== null) this.#moments.add(moment);
      return id;
    },
    exchange: ({ workerId, outcomes, claim, queues }) => {
      const lost = outcomes.filter((outcome) => !this.#apply(outcome)).map(({ id }) => id);
      const worker = this.#workers.get(workerId);
      if (worker !== undefined) worker.lastHeartbeat = Date.now();
      const jobs = worker === undefined ? [] : this.jobs.claim(claim, queues, workerId);
      return {
        jobs,
        lost,
        nextDueIn: fromNow(this.jobs.nextDue(queues)),
        registered: worker !== undefined,
      };
    },
    registerWorker: ({ name, stalledAfter }) => {
      const id = ++this.#lastWorker;
      const now = Date.now();
      this.#workers.set(id, { id, name, stalledAfter, startedAt: now, lastHeartbeat: now });
      return id;
    },
    unregisterWorker: ({ workerId }) => this.#unregister(workerId),
    heartbeat: ({ workerId, maxRescues }) => {
      const worker = this.#workers.get(workerId);
      if (worker !== undefined) worker.lastHeartbeat = Date.now();
      const rescued = this.#rescue(maxRescues);
      const aborts = this.#heldBy(workerId)
        .filter(({ abortRequested }) => abortRequested)
        .map(({ id }) => id);
      const nextStallIn = this.#nextStall(workerId);
      return { registered: worker !== undefined, aborts, rescued, nextStallIn };
    },
    reconcile: ({ workerId, successor, held }) => {
      const heir = this.#workers.get(successor);
      if (heir === undefined) return null;
      heir.lastHeartbeat = Date.now();
      const leases = new Map(held.map(({ id, lease }) => [id, lease]));
      for (const job of this.#heldBy(workerId))
        if (leases.get(job.id) === job.lease) job.workerId = successor;
      this.#unregister(workerId);
      const own = new Set(this.#heldBy(successor).map(({ id }) => id));
      return held.map(({ id }) => id).filter((id) => !own.has(id));
    },
    cancelJob: ({ id, abort, remove }) => {
      const job = this.jobs.get(id);
      if (job?.status === "doing" && abort) {
        job.abortRequested = true;
        this.#tell({ type: "abort", jobIds: [id] });
        return true;
      }
      if (job?.status !== "todo") return false;
      this.jobs.end(job, "cancelled", null, remove);
      this.#tellOfLock(job.lock);
      return true;
    },
    retryJob: ({ id, delay, ...changes }) => {
      const job = this.jobs.get(id);
      if (job === undefined || job.status === "todo") return false;
      if (job.status === "doing" && !this.#isStalled(job, null)) return false;
      const { lock } = job;
      if (job.status !== "doing" && this.jobs.isQueued(job.queueingLock)) throw taken(job);
      this.jobs.requeue(job, delay, changes);
      this.#tellOf([job]);
      this.#tellOfLock(lock);
      return true;
    },
    jobStatus: ({ id }) => this.jobs.get(id)?.status ?? null,
    listJobs: (filter) =>
      this.#filter(filter)
        .slice(0, filter.limit ?? 1000)
        .map(listed),
    listQueues: (filter) => this.#count(filter, ({ queue }) => queue),
    listTasks: (filter) => this.#count(filter, ({ taskName }) => taskName),
    listLocks: (filter) => this.#count(filter, ({ lock }) => lock),
    listWorkers: () =>
      [...this.#workers.values()].map(({ id, name, startedAt, lastHeartbeat }) => ({
        id,
        name,
        startedAt: new Date(startedAt),
        lastHeartbeat: new Date(lastHeartbeat),
        jobs: this.#heldBy(id).length,
      })),
    stalledJobs: ({ olderThan, queue, taskName }) =>
      this.#filter({ queue, taskName, status: "doing" })
        .filter((job) => this.#isStalled(job, olderThan))
        .map(listed),
    deleteFinished: ({ olderThan, statuses, queue, limit }) => {
      const before = Date.now() - olderThan;
      const old = this.#filter({ queue })
        .filter(({ status }) => statuses.includes(status))
        .filter(({ finishedAt }) => finishedAt !== null && finishedAt <= before)
        .slice(0, limit);
      for (const job of old) this.jobs.remove(job);
      return old.length;
    },
    schemaVersion: () => 1,
  };

  #deferJobs(jobs: Input<"deferJobs">["jobs"], skipTaken: boolean): (number | null)[] {
    const kept: (KeptJob | null)[] = [];
    for (const job of jobs) {
      const stored = this.jobs.add(job);
      if (stored === null && !skipTaken) {
        for (const one of kept) if (one !== null) this.jobs.remove(one);
        throw taken(job);
      }
      kept.push(stored);
    }
    this.#tellOf(kept.filter((job) => job !== null));
    return kept.map((job) => job?.id ?? null);
  }

  /** False when the job isn't the worker's any more. */
  #apply(outcome: Outcome): boolean {
    const job = this.jobs.get(outcome.id);
    if (job?.status !== "doing" || job.lease !== outcome.lease) return false;
    const { lock } = job;
    if (outcome.kind === "release") this.jobs.release(job);
    else if (outcome.kind === "retry") {
      this.jobs.requeue(job, outcome.delay, outcome);
      job.error = outcome.error;
    } else this.jobs.end(job, outcome.kind, outcome.error, outcome.remove);
    if (outcome.kind === "release" || outcome.kind === "retry") this.#tellOf([job]);
    this.#tellOfLock(lock);
    return true;
  }

  #unregister(workerId: number): void {
    this.#workers.delete(workerId);
    for (const job of this.#heldBy(workerId)) this.#release(job);
  }

  #release(job: KeptJob): void {
    this.jobs.release(job);
    this.#tellOf([job]);
  }

  #rescue(maxRescues: number): Rescue[] {
    const now = Date.now();
    for (const { id, lastHeartbeat, stalledAfter } of this.#workers.values())
      if (now - lastHeartbeat > stalledAfter) this.#workers.delete(id);
    const orphans = this.#filter({ status: "doing" }).filter(
      ({ workerId }) => workerId === null || !this.#workers.has(workerId),
    );
    return orphans.map((job) => this.#rescueOne(job, maxRescues));
  }

  #rescueOne(job: KeptJob, maxRescues: number): Rescue {
    const { id: jobId, lock } = job;
    const workerId = job.workerId ?? 0;
    job.rescues++;
    const isHopeless = job.rescues > maxRescues;
    const error = `the job was taken back ${job.rescues} times from workers that were gone`;
    if (isHopeless) this.jobs.end(job, "failed", error, false);
    else this.jobs.requeue(job, 0);
    if (!isHopeless) this.#tellOf([job]);
    this.#tellOfLock(lock);
    return { jobId, workerId, status: isHopeless ? "failed" : "todo" };
  }

  #nextStall(workerId: number): number | null {
    const moments = [...this.#workers.values()]
      .filter(({ id }) => id !== workerId && this.#heldBy(id).length > 0)
      .map(({ lastHeartbeat, stalledAfter }) => lastHeartbeat + stalledAfter);
    return moments.length === 0 ? null : fromNow(Math.min(...moments));
  }

  /** Without `olderThan`, by what its worker said itself. */
  #isStalled({ workerId }: KeptJob, olderThan: number | null): boolean {
    const worker = workerId === null ? undefined : this.#workers.get(workerId);
    if (worker === undefined) return true;
    return Date.now() - worker.lastHeartbeat > (olderThan ?? worker.stalledAfter);
  }

  #heldBy(workerId: number): KeptJob[] {
    return this.#filter({ workerId, status: "doing" });
  }

  #filter(filter: JobFilter): KeptJob[] {
    return this.jobs.all.filter((job) => passes(job, filter));
  }

  #count(filter: JobFilter, nameOf: (job: KeptJob) => string | null): JobCounts[] {
    const counts = new Map<string, Record<JobStatus | "total", number>>();
    for (const job of this.#filter(filter)) {
      const name = nameOf(job);
      if (name === null) continue;
      const sums = counts.get(name) ?? { ...NO_JOBS, total: 0 };
      sums[job.status]++;
      sums.total++;
      counts.set(name, sums);
    }
    return [...counts]
      .map(([name, sums]) => ({ name, ...sums }))
      .sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  #tellOf(jobs: readonly KeptJob[]): void {
    const ready = new Set<string>();
    const later = new Map<string, number>();
    for (const { queue, scheduledAt } of jobs) {
      const wait = fromNow(scheduledAt) ?? 0;
      if (wait === 0) ready.add(queue);
      else later.set(queue, Math.min(wait, later.get(queue) ?? Infinity));
    }
    if (ready.size > 0) this.#tell({ type: "ready", queues: [...ready] });
    for (const [queue, wait] of later) this.#tell({ type: "due", queues: [queue], in: wait });
  }

  #tellOfLock(lock: string | null): void {
    const queue = this.jobs.queueBehind(lock);
    if (queue !== null) this.#tell({ type: "ready", queues: [queue] });
  }
}

function fromNow(moment: number | null): number | null {
  return moment === null ? null : Math.max(0, moment - Date.now());
}
