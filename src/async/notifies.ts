/**
 * The asynchronous generator of notifications.
 *
 * Written out instead of being an `async function*`, for two reasons: `return()` ends one that waits, where
 * the engine's would wait with it; and a notification that is there costs one promise and no more. It is no
 * operation of the connection and holds nothing up. The core decides what comes; this file waits for it.
 */
import type { NotifyReader } from "../core/inbox.ts";
import type { NotifiesOptions, Notify } from "../core/notify.ts";
import { checkMilliseconds } from "../core/operations.ts";
import { recapture } from "../core/recapture.ts";
import { onAbort } from "../transport/abort.ts";

/** When a generator of notifications ends; by default never. */
export interface AsyncNotifiesOptions extends NotifiesOptions {
  /** Ends it quietly, and at once; one that is aborted already lets nothing begin. */
  readonly signal?: AbortSignal | undefined;
}

type Step = IteratorResult<Notify, void>;

interface Waiter {
  readonly resolve: (step: Step) => void;
  readonly reject: (error: unknown) => void;
}

/** What `AsyncConnection.notifies()` gives. */
export class AsyncNotifies implements AsyncGenerator<Notify, void, undefined> {
  readonly #reader: NotifyReader;
  readonly #timeout: number | undefined;
  readonly #signal: AbortSignal | undefined;
  /** Steps that wait; mostly one at most. */
  #waiting: Waiter[] = [];
  #timer: NodeJS.Timeout | undefined;
  #turn: NodeJS.Immediate | undefined;
  #forget: (() => void) | undefined;

  /** Made by `AsyncConnection.notifies()`. @internal */
  constructor(reader: NotifyReader, { timeout, signal }: Partial<AsyncNotifiesOptions>) {
    this.#reader = reader;
    const forEver = timeout === undefined || timeout === Infinity;
    this.#timeout = forEver ? undefined : checkMilliseconds("timeout", timeout);
    this.#signal = signal;
  }

  /** Gives the next notification, when there is one. */
  next(): Promise<Step> {
    if (this.#waiting.length > 0) return this.#wait();
    try {
      if (this.#reader.isNew) this.#begin();
      const notify = this.#reader.step();
      if (notify === null) return this.#wait();
      if (notify === undefined) this.#end();
      return Promise.resolve(stepOf(notify));
    } catch (error) {
      this.#end();
      return Promise.reject(recapture(error) as Error);
    }
  }

  /** Ends it, also while a step waits; what was not given is given by the next one. */
  return(): Promise<IteratorReturnResult<void>> {
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Ends it and fails with `error`. */
  throw(error: unknown): Promise<never> {
    this.#end();
    return Promise.reject(error as Error);
  }

  /** A generator is its own iterator. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends it at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  async #wait(): Promise<Step> {
    try {
      return await new Promise<Step>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    } catch (error) {
      throw recapture(error);
    }
  }

  #begin(): void {
    const signal = this.#signal;
    if (signal?.aborted === true) {
      this.#reader.end();
      return;
    }
    this.#reader.begin();
    this.#reader.onChange = () => this.#serve();
    if (signal) this.#forget = onAbort(signal, () => this.#end());
    const timeout = this.#timeout;
    if (timeout === 0) this.#look();
    else if (timeout !== undefined) this.#timer = setTimeout(() => this.#look(), timeout);
  }

  /** The time is up once the sockets have been looked at: an immediate may come just before that, its successor can't. */
  #look(): void {
    this.#turn = setImmediate(() => {
      this.#turn = setImmediate(() => {
        this.#reader.timeIsUp();
        this.#serve();
      });
    });
  }

  /** Serves the steps that wait, as far as there is something to say. */
  #serve(): void {
    while (this.#waiting.length > 0) {
      try {
        const notify = this.#reader.step();
        if (notify === null) return;
        if (notify === undefined) return this.#end();
        this.#waiting.shift()?.resolve(stepOf(notify));
      } catch (error) {
        this.#waiting.shift()?.reject(error);
        return this.#end();
      }
    }
  }

  #end(): void {
    this.#reader.end();
    clearTimeout(this.#timer);
    clearImmediate(this.#turn);
    this.#forget?.();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { resolve } of waiting) resolve({ done: true, value: undefined });
  }
}

function stepOf(notify: Notify | undefined): Step {
  return notify === undefined ? { done: true, value: undefined } : { done: false, value: notify };
}
