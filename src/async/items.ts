/**
 * Items of `executeMany()` that come asynchronously.
 *
 * While a batch runs it has the connection to itself, so a source that waits for the same connection would
 * wait for ever: it is recognised by its asynchronous context and refused. Items are fetched ahead, a few at
 * a time, so that a quick source doesn't cost a write to the socket for each; and what the source is waiting
 * for is not waited for when there is no use for it any more.
 */
import { AsyncResource } from "node:async_hooks";
import type { Items, Stopped } from "../core/items.ts";
import { IterableItems, isIterable, notIterable } from "../core/items.ts";
import { ProgrammingError } from "../errors.ts";
import type { ScopeOwner } from "./scopes.ts";
import { closeScope, currentScope, runInScope } from "./scopes.ts";

/** How many items are fetched ahead. */
const AHEAD = 256;

/** How many sources there are whose calls would wait for themselves: mostly none, and nothing to look for. */
let feeding = 0;

/** Makes the items of any iterable; `connection` is the one that they are for. */
export function itemsOf(source: unknown, connection: object, stopped: Stopped): Items {
  const iterate = (source as Partial<AsyncIterable<unknown>> | null | undefined)?.[
    Symbol.asyncIterator
  ];
  if (typeof iterate === "function") {
    return new AsyncItems(iterate.call(source), connection, stopped);
  }
  if (isIterable(source)) return new IterableItems(source, stopped);
  throw notIterable(source, "an iterable or asynchronous iterable");
}

/** Items of an asynchronous iterator. */
class AsyncItems implements Items, ScopeOwner {
  item: unknown;
  readonly #connection: object;
  readonly #iterator: AsyncIterator<unknown>;
  readonly #stopped: Stopped;
  // The program's code runs in the program's context, whatever it is that asks for more.
  readonly #resource = new AsyncResource("mahout.executeMany");
  #ready: unknown[] = [];
  #at = 0;
  #fetching = false;
  over = false;
  /** See {@link ScopeOwner.followed}. */
  followed = false;
  #failure: { readonly error: unknown } | null = null;
  #wake: (() => void) | null = null;
  #late = false;

  constructor(iterator: AsyncIterator<unknown>, connection: object, stopped: Stopped) {
    this.#iterator = iterator;
    this.#connection = connection;
    this.#stopped = stopped;
    feeding++;
  }

  #end(): void {
    if (this.over) return;
    this.over = true;
    feeding--;
    closeScope(this);
  }

  /** Whether the connection may be waiting for this source. */
  feeds(connection: object): boolean {
    return this.#connection === connection && !this.over;
  }

  /** See {@link Items.advance}. */
  advance(): boolean | null {
    const reason = this.#stopped();
    if (reason) throw reason;
    if (this.#at < this.#ready.length) {
      this.item = this.#ready[this.#at++];
      return true;
    }
    if (this.#failure) throw this.#failure.error;
    return this.over ? false : null;
  }

  /** See {@link Items.fill}. */
  fill(): Promise<void> {
    this.#ready = this.#ready.slice(this.#at);
    this.#at = 0;
    this.#late = false;
    return new Promise((resolve) => {
      this.#wake = resolve;
      // More may have come since it was found that there is nothing.
      if (this.#ready.length > 0 || this.over) return this.wake();
      if (!this.#fetching) {
        this.#fetching = true;
        this.#resource.runInAsyncScope(() => runInScope(this, () => void this.#fetch()));
      }
      // A source that takes longer than this turn of the event loop doesn't hold back what it gave.
      setImmediate(() => {
        this.#late = true;
        if (this.#ready.length > 0) this.wake();
      });
    });
  }

  async #fetch(): Promise<void> {
    try {
      while (!this.over && this.#ready.length < AHEAD) {
        const step = await this.#iterator.next();
        if (step.done === true) this.#end();
        else this.#ready.push(step.value);
        if (this.#late) this.wake();
      }
    } catch (error) {
      this.#end();
      this.#failure = { error };
    }
    this.#fetching = false;
    this.wake();
  }

  /** See {@link Items.wake}. */
  wake(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  /** See {@link Items.close}; a generator that waits is told as soon as it goes on, which isn't waited for. */
  close(): void {
    this.wake();
    if (this.over) return;
    this.#end();
    this.#iterator.return?.().then(undefined, () => {});
  }
}

/** Whether any connection may be waiting for such a source. */
export function isFeeding(): boolean {
  return feeding > 0;
}

/**
 * Refuses a call that would wait for itself.
 *
 * @throws ProgrammingError when it comes from a source of items for this very connection.
 */
export function checkNotFeeding(connection: object): void {
  if (feeding === 0) return;
  for (let scope = currentScope(); scope !== null; scope = scope.parent) {
    if (scope.owner instanceof AsyncItems && scope.owner.feeds(connection)) {
      throw new ProgrammingError(
        "the items of executeMany() can't come from the connection that runs it; use another connection, or fetch them before",
        { code: "ERR_MAHOUT_BUSY" },
      );
    }
  }
}
