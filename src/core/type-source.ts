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
