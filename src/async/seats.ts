/**
 * Seats of blocks: which block an asynchronous context is in, and whose turn it is there.
 *
 * A transaction or pipeline block has a seat. A block opened in its context is inside of it and takes its
 * turn among the others there; the outermost ones take turns on the connection. A block that a context is
 * in no longer counts once it has ended.
 */
import type { AsyncConnection } from "./connection.ts";
import type { ScopeOwner } from "./scopes.ts";
import { closeScope, currentScope, enterScope, leaveScope, runInScope } from "./scopes.ts";
import type { TurnLimits } from "./turns.ts";
import { Turns } from "./turns.ts";

const outermost = new WeakMap<AsyncConnection<unknown>, Turns>();

/** One block's place. */
export class Seat implements ScopeOwner {
  /** The seat around it; null for an outermost block's. */
  readonly parent: Seat | null;
  readonly #connection: AsyncConnection<unknown>;
  readonly #inner = new Turns();
  /** Whether the block has ended, or never began: contexts that it left behind mean nothing. */
  over = false;
  #taken = false;

  constructor(connection: AsyncConnection<unknown>, parent: Seat | null) {
    this.#connection = connection;
    this.parent = parent;
  }

  /** The innermost seat of the running context, at or inside of `within` if that is given. */
  static current(connection: AsyncConnection<unknown>, within: Seat | null = null): Seat | null {
    for (let scope = currentScope(); scope !== null; scope = scope.parent) {
      const { owner } = scope;
      if (!(owner instanceof Seat) || owner.#connection !== connection || !owner.#taken) continue;
      if (within === null || owner.#isInside(within)) return owner;
    }
    return within;
  }

  #isInside(other: Seat): boolean {
    return this === other || (this.parent !== null && this.parent.#isInside(other));
  }

  get #turns(): Turns {
    if (this.parent !== null) return this.parent.#inner;
    let turns = outermost.get(this.#connection);
    if (turns === undefined) outermost.set(this.#connection, (turns = new Turns()));
    return turns;
  }

  /** Waits for the turn; throws what {@link Turns.take} throws. */
  async take(limits: TurnLimits): Promise<void> {
    try {
      await this.#turns.take(limits);
      this.#taken = true;
    } catch (error) {
      this.over = true;
      closeScope(this);
      throw error;
    }
  }

  /**
   * Gives the turn to the next; with `waits`, once blocks that are still open inside have ended. Who waits
   * for a turn inside is refused.
   */
  leave(waits = false): void {
    if (!this.#taken) return;
    this.#taken = false;
    this.over = true;
    closeScope(this);
    const turns = this.#turns;
    this.#inner.close(waits ? () => turns.release() : null);
    if (!waits) turns.release();
  }

  /** Calls `run` in a context that is inside of the seat. */
  run<T>(run: () => T): T {
    return runInScope(this, run);
  }

  /** Puts the caller's context inside of the seat; to be called before anything is awaited. */
  enter(): void {
    enterScope(this);
  }

  /** Takes the caller's context out again. */
  exit(): void {
    leaveScope(this);
  }
}
