/**
 * Blocks that have a connection to themselves, and whether the running context is inside of one.
 *
 * A statement that is called in such a block, on the same connection, would wait in line for the block to
 * end, and the block for the statement. It is refused instead. Statements of other contexts just wait.
 */
import { occupied } from "../transport/occupation.ts";
import type { ScopeOwner } from "./scopes.ts";
import { closeScope, currentScope, enterScope, leaveScope, runInScope } from "./scopes.ts";

/** One such block. */
export class OccupiedScope implements ScopeOwner {
  /** Whether the block still has the connection. */
  open = true;
  /** See {@link ScopeOwner.followed}. */
  followed = false;
  readonly #connection: object;
  readonly #what: string;
  #isEntering = false;

  /** A block that is `what` on the given connection. */
  constructor(connection: object, what: string) {
    this.#connection = connection;
    this.#what = what;
  }

  /** Whether the block has ended. */
  get over(): boolean {
    return !this.open;
  }

  /** Throws when it has this connection. */
  check(connection: object): void {
    if (!this.open || this.#connection !== connection) return;
    // The block's own code runs after an await at the earliest. Whoever is here before that has called a function
    // that began a block, and has got into it by that alone.
    if (this.#isEntering) leaveScope(this);
    else throw occupied(this.#what);
  }

  /** Calls `run` inside of the block. */
  run<T>(run: () => T): T {
    return runInScope(this, run);
  }

  /** Puts the caller's context inside of the block; to be called before anything is awaited. */
  enter(): void {
    this.#isEntering = true;
    queueMicrotask(() => (this.#isEntering = false));
    enterScope(this);
  }

  /** The block is over. */
  close(): void {
    this.open = false;
    leaveScope(this);
    closeScope(this);
  }
}

/**
 * Refuses what would wait for a block that its own context is in.
 *
 * @throws ProgrammingError naming the block.
 */
export function checkNotOccupied(connection: object): void {
  for (let scope = currentScope(); scope; scope = scope.parent) {
    if (scope.owner instanceof OccupiedScope) scope.owner.check(connection);
  }
}
