/**
 * The asynchronous connection: takes its place in line and awaits.
 *
 * Every meaning is the core's; this file only says how to wait for it, and gives errors the stack of the
 * call that they belong to.
 */
import { checkUse } from "../core/blocks.ts";
import { changePassword } from "../core/change-password.ts";
import type { ConnectionCore } from "../core/connection.ts";
import { requestOf } from "../core/operations.ts";
import type { Query, QueryParameters } from "../core/query.ts";
import type { Notify } from "../core/notify.ts";
import type { PingResult } from "../core/ping.ts";
import { limitsOf } from "../core/notify.ts";
import type { ClientCursorOptions, CursorOptions } from "../core/cursor-options.ts";
import { isClientBound } from "../core/cursor-options.ts";
import type { ServerCursorOptions } from "../core/server-cursor.ts";
import type { DictRow, RowFactory } from "../rows.ts";
import { AsyncClientCursor } from "./client-cursor.ts";
import { AsyncCursor } from "./cursor.ts";
import type { AsyncNotifiesOptions } from "./notifies.ts";
import { AsyncNotifies } from "./notifies.ts";
import type {
  AsyncConninfo,
  AsyncConnectOptions,
  AsyncExecuteOptions,
  AsyncLimits,
  AsyncPingOptions,
} from "./options.ts";
import { AsyncServerCursor } from "./server-cursor.ts";
import type { AsyncPipeline, AsyncPipelineFunction } from "./pipeline.ts";
import { pipeline } from "./pipeline.ts";
import type {
  AsyncTransaction,
  AsyncTransactionFunction,
  AsyncTransactionOptions,
} from "./transaction.ts";
import { transaction } from "./transaction.ts";
import { AsyncTwoPhaseConnection } from "./two-phase.ts";
import { recapture } from "../core/recapture.ts";
import { openConnection, pingServer } from "./connecting.ts";
import type { AsyncDriver } from "./driver.ts";

/** A connection to a PostgreSQL server whose operations are awaited. */
export class AsyncConnection<Row = DictRow> extends AsyncTwoPhaseConnection<Row> {
  /** Made by {@link AsyncConnection.connect}. @internal */
  constructor(core: ConnectionCore<Row>, driver: AsyncDriver) {
    super(core, driver);
  }

  /**
   * Connects to a server.
   *
   * @param conninfo a connection string (URI or keyword/value) or an object of libpq's keywords; what it
   * leaves out comes from the environment, the service file and libpq's defaults.
   * @param options our own options, and libpq's keywords, which win over `conninfo`.
   * @throws ConnectionTimeout after `connectTimeout` milliseconds, OperationalError when no server could be
   * reached, the server's own error when it refuses, ProgrammingError for a bad `conninfo`.
   */
  static async connect<Row = DictRow>(
    conninfo?: AsyncConninfo,
    options?: AsyncConnectOptions<Row>,
  ): Promise<AsyncConnection<Row>> {
    const { core, driver } = await openConnection(conninfo, options);
    return new AsyncConnection(core, driver);
  }

  /**
   * Connects, calls `use` with the connection, and closes it however `use` ends. A transaction that is open
   * by then is committed when `use` returned, and rolled back when it threw; one that is prepared stays so.
   */
  static async with<T, Row = DictRow>(
    conninfo: AsyncConninfo | undefined,
    use: (conn: AsyncConnection<Row>) => Promise<T> | T,
    options?: AsyncConnectOptions<Row>,
  ): Promise<T> {
    checkUse(use);
    const conn = await AsyncConnection.connect(conninfo, options);
    try {
      const value = await use(conn);
      if (!conn.closed && !conn.core.twoPhase.isPrepared) await conn.commit();
      return value;
    } finally {
      await conn.close();
    }
  }

  /**
   * Asks whether a server accepts connections, without logging in: neither password nor role have to be right.
   *
   * @returns `accepts`; `rejects` when the server is there and starts up, shuts down or recovers; `noAnswer` when
   * nobody answered, or nobody who speaks PostgreSQL's protocol as encrypted as `sslmode` asks.
   * @throws ProgrammingError for a bad `conninfo`.
   */
  static async ping(conninfo?: AsyncConninfo, options?: AsyncPingOptions): Promise<PingResult> {
    return await pingServer(conninfo, options);
  }

