/**
 * What a pool counts: psycopg_pool's fifteen numbers under its names, and a few of our own.
 */

/** Counters of a pool, since it was made or since `popStats()`. Times are milliseconds. */
export interface PoolCounters {
  /** Connections that were asked for. */
  requestsNum: number;
  /** Of these, those that had to wait. */
  requestsQueued: number;
  /** For how long they waited, those that gave up included. */
  requestsWaitMs: number;
  /** Requests that got no connection: time out, aborted, refused. */
  requestsErrors: number;
  /** For how long connections were lent. */
  usageMs: number;
  /** Connections that came back unusable. */
  returnsBad: number;
  /** Attempts to connect. */
  connectionsNum: number;
  /** How long the attempts took that succeeded. */
  connectionsMs: number;
  /** Attempts that failed. */
  connectionsErrors: number;
  /** Connections that ended by themselves. */
  connectionsLost: number;
  /** Connections that were made to leave: too old, idle for too long, drained, too many. */
  connectionsRetired: number;
  /** Checks that failed. */
  checksFailed: number;
  /** Connections that came back with a transaction open. */
  returnsInTransaction: number;
  /** Connections that were lent for longer than `leakDetection` allows. */
  leaksNum: number;
}

/** What a pool is like, and its counters. */
export interface PoolStats extends PoolCounters {
  /** The size that it is to have at least. */
  readonly poolMin: number;
  /** The size that it has at most; Infinity for none. */
  readonly poolMax: number;
  /** How many connections it has: idle, lent, or being made. */
  readonly poolSize: number;
  /** How many are idle. */
  readonly poolAvailable: number;
  /** How many are being made. */
  readonly poolConnecting: number;
  /** How many are being closed; they count against `poolMax`, and not in `poolSize`. */
  readonly poolClosing: number;
  /** How many requests wait. */
  readonly requestsWaiting: number;
}

/** Counters at zero. */
export function noCounts(): PoolCounters {
  return {
    requestsNum: 0,
    requestsQueued: 0,
    requestsWaitMs: 0,
    requestsErrors: 0,
    usageMs: 0,
    returnsBad: 0,
    connectionsNum: 0,
    connectionsMs: 0,
    connectionsErrors: 0,
    connectionsLost: 0,
    connectionsRetired: 0,
    checksFailed: 0,
    returnsInTransaction: 0,
    leaksNum: 0,
  };
}
