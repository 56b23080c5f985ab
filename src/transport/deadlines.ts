/**
 * What bounds the waits of the blocking shell, and what happens when a bound is reached.
 *
 * A sleeping thread can set no timer: each sleep asks how long it may last, and a deadline that has passed
 * says what follows, which is another deadline or an error.
 */
import { ConnectionTimeout, withOutcome } from "../errors.ts";
import { attemptExpired } from "./failures.ts";
import { isUnconfirmed } from "../protocol/cancel.ts";
import { expired, FIRST_PAUSE, isCancellation, unanswered, unconfirmed } from "./limits.ts";

/** What to do when a deadline passes. */
export interface Deadline {
  /** When, by `performance.now()`. */
  readonly at: number;
  /** Called when it has passed; gives the next deadline, or throws to end the wait. */
  passed(): Deadline;
}

/** A deadline for connecting: there is nothing to cancel, so the attempt ends. */
export function connectDeadline(timeout: number): Deadline {
  return {
    at: performance.now() + timeout,
    passed: () => {
      throw new ConnectionTimeout(`connecting took longer than ${timeout} ms`);
    },
  };
}

/** A deadline for one address: others may be tried. */
export function attemptDeadline(timeout: number, untilOpen: boolean): Deadline {
  return {
    at: performance.now() + timeout,
    passed: () => {
      throw attemptExpired(timeout, untilOpen);
    },
  };
}

/** Tells work that goes on between two waits, in the caller's own code, that its `timeout` has passed. */
export function stopAfter(timeout: number | undefined): () => Error | null {
  if (timeout === undefined) return () => null;
  const at = performance.now() + timeout;
  return () => (performance.now() < at ? null : expired(timeout, "client"));
}

/** A deadline for a statement: it is cancelled, and the server has a little longer to end it. */
export class StatementDeadline implements Deadline {
  readonly at: number;
  readonly #timeout: number;
  readonly #cancel: () => void;
  readonly #grace: number;
  #cancelled = false;

  /** A limit of `timeout` milliseconds, and `grace` more for what `cancel` has to bring about. */
  constructor(timeout: number, cancel: () => void, grace: number) {
    this.at = performance.now() + timeout;
    this.#timeout = timeout;
    this.#cancel = cancel;
    this.#grace = grace;
  }

  /** See {@link Deadline.passed}. */
  passed(): Deadline {
    this.#cancelled = true;
    // The requests and what they have to bring about share the time.
    return this.#stop(FIRST_PAUSE, performance.now() + this.#grace);
  }

  /** Cancels, and again after a pause: the server forgets a request that arrives between two steps. */
  #stop(pause: number, end: number): Deadline {
    let failure: unknown;
    try {
      this.#cancel();
    } catch (error) {
      failure = error;
      // One that may still be under way ends the connection; one that could not be made leaves it some grace.
      if (isUnconfirmed(error)) throw withOutcome(unconfirmed(error), "unknown");
    }
    const next = performance.now() + pause;
    return {
      at: Math.min(next, end),
      passed: () => {
        if (next < end) return this.#stop(2 * pause, end);
        throw withOutcome(unanswered(failure), "unknown");
      },
    };
  }

  /** The error of a statement that this deadline ended, in its own words. */
  explain(error: unknown): unknown {
    if (!this.#cancelled || !isCancellation(error)) return error;
    return expired(this.#timeout, "server", error);
  }
}
