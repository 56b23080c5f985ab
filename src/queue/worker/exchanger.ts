/**
 * How a worker trades with its storage: outcomes for new jobs, in one round trip.
 *
 * What ends while an exchange is under way goes into the next one, so the busier a worker is, the more jobs one commit of the server is for, and
 * nobody had to choose a delay. A second exchange begins beside the first only when there is enough for it: the server does
 * two at a time then, and while it does one the jobs of the other run. An exchange is due when there is an outcome to tell,
 * or when slots are free and there may be jobs: something was heard, the last claim was filled, a scheduled job is due, or nothing
 * was asked for too long.
 *
 * An exchange that fails may have happened nevertheless, or happen later. Its outcomes are sent again: their leases make sure that they count once. And jobs
 * that it may have claimed, and that nobody here knows of, are given back (`reconcile`) before the next claim, while nothing else is under way.
 */
import type { ClaimedJob } from "../job.ts";
import type { Exchanged, Wake } from "../operations.ts";
import { Bell } from "./bell.ts";
import type { WorkerEvent } from "./events.ts";
import type { Holdings } from "./holdings.ts";
import type { WorkerSettings } from "./settings.ts";
import type { StorageLine } from "./storage-line.ts";

/** What the exchanger asks of its worker. */
export interface Trader {
  readonly workerId: number;
  /** How often it was taken for dead: what was claimed before that isn't its own. */
  readonly deaths: number;
  /** Takes what was claimed. */
  accept(jobs: readonly ClaimedJob[]): void;
  /** Registers again: the storage doesn't know the worker any more. */
  registerAgain(workerId: number): Promise<void>;
  /** Has jobs given back that were claimed for it and that it doesn't know of. Nothing else is under way. */
  reconcile(): Promise<void>;
}

/** How many exchanges there are at a time, at most. */
const LANES = 2;
/** For how many outcomes, or jobs to take, one more is worth while. */
const MANY = 100;
/** How many times as seldom it asks while it listens. */
const STRETCH = 12;

/** Trades with the storage. */
export class Exchanger {
  readonly #settings: WorkerSettings;
  readonly #holdings: Holdings;
  readonly #storage: StorageLine;
  readonly #trader: Trader;
  readonly #tell: (event: WorkerEvent) => void;
  readonly #bells: readonly Bell[] = Array.from({ length: LANES }, () => new Bell());
  /** How many exchanges are under way, and how many jobs they ask for. */
  #underWay = 0;
  #askedFor = 0;
  /** Until when nothing is tried after a failure, by performance.now(). */
  #restsUntil = -Infinity;
  /** Whether there may be jobs that nobody has asked for since. */
  #mayHaveJobs = true;
  /** How often it heard of jobs. */
  #heard = 0;
  /** When the next scheduled job is due, by performance.now(). */
  #dueAt = Infinity;
  #askedAt = -Infinity;
  #listening = false;
  #claiming = true;
  #ending = false;
  #abandoned = false;
  /** Whether an exchange failed that may have happened. */
  #uncertain = false;

  constructor(
    settings: WorkerSettings,
    holdings: Holdings,
    storage: StorageLine,
    trader: Trader,
    tell: (event: WorkerEvent) => void,
  ) {
    this.#settings = settings;
    this.#holdings = holdings;
    this.#storage = storage;
    this.#trader = trader;
    this.#tell = tell;
  }

  /** Whether it hears of jobs. */
  set listening(value: boolean) {
    this.#listening = value;
    this.nudge();
  }

