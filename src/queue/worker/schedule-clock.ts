/**
 * Stores the jobs of schedules when their moments come.
 *
 * Every worker does it; the storage lets one of them win each moment. Moments that nobody was there for are caught up with as far
 * as the schedule allows, when a worker starts and after a storage was away.
 */
import type { PeriodicClock, PeriodicMoment } from "../periodic.ts";
import { Bell } from "./bell.ts";
import type { WorkerEvent } from "./events.ts";
import type { StorageLine } from "./storage-line.ts";

/** Timers are not exact over long times, and the machine may sleep meanwhile: looks again after so long. */
const LONGEST_SLEEP = 60_000;

/** Stores what is due. */
export class ScheduleClock {
  readonly #schedules: PeriodicClock;
  readonly #storage: StorageLine;
  readonly #tell: (event: WorkerEvent) => void;
  readonly #bell = new Bell();
  #stopped = false;

  constructor(schedules: PeriodicClock, storage: StorageLine, tell: (event: WorkerEvent) => void) {
    this.#schedules = schedules;
    this.#storage = storage;
    this.#tell = tell;
  }

  /** Stores jobs until {@link stop}; returns at once when there are no schedules. */
  async run(): Promise<void> {
    let since: number | null = null;
    while (!this.#stopped) {
      const now = Date.now();
      for (const moment of this.#schedules.due(since, now)) {
        await this.#store(moment);
        if (this.#stopped) return;
      }
      since = now;
      const next = this.#schedules.nextAfter(now);
      if (next === null) return;
      const pause = Math.min(LONGEST_SLEEP, next - Date.now());
      if (pause > 0) await this.#bell.sleep(pause);
    }
  }

  /** Ends {@link run}. */
  stop(): void {
    this.#stopped = true;
    this.#bell.ring();
  }

  async #store({ job, periodicId, timestamp, catchUp }: PeriodicMoment): Promise<void> {
    while (!this.#stopped) {
      try {
        const jobId = await this.#storage.once("deferPeriodic", {
          job,
          periodicId,
          timestamp,
          catchUp,
        });
        if (jobId !== null)
          this.#tell({ kind: "job:scheduled", jobId, taskName: job.taskName, timestamp });
        return;
      } catch (error) {
        await this.#bell.sleep(this.#storage.failed("deferPeriodic", error));
      }
    }
  }
}
