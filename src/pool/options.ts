/**
 * What can be said when a pool is made, beyond the policies of settings.ts.
 */
import type { AsyncConnection } from "../async/connection.ts";
import type { AsyncConnectOptions } from "../async/options.ts";
import { ProgrammingError } from "../errors.ts";
import type { ConnectionPool } from "./pool.ts";
import type { PoolPolicy } from "./settings.ts";
import { shownOption } from "../core/operations.ts";

/**
 * What is done with a connection that comes back, beside rolling back what is open: nothing ("none"); the
 * same without a warning about open transactions ("rollback"); DISCARD ALL, which also forgets settings, LISTENs,
 * temporary tables, advisory locks and prepared statements ("discard"); or what a function does.
 */
export type PoolReset<Conn> = "none" | "rollback" | "discard" | ((conn: Conn) => unknown);

/** What a pool does with its connections. Each of these must leave the connection idle. */
export interface PoolHooks<Conn> {
  /** Called with each new connection; one that it throws for is an attempt to connect that failed. */
  readonly configure: ((conn: Conn) => unknown) | undefined;
  /** Called before each loan; a connection that it throws for is replaced. */
  readonly check: ((conn: Conn) => unknown) | undefined;
  readonly reset: PoolReset<Conn>;
}

/** A class of connections: {@link AsyncConnection} or one that extends it, with the same constructor. */
export type ConnectionClass<Row, Conn> = new (
  ...parts: ConstructorParameters<typeof AsyncConnection<Row>>
) => Conn;

/** What ends the wait for a connection. */
export interface PoolLimits {
  /** How long it waits, in milliseconds; the pool's `timeout` by default. 0 takes what is there. */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Options of a pool. */
export interface PoolOptions<
  Row,
  Conn extends AsyncConnection<Row> = AsyncConnection<Row>,
> extends PoolPolicy {
  /** Options of its connections: those of `connect()`, libpq's keywords among them. */
  readonly connect?: Omit<AsyncConnectOptions<Row>, "signal">;
  /** Called with each new connection, which it must leave idle. When it throws, connecting has failed. */
  readonly configure?: (conn: Conn) => unknown;
  /**
   * Called before each loan; when it throws, the connection is replaced, and so are the idle ones. None by
   * default: connections that end are noticed anyway. {@link ConnectionPool.checkConnection} is a ready-made one.
   */
  readonly check?: (conn: Conn) => unknown;
  /** What is done with a connection that comes back; "none" by default. */
  readonly reset?: PoolReset<Conn>;
  /** Called when no connection could be made for `reconnectTimeout` milliseconds. */
  readonly reconnectFailed?: (pool: ConnectionPool<Row, Conn>) => unknown;
  /** Whether `close()` of a lent connection returns it; false by default: it closes it, and the pool replaces it. */
  readonly closeReturns?: boolean;
  /** The class of the connections that are lent. */
  readonly connectionClass?: ConnectionClass<Row, Conn>;
  /** Whether the first request opens the pool; true by default. With false, `open()` does. */
  readonly open?: boolean;
}

const NAMES = (
  "minSize maxSize timeout maxWaiting maxLifetime maxIdle name open reconnectTimeout " +
  "checkTimeout leakDetection connect configure check reset reconnectFailed closeReturns connectionClass"
).split(" ");

/**
 * Refuses what no pool knows.
 *
 * @throws ProgrammingError naming it.
 */
export function checkOptions(options: object): void {
  checkHooks(options, NAMES);
}

/** Refuses options that are not among `names`, and hooks that are none. */
export function checkHooks(options: object, names: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue;
    throw new ProgrammingError(
      `there is no option "${name}" of pools; options of the connections go into "connect"`,
    );
  }
  const { reset = "none", configure, check, reconnectFailed } = options as PoolOptions<unknown>;
  if (typeof reset !== "function" && !["none", "rollback", "discard"].includes(reset))
    throw new ProgrammingError(
      `reset must be "none", "rollback", "discard" or a function, not ${shownOption(reset)}`,
    );
  for (const [name, hook] of Object.entries({ configure, check, reconnectFailed })) {
    if (hook !== undefined && typeof hook !== "function")
      throw new ProgrammingError(`${name} must be a function, not ${typeof hook}`);
  }
}

/**
 * Refuses limits that make no sense.
 *
 * @throws ProgrammingError naming them.
 */
export function checkLimits({ timeout, signal }: PoolLimits): void {
  if (timeout !== undefined && !(typeof timeout === "number" && timeout >= 0))
    throw new ProgrammingError(
      `timeout must be a number of milliseconds, not ${shownOption(timeout)}`,
    );
  if (signal !== undefined && typeof signal.addEventListener !== "function")
    throw new ProgrammingError(`signal must be an AbortSignal, not ${typeof signal}`);
}
