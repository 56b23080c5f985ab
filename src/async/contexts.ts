/**
 * Following asynchronous contexts, for as long as somebody needs it.
 *
 * Before Node.js 24 it costs the whole process a little, every promise of it, from the first use of an
 * AsyncLocalStorage on until that is disabled. So it is counted who needs it, and it ends when nobody has for a
 * moment. What contexts hold then is revived when it begins again: it must mean nothing by itself once its
 * owner has closed. Contexts that were made in between hold nothing, and there was nothing for them to hold.
 */
import { AsyncLocalStorage } from "node:async_hooks";

/** How long nobody has needed it when contexts are no longer followed, in milliseconds. */
const LULL = 50;

/** What asynchronous contexts hold. */
export class Contexts<T> {
  readonly #storage = new AsyncLocalStorage<T | null>();
  #openCount = 0;
  #lull: NodeJS.Timeout | null = null;
  #isCalm = false;

  /** What the running context holds; null for nothing, and while nobody needs it. */
  get current(): T | null {
    return this.#openCount === 0 ? null : (this.#storage.getStore() ?? null);
  }

  /** Calls `run` in a context that holds `value`. */
  run<R>(value: T, run: () => R): R {
    return this.#storage.run(value, run);
  }

  /** Has the running context hold `value` from here on. */
  enter(value: T | null): void {
    this.#storage.enterWith(value);
  }

  /** Somebody needs contexts to be followed. */
  open(): void {
    this.#openCount++;
    this.#isCalm = false;
  }

  /** That is over; to be called once for each {@link open}. */
  close(): void {
    this.#openCount--;
    // One timer for many blocks: setting one for each would cost more than the rest of this.
    if (this.#openCount === 0 && this.#lull === null) this.#wait();
  }

  /** Looks again and again, until nobody has needed it from one look to the next. */
  #wait(): void {
    this.#isCalm = true;
    this.#lull = setTimeout(() => {
      this.#lull = null;
      if (this.#openCount > 0) return;
      if (this.#isCalm) this.#storage.disable();
      else this.#wait();
    }, LULL).unref();
  }
}
