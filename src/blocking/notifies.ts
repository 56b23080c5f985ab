/**
 * The blocking generator of notifications.
 *
 * Written out like the asynchronous one, so that a handler may end it while it waits. While a step waits
 * the thread does nothing else; between steps the connection is free. The core decides what comes.
 */
import type { NotifyReader } from "../core/inbox.ts";
import type { NotifiesOptions, Notify } from "../core/notify.ts";
import { recapture } from "../core/recapture.ts";
import type { BlockingTransport } from "../transport/blocking.ts";
import { lookAround, sleepUntil } from "../transport/listening.ts";

type Step = IteratorResult<Notify, void>;

/** What `Connection.notifies()` gives. */
export class Notifies implements Generator<Notify, void, undefined> {
  readonly #reader: NotifyReader;
  readonly #transport: BlockingTransport;
  readonly #timeout: number;
  /** When the time is up, by `performance.now()`. */
  #end = Infinity;

  /** Made by `Connection.notifies()`. @internal */
  constructor(
    reader: NotifyReader,
    transport: BlockingTransport,
    { timeout }: Partial<NotifiesOptions>,
  ) {
    this.#reader = reader;
    this.#transport = transport;
    this.#timeout = timeout ?? Infinity;
  }

  /** Waits for the next notification and gives it. */
  next(): Step {
    const reader = this.#reader;
    const isReady = (): boolean => reader.isReady;
    try {
      if (reader.isNew) {
        reader.begin();
        this.#end = performance.now() + this.#timeout;
      }
      for (;;) {
        const late = this.#end <= performance.now();
        if (late) {
          // Once: then nothing is waited for any more.
          this.#end = Infinity;
          this.#transport.lend(lookAround);
          reader.timeIsUp();
        }
        const notify = reader.step();
        if (notify === undefined) return { done: true, value: undefined };
        if (notify !== null) return { done: false, value: notify };
        this.#transport.lend(sleepUntil(this.#end, isReady));
      }
    } catch (error) {
      reader.end();
      throw recapture(error);
    }
  }

  /** Ends it; what was not given is given by the next one. */
  return(): IteratorReturnResult<void> {
    this.#reader.end();
    return { done: true, value: undefined };
  }

  /** Ends it and fails with `error`. */
  throw(error: unknown): never {
    this.#reader.end();
    throw error;
  }

  /** A generator is its own iterator. */
  [Symbol.iterator](): this {
    return this;
  }

  /** Ends it at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.#reader.end();
  }
}
