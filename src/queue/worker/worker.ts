/**
 * A worker: takes jobs, runs them, and says what has become of them.
 *
 * It is put together of parts that each do one thing: the exchanger trades outcomes for jobs, the heart keeps
 * it alive in the storage's eyes, the ear has it woken, the schedule clock stores what is due, holdings know where each job is. What is
 * here is how they begin and end together.
 *
 * The end is bounded: it stops claiming, gives back what it has not started, waits for what runs, aborts it, gives up on what doesn't
 * end, tells the storage, unregisters. A failure that nothing can be done about (the schema is not there) ends it in the same way, and
 * is thrown.
 */
import { callHandler } from "../../core/handlers.ts";
import { LONGEST_TIME } from "../../pool/clock.ts";
import type { Connector } from "../connector.ts";
import type { ClaimedJob, Outcome, Rescue } from "../job.ts";
import type { WorkerHandle } from "../middleware.ts";
import type { PeriodicClock } from "../periodic.ts";
import { Ear } from "./ear.ts";
import type { WorkerEvent } from "./events.ts";
import { Exchanger } from "./exchanger.ts";
import type { Trader } from "./exchanger.ts";
import { Heart } from "./heart.ts";
import type { Body } from "./heart.ts";
import { Holdings } from "./holdings.ts";
import { Housekeeping } from "./housekeeping.ts";
import { Performance } from "./performance.ts";
import type { Performer, Stage } from "./performance.ts";
import { Registration } from "./registration.ts";
import { ScheduleClock } from "./schedule-clock.ts";
import type { DeleteJobs, WorkerSettings } from "./settings.ts";
import { StopSignals } from "./stop-signals.ts";
import { StorageLine } from "./storage-line.ts";

/** What a worker needs of its app. */
export interface Employer {
  readonly connector: Connector;
  readonly schedules: PeriodicClock;
  /** The task of this name, for this worker. */
  find(taskName: string, worker: WorkerHandle): Performer | undefined;
}

/** How long the storage may take to hear the last outcomes, once nothing else is to do. */
const FAREWELL = 10_000;

/** Takes jobs and runs them. */
export class Worker implements Stage, Trader, Body {
  readonly settings: WorkerSettings;
  readonly #employer: Employer;
  readonly #holdings = new Holdings();
  readonly #storage: StorageLine;
  readonly #exchanger: Exchanger;
  readonly #heart: Heart;
  readonly #clock: ScheduleClock;
  readonly #housekeeping: Housekeeping;
  readonly #registration: Registration;
  #stopping: Promise<void> | null = null;
  #running: Promise<void> | null = null;
  /** Comes when the storage had its time to hear the last outcomes. */
  readonly #farewell: Promise<void>;
  readonly #sayFarewell: () => void;
  #vacated: (() => void) | null = null;
  #filling = false;

