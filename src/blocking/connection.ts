/**
 * The blocking connection: the same operations, without promises.
 *
 * For scripts, migrations, the REPL and code that can't be asynchronous. While an operation waits, the
 * thread does nothing else: no timers, no events. Every meaning is the core's.
 */
import type { Parameters } from "../adapt/parameters.ts";
import type { AdaptersMap } from "../adapt/registry.ts";
import type { Conninfo } from "../conninfo/dict.ts";
import { ConnectionBase } from "../core/connection-base.ts";
import { ConnectionCore } from "../core/connection.ts";
import { connect as connectCore } from "../core/connect.ts";
import { lastRows } from "../core/cursor.ts";
import type { ResultSet } from "../core/execute.ts";
import { execute } from "../core/execute.ts";
import { requestOf } from "../core/operations.ts";
import type { ExecuteOptions, RunOptions } from "../core/options.ts";
import { recapture } from "../core/recapture.ts";
import { targetOf } from "../core/target.ts";
import { ProgrammingError } from "../errors.ts";
import type { DictRow, RowFactory } from "../rows.ts";
import { BlockingTransport } from "../transport/blocking.ts";
import { cancelBlocking } from "../transport/cancel-blocking.ts";
import { connectDeadline, StatementDeadline } from "../transport/deadlines.ts";
import type { CancelTarget } from "../transport/limits.ts";
import { Cursor } from "./cursor.ts";
import type { ConnectOptions } from "./options.ts";

/** A connection to a PostgreSQL server whose operations return when they are done. */
export class Connection<Row = DictRow> extends ConnectionBase<Row> {
  readonly #transport: BlockingTransport;
  readonly #cancelTarget: CancelTarget;

  /** Made by {@link Connection.connect}. @internal */
  constructor(core: ConnectionCore<Row>, transport: BlockingTransport, target: CancelTarget) {
    super(core);
    this.#transport = transport;
    this.#cancelTarget = target;
    core.refresh = (thoroughly) => transport.poll(thoroughly);
    transport.watch(() => transport.poll(true));
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
    conninfo?: Conninfo,
    options?: ConnectOptions<Row>,
  ): Connection<Row> {
    refuseSignal(options);
    const { parameters, given, timeout } = targetOf(conninfo, options as ConnectOptions<never>);
    const core = new ConnectionCore<Row>(options ?? {});
    const transport = new BlockingTransport(parameters);
    try {
      const connected = transport.run(
        connectCore(parameters, core.prepare),
        connectDeadline(timeout),
      );
      transport.established();
      core.adopt(connected, parameters, given);
      return new Connection(core, transport, {
        parameters,
        session: connected.session,
        route: connected.route,
      });
    } catch (error) {
      throw recapture(error);
    }
  }

  /** Connects, calls `use` with the connection, and closes it however `use` ends. */
  static with<T, Row = DictRow>(
    conninfo: Conninfo | undefined,
    use: (conn: Connection<Row>) => T,
    options?: ConnectOptions<Row>,
  ): T {
    const conn = Connection.connect(conninfo, options);
    try {
      return use(conn);
    } finally {
      conn.close();
    }
  }

  /** Makes a cursor; no message is sent. */
  cursor(): Cursor<Row>;
  /** Makes a cursor whose rows are built by `rowFactory`. */
  cursor<R>(options: { readonly rowFactory: RowFactory<R> }): Cursor<R>;
  cursor(options?: { readonly rowFactory: RowFactory<unknown> }): Cursor<unknown> {
    this.core.checkOpen();
    return new Cursor(this as Connection<unknown>, options?.rowFactory ?? this.core.rowFactory);
  }

  /** Executes a statement on a new cursor and gives the cursor; see {@link Cursor.execute}. */
  execute<R = Row>(text: string, parameters?: Parameters, options?: ExecuteOptions<R>): Cursor<R> {
    return new Cursor<R>(this as Connection<unknown>, this.core.factoryOf(options)).execute(
      text,
      parameters,
      options,
    );
  }

  /** Executes a statement and gives its rows at once, those of the last result that has any. */
  query<R = Row>(text: string, parameters?: Parameters, options?: ExecuteOptions<R>): R[] {
    const { core } = this;
    const sets = this.run(core.adapters, text, parameters, options);
    return lastRows(sets, core.adapters, core.factoryOf(options));
  }

  /** Runs one statement; the cursor's way to the server. @internal */
  run(
    adapters: AdaptersMap,
    text: string,
    parameters: Parameters | undefined,
    options: RunOptions | undefined,
  ): ResultSet[] {
    const { core } = this;
    core.checkOpen();
    const request = requestOf(text, parameters, options);
    refuseSignal(options);
    const timeout = options?.timeout;
    const deadline =
      timeout === undefined ? null : new StatementDeadline(timeout, () => this.cancel());
    try {
      return this.#transport.run(execute(core.contextOf(adapters), request), deadline);
    } catch (error) {
      throw recapture(deadline?.explain(error) ?? error);
    }
  }

  /**
   * Asks the server to cancel what this connection's session runs. The thread can't be in the middle of an
   * operation of its own; its statements are bounded with `timeout`.
   *
   * @throws OperationalError when the request can't be made within 5 seconds; CancellationTimeout when the
   * server doesn't confirm it: the connection is closed then, because the request could hit what comes next.
   */
  cancel(): void {
    cancelBlocking(this.#cancelTarget, this.#transport);
  }

  /** The descriptor of the socket; -1 where the system offers none. */
  fileno(): number {
    this.core.checkOpen();
    return this.#transport.descriptor;
  }

  /**
   * Closes the connection; can be called again.
   *
   * @throws OperationalError only when called by a handler of this connection while it is being used.
   */
  close(): void {
    this.#transport.run(this.core.close());
  }

  /** Closes the connection at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** A signal fires from the event loop, which stands still while this shell waits. */
function refuseSignal(options: object | undefined): void {
  if (options !== undefined && (options as { signal?: unknown }).signal !== undefined) {
    throw new ProgrammingError("a blocking call cannot be stopped by a signal; use timeout");
  }
}
