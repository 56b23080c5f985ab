/**
 * Which blocks an asynchronous context is inside of.
 *
 * Several contexts may use one connection. Who opens a transaction block inside of its own means a
 * savepoint, whoever else opens one has to wait for its turn; only the asynchronous context tells them
 * apart. Contexts are followed only while there are blocks; a block that has ended means nothing to who is still
 * in its context.
 */
import { Contexts } from "./contexts.ts";

/** What a scope is of: a block. */
export interface ScopeOwner {
  /** Whether the block has ended, or never began. */
  readonly over: boolean;
  /** Whether contexts are followed for it; set here. */
  followed: boolean;
}

/** A block and those around it. */
export interface Scope {
  /** What the block is; each owner of a scope knows its own. */
  readonly owner: ScopeOwner;
  /** The scope around it. */
  readonly parent: Scope | null;
}

const contexts: Contexts<Scope> = new Contexts();

/** The innermost scope of the running context; null outside of all. */
export function currentScope(): Scope | null {
  return contexts.current;
}

/** Calls `run` inside a new scope. */
export function runInScope<T>(owner: ScopeOwner, run: () => T): T {
  return owner.over ? run() : contexts.run(opened(owner), run);
}

/** Puts the caller's context, from here on, inside a new scope; to be called before anything is awaited. */
export function enterScope(owner: ScopeOwner): void {
  contexts.enter(opened(owner));
}

function opened(owner: ScopeOwner): Scope {
  // What ended blocks have left behind would pile up in a context that lives long.
  let parent = currentScope();
  while (parent?.owner.over) parent = parent.parent;
  if (!owner.followed) {
    owner.followed = true;
    contexts.open();
  }
  return { owner, parent };
}

/** Takes the caller's context out of a scope that it entered, unless it has left that already. */
export function leaveScope(owner: ScopeOwner): void {
  const scope = currentScope();
  if (scope?.owner === owner) contexts.enter(scope.parent);
}

/** The block is over; may be told more than once, and of one that had no scope. */
export function closeScope(owner: ScopeOwner): void {
  if (!owner.followed) return;
  owner.followed = false;
  contexts.close();
}
