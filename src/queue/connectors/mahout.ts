/**
 * The connector of mahout's own asynchronous connections: the one that workers run on.
 *
 * Operations go through a `ConnectionPool`; notifications come through a `Listener`, which has a connection of its own. Blocking calls go to a
 * counterpart before it is opened, and afterwards to itself: a blocking connection works on the event loop's own thread.
 */
import type { AsyncConnection } from "../../async/connection.ts";
import type { BlockingConnectionPool } from "../../pool/blocking-pool.ts";
import { ConnectionPool } from "../../pool/pool.ts";
import { dictRow } from "../../rows.ts";
import type { Ears, RunOptions } from "../connector.ts";
import { Connector } from "../connector.ts";
import { QueueConfigurationError, SyncConnectorConfigurationError } from "../errors.ts";
import type { Input, OperationName, Output, Wake } from "../operations.ts";
import type { SqlStorage } from "../statement.ts";
import type { ConnectorArgument, ConnectorOptions, ConnectorSettings } from "./arguments.ts";
import { settingsOf } from "./arguments.ts";
import { bulkData, COPY_FROM } from "./bulk.ts";
import { notOpen, translated } from "./failures.ts";
import { listenTo } from "./listening.ts";
import { PoolEars } from "./pool-ears.ts";
import { blockingPoolOf, runBlocking, SyncMahoutConnector } from "./sync-mahout.ts";

/** What bounds the statements of an operation. */
interface Bounds {
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

/** Carries out operations on asynchronous connections, and listens. */
export class MahoutConnector extends Connector {
  override readonly storage: SqlStorage;
  readonly #settings: ConnectorSettings;
  readonly #arguments: readonly [ConnectorArgument | undefined, ConnectorOptions | undefined];
  #pool: ConnectionPool | null = null;
  #isOurs = false;
  /** While it is being opened: who calls open() again waits for the same. */
  #opening: Promise<void> | null = null;
  #own: ConnectionPool | null = null;
  #counterpart: SyncMahoutConnector | null = null;
  /** For blocking calls while it is open: made when the first one comes. */
  #blocking: BlockingConnectionPool | null = null;

  /**
   * Makes a connector, which connects to nothing before it is opened.
   *
   * @param argument a connection string, or libpq's keywords; the environment says what they don't.
   * @throws QueueConfigurationError, ProgrammingError for arguments that make no sense.
   */
  constructor(argument?: ConnectorArgument, options?: ConnectorOptions) {
    super();
    this.#arguments = [argument, options];
    this.#settings = settingsOf(argument, options);
    this.storage = this.#settings.storage;
  }

  /**
   * Opens it, and waits until its pool has connected. A pool that is given is used, and never closed. When the connector was not
   * told where the database is, it keeps one of that pool's connections to listen, and has no blocking calls.
   *
   * @throws as `ConnectionPool.wait()` does.
   */
  override async open(pool?: unknown): Promise<void> {
    if (this.#pool !== null) return;
    if (pool !== undefined && !isPool(pool)) {
      throw new QueueConfigurationError(
        "open() takes a ConnectionPool, or nothing for a pool of the connector's own",
      );
    }
    this.#counterpart?.closeSync();
    this.#counterpart = null;
    if (pool !== undefined) {
      this.#isOurs = false;
      this.#pool = pool;
      return;
    }
    await (this.#opening ??= this.#openOwn().finally(() => {
      this.#opening = null;
      this.#own = null;
    }));
  }

  async #openOwn(): Promise<void> {
    const { conninfo, connect, pool: policy } = this.#settings;
    const { timeout } = policy;
    const own: ConnectionPool = new ConnectionPool(conninfo, {
      minSize: 1,
      ...policy,
      connect,
      open: false,
    });
    this.#own = own;
    await own.open({ wait: true, ...(timeout === undefined ? {} : { timeout }) });
    // Somebody may have given a pool meanwhile.
    if (this.#pool !== null) return await own.close();
    this.#isOurs = true;
    this.#pool = own;
  }

  override async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = null;
    this.#blocking?.close();
    this.#blocking = null;
    await this.#own?.close();
    if (this.#isOurs) await pool?.close();
  }

  /** Opens the counterpart for blocking calls. */
  override openSync(pool?: unknown): void {
    const counterpart = this.#ownCounterpart();
    if (counterpart !== null) return counterpart.openSync(pool);
    if (pool === undefined) return;
    throw new QueueConfigurationError(
      "the connector is open already, and makes blocking connections of its own when they are needed",
    );
  }

