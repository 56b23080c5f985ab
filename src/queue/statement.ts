/**
 * An operation of a storage in PostgreSQL, said as one statement.
 *
 * Connectors execute it in their own way: with connections of mahout, of pg, or of an ORM's pool. So values and rows are
 * what all of these agree on: parameters are null, booleans, numbers, strings and JSON text (never objects), and the text casts
 * each of them (`$1::bigint[]` takes the array's text). Rows are objects by column name; what drivers disagree on (int8, timestamps, json) is
 * read leniently by `read`.
 */
import type { Input, OperationName, Output, Wake } from "./operations.ts";

/** A row as any driver gives it. */
export type AnyRow = Readonly<Record<string, unknown>>;

/** One statement, and what its rows mean. */
export interface Statement<Result> {
  readonly text: string;
  readonly values: readonly (string | number | boolean | null)[];
  read(rows: readonly AnyRow[]): Result;
}

/** Steps that bring a schema from one version to the next. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  /** Statements, executed in one transaction. Workers of the version before go on working after it. */
  readonly sql: string;
}

/** How a storage takes many jobs through COPY, where that can be had. */
export interface Bulk {
  /** A statement that reserves as many ids as its only parameter says. */
  readonly reserve: string;
  /** The COPY, in text format; columns: id, task, queue, payload, priority, lock, queueing lock, scheduled at, state. */
  readonly copy: string;
  /** Reads what {@link reserve} gives: the ids, and the server's time in milliseconds. */
  readReserved(rows: readonly AnyRow[]): { readonly ids: number[]; readonly now: number };
}

/** A storage in PostgreSQL. */
export interface SqlStorage {
  /** How it is called in messages, as `the schema "mahout"`. */
  readonly name: string;
  /** The schema's name, quoted as an identifier. */
  readonly schema: string;
  /** The channel that workers listen to. */
  readonly channel: string;
  /** The version of the schema that the statements need. */
  readonly version: number;
  readonly migrations: readonly Migration[];
  statement<Name extends OperationName>(name: Name, input: Input<Name>): Statement<Output<Name>>;
  readonly bulk?: Bulk;
  /** Turns the payload of a notification into what workers are told; null for what is none. */
  readWake(payload: string): Wake | null;
  /** Turns a server's error into one of the queue's, where it has a name (a taken queueing lock, a missing schema). */
  translate(error: unknown, name: OperationName): unknown;
}
