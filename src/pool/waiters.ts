/**
 * Those who wait for a connection, first come first served.
 *
 * Who gives up, because of its timeout or its signal, leaves the queue in that moment: the connection that
 * comes next is somebody else's. A waiter that has left or was served is settled, and can't be settled
 * again, so nothing is ever handed to nobody. One timer serves them all, armed for the earliest deadline.
 */
import type { Resolve } from "../async/promising.ts";
import { failing, keep, kept } from "../async/promising.ts";
import { keepShape } from "../shapes.ts";
import type { Clock, Timer } from "./clock.ts";
import { LONGEST_TIME } from "./clock.ts";

/** Somebody who waits. */
export class Waiter<T> {
  readonly promise: Promise<T> = new Promise<never>(keep);
  /** Serves it. */
  readonly resolve: Resolve<T> = kept();
  /** Since when it waits, by the time of day. */
  readonly since: number;
  /** How long it does at most, in milliseconds. */
  readonly timeout: number;
  /** When it gives up, by the time that never jumps; known when it is in the queue. */
  deadline: number = Infinity;
  /** What its asynchronous context holds already, of the same pool. */
  readonly held: readonly object[];
  /** Where it was asked for, if anybody wants to know. */
  readonly stack: string | null;
  previous: Waiter<T> | null = null;
  next: Waiter<T> | null = null;
  queued = false;
  /** Ends listening to its signal. */
  forget: (() => void) | null = null;

  constructor(
    since: number,
    timeout: number,
    held: readonly object[],
    stack: string | null = null,
  ) {
    this.since = since;
    this.timeout = timeout;
    this.held = held;
    this.stack = stack;
  }
}

/** The queue. */
export class Waiters<T> {
  readonly #clock: Clock;
  readonly #late: (waiter: Waiter<T>) => Error;
  /** Called when somebody has left by itself. */
  readonly #left: (waiter: Waiter<T>) => void;
  #first: Waiter<T> | null = null;
  #last: Waiter<T> | null = null;
  #size = 0;
  #alarm: Timer | null = null;
  #alarmAt = Infinity;

  constructor(clock: Clock, late: (waiter: Waiter<T>) => Error, left: (waiter: Waiter<T>) => void) {
    this.#clock = clock;
    this.#late = late;
    this.#left = left;
  }

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** Puts one at the end. */
  add(waiter: Waiter<T>): void {
    const last = this.#last;
    waiter.queued = true;
    // Reading the clock costs as much as the rest: those who come in the same millisecond share what it says.
    const isLikeLast = last?.since === waiter.since && last.timeout === waiter.timeout;
    waiter.deadline = isLikeLast ? last.deadline : this.#clock.now() + waiter.timeout;
    waiter.previous = last;
    if (last) last.next = waiter;
    else this.#first = waiter;
    this.#last = waiter;
    this.#size++;
    if (waiter.deadline < this.#alarmAt) this.#arm(waiter.deadline);
  }

  /** Takes the first one out; its promise is then for the caller to settle. */
  shift(): Waiter<T> | null {
    const waiter = this.#first;
    if (waiter) this.#remove(waiter);
    return waiter;
  }

  /** Has one fail, unless it was served. */
  fail(waiter: Waiter<T>, error: Error): void {
    if (!waiter.queued) return;
    this.#remove(waiter);
    waiter.resolve(failing(error));
    this.#left(waiter);
  }

  /** Has all fail, each with an error of its own. */
  failAll(error: () => Error): void {
    while (this.#first) this.fail(this.#first, error());
  }

  /** All of them, the first one first. */
  *[Symbol.iterator](): Generator<Waiter<T>, void, undefined> {
    for (let waiter = this.#first; waiter; waiter = waiter.next) yield waiter;
  }

  #remove(waiter: Waiter<T>): void {
    const { previous, next } = waiter;
    if (previous) previous.next = next;
    else this.#first = next;
    if (next) next.previous = previous;
    else this.#last = previous;
    waiter.queued = false;
    waiter.previous = waiter.next = null;
    waiter.forget?.();
    waiter.forget = null;
    if (--this.#size === 0) this.#disarm();
  }

  #arm(at: number): void {
    this.#alarm?.cancel();
    this.#alarmAt = at;
    const delay = Math.min(Math.max(0, at - this.#clock.now()), LONGEST_TIME);
    this.#alarm = at === Infinity ? null : this.#clock.after(delay, () => this.#ring(), false);
  }

  #disarm(): void {
    this.#alarm?.cancel();
    this.#alarm = null;
    this.#alarmAt = Infinity;
  }

  #ring(): void {
    this.#alarm = null;
    const now = this.#clock.now();
    let next = Infinity;
    for (const waiter of Array.from(this)) {
      if (waiter.deadline <= now) this.fail(waiter, this.#late(waiter));
      else if (waiter.queued) next = Math.min(next, waiter.deadline);
    }
    this.#alarmAt = Infinity;
    if (next < Infinity && this.#size > 0) this.#arm(next);
  }
}

// Times by the clock are no integers, and the hidden class of integers is given up at the first such time.
keepShape(new Waiter(0.5, 0.5, []));
