/**
 * Which blocks an asynchronous context is inside of.
 *
 * Several contexts may use one connection. Who opens a transaction block inside of its own means a
 * savepoint, whoever else opens one has to wait for its turn; only the asynchronous context tells them
 * apart. Following contexts costs the whole process a little, so nothing of it happens before the first
 * block is opened.
 */
import { AsyncLocalStorage } from "node:async_hooks";

/** A block and those around it. */
export interface Scope {
  /** What the block is; each owner of a scope knows its own. */
  readonly owner: object;
  /** The scope around it. */
  readonly parent: Scope | null;
}

let storage: AsyncLocalStorage<Scope | null> | null = null;

/** The innermost scope of the running context; null outside of all. */
export function currentScope(): Scope | null {
  return storage?.getStore() ?? null;
}

/** Calls `run` inside a new scope. */
export function runInScope<T>(owner: object, run: () => T): T {
  storage ??= new AsyncLocalStorage();
  return storage.run({ owner, parent: currentScope() }, run);
}

/** Puts the caller's context, from here on, inside a new scope; to be called before anything is awaited. */
export function enterScope(owner: object): void {
  storage ??= new AsyncLocalStorage();
  // What ended blocks have left behind would pile up in a context that lives long.
  let parent = currentScope();
  while (parent !== null && (parent.owner as { over?: boolean }).over === true)
    parent = parent.parent;
  storage.enterWith({ owner, parent });
}

/** Takes the caller's context out of a scope that it entered, unless it has left that already. */
export function leaveScope(owner: object): void {
  const scope = currentScope();
  if (scope?.owner === owner) storage?.enterWith(scope.parent);
}