  override closeSync(): void {
    this.#counterpart?.closeSync();
  }

  /** Itself while it is open, else its counterpart, which is made once and has to be opened. */
  override getSyncConnector(): Connector {
    return this.#ownCounterpart() ?? this;
  }

  #ownCounterpart(): SyncMahoutConnector | null {
    if (this.#pool !== null) return null;
    return (this.#counterpart ??= new SyncMahoutConnector(...this.#arguments));
  }

  override async run<Name extends OperationName>(
    name: Name,
    input: Input<Name>,
    options: RunOptions = {},
  ): Promise<Output<Name>> {
    const { connection, signal, timeout } = options;
    const bounds: Bounds = {
      ...(signal === undefined ? {} : { signal }),
      ...(timeout === undefined ? {} : { timeout }),
    };
    try {
      if (connection === undefined) {
        return await this.#opened().connection(
          (conn) => this.#perform(conn, name, input, bounds),
          bounds,
        );
      }
      const conn = connection as AsyncConnection;
      if (typeof conn.query !== "function" || typeof conn[Symbol.asyncDispose] !== "function") {
        throw new QueueConfigurationError(
          "`connection` must be an asynchronous connection of mahout",
        );
      }
      return await this.#perform(conn, name, input, bounds);
    } catch (error) {
      throw translated(this.storage, error, name);
    }
  }

  async #perform<Name extends OperationName>(
    conn: AsyncConnection,
    name: Name,
    input: Input<Name>,
    bounds: Bounds,
  ): Promise<Output<Name>> {
    const options = { rowFactory: dictRow, ...bounds };
    const { bulk } = this.storage;
    if (name === "deferJobs" && bulk !== undefined) {
      const { jobs, skipTaken } = input as Input<"deferJobs">;
      if (!skipTaken && jobs.length >= COPY_FROM) {
        const rows = await conn.query(bulk.reserve, [jobs.length], options);
        const reserved = bulk.readReserved(rows);
        await conn.cursor().copy(bulk.copy, [], bounds, async (copy) => {
          for (const data of bulkData(jobs, reserved)) await copy.write(data);
        });
        return reserved.ids as Output<Name>;
      }
    }
    const statement = this.storage.statement(name, input);
    return statement.read(await conn.query(statement.text, statement.values, options));
  }

  override runSync<Name extends OperationName>(
    name: Name,
    input: Input<Name>,
    options: Omit<RunOptions, "signal"> = {},
  ): Output<Name> {
    const counterpart = this.#ownCounterpart();
    if (counterpart !== null) return counterpart.runSync(name, input, options);
    try {
      return runBlocking(this.storage, () => this.#blockingPool(), name, input, options);
    } catch (error) {
      throw translated(this.storage, error, name);
    }
  }

  override async executeScript(sql: string): Promise<void> {
    try {
      await this.#opened().execute(sql);
    } catch (error) {
      throw translated(this.storage, error, "schemaVersion");
    }
  }

  override executeScriptSync(sql: string): void {
    const counterpart = this.#ownCounterpart();
    if (counterpart !== null) return counterpart.executeScriptSync(sql);
    try {
      this.#blockingPool().execute(sql);
    } catch (error) {
      throw translated(this.storage, error, "schemaVersion");
    }
  }

  override async listen(hear: (wake: Wake) => void, signal: AbortSignal): Promise<Ears | null> {
    const pool = this.#opened();
    const { conninfo, connect, isPlaced } = this.#settings;
    if (!this.#isOurs && !isPlaced) {
      return await new PoolEars(pool, this.storage, hear).open(signal);
    }
    const { autocommit: _autocommit, probe: _probe, ...rest } = connect;
    return await listenTo(this.storage, hear, signal, conninfo, rest);
  }

  #opened(): ConnectionPool {
    if (this.#pool === null) throw notOpen(this, false);
    return this.#pool;
  }

  #blockingPool(): BlockingConnectionPool {
    if (!this.#isOurs && !this.#settings.isPlaced) {
      throw new SyncConnectorConfigurationError(
        "the connector was opened with a pool, and not told where the database is: say that when it is made, or pass a blocking `connection`",
      );
    }
    return (this.#blocking ??= blockingPoolOf(this.#settings));
  }
}

function isPool(pool: unknown): pool is ConnectionPool {
  const { putConn } = (pool ?? {}) as Partial<ConnectionPool>;
  return (
    typeof putConn === "function" &&
    typeof (pool as AsyncDisposable)[Symbol.asyncDispose] === "function"
  );
}