  constructor(employer: Employer, settings: WorkerSettings) {
    this.#employer = employer;
    this.settings = settings;
    const tell = (event: WorkerEvent): void => this.tell(event);
    this.#storage = new StorageLine(employer.connector, tell);
    this.#registration = new Registration(settings, this.#storage, tell);
    this.#exchanger = new Exchanger(settings, this.#holdings, this.#storage, this, tell);
    this.#heart = new Heart(settings, this.#storage, this);
    this.#clock = new ScheduleClock(employer.schedules, this.#storage, tell);
    this.#housekeeping = new Housekeeping(settings.retention, this.#storage);
    let expire = (): void => {};
    this.#farewell = new Promise((resolve) => {
      expire = resolve;
    });
    this.#sayFarewell = () => {
      setTimeout(expire, FAREWELL).unref();
    };
  }

  /** What middleware sees of it. */
  get handle(): WorkerHandle {
    return { name: this.name, stop: () => void this.stop() };
  }

  get deleteJobs(): DeleteJobs {
    return this.settings.deleteJobs;
  }

  get abortTimeout(): number {
    return this.settings.abortTimeout;
  }

  /** Its name. */
  get name(): string {
    return this.settings.name;
  }

  /** The storage's number of it; 0 before it has been registered. */
  get workerId(): number {
    return this.#registration.workerId;
  }

  /** How often it was taken for dead. */
  get deaths(): number {
    return this.#registration.deaths;
  }

  /** Whether it has jobs. */
  get busy(): boolean {
    return this.#holdings.busy;
  }

  /** Whether it has been told to stop. */
  get stopping(): boolean {
    return this.#stopping !== null;
  }

  /**
   * Works until {@link stop}, the signal, or, without `wait`, until there is nothing to do.
   *
   * @throws SchemaError, AppNotOpen, SyncConnectorConfigurationError, ConnectorException when it can't begin.
   */
  run(): Promise<void> {
    this.#running ??= this.#run();
    return this.#running;
  }

  async #run(): Promise<void> {
    const signals = new StopSignals(this.settings, () => void this.stop());
    try {
      await this.#registration.register();
      await this.#work();
    } finally {
      signals.close();
      this.tell({ kind: "worker:stopped" });
    }
  }

  async #work(): Promise<void> {
    const { connector } = this.#employer;
    const ear = new Ear(this.settings, connector, this.#exchanger, this);
    this.tell({ kind: "worker:started", workerId: this.workerId });
    const trading = this.#exchanger.run();
    const others = [
      this.#heart.run(),
      this.#clock.run(),
      this.#housekeeping.run(),
      ear.run(),
    ] as const;
    let failure: { readonly error: unknown } | null = null;
    const failed = (error: unknown): void => {
      failure ??= { error };
      void this.stop();
    };
    for (const part of others) part.catch(failed);
    // It ends when it was stopped, when there is nothing to do, or because it can't go on.
    await Promise.race([trading.catch(failed), this.#farewell]);
    await this.stop();
    this.#registration.isLeaving = true;
    this.#exchanger.abandon();
    this.#heart.stop();
    this.#clock.stop();
    this.#housekeeping.stop();
    ear.stop();
    await Promise.race([Promise.allSettled(others), this.#farewell]);
    this.#storage.hurry();
    await this.#registration.end();
    if (failure !== null) throw (failure as { readonly error: unknown }).error;
  }

  /** Stops it; comes back when nothing runs any more and everything has been told, within bounds. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const { shutdownGracefulTimeout, abortTimeout } = this.settings;
    this.#exchanger.stopClaiming();
    this.#clock.stop();
    const released = this.#holdings.clearShelf("back");
    const running = this.#holdings.running.size;
    this.tell({ kind: "worker:stopping", running, released });
    this.#exchanger.nudge();
    await this.#vacancy(shutdownGracefulTimeout);
    for (const one of this.#holdings.running.values()) one.abort("shutdown");
    // Each gives up on its own after abortTimeout.
    await this.#vacancy(Math.min(abortTimeout + 1_000, LONGEST_TIME));
    this.#exchanger.end();
    this.#sayFarewell();
  }

  /** Waits until nothing runs, for at most so long. */
  async #vacancy(longest: number | null): Promise<void> {
    if (this.#holdings.running.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = longest === null ? null : setTimeout(resolve, longest);
      this.#vacated = () => {
        if (timer) clearTimeout(timer);
        resolve();
      };
    });
    this.#vacated = null;
  }

  /** Takes what was claimed. */
  accept(jobs: readonly ClaimedJob[]): void {
    this.#holdings.shelve(jobs);
    if (this.stopping) {
      this.#holdings.clearShelf("back");
      this.#exchanger.nudge();
    } else this.#fill();
  }

  /** Starts as many as there are slots for. */
  #fill(): void {
    // A job of an unknown task ends while it is started: what that frees is filled by the loop that runs.
    if (this.#filling) return;
    const { running, waiting } = this.#holdings;
    // After a standstill others may have what is on the shelf.
    if (waiting > 0 && !this.#registration.isTrusted) return this.#heart.hurry();
    this.#filling = true;
    while (running.size < this.settings.concurrency) {
      const job = this.#holdings.take();
      if (job === undefined) break;
      const performance = new Performance(job, this);
      running.set(job.id, performance);
      performance.start();
    }
    this.#filling = false;
  }

  /** The task of this name. */
  find(taskName: string): Performer | undefined {
    return this.#employer.find(taskName, this.handle);
  }

  /** Takes note of what became of a job. */
  left(job: ClaimedJob, outcome: Outcome | null): void {
    const { running } = this.#holdings;
    // One that was lost may have come back, and run again beside what is left of it.
    if (running.get(job.id)?.job.lease === job.lease) running.delete(job.id);
    if (outcome !== null) this.#holdings.ended(outcome);
    if (!this.stopping) this.#fill();
    if (running.size === 0) this.#vacated?.();
    this.#exchanger.nudge();
  }

  /** Has jobs stopped that somebody cancelled. */
  abort(jobIds: readonly number[]): void {
    for (const id of jobIds) {
      const shelved = this.#holdings.unshelve(id);
      if (shelved) {
        const { lease } = shelved;
        const remove = this.settings.deleteJobs === "always";
        this.#holdings.ended({ kind: "aborted", id, lease, remove, error: null });
        this.#exchanger.nudge();
      } else this.#holdings.running.get(id)?.abort("user request");
    }
  }

  /** Tells of jobs that were taken back from workers that are gone. */
  rescued(rescues: readonly Rescue[]): void {
    for (const rescue of rescues) this.tell({ kind: "job:rescued", rescue });
    if (rescues.some(({ status }) => status === "todo")) this.#exchanger.hear({ type: "gap" });
  }

  /** The storage has heard of the worker, in an operation that began at this moment: its jobs are its own. */
  trusted(begun: number): void {
    this.#registration.trusted(begun);
    if (!this.stopping) this.#fill();
  }

  /** Has jobs given back that were claimed for it and that it doesn't know of. */
  async reconcile(): Promise<void> {
    const lost = await this.#registration.succeed(this.#holdings.all());
    const { running } = this.#holdings;
    for (const id of lost) if (!this.#holdings.unshelve(id)) running.get(id)?.abort("lost");
    if (!this.stopping) this.#fill();
  }

  /** Registers again when the storage doesn't know the worker of this number any more: what it holds is not its own then. */
  async registerAgain(workerId: number): Promise<void> {
    // While another number takes the place of this one, the storage may know only that already.
    if (workerId !== this.workerId || this.#registration.isPassingOn) return;
    this.#holdings.clearShelf("up");
    for (const one of this.#holdings.running.values()) one.abort("lost");
    await this.#registration.renew();
  }

  /** Tells the program of an event. */
  tell(event: WorkerEvent): void {
    const { onEvent } = this.settings;
    if (onEvent) callHandler("worker", onEvent, event);
  }
}