  /** Makes a cursor; no message is sent. */
  cursor(): AsyncCursor<Row>;
  /** Makes a cursor; its rows are built by `rowFactory`. */
  cursor<R = Row>(options: CursorOptions<R> & { readonly binding?: "server" }): AsyncCursor<R>;
  /** Makes a cursor that puts values into the text itself, for statements that take no parameters. */
  cursor<R = Row>(options: ClientCursorOptions<R>): AsyncClientCursor<R>;
  /** Makes a server cursor of that name, to execute a query with or to fetch from one that is open already. */
  cursor(name: string, options?: ServerCursorOptions<Row>): AsyncServerCursor<Row>;
  /** Makes a server cursor whose rows are built by `rowFactory`. */
  cursor<R>(
    name: string,
    options: ServerCursorOptions<R> & { readonly rowFactory: RowFactory<R> },
  ): AsyncServerCursor<R>;
  cursor(
    first?: string | CursorOptions<unknown>,
    second: ServerCursorOptions<unknown> = {},
  ): AsyncCursor<unknown> | AsyncServerCursor<unknown> {
    this.core.checkOpen();
    const conn = this as AsyncConnection<unknown>;
    if (first !== undefined && (typeof first !== "object" || first === null))
      return new AsyncServerCursor(conn, first, second?.rowFactory ?? conn.rowFactory, second);
    const factory = first?.rowFactory ?? conn.rowFactory;
    const Kind = isClientBound(first) ? AsyncClientCursor : AsyncCursor;
    const cursor = new Kind(conn, factory);
    if (first?.duplicateColumns) cursor.duplicateColumns = first.duplicateColumns;
    return cursor;
  }

  /** Executes a statement on a new cursor and gives the cursor; see {@link AsyncCursor.execute}. */
  execute<R = Row>(
    query: Query,
    parameters?: QueryParameters,
    options?: AsyncExecuteOptions<R>,
  ): Promise<AsyncCursor<R>> {
    return new AsyncCursor<R>(
      this as AsyncConnection<unknown>,
      this.core.factoryOf(options),
    ).execute(query, parameters, options);
  }

  /** Executes a statement and gives its rows at once, those of the last result that has any. */
  query<R = Row>(
    query: Query,
    parameters?: QueryParameters,
    options?: AsyncExecuteOptions<R>,
  ): Promise<R[]> {
    const { core, driver } = this;
    try {
      const request = requestOf(core.contextOf(core.adapters), query, parameters, options);
      const factory = core.rowsOf(options);
      return driver.query(request, options, factory);
    } catch (error) {
      const refused = Promise.reject(recapture(error) as Error);
      if (!core.pipeline.open) return refused;
      core.pipeline.refused(error);
      refused.catch(() => {});
      return refused;
    }
  }

  /**
   * Runs a function as a transaction: what it did is committed when it returns (or its promise is resolved)
   * and rolled back when it throws. Inside of another block it is a savepoint; a block opened by another
   * asynchronous context waits for its turn. BEGIN travels with the first statement.
   *
   * @returns what the function gives; undefined when it threw {@link Rollback}.
   * @throws what the function throws; InFailedSqlTransaction when a statement had failed and the function
   * returned nevertheless; the server's error of the COMMIT; OperationalError when the connection ended.
   */
  transaction<T>(
    run: AsyncTransactionFunction<T, Row>,
    options?: AsyncTransactionOptions,
  ): Promise<T>;
  /**
   * Begins a transaction that {@link AsyncTransaction.commit} ends. Its disposal takes back what was not
   * committed: `await using` can't see whether its block threw.
   */
  transaction(options?: AsyncTransactionOptions): Promise<AsyncTransaction<Row>>;
  transaction<T>(
    runOrOptions?: AsyncTransactionFunction<T, Row> | AsyncTransactionOptions,
    options?: AsyncTransactionOptions,
  ): Promise<T | AsyncTransaction<Row>> {
    return transaction(this as AsyncConnection<unknown>, runOrOptions, options);
  }

