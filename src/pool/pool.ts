/**
 * The pool of asynchronous connections, as programs use it.
 *
 * How connections are lent is up to desk.ts, which and when to pool-core.ts. Here is what programs can say.
 */
import type { AdaptersMap } from "../adapt/registry.ts";
import type { AsyncConnection } from "../async/connection.ts";
import type { AsyncCursor } from "../async/cursor.ts";
import { observed } from "../async/observed.ts";
import type { AsyncExecuteOptions } from "../async/options.ts";
import type { Conninfo } from "../conninfo/dict.ts";
import { isWatched, poolChannel, poolContext, tellLent } from "../core/channels.ts";
import type { Handler } from "../core/handlers.ts";
import { probe } from "../core/probe.ts";
import { recapture } from "../core/recapture.ts";
import type { Query, QueryParameters } from "../core/query.ts";
import { ProgrammingError } from "../errors.ts";
import type { DictRow } from "../rows.ts";
import { callQuietly, Desk } from "./desk.ts";
import { runHolding } from "./holders.ts";
import type { PoolEvent } from "./keeper.ts";
import type { PoolLimits, PoolOptions } from "./options.ts";
import type { PoolPolicy } from "./settings.ts";
import { checkSizes, checkTime } from "./settings.ts";
import type { PoolStats } from "./stats.ts";
import { noCounts } from "./stats.ts";
import { finish, isUnfinished, undo, waitingLimits } from "./use.ts";

/** How long `open({ wait: true })` and `wait()` wait, in milliseconds. */
const WAIT_TIMEOUT = 30_000;
/** How long `close()` waits for connections to come back, in milliseconds. */
const CLOSE_TIMEOUT = 5_000;

/** Connections that are kept open and lent. */
export class ConnectionPool<
  Row = DictRow,
  Conn extends AsyncConnection<Row> = AsyncConnection<Row>,
