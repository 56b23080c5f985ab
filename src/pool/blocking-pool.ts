/**
 * The pool of blocking connections.
 *
 * It lends by the same rules, but there is nobody to wait for: while a thread waits, nobody on it could
 * return a connection. So a request beyond `maxSize` fails at once. Nothing happens between calls either;
 * ages and ends are looked at when a connection is asked for.
 */
import type { AdaptersMap } from "../adapt/registry.ts";
import type { Connection } from "../blocking/connection.ts";
import type { Cursor } from "../blocking/cursor.ts";
import type { Conninfo } from "../conninfo/dict.ts";
import type { Handler } from "../core/handlers.ts";
import type { ExecuteOptions } from "../core/options.ts";
import type { Query, QueryParameters } from "../core/query.ts";
import { ProgrammingError } from "../errors.ts";
import type { DictRow } from "../rows.ts";
import { BlockingDesk } from "./blocking-desk.ts";
import type { BlockingPoolOptions } from "./blocking-options.ts";
import type { PoolEvent } from "./keeper.ts";
import { checkSizes } from "./settings.ts";
import type { PoolStats } from "./stats.ts";
import { noCounts } from "./stats.ts";

/** Blocking connections that are kept open and lent. */
export class BlockingConnectionPool<Row = DictRow, Conn extends Connection<Row> = Connection<Row>> {
  readonly #desk: BlockingDesk<Row, Conn>;

  /**
   * Makes a pool; it connects when it is first used.
   *
   * @param conninfo as for `Connection.connect()`, or a function that gives it, asked for each connection.
   * @throws ProgrammingError for options that make no sense.
   */
  constructor(
    conninfo?: Conninfo | (() => Conninfo),
    options: BlockingPoolOptions<Row, Conn> = {},
  ) {
    this.#desk = new BlockingDesk(conninfo, options);
  }

  /** The pool's name. */
  get name(): string {
    return this.#desk.settings.name;
  }

  /** What is registered here holds for all connections of the pool, made already or not. */
  get adapters(): AdaptersMap {
    return this.#desk.adapters;
  }

  /** How many connections are kept open. */
  get minSize(): number {
    return this.#desk.minSize;
  }

  /** How many there may be. */
  get maxSize(): number {
    return this.#desk.room.limit;
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#desk.closed;
  }

  /** Makes the `minSize` connections now; without it they are made as they are needed. */
  open(): void {
    this.#desk.fill();
  }

  /**
   * Lends a connection to a function and takes it back when the function has ended. A transaction that is
   * open by then is committed when it returned, and rolled back when it threw.
   *
   * @returns what the function gives.
   * @throws what the function throws; the error of the COMMIT; PoolTimeout, at once, when all `maxSize`
   * connections are lent; PoolClosed; the error of connecting.
   */
  connection<T>(run: (conn: Conn) => T): T;
  /** Lends a connection that its disposal returns. */
  connection(): Conn;
  connection<T>(run?: (conn: Conn) => T): T | Conn {
    if (run === undefined) return this.getConn();
    const conn = this.getConn();
    const { loans } = this.#desk;
    let value: T;
    try {
      value = run(conn);
      if (loans.stateOf(conn) === "lent") finish(conn);
    } catch (error) {
      if (loans.stateOf(conn) === "lent") undo(conn);
      loans.end(conn);
      throw error;
    }
    loans.end(conn);
    return value;
  }

  /**
   * Lends a connection, which has to be given to {@link putConn}, or disposed of.
   *
   * @throws as {@link connection} does.
   */
  getConn(): Conn {
    return this.#desk.lend();
  }

  /**
   * Takes a connection back; what was left open on it is rolled back, with a warning.
   *
   * @throws ProgrammingError for one that this pool didn't lend, or that was returned already.
   */
  putConn(conn: Conn): void {
    const { loans } = this.#desk;
    const state = loans.stateOf(conn);
    if (state === "lent") return loans.end(conn);
    if (state === "closed") return;
    throw new ProgrammingError(
      state === "returned"
        ? `the connection was returned to ${this.name} already`
        : `the connection was not lent by ${this.name}`,
    );
  }

  /** Executes a statement on a connection of the pool and gives the cursor, with all rows. */
  execute<R = Row>(
    query: Query,
    parameters?: QueryParameters,
    options?: ExecuteOptions<R>,
  ): Cursor<R> {
    return this.connection((conn) => conn.execute<R>(query, parameters, options));
  }

  /** Executes a statement on a connection of the pool and gives its rows. */
  query<R = Row>(query: Query, parameters?: QueryParameters, options?: ExecuteOptions<R>): R[] {
    return this.connection((conn) => conn.query<R>(query, parameters, options));
  }

  /** Checks all idle connections; those that fail are closed. */
  check(): void {
    this.#desk.checkAll();
  }

  /**
   * Changes the sizes. What is too many is closed when it is idle.
   *
   * @throws ProgrammingError for sizes that make no sense.
   */
  resize(minSize: number, maxSize: number = Math.max(minSize, this.maxSize)): void {
    checkSizes(minSize, maxSize);
    const desk = this.#desk;
    desk.minSize = minSize;
    desk.room.limit = maxSize;
    desk.roster.shrink(maxSize);
  }

  /** Has all connections replaced: idle ones now, those that are lent when they come back; types are fetched anew. */
  drain(): void {
    this.#desk.adapters.forget();
    this.#desk.roster.renew();
  }

  /** What the pool is like, and what it has counted. */
  getStats(): PoolStats {
    return this.#desk.stats();
  }

  /** The same, and sets the counters to zero. */
  popStats(): PoolStats {
    const stats = this.#desk.stats();
    this.#desk.counters = noCounts();
    return stats;
  }

  /** Has `handler` told of what happens to the pool's connections; returns what ends that. */
  watch(handler: Handler<PoolEvent>): () => void {
    return this.#desk.tidings.watch(handler);
  }

  /** Closes the pool and all of its connections, those that are lent as well. Can be called again. */
  close(): void {
    this.#desk.close();
  }

  /** Closes the pool at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** Commits what a function left open; what is inside of a block is not ours to commit. */
function finish<Row>(conn: Connection<Row>): void {
  const { session, transactions, pipeline } = conn.core;
  if (session.transactionStatus === "I") return;
  if (transactions.depth > 0 || pipeline.open || conn.core.twoPhase.isUnderWay) return;
  conn.commit();
}

/** Rolls back what a function left open. What it threw is what counts. */
function undo<Row>(conn: Connection<Row>): void {
  const { session, transactions } = conn.core;
  if (session.ended || session.transactionStatus === "I" || transactions.depth > 0) return;
  try {
    conn.rollback();
  } catch {
    // The connection is looked at when it comes back.
  }
}
