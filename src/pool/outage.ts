/**
 * An outage: from the first attempt to connect that fails to the first one that succeeds.
 *
 * While it lasts one attempt at a time is made, after a pause that doubles, has a bound, and is partly left
 * to chance, so that not all clients come back in the same moment. The bound is short while somebody waits
 * and long while nobody does; a request that comes in a long pause shortens it.
 */
import type { Clock, Timer } from "./clock.ts";

/** The first pause, in milliseconds. */
const FIRST_PAUSE = 50;
/** The longest pause while somebody waits. */
const LONGEST_AWAITED = 500;
/** The longest pause while nobody does. */
const LONGEST_UNAWAITED = 30_000;
/** Which part of a pause is left to chance. */
const JITTER = 0.3;

/** The state of connecting. */
export class Outage {
  readonly #clock: Clock;
  readonly #over: () => void;
  #failures = 0;
  #since = 0;
  #failedAt = 0;
  #chance = 0;
  #timer: Timer | null = null;
  #pausedUntil = 0;
  #error: Error | null = null;

  /** `over` is called when a pause has ended. */
  constructor(clock: Clock, over: () => void) {
    this.#clock = clock;
    this.#over = over;
  }

  /** Why the last attempt failed; null when it didn't. */
  get error(): Error | null {
    return this.#error;
  }

  /** For how long it has lasted, in milliseconds. */
  get duration(): number {
    return this.#failures === 0 ? 0 : this.#clock.now() - this.#since;
  }

  /** Whether no attempt is to be made now. */
  get paused(): boolean {
    return this.#timer !== null;
  }

  /** An attempt has failed; returns the pause that follows, in milliseconds. */
  failed(error: Error, awaited: boolean): number {
    const now = this.#clock.now();
    if (this.#failures === 0) this.#since = now;
    this.#error = error;
    // Attempts that were made together fail together: that is one failure, and one pause.
    if (this.paused) return this.#delay(awaited);
    this.#failures++;
    this.#failedAt = now;
    this.#chance = this.#clock.random();
    const delay = this.#delay(awaited);
    this.#pause(delay);
    return delay;
  }

  /** An attempt has succeeded. */
  ended(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#failures = 0;
    this.#error = null;
  }

  /** Somebody waits now: a long pause becomes a short one. */
  hurry(): void {
    if (this.#timer === null) return;
    const end = this.#failedAt + this.#delay(true);
    if (end >= this.#pausedUntil) return;
    this.#timer.cancel();
    this.#pause(Math.max(0, end - this.#clock.now()));
  }

  /** Counts the time that it has lasted from now on. */
  restart(): void {
    this.#since = this.#clock.now();
  }

  /** Ends the pause for good; nothing is called any more. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #delay(awaited: boolean): number {
    const longest = awaited ? LONGEST_AWAITED : LONGEST_UNAWAITED;
    const delay = Math.min(longest, FIRST_PAUSE * 2 ** Math.min(this.#failures - 1, 20));
    return delay * (1 - JITTER * this.#chance);
  }

  #pause(delay: number): void {
    const end = (): void => {
      this.#timer = null;
      this.#over();
    };
    this.#pausedUntil = this.#clock.now() + delay;
    this.#timer = this.#clock.after(delay, end, true);
  }
}