> {
  readonly #desk: Desk<Row, Conn>;

  /**
   * Makes a pool; it connects when the first request or {@link open} opens it.
   *
   * @param conninfo as for `connect()`, or a function that gives it, asked for each connection.
   * @throws ProgrammingError for options that make no sense.
   */
  constructor(
    conninfo?: Conninfo | (() => Conninfo | Promise<Conninfo>),
    options: PoolOptions<Row, Conn> = {},
  ) {
    const { reconnectFailed } = options;
    const gaveUp = reconnectFailed
      ? () => callQuietly("reconnectFailed", () => reconnectFailed(this))
      : null;
    this.#desk = new Desk(conninfo, options, this.defaults(), gaveUp);
  }

  /** What holds when nothing else is said. @internal */
  protected defaults(): PoolPolicy {
    return {};
  }

  /** The pool's name. */
  get name(): string {
    return this.#desk.core.settings.name;
  }

  /** What is registered here holds for all connections of the pool, made already or not. */
  get adapters(): AdaptersMap {
    return this.#desk.adapters;
  }

  /** How many connections are kept open. */
  get minSize(): number {
    return this.#desk.core.minSize;
  }

  /** How many there may be. */
  get maxSize(): number {
    return this.#desk.core.growth.places.limit;
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#desk.lifecycle.closed;
  }

  /**
   * Opens the pool: it begins to make its `minSize` connections. Again, it does nothing.
   *
   * @param options `wait`: whether to wait until they have been made, as {@link wait} does, `timeout`
   * milliseconds at most (30,000 by default).
   * @throws PoolClosed when it was closed; what {@link wait} throws.
   */
  async open(options: { readonly wait?: boolean; readonly timeout?: number } = {}): Promise<void> {
    this.#desk.lifecycle.open();
    if (options.wait) await this.wait(options.timeout);
  }

  /**
   * Waits until the pool has its `minSize` connections.
   *
   * @throws PoolTimeout after `timeout` milliseconds, and at once the server's error when waiting is of no
   * use: a wrong password, no such database. The pool is closed then.
   */
  async wait(timeout: number = WAIT_TIMEOUT): Promise<void> {
    checkTime("timeout", timeout);
    this.#desk.lifecycle.open();
    await this.#desk.lifecycle.wait(timeout);
  }

  /**
   * Closes the pool. Who waits for a connection fails with PoolClosed; connections that are lent have
   * `timeout` milliseconds (5,000 by default) to come back, and are closed then. Never rejected; can be
   * called again.
   */
  async close(timeout: number = CLOSE_TIMEOUT): Promise<void> {
    checkTime("timeout", timeout);
    await this.#desk.lifecycle.close(timeout);
  }

  /**
   * Lends a connection to a function and takes it back when the function has ended. A transaction that is
   * open by then is committed when it returned, and rolled back when it threw.
   *
   * @returns what the function gives.
   * @throws what the function throws; the error of the COMMIT; PoolTimeout, with the last error of
   * connecting as its cause; TooManyRequests; PoolClosed; the server's error when connecting is of no use;
   * ProgrammingError when all connections are held by those who wait for another one.
   */
  connection<T>(run: (conn: Conn) => Promise<T> | T, limits?: PoolLimits): Promise<T>;
  /** Lends a connection; its disposal, {@link putConn}, or its `close()` with `closeReturns`, returns it. */
  connection(limits?: PoolLimits): Promise<Conn>;
  connection<T>(
    runOrLimits?: ((conn: Conn) => Promise<T> | T) | PoolLimits,
    limits?: PoolLimits,
  ): Promise<T | Conn> {
    if (typeof runOrLimits === "function") return this.#use(runOrLimits, limits);
    return this.getConn(runOrLimits);
  }

  /**
   * Lends a connection, which has to be given to {@link putConn}, or disposed of.
   *
   * @throws as {@link connection} does.
   */
  getConn(limits?: PoolLimits): Promise<Conn> {
    return isWatched(poolChannel) ? this.#observed(limits) : this.#desk.borrow(limits);
  }

  /**
   * Takes a connection back; what was left open on it is rolled back, with a warning. Resolved when it can
   * be lent again, or was replaced.
   *
   * @throws ProgrammingError for one that this pool didn't lend, or that was returned already.
   */
  putConn(conn: Conn): Promise<void> {
    const { loans } = this.#desk;
    const state = loans.stateOf(conn);
    if (state === "lent") return loans.end(conn) ?? DONE;
    // Its user has closed it, and the pool has replaced it.
    if (state === "closed") return DONE;
    const message =
      state === "returned"
        ? `the connection was returned to ${this.name} already`
        : `the connection was not lent by ${this.name}`;
    return Promise.reject(new ProgrammingError(message));
  }

  async #use<T>(
    run: (conn: Conn) => Promise<T> | T,
    limits: PoolLimits | undefined,
    isOurs = false,
  ): Promise<T> {
    const desk = this.#desk;
    const { loans } = desk;
    let loan = isWatched(poolChannel) ? await this.#observed(limits) : desk.lend(limits);
    try {
      loan ??= await desk.wait(limits);
    } catch (error) {
      throw recapture(error);
    }
    const conn = loan;
    let value: T;
    try {
      // Only what a program does meanwhile can ask for another connection.
      value =
        desk.follows && !(isOurs && desk.isPlain)
          ? await runHolding(desk, conn, () => run(conn))
          : await run(conn);
      if (loans.stateOf(conn) === "lent" && isUnfinished(conn)) await finish(conn);
    } catch (error) {
      if (loans.stateOf(conn) === "lent") await undo(conn);
      await loans.end(conn);
      throw error;
    }
    const returning = loans.end(conn);
    if (returning) await returning;
    return value;
  }

  #observed(limits: PoolLimits | undefined): Promise<Conn> {
    return observed(
      poolChannel,
      () => poolContext(this.name, "async"),
      () => this.#desk.borrow(limits),
      tellLent,
    );
  }

  /**
   * Executes a statement on a connection of the pool and gives the cursor, with all rows. The `timeout` and
   * `signal` of `options` are for the statement; the `signal` ends the wait for a connection as well.
   */
  execute<R = Row>(
    query: Query,
    parameters?: QueryParameters,
    options?: AsyncExecuteOptions<R>,
  ): Promise<AsyncCursor<R>> {
    const limits = waitingLimits(options);
    return this.#use((conn) => conn.execute<R>(query, parameters, options), limits, true);
  }

  /** Executes a statement on a connection of the pool and gives its rows; see {@link execute}. */
  query<R = Row>(
    query: Query,
    parameters?: QueryParameters,
    options?: AsyncExecuteOptions<R>,
  ): Promise<R[]> {
    const limits = waitingLimits(options);
    return this.#use((conn) => conn.query<R>(query, parameters, options), limits, true);
  }

  /** Checks all idle connections, and replaces those that fail. Resolved when all were checked. */
  async check(): Promise<void> {
    const { core } = this.#desk;
    await Promise.all(core.roster.idle.splice(0).map((member) => core.check(member)));
  }

  /**
   * Asks the server behind a connection whether it is there: a round trip without effect, in any state. To be given
   * as a pool's `check`.
   *
   * @throws the reason of the end when the connection has ended.
   */
  static async checkConnection<Row>(conn: AsyncConnection<Row>): Promise<void> {
    conn.core.checkOpen();
    await conn.driver.perform(probe(conn.core.session), undefined);
  }

  /**
   * Changes the sizes. What is too few is made in the background; what is too many is closed when it is idle.
   *
   * @throws ProgrammingError for sizes that make no sense.
   */
  resize(minSize: number, maxSize: number = Math.max(minSize, this.maxSize)): void {
    checkSizes(minSize, maxSize);
    const { core } = this.#desk;
    core.minSize = minSize;
    core.growth.places.limit = maxSize;
    core.roster.shrink(maxSize);
    core.serve();
  }

  /** Has all connections replaced: idle ones now, those that are lent when they come back; types are fetched anew. */
  drain(): void {
    const { core, adapters } = this.#desk;
    adapters.forget();
    core.roster.renew();
    core.serve();
  }

  /** What the pool is like, and what it has counted. */
  getStats(): PoolStats {
    return this.#desk.core.stats();
  }

  /** The same, and sets the counters to zero. */
  popStats(): PoolStats {
    const { core } = this.#desk;
    const stats = core.stats();
    core.counters = noCounts();
    return stats;
  }

  /** Has `handler` told of what happens to the pool's connections; returns what ends that. */
  watch(handler: Handler<PoolEvent>): () => void {
    return this.#desk.tidings.watch(handler);
  }

  /** Closes the pool at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

const DONE: Promise<void> = Promise.resolve();
