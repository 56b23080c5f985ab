/**
 * What a pool tells by itself: to those who watch it, and as warnings of the process.
 *
 * What goes wrong in a pool tends to go wrong with each request, so a warning is given once of its kind;
 * watchers are told each time.
 */
import type { Handler } from "../core/handlers.ts";
import { Handlers } from "../core/handlers.ts";
import { MahoutWarning } from "../errors.ts";
import type { PoolEvent } from "./keeper.ts";

/** The voice of one pool. */
export class Tidings {
  /** Told of everything. */
  readonly watchers: Handlers<PoolEvent> = new Handlers("pool");
  readonly #name: string;
  readonly #warned = new Set<string>();

  constructor(name: string) {
    this.#name = name;
  }

  /** Has `handler` told from now on; returns what ends that. */
  watch(handler: Handler<PoolEvent>): () => void {
    const { watchers } = this;
    watchers.add(handler);
    let isWatching = true;
    return () => {
      if (isWatching) watchers.remove(handler);
      isWatching = false;
    };
  }

  /** Tells those who watch. */
  tell(event: PoolEvent): void {
    this.watchers.call(event);
  }

  /** Tells of a connection that came back in disorder. */
  complain(problem: string): void {
    this.tell({ kind: "badReturn", problem });
    const message = `a connection came back to ${this.#name} ${problem}`;
    this.warnOnce(
      "MAHOUT_POOL_RETURN",
      message,
      "Later ones are told to handlers of watch() only.",
    );
  }

  /** Warns, but once of each kind. */
  warnOnce(code: string, message: string, detail: string): void {
    if (this.#warned.has(code)) return;
    this.#warned.add(code);
    this.warn(code, message, detail);
  }

  /** Warns. */
  warn(code: string, message: string, detail: string): void {
    process.emitWarning(message, { type: MahoutWarning, code, detail });
  }
}
