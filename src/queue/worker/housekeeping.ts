/**
 * Removes what is kept of jobs that ended long enough ago.
 */
import { Bell } from "./bell.ts";
import type { StorageLine } from "./storage-line.ts";

/** How often it looks, and how many jobs it removes at a time. */
const INTERVAL = 600_000;
const BATCH = 1_000;

/** Keeps the history short. */
export class Housekeeping {
  readonly #retention: number | null;
  readonly #storage: StorageLine;
  readonly #bell = new Bell();
  #stopped = false;

  constructor(retention: number | null, storage: StorageLine) {
    this.#retention = retention;
    this.#storage = storage;
  }

  /** Removes until {@link stop}; returns at once when everything is kept. */
  async run(): Promise<void> {
    if (this.#retention === null) return;
    while (!this.#stopped) await this.#bell.sleep(await this.#sweep(this.#retention));
  }

  /** Ends {@link run}. */
  stop(): void {
    this.#stopped = true;
    this.#bell.ring();
  }

  async #sweep(olderThan: number): Promise<number> {
    const statuses = ["succeeded", "failed", "cancelled", "aborted"] as const;
    try {
      const input = { olderThan, statuses, limit: BATCH };
      const removed = await this.#storage.once("deleteFinished", input);
      // Several workers do this: where one batch was full the rest is done soon, and not all at once.
      return removed === BATCH ? 100 : Math.min(INTERVAL, Math.max(olderThan, 1_000));
    } catch (error) {
      return this.#storage.failed("deleteFinished", error);
    }
  }
}
