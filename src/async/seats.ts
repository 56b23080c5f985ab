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
/** For seats that were left before anybody asked for a turn inside: who asks then is refused. */
const CLOSED = new Turns();
CLOSED.close(null);

/** There is nothing to wait for; one for all, because every promise is followed where blocks are. */
const FREE: Promise<void> = Promise.resolve();

/** One block's place. */
export class Seat implements ScopeOwner {
  /** The seat around it; null for an outermost block's. */
  readonly parent: Seat | null;
  /** Whether the block has ended, or never began: contexts that it left behind mean nothing. */
  over = false;
  /** See {@link ScopeOwner.followed}. */
  followed = false;
  readonly #connection: AsyncConnection<unknown>;
  #inner: Turns | null = null;
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
    if (this.parent !== null) return (this.parent.#inner ??= new Turns());
    let turns = outermost.get(this.#connection);
    if (turns === undefined) outermost.set(this.#connection, (turns = new Turns()));
    return turns;
  }

  /**
   * Takes the turn; {@link FREE} when it was free. In either case the block is inside of the seat from {@link sit} on,
   * which comes after an await: what was called beside it is not inside. Throws what {@link Turns.take} throws.
   */
  take(limits: TurnLimits): Promise<void> {
    try {
      const turn = this.#turns.take(limits);
      return turn === null ? FREE : this.#wait(turn);
    } catch (error) {
      throw this.#refused(error);
    }
  }

  async #wait(turn: Promise<void>): Promise<void> {
    try {
      await turn;
    } catch (error) {
      throw this.#refused(error);
    }
  }

  /** The turn has come. */
  sit(): void {
    this.#taken = true;
  }

  #refused(error: unknown): unknown {
    this.over = true;
    closeScope(this);
    return error;
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
    if (waits && this.#inner?.taken) return this.#inner.close(() => turns.release());
    (this.#inner ??= CLOSED).close(null);
    turns.release();
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
