/**
 * A worker's heartbeat: says that it is alive, takes back the jobs of those that are not, and learns what to stop.
 *
 * With jobs in its hands a worker beats every interval. Without any it is only there to notice others that died: it beats half
 * as often, and exactly when the next of them will have been silent for too long.
 */
import type { Rescue } from "../job.ts";
import { Bell } from "./bell.ts";
import type { WorkerSettings } from "./settings.ts";
import type { StorageLine } from "./storage-line.ts";

/** What the heart asks of its worker. */
export interface Body {
  readonly workerId: number;
  /** Whether it has jobs. */
  readonly busy: boolean;
  /** The storage has heard of it, in a beat that began at this moment, by performance.now(). */
  trusted(begun: number): void;
  /** Jobs that somebody wants aborted. */
  abort(jobIds: readonly number[]): void;
  /** Jobs that were taken back from others. */
  rescued(rescues: readonly Rescue[]): void;
  registerAgain(workerId: number): Promise<void>;
}

/** Beats for a worker. */
export class Heart {
  readonly #settings: WorkerSettings;
  readonly #storage: StorageLine;
  readonly #body: Body;
  readonly #bell = new Bell();
  #stopped = false;

  constructor(settings: WorkerSettings, storage: StorageLine, body: Body) {
    this.#settings = settings;
    this.#storage = storage;
    this.#body = body;
  }

  /** Beats until {@link stop}. */
  async run(): Promise<void> {
    let pause = 0;
    for (;;) {
      await this.#bell.sleep(pause);
      if (this.#stopped) return;
      pause = await this.#beat();
    }
  }

  /** Ends {@link run}. */
  stop(): void {
    this.#stopped = true;
    this.#bell.ring();
  }

  /** Beats as soon as it can. */
  hurry(): void {
    this.#bell.ring();
  }

  async #beat(): Promise<number> {
    const { workerId } = this.#body;
    const begun = performance.now();
    const { maxRescues, heartbeatInterval, stalledWorkerTimeout } = this.#settings;
    try {
      const beat = await this.#storage.once("heartbeat", { workerId, maxRescues });
      if (this.#stopped) return 0;
      if (beat.registered) this.#body.trusted(begun);
      else await this.#body.registerAgain(workerId);
      this.#body.abort(beat.aborts);
      this.#body.rescued(beat.rescued);
      const idle = Math.min(2 * heartbeatInterval, 0.8 * stalledWorkerTimeout);
      const own = this.#body.busy ? heartbeatInterval : idle;
      // A little after the moment, lest it comes too early by a rounding.
      return Math.min(own, (beat.nextStallIn ?? Infinity) + 5);
    } catch (error) {
      return this.#stopped ? 0 : this.#storage.failed("heartbeat", error);
    }
  }
}
