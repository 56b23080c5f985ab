/**
 * The connectors that work with what a program has already: a pool of node-postgres, an ORM.
 *
 * They share everything but one function, which has a statement executed by the engine, or by a connection or transaction of its
 * kind. The engine is the program's: it is used, and never closed. What it can't do (listening, waiting) goes through
 * mahout's own connections, to where `conninfo` says or, where it can be found out, to where the engine connects.
 * None of these packages is imported: what is needed of them is written down here as types.
 */
import type { Conninfo } from "../../conninfo/dict.ts";
import { MahoutError } from "../../errors.ts";
import type { Ears, RunOptions } from "../connector.ts";
import { Connector } from "../connector.ts";
import {
  AppNotOpen,
  ConnectorException,
  QueueConfigurationError,
  QueueError,
  SyncConnectorConfigurationError,
} from "../errors.ts";
import { NativeStorage } from "../native/storage.ts";
import type { Input, OperationName, Output, Wake } from "../operations.ts";
import type { AnyRow, SqlStorage } from "../statement.ts";
import { bounded } from "./bounds.ts";
import { listenTo } from "./listening.ts";
import { SyncMahoutConnector } from "./sync-mahout.ts";

/** What such a connector is told beside its engine. */
export interface ForeignOptions {
  /** The schema that the jobs are in; "mahout" by default. */
  readonly schema?: string | undefined;
  /** Another storage than the native schema. */
  readonly storage?: SqlStorage | undefined;
  /**
   * Where the database is, for what the engine can't do: workers that are told instead of asking, and blocking calls. By default where the engine
   * connects, if that can be found out.
   */
  readonly conninfo?: Conninfo | undefined;
}

/** Values as storages give them. */
export type Values = readonly (string | number | boolean | null)[];

/** Carries out operations with somebody else's connections. */
export abstract class ForeignConnector<Engine extends object> extends Connector {
  override readonly storage: SqlStorage;
  readonly #options: ForeignOptions;
  #offered: Engine | null;
  #engine: Engine | null = null;
  #counterpart: SyncMahoutConnector | null = null;

  /** @throws QueueConfigurationError for an engine that is none, or when both a schema and a storage are given. */
  constructor(engine: Engine | undefined, options: ForeignOptions) {
    super();
    const { schema, storage } = options;
    if (schema !== undefined && storage !== undefined)
      throw new QueueConfigurationError("schema and storage can't both be given: leave one");
    this.storage = storage ?? new NativeStorage(schema);
    this.#options = options;
    this.#offered = engine === undefined ? null : this.#check(engine, "it was made with");
  }

  /** What its engine is called in messages: "a Pool of node-postgres". */
  protected abstract readonly kind: string;
  /** Whether it is such an engine, or a connection or transaction of one. */
  protected abstract isEngine(value: object): value is Engine;
  /** Has a statement executed, and gives its rows. */
  protected abstract query(on: Engine, text: string, values: Values): Promise<readonly AnyRow[]>;

  /** Where the engine connects; null when that can't be found out. */
  protected conninfoOf(_engine: Engine): Conninfo | null {
    return null;
  }

