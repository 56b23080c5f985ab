/**
 * What a type can be fetched with: connections of both shells, and their pools, seen from below.
 */
import type { Conversation } from "../protocol/effects.ts";
import type { ConnectionCore } from "./connection.ts";
import type { Limits } from "./options.ts";

/** What the asynchronous shell gives where the blocking one gives a value; only the type is known here. */
export type Promised<T> = Promise<T>;

/** A connection that a type can be fetched with, of the asynchronous shell. */
export interface AsyncTypeSource {
  readonly core: ConnectionCore<unknown>;
  readonly driver: {
    ask<T>(conversation: Conversation<T>, limits: Limits | undefined): Promised<T>;
  };
}

/** A connection that a type can be fetched with, of the blocking shell. */
export interface BlockingTypeSource {
  readonly core: ConnectionCore<unknown>;
  readonly driver: { ask<T>(conversation: Conversation<T>, limits: Limits | undefined): T };
}

/** A pool of connections of either shell. */
export interface TypeSourcePool<Source> {
  connection<T>(run: (conn: Source) => T): unknown;
}

/** What the asynchronous shell can fetch types with. */
export type AsyncSource = AsyncTypeSource | TypeSourcePool<AsyncTypeSource>;

/** What the blocking shell can fetch types with. */
export type BlockingSource = BlockingTypeSource | TypeSourcePool<BlockingTypeSource>;

/** What types can be fetched with. */
export type AnyTypeSource = AsyncSource | BlockingSource;

/** Runs a conversation with a connection, or with one that a pool lends; gives what its shell gives. */
export function askWith(
  source: AnyTypeSource,
  limits: Limits | undefined,
  converse: (core: ConnectionCore<unknown>) => Conversation<unknown>,
): unknown {
  const ask = ({ core, driver }: AsyncTypeSource | BlockingTypeSource): unknown =>
    driver.ask(converse(core), limits);
  return "driver" in source ? ask(source) : source.connection<unknown>(ask);
}
