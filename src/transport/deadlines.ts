/**
 * What bounds the waits of the blocking shell, and what happens when a bound is reached.
 *
 * A sleeping thread can set no timer: each sleep asks how long it may last, and a deadline that has passed
 * says what follows, which is another deadline or an error.
 */
import { ConnectionTimeout } from "../errors.ts";
import { attemptExpired } from "./failures.ts";
import { isUnconfirmed } from "../protocol/cancel.ts";
import { CANCEL_TIMEOUT, expired, isCancellation, unanswered, unconfirmed } from "./limits.ts";

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
export function attemptDeadline(timeout: number): Deadline {
  return {
    at: performance.now() + timeout,
    passed: () => {
      throw attemptExpired(timeout);
    },
  };
}

/** A deadline for a statement: it is cancelled, and the server has a little longer to end it. */
export class StatementDeadline implements Deadline {
  readonly at: number;
  readonly #timeout: number;
  readonly #cancel: () => void;
  #cancelled = false;

  constructor(timeout: number, cancel: () => void) {
    this.at = performance.now() + timeout;
    this.#timeout = timeout;
    this.#cancel = cancel;
  }

  /** See {@link Deadline.passed}. */
  passed(): Deadline {
    this.#cancelled = true;
    // The request and what it has to bring about share the time.
    const at = performance.now() + CANCEL_TIMEOUT;
    try {
      this.#cancel();
    } catch (error) {
      // One that may still be under way ends the connection; one that could not be made leaves it some grace.
      if (isUnconfirmed(error)) throw unconfirmed(error);
    }
    return {
      at,
      passed: () => {
        throw unanswered();
      },
    };
  }

  /** The error of a statement that this deadline ended, in its own words. */
  explain(error: unknown): unknown {
    if (!this.#cancelled || !isCancellation(error)) return error;
    return expired(this.#timeout, "by the server", error);
  }
}
