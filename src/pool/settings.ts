/**
 * What the policies are told when a pool is made, filled in and checked. Times are milliseconds.
 */
import { ProgrammingError } from "../errors.ts";
import { shownOption } from "../core/operations.ts";

/** How a pool is to behave. The names are psycopg_pool's in camelCase. */
export interface PoolPolicy {
  /** How many connections are kept open: 1 by default. */
  readonly minSize?: number;
  /** How many there may be at most: 10 by default, or `minSize` if that is more. */
  readonly maxSize?: number;
  /** How long a request waits for a connection: 30,000 by default. */
  readonly timeout?: number;
  /** How many requests may wait; those beyond are refused. 0, the default, for no limit. */
  readonly maxWaiting?: number;
  /** How old a connection gets before it is replaced, when nobody uses it: 3,600,000 by default, up to 5 % less. */
  readonly maxLifetime?: number;
  /** How long connections beyond `minSize` may be idle: 600,000 by default. */
  readonly maxIdle?: number;
  /** For how long connecting is tried again while nobody waits: 300,000 by default. */
  readonly reconnectTimeout?: number;
  /** How long a check may take: 5,000 by default. */
  readonly checkTimeout?: number;
  /** Reports connections that are lent for longer, and who asked for them; 0, the default, for never. */
  readonly leakDetection?: number;
  /** How the pool is called in errors, warnings and events: `pool-1` and so on by default. */
  readonly name?: string;
}

/** The policy with nothing left open. */
export type PoolSettings = Required<PoolPolicy>;

const DEFAULTS = {
  minSize: 1,
  maxSize: 10,
  timeout: 30_000,
  maxWaiting: 0,
  maxLifetime: 3_600_000,
  maxIdle: 600_000,
  reconnectTimeout: 300_000,
  checkTimeout: 5_000,
  leakDetection: 0,
} as const;

let count = 0;

/**
 * Fills in what was left open.
 *
 * @throws ProgrammingError for values that make no sense, naming them.
 */
export function settingsOf(given: PoolPolicy, defaults: PoolPolicy = {}): PoolSettings {
  const chosen = { ...DEFAULTS, ...defaults };
  const minSize = given.minSize ?? chosen.minSize;
  const settings: PoolSettings = {
    minSize,
    maxSize: given.maxSize ?? Math.max(minSize, chosen.maxSize),
    timeout: given.timeout ?? chosen.timeout,
    maxWaiting: given.maxWaiting ?? chosen.maxWaiting,
    maxLifetime: given.maxLifetime ?? chosen.maxLifetime,
    maxIdle: given.maxIdle ?? chosen.maxIdle,
    reconnectTimeout: given.reconnectTimeout ?? chosen.reconnectTimeout,
    checkTimeout: given.checkTimeout ?? chosen.checkTimeout,
    leakDetection: given.leakDetection ?? chosen.leakDetection,
    name: given.name ?? `pool-${++count}`,
  };
  checkSizes(settings.minSize, settings.maxSize);
  if (!Number.isInteger(settings.maxWaiting) || settings.maxWaiting < 0) {
    throw new ProgrammingError(
      `maxWaiting must be a whole number, not ${shownOption(settings.maxWaiting)}`,
    );
  }
  for (const name of TIMES) checkTime(name, settings[name]);
  if (typeof settings.name !== "string")
    throw new ProgrammingError(`name must be a string, not ${typeof settings.name}`);
  return settings;
}

const TIMES = [
  "timeout",
  "maxLifetime",
  "maxIdle",
  "reconnectTimeout",
  "checkTimeout",
  "leakDetection",
] as const;

/** Refuses what is no time in milliseconds; Infinity is one. */
export function checkTime(name: string, value: unknown): void {
  if (typeof value === "number" && value >= 0) return;
  throw new ProgrammingError(`${name} must be a number of milliseconds, not ${shownOption(value)}`);
}

/**
 * Refuses sizes that no pool can have.
 *
 * @throws ProgrammingError naming them.
 */
export function checkSizes(minSize: number, maxSize: number): void {
  if (!Number.isSafeInteger(minSize) || minSize < 0)
    throw new ProgrammingError(`minSize must be a whole number, not ${shownOption(minSize)}`);
  const isCount = Number.isSafeInteger(maxSize) || maxSize === Infinity;
  if (!isCount || maxSize < 1)
    throw new ProgrammingError(
      `maxSize must be a whole number from 1 on, not ${shownOption(maxSize)}`,
    );
  if (maxSize < minSize)
    throw new ProgrammingError(`maxSize (${maxSize}) must not be less than minSize (${minSize})`);
}
