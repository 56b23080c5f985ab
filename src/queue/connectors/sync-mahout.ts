/**
 * The connector of blocking connections: for deferring, and for the sync calls of the managers. It can't run workers.
 *
 * Its pool is a `BlockingConnectionPool`; nothing waits in it, so a request beyond its size fails at once.
 */
import type { ConnectOptions } from "../../blocking/options.ts";
import type { Connection } from "../../blocking/connection.ts";
import { BlockingConnectionPool } from "../../pool/blocking-pool.ts";
import { dictRow } from "../../rows.ts";
import type { RunOptions } from "../connector.ts";
import { Connector } from "../connector.ts";
import { QueueConfigurationError } from "../errors.ts";
import type { Input, OperationName, Output } from "../operations.ts";
import type { SqlStorage } from "../statement.ts";
import type { ConnectorArgument, ConnectorOptions, ConnectorSettings } from "./arguments.ts";
import { settingsOf } from "./arguments.ts";
import { bulkData, COPY_FROM } from "./bulk.ts";
import { notOpen, translated } from "./failures.ts";

type SyncOptions = Omit<RunOptions, "signal">;

/** Carries out operations on blocking connections. */
export class SyncMahoutConnector extends Connector {
  override readonly storage: SqlStorage;
  readonly #settings: ConnectorSettings;
  #pool: BlockingConnectionPool | null = null;
  #isOurs = false;

  /**
   * Makes a connector, which connects to nothing before it is opened.
   *
   * @param argument a connection string, or libpq's keywords; the environment says what they don't.
   * @throws QueueConfigurationError, ProgrammingError for arguments that make no sense.
   */
  constructor(argument?: ConnectorArgument, options?: ConnectorOptions) {
    super();
    this.#settings = settingsOf(argument, options);
    this.storage = this.#settings.storage;
  }

  /** Opens it. A pool that is given is used, and never closed. */
  override openSync(pool?: unknown): void {
    if (this.#pool !== null) return;
    if (pool !== undefined && !isBlockingPool(pool)) {
      throw new QueueConfigurationError(
        "openSync() takes a BlockingConnectionPool, or nothing for a pool of the connector's own",
      );
    }
    if (pool === undefined) {
      const own = blockingPoolOf(this.#settings);
      own.open();
      this.#isOurs = true;
      this.#pool = own;
    } else {
      this.#isOurs = false;
      this.#pool = pool;
    }
  }

  /** Closes the pool, if it is the connector's own. */
  override closeSync(): void {
    const pool = this.#pool;
    this.#pool = null;
    if (this.#isOurs) pool?.close();
  }

  /** Closes it as well, for those who close without knowing its kind. */
  override close(): Promise<void> {
    this.closeSync();
    return Promise.resolve();
  }

  override runSync<Name extends OperationName>(
    name: Name,
    input: Input<Name>,
    options: SyncOptions = {},
  ): Output<Name> {
    try {
      return runBlocking(this.storage, () => this.#opened(), name, input, options);
    } catch (error) {
      throw translated(this.storage, error, name);
    }
  }

  override executeScriptSync(sql: string): void {
    try {
      this.#opened().execute(sql);
    } catch (error) {
      throw translated(this.storage, error, "schemaVersion");
    }
  }

  #opened(): BlockingConnectionPool {
    if (this.#pool === null) throw notOpen(this, true);
    return this.#pool;
  }
}

/** A pool for blocking use, with those of the options that it knows. */
export function blockingPoolOf(settings: ConnectorSettings): BlockingConnectionPool {
  const { minSize, maxSize, maxLifetime, maxIdle, checkTimeout } = settings.pool;
  const { probe: _probe, ...connect } = settings.connect;
  const given = { minSize, maxSize, maxLifetime, maxIdle, checkTimeout };
  const said = Object.entries(given).filter(([, value]) => value !== undefined);
  // A password that has to be waited for is refused when connecting.
  return new BlockingConnectionPool(settings.conninfo, {
    ...Object.fromEntries(said),
    connect: connect as ConnectOptions,
  });
}

function isBlockingPool(pool: unknown): pool is BlockingConnectionPool {
  const { putConn } = (pool ?? {}) as Partial<BlockingConnectionPool>;
  return (
    typeof putConn === "function" && typeof (pool as Disposable)[Symbol.dispose] === "function"
  );
}

/** Carries out an operation on the caller's connection, or on one of the pool. */
export function runBlocking<Name extends OperationName>(
  storage: SqlStorage,
  pool: () => BlockingConnectionPool,
  name: Name,
  input: Input<Name>,
  { connection, timeout }: SyncOptions,
): Output<Name> {
  if (connection !== undefined) {
    const conn = connection as Connection;
    if (typeof conn.query !== "function" || typeof conn[Symbol.dispose] !== "function") {
      throw new QueueConfigurationError(
        "`connection` of a blocking call must be a blocking connection of mahout",
      );
    }
    return perform(storage, conn, name, input, timeout);
  }
  return pool().connection((conn) => perform(storage, conn, name, input, timeout));
}

function perform<Name extends OperationName>(
  storage: SqlStorage,
  conn: Connection,
  name: Name,
  input: Input<Name>,
  timeout: number | undefined,
): Output<Name> {
  const options = { rowFactory: dictRow, ...(timeout === undefined ? {} : { timeout }) };
  const { bulk } = storage;
  if (name === "deferJobs" && bulk !== undefined) {
    const { jobs, skipTaken } = input as Input<"deferJobs">;
    if (!skipTaken && jobs.length >= COPY_FROM) {
      const reserved = bulk.readReserved(conn.query(bulk.reserve, [jobs.length], options));
      conn.cursor().copy(bulk.copy, (copy) => {
        for (const data of bulkData(jobs, reserved)) copy.write(data);
      });
      return reserved.ids as Output<Name>;
    }
  }
  const statement = storage.statement(name, input);
  return statement.read(conn.query(statement.text, statement.values, options));
}
