/**
 * What the connectors of mahout's own pools are made with: where the database is, and how the pool and the storage are to be.
 *
 * Both forms of the arguments mean the same: a connection string with options, or one object of libpq's keywords and options.
 */
import type { Conninfo, ConninfoObject } from "../../conninfo/dict.ts";
import type { AsyncConnectOptions } from "../../async/options.ts";
import { QueueConfigurationError } from "../errors.ts";
import { NativeStorage } from "../native/storage.ts";
import type { SqlStorage } from "../statement.ts";

/** Options of the pool of a connector, as `ConnectionPool` has them. */
export interface ConnectorPoolOptions {
  readonly minSize?: number;
  readonly maxSize?: number;
  /** How long it waits for a connection, in milliseconds. */
  readonly timeout?: number;
  readonly maxWaiting?: number;
  readonly maxLifetime?: number;
  readonly maxIdle?: number;
  readonly reconnectTimeout?: number;
  readonly checkTimeout?: number;
  /** Options of the connections. */
  readonly connect?: Omit<AsyncConnectOptions, "signal">;
}

/** Options of a connector. */
export interface ConnectorOptions extends ConnectorPoolOptions {
  /** Where the database is; libpq's keywords beside it win over it. */
  readonly conninfo?: Conninfo;
  /** The schema that the jobs are in; "mahout" by default. */
  readonly schema?: string;
  /** Another storage than the native schema. */
  readonly storage?: SqlStorage;
}

/** A connection string, or libpq's keywords, or options with either. */
export type ConnectorArgument = string | (ConninfoObject & ConnectorOptions);

const POOL =
  "minSize maxSize timeout maxWaiting maxLifetime maxIdle reconnectTimeout checkTimeout".split(" ");

/** The arguments, sorted. */
export interface ConnectorSettings {
  readonly conninfo: Conninfo | undefined;
  readonly connect: Omit<AsyncConnectOptions, "signal">;
  readonly pool: Omit<ConnectorPoolOptions, "connect">;
  readonly storage: SqlStorage;
  /** Whether it was said where the database is. */
  readonly isPlaced: boolean;
}

/**
 * Sorts the arguments of a connector.
 *
 * @throws QueueConfigurationError for arguments that contradict each other.
 */
export function settingsOf(
  argument: ConnectorArgument | undefined,
  more: ConnectorOptions | undefined,
): ConnectorSettings {
  const given = typeof argument === "string" ? { conninfo: argument } : (argument ?? {});
  const { conninfo, connect, schema, storage, ...rest } = { ...given, ...more };
  if (schema !== undefined && storage !== undefined) {
    throw new QueueConfigurationError(
      `schema and storage were both given; a storage has its own schema, ${storage.name}`,
    );
  }
  const pool: Record<string, unknown> = {};
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(rest)) {
    (POOL.includes(name) ? pool : fields)[name] = value;
  }
  return {
    conninfo,
    connect: { ...fields, ...connect },
    pool,
    storage: storage ?? new NativeStorage(schema),
    isPlaced: conninfo !== undefined || Object.keys(fields).length > 0,
  };
}
