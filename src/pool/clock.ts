/**
 * Time, as the pool sees it: what the policies wait for and count with.
 *
 * Policies take the time from here and never from the system, so a test can let hours pass in a moment.
 */
import { LONGEST_TIME } from "../core/operations.ts";

/** Something that will be called later. */
export interface Timer {
  /** Has it not called any more. */
  cancel(): void;
}

/** What tells the time. All of it is in milliseconds. */
export interface Clock {
  /** A time that never jumps, for waits. */
  now(): number;
  /** The time of day, for ages: it goes on while a process is frozen or its machine asleep. */
  today(): number;
  /** Calls `run` after so long. One that is `quiet` doesn't keep the process alive. */
  after(milliseconds: number, run: () => void, quiet: boolean): Timer;
  /** A number from 0 to 1, for what is left to chance. */
  random(): number;
}

export { LONGEST_TIME };

/** The system's time. */
export const systemClock: Clock = {
  now: () => performance.now(),
  today: () => Date.now(),
  after(milliseconds, run, quiet) {
    const timer = setTimeout(run, Math.min(milliseconds, LONGEST_TIME));
    if (quiet) timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
  random: () => Math.random(),
};
