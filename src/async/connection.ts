/**
 * The asynchronous connection: takes its place in line and awaits.
 *
 * Every meaning is the core's; this file only says how to wait for it, and gives errors the stack of the
 * call that they belong to.
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
import { checkMilliseconds, requestOf } from "../core/operations.ts";
import { targetOf } from "../core/target.ts";
import { ConnectionTimeout, OperationalError } from "../errors.ts";
import type { Conversation } from "../protocol/effects.ts";
import type { DictRow, RowFactory } from "../rows.ts";
import { drive } from "../transport/job.ts";
import type { CancelTarget } from "../transport/limits.ts";
import { cancelRunning, runLimited } from "../transport/limits.ts";
import { Line } from "../transport/line.ts";
import { SocketTransport } from "../transport/socket.ts";
import { AsyncCursor } from "./cursor.ts";
import type { AsyncConnectOptions, AsyncExecuteOptions, AsyncRunOptions } from "./options.ts";
import { recapture } from "../core/recapture.ts";

/** A connection to a PostgreSQL server whose operations are awaited. */
export class AsyncConnection<Row = DictRow> extends ConnectionBase<Row> {
  readonly #transport: SocketTransport;
  readonly #line: Line;
  readonly #cancelTarget: CancelTarget;

  /** Made by {@link AsyncConnection.connect}. @internal */
  constructor(core: ConnectionCore<Row>, transport: SocketTransport, target: CancelTarget) {
    super(core);
    this.#transport = transport;
    this.#line = new Line(core.session, transport);
    this.#cancelTarget = target;
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
    conninfo?: Conninfo,
    options?: AsyncConnectOptions<Row>,
  ): Promise<AsyncConnection<Row>> {
    const { parameters, given, timeout } = targetOf(
      conninfo,
      options as AsyncConnectOptions<never>,
    );
    const core = new ConnectionCore<Row>(options ?? {});
    const transport = new SocketTransport(parameters);
    const signal = options?.signal;
    const onAbort = (): void => transport.destroy(() => abortedBy(signal));
    const timer = setTimeout(
      () =>
        transport.destroy(() => new ConnectionTimeout(`connecting took longer than ${timeout} ms`)),
      timeout,
    );
    try {
      if (signal?.aborted) throw abortedBy(signal);
      signal?.addEventListener("abort", onAbort, { once: true });
      const connected = await drive(connectCore(parameters, core.prepare), transport);
      transport.established();
      core.adopt(connected, parameters, given);
      return new AsyncConnection(core, transport, {
        parameters,
        session: connected.session,
        route: connected.route,
      });
    } catch (error) {
      throw recapture(error);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Connects, calls `use` with the connection, and closes it however `use` ends. */
  static async with<T, Row = DictRow>(
    conninfo: Conninfo | undefined,
    use: (conn: AsyncConnection<Row>) => Promise<T> | T,
    options?: AsyncConnectOptions<Row>,
  ): Promise<T> {
    const conn = await AsyncConnection.connect(conninfo, options);
    try {
      return await use(conn);
    } finally {
      await conn.close();
    }
  }

  /** Makes a cursor; no message is sent. */
  cursor(): AsyncCursor<Row>;
  /** Makes a cursor whose rows are built by `rowFactory`. */
  cursor<R>(options: { readonly rowFactory: RowFactory<R> }): AsyncCursor<R>;
  cursor(options?: { readonly rowFactory: RowFactory<unknown> }): AsyncCursor<unknown> {
    this.core.checkOpen();
    return new AsyncCursor(
      this as AsyncConnection<unknown>,
      options?.rowFactory ?? this.core.rowFactory,
    );
  }

  /** Executes a statement on a new cursor and gives the cursor; see {@link AsyncCursor.execute}. */
  execute<R = Row>(
    text: string,
    parameters?: Parameters,
    options?: AsyncExecuteOptions<R>,
  ): Promise<AsyncCursor<R>> {
    return new AsyncCursor<R>(
      this as AsyncConnection<unknown>,
      this.core.factoryOf(options),
    ).execute(text, parameters, options);
  }

  /** Executes a statement and gives its rows at once, those of the last result that has any. */
  async query<R = Row>(
    text: string,
    parameters?: Parameters,
    options?: AsyncExecuteOptions<R>,
  ): Promise<R[]> {
    const { core } = this;
    try {
      const sets = await this.run(core.adapters, text, parameters, options);
      return lastRows(sets, core.adapters, core.factoryOf(options));
    } catch (error) {
      throw recapture(error);
    }
  }

  /** Runs one statement in its turn; the cursor's way to the server. @internal */
  run(
    adapters: AdaptersMap,
    text: string,
    parameters: Parameters | undefined,
    options: AsyncRunOptions | undefined,
  ): Promise<ResultSet[]> {
    const { core } = this;
    core.checkOpen();
    const conversation = execute(core.contextOf(adapters), requestOf(text, parameters, options));
    if (options === undefined || (options.signal === undefined && options.timeout === undefined)) {
      return this.#line.run(conversation);
    }
    const { signal, timeout } = options;
    return runLimited(this.#line, this.#transport, this.#cancelTarget, conversation, {
      signal,
      timeout: timeout === undefined ? undefined : checkMilliseconds("timeout", timeout),
    });
  }

  /**
   * Asks the server to cancel what this connection runs; the running call fails with QueryCanceled, unless
   * it has ended by then. Statements that are called afterwards wait until that is settled, and can't be hit.
   *
   * @throws OperationalError when the request can't be made within 5 seconds; CancellationTimeout when the
   * server doesn't confirm it: the connection is closed then, because the request could hit what comes next.
   */
  async cancel(): Promise<void> {
    const request = cancelRunning(this.#cancelTarget, this.#transport);
    const settled = request.catch(() => {});
    void this.#line.runAlone(waitFor(settled));
    try {
      await request;
    } catch (error) {
      throw recapture(error);
    }
  }

  /** The descriptor of the socket; -1 where the system offers none. */
  fileno(): number {
    this.core.checkOpen();
    return this.#transport.descriptor;
  }

  /** Closes the connection; what still runs on it fails. Never throws, and can be called again. */
  async close(): Promise<void> {
    await drive(this.core.close(), this.#transport);
  }

  /** Closes the connection at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Keeps its place in line until `settled` is. */
function* waitFor(settled: Promise<void>): Conversation<void> {
  yield { kind: "until", ready: () => settled };
}

function abortedBy(signal: AbortSignal | undefined): OperationalError {
  return new OperationalError("connecting was aborted by its signal", {
    cause: signal?.reason,
    code: "ERR_MAHOUT_ABORTED",
  });
}

/** Connects to a server; the same as {@link AsyncConnection.connect}. */
export function connect<Row = DictRow>(
  conninfo?: Conninfo,
  options?: AsyncConnectOptions<Row>,
): Promise<AsyncConnection<Row>> {
  return AsyncConnection.connect(conninfo, options);
}
