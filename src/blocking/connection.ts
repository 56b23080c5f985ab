/**
 * The blocking connection: the same operations, without promises.
 *
 * For scripts, migrations, the REPL and code that can't be asynchronous. While an operation waits, the
 * thread does nothing else: no timers, no events. Every meaning is the core's.
 */
import { checkOrder, checkUse } from "../core/blocks.ts";
import type { ConnectionCore } from "../core/connection.ts";
import { requestOf } from "../core/operations.ts";
import type { Query, QueryParameters } from "../core/query.ts";
import type { ExecuteOptions, Limits } from "../core/options.ts";
import type { TransactionOptions } from "../core/transaction.ts";
import type { NotifiesOptions, Notify } from "../core/notify.ts";
import { limitsOf } from "../core/notify.ts";
import type { PingResult } from "../core/ping.ts";
import { changePassword } from "../core/change-password.ts";
import type { ClientCursorOptions, CursorOptions } from "../core/cursor-options.ts";
import { isClientBound } from "../core/cursor-options.ts";
import type { ServerCursorOptions } from "../core/server-cursor.ts";
import type { DictRow, RowFactory } from "../rows.ts";
import { ClientCursor } from "./client-cursor.ts";
import { Cursor } from "./cursor.ts";
import { Notifies } from "./notifies.ts";
import { TwoPhaseConnection } from "./two-phase.ts";
import type { BlockingConninfo, ConnectOptions, PingOptions } from "./options.ts";
import { ServerCursor } from "./server-cursor.ts";
import type { PipelineFunction } from "./pipeline.ts";
import { Pipeline } from "./pipeline.ts";
import type { Transaction, TransactionFunction } from "./transaction.ts";
import { transaction } from "./transaction.ts";
import type { CancelHandle } from "../transport/cancel-handle.ts";
import { openConnection, pingServer } from "./connecting.ts";
import type { Driver } from "./driver.ts";
import { refuseSignal } from "./driver.ts";

