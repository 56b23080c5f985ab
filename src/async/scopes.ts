/**
 * Which blocks an asynchronous context is inside of.
 *
 * Several contexts may use one connection. Who opens a transaction block inside of its own means a
 * savepoint, whoever else opens one has to wait for its turn; only the asynchronous context tells them
 * apart. Following contexts costs the whole process a little (not so from Node.js 24 on), so it is done only
 * while there are blocks. Contexts of blocks that have ended mean nothing, so none of them is missed when it
 * is done again.
 */
import { AsyncLocalStorage } from "node:async_hooks";

/** What a scope is of: a block. */
export interface ScopeOwner {
  /** Whether the block has ended, or never began. */
  readonly over: boolean;
}

/** A block and those around it. */
export interface Scope {
  /** What the block is; each owner of a scope knows its own. */
  readonly owner: ScopeOwner;
  /** The scope around it. */
  readonly parent: Scope | null;
}

/** How long there have been no blocks when contexts are no longer followed, in milliseconds. */
const LULL = 50;

const storage: AsyncLocalStorage<Scope | null> = new AsyncLocalStorage();
/** Blocks that are open; an owner counts once, and weakly, for who forgets to end it. */
const owners = new WeakSet<ScopeOwner>();
let openCount = 0;
let lull: NodeJS.Timeout | undefined;

/** The innermost scope of the running context; null outside of all. */
export function currentScope(): Scope | null {
  return openCount === 0 ? null : (storage.getStore() ?? null);
}

/** Calls `run` inside a new scope. */
export function runInScope<T>(owner: ScopeOwner, run: () => T): T {
  return storage.run(opened(owner), run);
}

/** Puts the caller's context, from here on, inside a new scope; to be called before anything is awaited. */
export function enterScope(owner: ScopeOwner): void {
  storage.enterWith(opened(owner));
}

function opened(owner: ScopeOwner): Scope {
  // What ended blocks have left behind would pile up in a context that lives long.
  let parent = currentScope();
  while (parent?.owner.over) parent = parent.parent;
  if (!owner.over && !owners.has(owner)) {
    owners.add(owner);
    openCount++;
    clearTimeout(lull);
  }
  return { owner, parent };
}

/** Takes the caller's context out of a scope that it entered, unless it has left that already. */
export function leaveScope(owner: ScopeOwner): void {
  const scope = currentScope();
  if (scope?.owner === owner) storage.enterWith(scope.parent);
}

/** The block is over; may be told more than once, and of one that had no scope. */
export function closeScope(owner: ScopeOwner): void {
  if (!owners.delete(owner)) return;
  openCount--;
  if (openCount > 0) return;
  lull = setTimeout(() => storage.disable(), LULL).unref();
}
