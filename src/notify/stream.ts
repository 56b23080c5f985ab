/**
 * What comes through a channel as something to iterate over.
 *
 * It takes events as they come and gives them at the loop's pace. A loop that falls far behind loses the
 * oldest, and is told so by a gap: memory is bounded, and nothing is missed silently.
 */
import { OperationalError } from "../errors.ts";
import type { ChannelEvent } from "./events.ts";

/** How many events a loop may be behind. */
const MOST_BEHIND = 10_000;

type Step = IteratorResult<ChannelEvent, void>;

interface Waiter {
  readonly resolve: (step: Step) => void;
  readonly reject: (error: unknown) => void;
}

/** The events of one channel; leaving the loop ends the subscription. */
export class ChannelStream implements AsyncGenerator<ChannelEvent, void, undefined> {
  /** The channel that it is about. */
  readonly channel: string;
  /** Ends the subscription. @internal */
  onLeave: () => Promise<void> = () => Promise.resolve();
  #queue: ChannelEvent[] = [];
  #head = 0;
  #waiting: Waiter[] = [];
  #missed: { since: Date; count: number } | null = null;
  #over = false;
  #failure: (() => Error) | null = null;

  /** Made by `Listener.events()`. @internal */
  constructor(channel: string) {
    this.channel = channel;
  }

  /** Takes an event. @internal */
  push(event: ChannelEvent): void {
    if (this.#over) return;
    const waiter = this.#waiting.shift();
    if (waiter) {
      waiter.resolve({ done: false, value: event });
      return;
    }
    if (this.#queue.length - this.#head >= MOST_BEHIND) {
      this.#missed ??= { since: new Date(), count: 0 };
      this.#missed.count++;
      this.#head++;
      if (this.#head >= MOST_BEHIND) {
        this.#queue = this.#queue.slice(this.#head);
        this.#head = 0;
      }
    }
    this.#queue.push(event);
  }

  /** Ends it after what has come: quietly, or with an error. @internal */
  finish(failure: (() => Error) | null): void {
    if (this.#over) return;
    this.#over = true;
    this.#failure = failure;
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (this.#failure) reject(this.#takeFailure());
      else resolve({ done: true, value: undefined });
    }
  }

  #takeFailure(): Error {
    const error = (this.#failure as () => Error)();
    this.#failure = null;
    return error;
  }

  /** Gives the next event, when there is one. */
  next(): Promise<Step> {
    const event = this.#shift();
    if (event) return Promise.resolve({ done: false, value: event });
    if (this.#failure) return Promise.reject(this.#takeFailure());
    if (this.#over) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #shift(): ChannelEvent | undefined {
    const { channel } = this;
    if (this.#missed) {
      const { since, count } = this.#missed;
      this.#missed = null;
      const reason = new OperationalError(`the loop was too slow: ${count} events were dropped`);
      return { kind: "gap", channel, since, reason };
    }
    const event = this.#queue[this.#head];
    if (event === undefined) return undefined;
    this.#head++;
    if (this.#head === this.#queue.length || this.#head >= MOST_BEHIND) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return event;
  }

  /** Ends the subscription; nothing more is given. */
  async return(): Promise<IteratorReturnResult<void>> {
    this.#queue = [];
    this.#head = 0;
    this.#missed = null;
    this.finish(null);
    this.#failure = null;
    await this.onLeave();
    return { done: true, value: undefined };
  }

  /** Ends the subscription and fails with `error`. */
  async throw(error: unknown): Promise<Step> {
    await this.return();
    throw error;
  }

  /** A generator is its own iterator. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends the subscription at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