  /**
   * Runs a function while the connection is in pipeline mode: statements, whoever executes them, are sent
   * without waiting for answers, and one Sync serves many of them. Cursors wait when they are fetched from.
   *
   * @returns what the function gives, after all answers have come.
   * @throws what the function throws, or else the first error of a statement, as {@link AsyncPipeline.sync} does.
   */
  pipeline<T>(run: AsyncPipelineFunction<T, Row>, limits?: AsyncLimits): Promise<T>;
  /** Begins a pipeline that its disposal ends. */
  pipeline(limits?: AsyncLimits): Promise<AsyncPipeline<Row>>;
  pipeline<T>(
    runOrLimits?: AsyncPipelineFunction<T, Row> | AsyncLimits,
    limits?: AsyncLimits,
  ): Promise<T | AsyncPipeline<Row>> {
    return pipeline(this as AsyncConnection<unknown>, runOrLimits, limits);
  }

  /**
   * Commits the transaction that is open outside of blocks, as `autocommit: false` opens them; without one
   * there is nothing to do.
   *
   * @throws ProgrammingError inside a block; InFailedSqlTransaction when the server rolled back instead.
   */
  async commit(limits?: AsyncLimits): Promise<void> {
    try {
      this.core.checkOpen();
      await this.driver.perform(this.core.transactions.commit(), { ...limits, alone: true });
    } catch (error) {
      throw recapture(error);
    }
  }

  /**
   * Rolls back the transaction that is open outside of blocks; without one there is nothing to do.
   *
   * @throws ProgrammingError inside a block.
   */
  async rollback(limits?: AsyncLimits): Promise<void> {
    try {
      this.core.checkOpen();
      await this.driver.perform(this.core.transactions.rollback(), { ...limits, alone: true });
    } catch (error) {
      throw recapture(error);
    }
  }

  /**
   * Asks the server to cancel what this connection runs; the running call fails with QueryCanceled, unless
   * it has ended by then. Statements that are called afterwards wait until that is settled, and can't be hit.
   *
   * @throws OperationalError when the request can't be made within 5 seconds; CancellationTimeout when the
   * server doesn't confirm it: the connection is closed then, because the request could hit what comes next.
   */
  cancel(): Promise<void> {
    return this.driver.cancel();
  }

  /**
   * Gives notifications as they arrive, those first that nobody has taken yet. It is no operation: others, LISTEN
   * and UNLISTEN among them, run meanwhile. One can run at a time. Ended by `timeout` milliseconds from the
   * first step (0 takes what is there; it may also be given instead of options), after exactly `stopAfter`,
   * by `signal`, or by leaving the loop; what was not given is given by the next one.
   *
   * @throws ProgrammingError for bad limits, and at the first step while another one runs; the reason of the
   * end when the connection ends, after all that had arrived.
   */
  notifies(limits?: number | AsyncNotifiesOptions): AsyncGenerator<Notify, void, undefined> {
    const options = limitsOf(limits);
    return new AsyncNotifies(this.core.notifyReader(options.stopAfter), options);
  }

  /**
   * Changes the password of a role, or with null that of the session's own. Only a SCRAM verifier is sent, made here
   * as the server would make it: the password itself is seen by nobody, and is in no log.
   *
   * @throws ProgrammingError for an empty password; InsufficientPrivilege when that role's isn't ours to change.
   */
  async changePassword(user: string | null, password: string, limits?: AsyncLimits): Promise<void> {
    try {
      this.core.checkOpen();
      const change = changePassword(this.core, user, password);
      await this.driver.perform(change, { ...limits, alone: true });
    } catch (error) {
      throw recapture(error);
    }
  }

  /** The descriptor of the socket; -1 where the system offers none. */
  fileno(): number {
    this.core.checkOpen();
    return this.driver.descriptor;
  }

  /** Closes the connection; what still runs on it fails. Never throws, and can be called again. */
  async close(): Promise<void> {
    await this.driver.close();
  }

  /** Closes the connection at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
