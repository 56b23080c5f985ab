/**
 * Who asks for a connection while holding some: the way in which pools lock up.
 *
 * A request that waits may wait for its own caller. The asynchronous context tells, but following contexts
 * costs the whole process, so only loans that matter are followed: those that leave the pool exhausted. As
 * long as a pool is exhausted at least one of its loans is such a one, so at least one party of every
 * lock-up is recognized; after the first sign of one all loans are followed. Only `connection(run)` says
 * where a loan ends; what is borrowed in other ways is not followed, as nobody could tell whose it is.
 */
import { Contexts } from "../async/contexts.ts";

/** A connection that a context holds, of one pool, and what it held before. */
interface Holding {
  readonly pool: object;
  readonly held: object;
  readonly before: Holding | null;
}

const contexts: Contexts<Holding> = new Contexts();

/** What the running context holds of `pool`; some of it may have been returned. Undefined for nothing. */
export function heldOf(pool: object): object[] | undefined {
  let held: object[] | undefined;
  for (let one = contexts.current; one !== null; one = one.before) {
    if (one.pool === pool) (held ??= []).push(one.held);
  }
  return held;
}

/** Calls `run` in a context that holds something more, and waits for it. */
export async function runHolding<T>(
  pool: object,
  held: object,
  run: () => Promise<T> | T,
): Promise<T> {
  contexts.open();
  try {
    return await contexts.run({ pool, held, before: contexts.current }, run);
  } finally {
    contexts.close();
  }
}