/** A connection to a PostgreSQL server whose operations return when they are done. */
export class Connection<Row = DictRow> extends TwoPhaseConnection<Row> {
  /** Made by {@link Connection.connect}. @internal */
  constructor(core: ConnectionCore<Row>, driver: Driver) {
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
  static connect<Row = DictRow>(
    conninfo?: BlockingConninfo,
    options?: ConnectOptions<Row>,
  ): Connection<Row> {
    const { core, driver } = openConnection(conninfo, options);
    return new Connection(core, driver);
  }

  /**
   * Connects, calls `use` with the connection, and closes it however `use` ends. A transaction that is open
   * by then is committed when `use` returned, and rolled back when it threw; one that is prepared stays so.
   */
  static with<T, Row = DictRow>(
    conninfo: BlockingConninfo | undefined,
    use: (conn: Connection<Row>) => T,
    options?: ConnectOptions<Row>,
  ): T {
    checkUse(use);
    const conn = Connection.connect(conninfo, options);
    try {
      const value = use(conn);
      if (!conn.closed && !conn.core.twoPhase.isPrepared) conn.commit();
      return value;
    } finally {
      conn.close();
    }
  }

  /**
   * Asks whether a server accepts connections, without logging in: neither password nor role have to be right.
   *
   * @returns `accepts`; `rejects` when the server is there and starts up, shuts down or recovers; `noAnswer` when
   * nobody answered, or nobody who speaks PostgreSQL's protocol as encrypted as `sslmode` asks.
   * @throws ProgrammingError for a bad `conninfo`.
   */
  static ping(conninfo?: BlockingConninfo, options?: PingOptions): PingResult {
    return pingServer(conninfo, options);
  }

  /** Makes a cursor; no message is sent. */
  cursor(): Cursor<Row>;
  /** Makes a cursor; its rows are built by `rowFactory`. */
  cursor<R = Row>(options: CursorOptions<R> & { readonly binding?: "server" }): Cursor<R>;
  /** Makes a cursor that puts values into the text itself, for statements that take no parameters. */
  cursor<R = Row>(options: ClientCursorOptions<R>): ClientCursor<R>;
  /** Makes a server cursor of that name, to execute a query with or to fetch from one that is open already. */
  cursor(name: string, options?: ServerCursorOptions<Row>): ServerCursor<Row>;
  /** Makes a server cursor whose rows are built by `rowFactory`. */
  cursor<R>(
    name: string,
    options: ServerCursorOptions<R> & { readonly rowFactory: RowFactory<R> },
  ): ServerCursor<R>;
  cursor(
    first?: string | CursorOptions<unknown>,
    second: ServerCursorOptions<unknown> = {},
  ): Cursor<unknown> | ServerCursor<unknown> {
    this.core.checkOpen();
    const conn = this as Connection<unknown>;
    if (first !== undefined && (typeof first !== "object" || first === null))
      return new ServerCursor(conn, first, second?.rowFactory ?? conn.rowFactory, second);
    const factory = first?.rowFactory ?? conn.rowFactory;
    const Kind = isClientBound(first) ? ClientCursor : Cursor;
    const cursor = new Kind(conn, factory);
    if (first?.duplicateColumns) cursor.duplicateColumns = first.duplicateColumns;
    return cursor;
  }

  /** Executes a statement on a new cursor and gives the cursor; see {@link Cursor.execute}. */
  execute<R = Row>(
    query: Query,
    parameters?: QueryParameters,
    options?: ExecuteOptions<R>,
  ): Cursor<R> {
    return new Cursor<R>(this as Connection<unknown>, this.core.factoryOf(options)).execute(
      query,
      parameters,
      options,
    );
  }

  /** Executes a statement and gives its rows at once, those of the last result that has any. */
  query<R = Row>(query: Query, parameters?: QueryParameters, options?: ExecuteOptions<R>): R[] {
    const { core, driver } = this;
    const request = requestOf(core.contextOf(core.adapters), query, parameters, options);
    return driver.query(request, options, core.rowsOf(options));
  }

  /**
   * Runs a function as a transaction: what it did is committed when it returns and rolled back when it
   * throws. Inside of another block it is a savepoint. BEGIN travels with the first statement.
   *
   * @returns what the function gives; undefined when it threw {@link Rollback}.
   * @throws what the function throws; InFailedSqlTransaction when a statement had failed and the function
   * returned nevertheless; the server's error of the COMMIT; OperationalError when the connection ended.
   */
  transaction<T>(run: TransactionFunction<T, Row>, options?: TransactionOptions): T;
  /**
   * Begins a transaction that {@link Transaction.commit} ends. Its disposal takes back what was not
   * committed: `using` can't see whether its block threw.
   */
  transaction(options?: TransactionOptions): Transaction<Row>;
  transaction<T>(
    runOrOptions?: TransactionFunction<T, Row> | TransactionOptions,
    options?: TransactionOptions,
  ): T | Transaction<Row> {
    return transaction(this as Connection<unknown>, runOrOptions, options);
  }

  /**
   * Runs a function while the connection is in pipeline mode: statements are sent without waiting for
   * answers, and one Sync serves many of them. Cursors wait when they are fetched from.
   *
   * @returns what the function gives, after all answers have come.
   * @throws what the function throws, or else the first error of a statement, as {@link Pipeline.sync} does.
   */
  pipeline<T>(run: PipelineFunction<T, Row>, limits?: Limits): T;
  /** Begins a pipeline that its disposal ends. */
  pipeline(limits?: Limits): Pipeline<Row>;
  pipeline<T>(runOrLimits?: PipelineFunction<T, Row> | Limits, limits?: Limits): T | Pipeline<Row> {
    const isFunction = typeof runOrLimits === "function";
    if (!isFunction) checkOrder("pipeline()", runOrLimits, limits);
    const block = new Pipeline<Row>(
      this as Connection<unknown>,
      (isFunction ? limits : runOrLimits) ?? {},
    );
    return isFunction ? block.around(runOrLimits) : block.start();
  }

  /**
   * Commits the transaction that is open outside of blocks, as `autocommit: false` opens them; without one
   * there is nothing to do.
   *
   * @throws ProgrammingError inside a block; InFailedSqlTransaction when the server rolled back instead.
   */
  commit(limits?: Limits): void {
    this.core.checkOpen();
    this.driver.perform(this.core.transactions.commit(), limits);
  }

  /**
   * Rolls back the transaction that is open outside of blocks; without one there is nothing to do.
   *
   * @throws ProgrammingError inside a block.
   */
  rollback(limits?: Limits): void {
    this.core.checkOpen();
    this.driver.perform(this.core.transactions.rollback(), limits);
  }

  /**
   * Asks the server to cancel what this connection's session runs. The thread can't be in the middle of an
   * operation of its own; its statements are bounded with `timeout`.
   *
   * @throws OperationalError when the request can't be made within 5 seconds; CancellationTimeout when the
   * server doesn't confirm it: the connection is closed then, because the request could hit what comes next.
   */
  cancel(): void {
    this.driver.cancel();
  }

  /**
   * What another thread needs to cancel the statements of this connection, which keep its own thread busy: send
   * it to a worker, which calls {@link requestCancel} with it. A request can't hit a statement that is begun
   * after it was made.
   */
  cancelHandle(): CancelHandle {
    this.core.checkOpen();
    return this.driver.cancelHandle();
  }

  /**
   * Gives notifications, those first that nobody has taken yet, and waits for more. Between its steps the
   * connection is free for others, LISTEN and UNLISTEN among them. One can run at a time. Ended by `timeout`
   * milliseconds from the first step (0 takes what is there; it may also be given instead of options), after
   * exactly `stopAfter`, or by leaving the loop; what was not given is given by the next one.
   *
   * @throws ProgrammingError for bad limits, and at the first step while another one runs; the reason of the
   * end when the connection ends, after all that had arrived.
   */
  notifies(limits?: number | NotifiesOptions): Generator<Notify, void, undefined> {
    const options = limitsOf(limits);
    refuseSignal(options);
    return new Notifies(this.core.notifyReader(options.stopAfter), this.driver.transport, options);
  }

  /**
   * Changes the password of a role, or with null that of the session's own. Only a SCRAM verifier is sent, made here
   * as the server would make it: the password itself is seen by nobody, and is in no log.
   *
   * @throws ProgrammingError for an empty password; InsufficientPrivilege when that role's isn't ours to change.
   */
  changePassword(user: string | null, password: string, limits?: Limits): void {
    this.core.checkOpen();
    this.driver.perform(changePassword(this.core, user, password), limits);
  }

  /** The descriptor of the socket; -1 where the system offers none. */
  fileno(): number {
    this.core.checkOpen();
    return this.driver.transport.descriptor;
  }

  /**
   * Closes the connection; can be called again.
   *
   * @throws OperationalError only when called by a handler of this connection while it is being used.
   */
  close(): void {
    this.driver.close();
  }

  /** Closes the connection at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }
}
