/**
 * What a pool looks after now and then, while it is open: ages, leaks, and whether it was frozen.
 *
 * Nothing here is needed for a request to be right: ages are looked at whenever a connection is lent. It
 * only closes what nobody asks for. Its timer doesn't keep the process alive.
 */
import type { Clock, Timer } from "./clock.ts";
import type { PoolSettings } from "./settings.ts";

/** The longest time between two looks, in milliseconds. */
const LONGEST_INTERVAL = 30_000;
const SHORTEST_INTERVAL = 10;
/** Whoever hears nothing of the pool's own timer for so long was frozen, as serverless functions are. */
export const FROZEN_AFTER: number = 2 * LONGEST_INTERVAL;

/** The timer of one pool. */
export class Housekeeping {
  readonly #clock: Clock;
  readonly #interval: number;
  readonly #sweep: () => void;
  #timer: Timer | null = null;

  constructor(settings: PoolSettings, clock: Clock, sweep: () => void) {
    const { maxIdle, maxLifetime, leakDetection } = settings;
    // A time of 0 is none that could pass: what it is about is looked at when it happens.
    const times = [maxIdle, maxLifetime, leakDetection].filter((time) => time > 0);
    const shortest = Math.min(...times) / 2;
    this.#interval = Math.min(LONGEST_INTERVAL, Math.max(SHORTEST_INTERVAL, shortest));
    this.#clock = clock;
    this.#sweep = sweep;
  }

  /** Begins; again, it does nothing. */
  start(): void {
    this.#timer ??= this.#clock.after(this.#interval, () => this.#tick(), true);
  }

  /** Ends. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #tick(): void {
    this.#timer = null;
    this.start();
    this.#sweep();
  }
}
