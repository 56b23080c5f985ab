/**
 * Stores the jobs of schedules when their moments come.
 *
 * Every worker does it; the storage lets one of them win each moment. Moments that nobody was there for are caught up with as far
 * as the schedule allows, when a worker starts and after a storage was away.
 */
import type { NewJob } from "../job.ts";
import { Bell } from "./bell.ts";
import type { WorkerEvent } from "./events.ts";
import type { StorageLine } from "./storage-line.ts";

/** A moment of a schedule. */
export interface Moment {
  /** When it is, in milliseconds since 1970. */
  readonly at: number;
  readonly periodicId: string;
  readonly job: NewJob;
}

/** Schedules, as a worker asks them. */
export interface Schedules {
  /** How many there are. */
  readonly size: number;
  /**
   * The moments after `since` and up to `now`, in order; of those before now as many as each schedule wants caught up with.
   * Both are milliseconds since 1970.
   */
  between(since: number | null, now: number): readonly Moment[];
  /** The next moment after `now`; Infinity when there is none. */
  next(now: number): number;
}

/** Timers are not exact over long times, and the machine may sleep meanwhile: looks again after so long. */
const LONGEST_SLEEP = 60_000;

/** Stores what is due. */
export class ScheduleClock {
  readonly #schedules: Schedules;
  readonly #storage: StorageLine;
  readonly #tell: (event: WorkerEvent) => void;
  readonly #bell = new Bell();
  #stopped = false;

  constructor(schedules: Schedules, storage: StorageLine, tell: (event: WorkerEvent) => void) {
    this.#schedules = schedules;
    this.#storage = storage;
    this.#tell = tell;
  }

  /** Stores jobs until {@link stop}. */
  async run(): Promise<void> {
    if (this.#schedules.size === 0) return;
    let since: number | null = null;
    while (!this.#stopped) {
      const now = Date.now();
      for (const moment of this.#schedules.between(since, now)) {
        await this.#store(moment);
        if (this.#stopped) return;
      }
      since = now;
      const pause = Math.min(LONGEST_SLEEP, this.#schedules.next(now) - Date.now());
      if (pause > 0) await this.#bell.sleep(pause);
    }
  }

  /** Ends {@link run}. */
  stop(): void {
    this.#stopped = true;
    this.#bell.ring();
  }

  async #store({ at, periodicId, job }: Moment): Promise<void> {
    // Seconds, as Procrastinate counts them.
    const timestamp = Math.floor(at / 1000);
    while (!this.#stopped) {
      try {
        const jobId = await this.#storage.once("deferPeriodic", { job, periodicId, timestamp });
        if (jobId !== null)
          this.#tell({ kind: "job:scheduled", jobId, taskName: job.taskName, timestamp });
        return;
      } catch (error) {
        await this.#bell.sleep(this.#storage.failed("deferPeriodic", error));
      }
    }
  }
}