  /** Opens it with an engine, which is used and never closed. */
  override async open(engine?: unknown): Promise<void> {
    if (this.#engine !== null) return;
    const wanted =
      engine === undefined ? this.#offered : this.#check(engine, "open() was called with");
    if (wanted === null)
      throw new QueueConfigurationError(
        `${this.constructor.name} needs ${this.kind}: await app.open(it)`,
      );
    await this.#counterpart?.close();
    this.#counterpart = null;
    this.#engine = wanted;
  }

  override async close(): Promise<void> {
    this.#engine = null;
    await this.#counterpart?.close();
    this.#counterpart = null;
  }

  /**
   * Itself while it is open, else its counterpart, which is made once and has to be opened; itself, too, when it has none, because nobody said
   * where the database is.
   */
  override getSyncConnector(): Connector {
    return this.#engine === null ? (this.#findBlocking() ?? this) : this;
  }

  /** Opens the counterpart; of an engine it learns where the database is. */
  override openSync(engine?: unknown): void {
    if (engine !== undefined) this.#offered = this.#check(engine, "openSync() was called with");
    this.#blocking().openSync();
  }

  override closeSync(): void {
    if (this.#engine === null) this.#counterpart?.closeSync();
  }

  override async run<Name extends OperationName>(
    name: Name,
    input: Input<Name>,
    options: RunOptions = {},
  ): Promise<Output<Name>> {
    const on = this.#target(options.connection);
    const statement = this.storage.statement(name, input);
    const { text, values } = statement;
    try {
      return statement.read(await bounded(name, options, () => this.query(on, text, values)));
    } catch (error) {
      throw this.#failure(error, name);
    }
  }

  override runSync<Name extends OperationName>(
    name: Name,
    input: Input<Name>,
    options: Omit<RunOptions, "signal"> = {},
  ): Output<Name> {
    return this.#opened().runSync(name, input, options);
  }

  override async executeScript(sql: string): Promise<void> {
    const on = this.#target(undefined);
    try {
      await this.query(on, sql, []);
    } catch (error) {
      throw this.#failure(error, "schemaVersion");
    }
  }

  override executeScriptSync(sql: string): void {
    this.#opened().executeScriptSync(sql);
  }

  override async listen(hear: (wake: Wake) => void, signal: AbortSignal): Promise<Ears | null> {
    const engine = this.#target(undefined);
    const conninfo = this.#options.conninfo ?? this.conninfoOf(engine);
    return conninfo === null ? null : await listenTo(this.storage, hear, signal, conninfo);
  }

  #target(connection: unknown): Engine {
    if (connection !== undefined) return this.#check(connection, "`connection` is");
    if (this.#engine !== null) return this.#engine;
    throw new AppNotOpen(
      `the ${this.constructor.name} is not open: call await app.open() with ${this.kind}`,
    );
  }

  #check(value: unknown, where: string): Engine {
    const isObject = (typeof value === "object" && value !== null) || typeof value === "function";
    if (isObject && this.isEngine(value as object)) return value as Engine;
    throw new QueueConfigurationError(
      `${this.constructor.name} works with ${this.kind}, and ${where} something else`,
    );
  }

  /** What carries out blocking calls while it is closed; whoever uses it opens it. */
  #blocking(): SyncMahoutConnector {
    const blocking = this.#findBlocking();
    if (blocking !== null) return blocking;
    throw new SyncConnectorConfigurationError(
      `${this.constructor.name} can't wait with ${this.kind}: for blocking calls give it \`conninfo\`, or use an app ` +
        "with a SyncMahoutConnector: app.withConnector()",
    );
  }

  #findBlocking(): SyncMahoutConnector | null {
    const engine = this.#engine ?? this.#offered;
    const { conninfo = engine === null ? null : this.conninfoOf(engine) } = this.#options;
    if (conninfo === null) return null;
    const { storage } = this;
    return (this.#counterpart ??= new SyncMahoutConnector({ conninfo, storage }));
  }

  /** The same while it is open: nobody else opens it. */
  #opened(): SyncMahoutConnector {
    const blocking = this.#blocking();
    if (this.#engine !== null) blocking.openSync();
    return blocking;
  }

  #failure(error: unknown, name: OperationName): unknown {
    if (error instanceof QueueError) return error;
    const said = saidByServer(error);
    const known = said === null ? error : this.storage.translate(said, name);
    if (known instanceof QueueError) return known;
    const why = said ?? error;
    return new ConnectorException(
      `${name} failed: ${why instanceof Error ? firstLine(why) : String(why)}`,
      { cause: error },
    );
  }
}

/** The server's error inside of what an ORM throws: the one with a SQLSTATE; null without any. */
function saidByServer(error: unknown): Error | null {
  let link: unknown = error;
  for (let depth = 0; depth < 8 && link instanceof Object; depth++) {
    const { code, cause } = link as { code?: unknown; cause?: unknown };
    if (typeof code === "string" && /^[0-9A-Z]{5}$/.test(code)) return link as Error;
    if (link instanceof MahoutError) return null;
    link = cause;
  }
  return null;
}

/** Without what an ORM may add: the statement and its values. */
function firstLine({ message }: Error): string {
  return message.split("\n", 1)[0] ?? "";
}