  /** Says that something has changed: a job has ended. */
  nudge(): void {
    for (const bell of this.#bells) bell.ring();
  }

  /** Takes what was heard. */
  hear(wake: Exclude<Wake, { type: "abort" }>): void {
    if (wake.type === "ready" && !this.#serves(wake.queues)) return;
    if (wake.type === "due") {
      if (!this.#serves(wake.queues)) return;
      this.#dueAt = Math.min(this.#dueAt, performance.now() + wake.in);
    } else if (wake.type !== "deaf") {
      this.#mayHaveJobs = true;
      this.#heard++;
    }
    this.nudge();
  }

  #serves(queues: readonly string[]): boolean {
    const { queues: own } = this.#settings;
    // An empty list: too many to be named.
    return own === null || queues.length === 0 || queues.some((queue) => own.includes(queue));
  }

  /** Claims nothing any more. */
  stopClaiming(): void {
    this.#claiming = false;
    this.nudge();
  }

  /** Returns when everything that is there has been told; claims nothing any more. */
  end(): void {
    this.#ending = true;
    this.stopClaiming();
  }

  /** Has {@link run} return, whatever is left to tell: the storage had its time. */
  abandon(): void {
    this.#abandoned = true;
    this.nudge();
  }

  /** Trades until {@link end}, or, for a worker that doesn't wait, until there is nothing to do. */
  async run(): Promise<void> {
    await Promise.all(this.#bells.map((bell) => this.#lane(bell)));
  }

  async #lane(bell: Bell): Promise<void> {
    while (!this.#done()) {
      const pause = this.#pause();
      if (pause > 0) {
        await bell.sleep(pause);
        continue;
      }
      this.#underWay++;
      try {
        // What else ends in this turn of the event loop takes part, here or in what the other lane sends meanwhile.
        if (this.#holdings.running.size > 0 || this.#underWay > 1) await new Promise(setImmediate);
        if (this.#underWay === 1 || this.#isMuch()) await this.#trade();
      } finally {
        this.#underWay--;
        this.nudge();
      }
    }
  }

  #done(): boolean {
    if (this.#abandoned) return true;
    if (this.#ending) return this.#holdings.untold === 0;
    return !this.#settings.wait && !this.#mayHaveJobs && this.#holdings.quiet;
  }

  /** How long there is nothing to do, in milliseconds. */
  #pause(): number {
    const now = performance.now();
    if (this.#underWay > 0) return this.#isMuch() ? Math.max(0, this.#restsUntil - now) : Infinity;
    if (now < this.#restsUntil) return this.#restsUntil - now;
    if (this.#holdings.untold > 0 || this.#uncertain) return 0;
    if (this.#wanted() === 0) return Infinity;
    if (this.#mayHaveJobs) return 0;
    const { pollingInterval } = this.#settings;
    const interval = this.#listening ? pollingInterval * STRETCH : pollingInterval;
    return Math.max(0, Math.min(this.#dueAt - now, this.#askedAt + interval - now));
  }

  /** Whether there is enough to do for an exchange beside another. */
  #isMuch(): boolean {
    if (this.#uncertain) return false;
    return this.#holdings.untold >= MANY || (this.#mayHaveJobs && this.#wanted() >= MANY);
  }

  #wanted(): number {
    if (!this.#claiming) return 0;
    const { concurrency, prefetch } = this.#settings;
    const { running, waiting } = this.#holdings;
    return Math.max(0, concurrency + prefetch - running.size - waiting - this.#askedFor);
  }

  /** One exchange. */
  async #trade(): Promise<void> {
    const again = this.#uncertain;
    try {
      if (again) await this.#trader.reconcile();
      this.#uncertain = false;
    } catch (error) {
      return this.#rest("reconcile", error);
    }
    const { workerId, deaths } = this.#trader;
    const { queues } = this.#settings;
    const wanted = this.#wanted();
    const { concurrency, prefetch } = this.#settings;
    // The lanes share, so that there are jobs to run while either is under way.
    const claim = Math.min(wanted, Math.max(MANY, Math.ceil((concurrency + prefetch) / LANES)));
    const outcomes = this.#holdings.send();
    if (claim > 0) {
      if (claim === wanted) this.#mayHaveJobs = false;
      this.#dueAt = Infinity;
      this.#askedAt = performance.now();
    }
    this.#askedFor += claim;
    const heard = this.#heard;
    let result: Exchanged;
    try {
      result = await this.#storage.once("exchange", { workerId, outcomes, claim, queues });
    } catch (error) {
      this.#uncertain = true;
      this.#mayHaveJobs = true;
      this.#holdings.takeBack(outcomes);
      return this.#rest("exchange", error);
    } finally {
      this.#askedFor -= claim;
    }
    this.#holdings.confirm(outcomes);
    // After an exchange that may have happened, its outcomes are refused because they are known.
    if (!again) for (const jobId of result.lost) this.#tell({ kind: "job:lost", jobId });
    this.#note(result, claim, heard, deaths);
    if (result.registered) return;
    this.#mayHaveJobs = true;
    await this.#trader.registerAgain(workerId);
  }

  #note(result: Exchanged, claim: number, heard: number, deaths: number): void {
    if (claim > 0 && result.jobs.length === claim) this.#mayHaveJobs = true;
    // Fewer than it asked for: there are no more, even if it could take more than it asked for.
    else if (claim > 0 && this.#askedFor === 0 && heard === this.#heard) this.#mayHaveJobs = false;
    if (result.nextDueIn !== null) {
      const dueAt = performance.now() + result.nextDueIn;
      this.#dueAt = Math.min(this.#dueAt, dueAt);
    }
    if (deaths === this.#trader.deaths) this.#trader.accept(result.jobs);
  }

  /** Tries nothing for a while after a failure; what ends meanwhile doesn't cut it short. */
  #rest(operation: "exchange" | "reconcile", error: unknown): void {
    this.#restsUntil = performance.now() + this.#storage.failed(operation, error);
  }
}
