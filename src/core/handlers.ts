/**
 * Functions of the program that are called with what the server sends by itself: notices, notifications.
 *
 * They are called while bytes are being read, in the middle of whatever runs. So each is on its own: one
 * that throws, or whose promise is rejected, is reported as a process warning and disturbs neither the
 * others nor the statement. Nothing that a handler does can reach the session.
 */
import { MahoutWarning, ProgrammingError } from "../errors.ts";

/** Called with each value as it arrives; what it returns is ignored. */
export type Handler<T> = (value: T) => unknown;

/** Handlers of one kind, in the order in which they were added. */
export class Handlers<T> {
  readonly #what: string;
  // Replaced and never changed: a handler may remove itself or add others, which is for the next value.
  #list: readonly Handler<T>[] = [];

  /** `what` names the kind in errors and warnings: "notice", "notify". */
  constructor(what: string, given: readonly Handler<T>[] = []) {
    this.#what = what;
    for (const handler of given) this.add(handler);
  }

  /** How many there are. */
  get size(): number {
    return this.#list.length;
  }

  /** Has `handler` called with each value from now on; one that is added twice is called twice. */
  add(handler: Handler<T>): void {
    if (typeof handler !== "function") {
      throw new TypeError(`a ${this.#what} handler must be a function`);
    }
    this.#list = [...this.#list, handler];
  }

  /**
   * Has `handler` not called any more.
   *
   * @throws ProgrammingError when it was not added.
   */
  remove(handler: Handler<T>): void {
    const index = this.#list.indexOf(handler);
    if (index < 0) {
      throw new ProgrammingError(`this ${this.#what} handler was not added to the connection`);
    }
    this.#list = this.#list.filter((_, place) => place !== index);
  }

  /** All of them; the list never changes, so it can be kept and later given to {@link restore}. */
  get list(): readonly Handler<T>[] {
    return this.#list;
  }

  /** Has exactly these called from now on. */
  restore(list: readonly Handler<T>[]): void {
    this.#list = list;
  }

  /** Calls each of them with `value`; nothing is thrown. */
  call(value: T): void {
    const list = this.#list;
    for (let index = 0; index < list.length; index++)
      callHandler(this.#what, list[index] as Handler<T>, value);
  }
}

/** Calls one handler; its failure, now or later, becomes a process warning and nothing else. */
export function callHandler<T>(what: string, handler: Handler<T>, value: T): void {
  try {
    const returned = handler(value) as Partial<Thenable> | null | undefined;
    // An asynchronous handler fails later; nobody else would hear of it.
    if (typeof returned?.then === "function") watch(what, returned as Thenable);
  } catch (error) {
    report(what, error);
  }
}

interface Thenable {
  then(done: null, failed: (error: unknown) => void): void;
}

/** Reports it when what an asynchronous handler returned fails. A function of its own: most are not asynchronous. */
function watch(what: string, returned: Thenable): void {
  returned.then(null, (error) => report(what, error));
}

/** Tells of a handler that failed, which is nobody's but the handler's fault. */
function report(what: string, error: unknown): void {
  const [shown, detail] = describeThrown(error);
  process.emitWarning(`a ${what} handler threw: ${shown}`, {
    type: MahoutWarning,
    code: `MAHOUT_${what.toUpperCase()}_HANDLER`,
    detail,
  });
}

/** What can be told of anything that was thrown: in short, and where it came from. */
function describeThrown(error: unknown): [shown: string, detail: string] {
  try {
    const stack: unknown = (error as { stack?: unknown } | null | undefined)?.stack;
    return [String(error), typeof stack === "string" ? stack : ""];
  } catch {
    return ["a value that cannot be shown", ""];
  }
}
