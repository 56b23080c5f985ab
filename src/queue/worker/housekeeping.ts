/**
 * Removes what is kept of jobs that ended long enough ago.
 */
import type { EndStatus } from "../job.ts";
import type { Retention } from "../worker-options.ts";
import { Bell } from "./bell.ts";
import type { StorageLine } from "./storage-line.ts";

/** How often it looks, and how many jobs it removes at a time. */
const INTERVAL = 600_000;
const BATCH = 1_000;
/** The pause between two batches, in which others get at the storage. */
const SHORT = 100;

/** Keeps the history short. */
export class Housekeeping {
  readonly #retention: Retention;
  readonly #storage: StorageLine;
  readonly #bell = new Bell();
  #stopped = false;

  constructor(retention: Retention, storage: StorageLine) {
    this.#retention = retention;
    this.#storage = storage;
  }

  /** Removes until {@link stop}; returns at once when everything is kept. */
  async run(): Promise<void> {
    const all = Object.entries(this.#retention) as [EndStatus, number | undefined][];
    const times = all.filter((one): one is [EndStatus, number] => Number.isFinite(one[1]));
    if (times.length === 0) return;
    while (!this.#stopped) {
      let pause = INTERVAL;
      for (const [status, time] of times) pause = Math.min(pause, await this.#sweep(status, time));
      await this.#bell.sleep(pause);
    }
  }

  /** Ends {@link run}. */
  stop(): void {
    this.#stopped = true;
    this.#bell.ring();
  }

  /** Removes some; gives how long to wait before the next time. */
  async #sweep(status: EndStatus, olderThan: number): Promise<number> {
    if (this.#stopped) return 0;
    try {
      const input = { olderThan, statuses: [status], limit: BATCH };
      const removed = await this.#storage.once("deleteFinished", input);
      // Where one batch was full there is more.
      return removed === BATCH ? SHORT : Math.max(olderThan, SHORT);
    } catch (error) {
      return this.#storage.failed("deleteFinished", error);
    }
  }
}
