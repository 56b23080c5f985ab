/**
 * Where the items of `executeMany()` come from: any iterable, taken one by one as they can be sent.
 *
 * A source runs code of the program's own. What it throws, and the end of the time that the call has, is
 * thrown by `advance()`, so that the conversation has one place where it stops sending. The asynchronous
 * shell has a source for asynchronous iterables besides.
 */
import { checkParameters } from "../adapt/parameters.ts";
import type { Parameters } from "../adapt/parameters.ts";
import { MahoutError, ProgrammingError } from "../errors.ts";
import type { NumberedText } from "../sql/named.ts";
import { areNamed, valuesByName } from "../sql/named.ts";

/** Gives items one by one. */
export interface Items {
  /** The item that {@link advance} moved to. */
  readonly item: unknown;
  /**
   * Moves to the next item.
   *
   * @returns true when there is one, false after the last, null when it has not come yet.
   * @throws what the program's code threw, or the reason why the call is to end.
   */
  advance(): boolean | null;
  /** Waits until {@link advance} has something to say; a promise in the asynchronous shell. */
  fill(): unknown;
  /** Ends a wait early. */
  wake(): void;
  /** Tells the program's iterator that no more items are wanted; not called after its end. */
  close(): void;
}

/** Why a call is to end before its items do; null while it isn't. */
export type Stopped = () => Error | null;

/** Items of an ordinary iterable. */
export class IterableItems implements Items {
  item: unknown;
  readonly #iterator: Iterator<unknown>;
  readonly #stopped: Stopped;
  #over = false;

  constructor(iterable: Iterable<unknown>, stopped: Stopped) {
    this.#iterator = iterable[Symbol.iterator]();
    this.#stopped = stopped;
  }

  /** See {@link Items.advance}. */
  advance(): boolean {
    const reason = this.#stopped();
    if (reason) throw reason;
    if (this.#over) return false;
    // What has thrown is over, too, and needs no closing.
    this.#over = true;
    const step = this.#iterator.next();
    this.#over = step.done === true;
    this.item = step.value;
    return !this.#over;
  }

  /** See {@link Items.fill}; there is never anything to wait for. */
  fill(): void {}

  /** See {@link Items.wake}. */
  wake(): void {}

  /** See {@link Items.close}. What it throws doesn't hide why it was called. */
  close(): void {
    if (this.#over) return;
    this.#over = true;
    try {
      this.#iterator.return?.();
    } catch {
      // The error that the call ends with is the one to tell of.
    }
  }
}

/** Whether a value can be iterated. */
export function isIterable(value: unknown): value is Iterable<unknown> {
  return (
    typeof (value as Partial<Iterable<unknown>> | null | undefined)?.[Symbol.iterator] ===
    "function"
  );
}

/** The error of something given for items that is none. */
export function notIterable(value: unknown, kinds: string): ProgrammingError {
  const shown = value === null ? "null" : typeof value;
  return new ProgrammingError(
    `executeMany takes ${kinds} of arrays of values for $1, $2, ..., not ${shown}`,
  );
}

/** Goes back before items that were taken: what is taken again comes first. */
export class RepeatableItems implements Items {
  item: unknown;
  readonly #items: Items;
  #taken: unknown[] | null = [];
  #again: unknown[] = [];

  constructor(items: Items) {
    this.#items = items;
  }

  /** See {@link Items.advance}. */
  advance(): boolean | null {
    if (this.#again.length > 0) {
      this.item = this.#again.shift();
    } else {
      const moved = this.#items.advance();
      if (moved !== true) return moved;
      this.item = this.#items.item;
    }
    this.#taken?.push(this.item);
    return true;
  }

  /** Has everything come again that was taken since the beginning. */
  repeat(): void {
    this.#again = [...(this.#taken ?? []), ...this.#again];
    this.#taken = [];
  }

  /** Keeps nothing any more: it is certain that nothing has to be repeated. */
  settle(): void {
    this.#taken = null;
  }

  /** See {@link Items.fill}. */
  fill(): unknown {
    return this.#items.fill();
  }

  /** See {@link Items.wake}. */
  wake(): void {
    this.#items.wake();
  }

  /** See {@link Items.close}. */
  close(): void {
    this.#items.close();
  }
}

/**
 * The values of an item, in the order of the statement's placeholders; the first one is looked at before anything
 * is asked of the server.
 *
 * @param names the statement's placeholders, when they are names.
 * @throws ProgrammingError for an item that is neither an array nor, where there are names, an object of values.
 */
export function valuesOfItem(item: unknown, index: number, names: NumberedText | null): Parameters {
  try {
    if (names !== null && areNamed(item)) return valuesByName(names, item, names.text);
    if (names !== null || !Array.isArray(item)) {
      const wanted = names ? "an object of values for $name" : "an array of values for $1, $2, ...";
      const shown = item === null ? "null" : Array.isArray(item) ? "an array" : typeof item;
      throw new ProgrammingError(`an item must be ${wanted}, not ${shown}`);
    }
    if (index === 0) checkParameters(item);
    return item;
  } catch (error) {
    throw ofItem(error, index);
  }
}

/** Says in an error which item it is about. */
export function ofItem(error: unknown, index: number): unknown {
  if (error instanceof MahoutError && error.index === undefined) {
    error.message = `item ${index}: ${error.message}`;
    Object.defineProperty(error, "index", { value: index, enumerable: true, configurable: true });
  }
  return error;
}
