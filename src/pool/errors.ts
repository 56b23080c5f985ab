/**
 * The errors of pools: psycopg_pool's three, and the copies that each waiter gets of one error.
 */
import { brand, MahoutError, OperationalError } from "../errors.ts";
import type { MahoutErrorOptions } from "../errors.ts";

/** What a pool was like when a wait for a connection ended. */
export interface PoolSituation {
  /** The pool's name. */
  readonly pool: string;
  /** How many connections it had, those that were being made included. */
  readonly size: number;
  /** How many of them were lent. */
  readonly inUse: number;
  /** How many others waited for one. */
  readonly waiting: number;
  /** For how long the one was lent that had been lent longest, in milliseconds; null without any. */
  readonly longestLoan: number | null;
}

/** No connection could be had in time. Its `cause` is why none could be made, if that was so. */
export class PoolTimeout extends OperationalError {
  protected static override readonly clientCode: string = "ERR_MAHOUT_POOL_TIMEOUT";
  /** What the pool was like. */
  readonly situation: PoolSituation;

  constructor(message: string, situation: PoolSituation, options: MahoutErrorOptions = {}) {
    super(message, { outcome: "not sent", ...options });
    this.situation = situation;
  }
}

/** The pool was closed, or was not opened yet. */
export class PoolClosed extends OperationalError {
  protected static override readonly clientCode: string = "ERR_MAHOUT_POOL_CLOSED";
}

/** As many as `maxWaiting` allows wait already. */
export class TooManyRequests extends OperationalError {
  protected static override readonly clientCode: string = "ERR_MAHOUT_POOL_TOO_MANY_REQUESTS";
}

brand({ PoolTimeout, PoolClosed, TooManyRequests });

/** The error of a request that waited for too long. */
export function timedOut(
  situation: PoolSituation,
  waited: number,
  held: number,
  cause: Error | null,
): PoolTimeout {
  const { pool, size, inUse, waiting, longestLoan } = situation;
  const loan = longestLoan === null ? "" : `, the longest for ${Math.round(longestLoan)} ms`;
  const own = held === 0 ? "" : `; the caller itself holds ${held} of them`;
  const why = cause === null ? "" : `; the last attempt to connect failed: ${cause.message}`;
  const message =
    `${pool} had no connection within ${waited} ms: ` +
    `size ${size}, in use ${inUse}${loan}, others waiting ${waiting}${own}${why}`;
  return new PoolTimeout(message, situation, { cause: cause ?? undefined });
}

/** The error of a request to a blocking pool that has nothing left to lend. */
export function exhausted(situation: Omit<PoolSituation, "waiting">): PoolTimeout {
  const { pool, size, inUse } = situation;
  const message =
    `all ${size} connections of ${pool} are lent (${inUse} to this thread), and while it waited nobody could ` +
    "return one: return one first, or raise maxSize";
  return new PoolTimeout(message, { ...situation, waiting: 0 });
}

/** The error of a request that was aborted. */
export function aborted(signal: AbortSignal): OperationalError {
  return new OperationalError("waiting for a connection was aborted by its signal", {
    cause: signal.reason,
    code: "ERR_MAHOUT_ABORTED",
    outcome: "not sent",
  });
}

/** Classes of SQLSTATEs, and states, that trying again doesn't change: authentication, no such database. */
const PERMANENT = /^(?:28|3D|3F|42)/;

/** Whether connecting failed for a reason that only somebody can remove: a wrong password, no such database. */
export function isPermanent(error: unknown): boolean {
  if (!(error instanceof MahoutError)) return false;
  if (error.sqlstate !== null) return PERMANENT.test(error.sqlstate);
  return !(error instanceof OperationalError);
}
