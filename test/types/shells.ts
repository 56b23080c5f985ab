// A contract that the compiler checks: the blocking shell has the public methods of the asynchronous one, each
// with the same parameters and with what the other one promises. Nothing here is run.

import type {
  AsyncConnection,
  AsyncCursor,
  AsyncExecuteOptions,
  AsyncConnectOptions,
  Connection,
  ConnectOptions,
  Cursor,
  ExecuteOptions,
} from "../../src/index.ts";

interface Row {
  readonly id: number;
}

/** What a blocking method gives where the asynchronous one gives `T`. */
type Plain<T> =
  T extends Promise<infer Value>
    ? Plain<Value>
    : T extends AsyncGenerator<infer Item, infer Return, infer Next>
      ? Generator<Plain<Item>, Return, Next>
      : T extends AsyncConnection<infer R>
        ? Connection<R>
        : T extends AsyncCursor<infer R>
          ? Cursor<R>
          : T;

/** What a blocking method takes where the asynchronous one takes `T`: all of it but signals. */
type PlainParameter<T> = T extends AsyncExecuteOptions<infer R> ? ExecuteOptions<R> : T;

type PlainParameters<Given extends readonly unknown[]> = {
  [Index in keyof Given]: PlainParameter<Given[Index]>;
};

/** The blocking form of an asynchronous class's instances. */
type Blocking<T> = {
  readonly [Name in keyof T as Exclude<Name, symbol | "run" | "core">]: T[Name] extends (
    ...given: infer Given
  ) => infer Result
    ? (...given: PlainParameters<Given>) => Plain<Result>
    : Plain<T[Name]>;
};

/** Names of public members, without the symbols, which differ by their nature. */
type Names<T> = Exclude<keyof T, symbol>;

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

const holds = <T extends true>(fact?: T): T | undefined => fact;

// The same names, in both directions, for instances and for what hangs on the classes.
holds<Same<Names<AsyncConnection<Row>>, Names<Connection<Row>>>>();
holds<Same<Names<AsyncCursor<Row>>, Names<Cursor<Row>>>>();
holds<Same<keyof typeof AsyncConnection, keyof typeof Connection>>();
holds<Same<Exclude<keyof AsyncConnectOptions, "signal">, keyof ConnectOptions>>();
holds<Same<Exclude<keyof AsyncExecuteOptions, "signal">, keyof ExecuteOptions>>();

// Each method with the other's parameters and results.
declare const connection: Connection<Row>;
declare const cursor: Cursor<Row>;
export const blockingConnection: Blocking<AsyncConnection<Row>> = connection;
export const blockingCursor: Blocking<AsyncCursor<Row>> = cursor;

// What can be iterated and disposed of in one shell can be in the other.
declare const asyncCursor: AsyncCursor<Row>;
declare const asyncConnection: AsyncConnection<Row>;
export const forAwait: AsyncIterable<Row> = asyncCursor;
export const forOf: Iterable<Row> = cursor;
export const awaitUsing: AsyncDisposable[] = [asyncConnection, asyncCursor];
export const using: Disposable[] = [connection, cursor];

// The check would notice a method that is missing, has other parameters, or gives something else.
declare const missing: Omit<Connection<Row>, "execute">;
// @ts-expect-error -- it lacks a method
export const lacking: Blocking<AsyncConnection<Row>> = missing;

declare const promising: Omit<Cursor<Row>, "fetchOne"> & { fetchOne(): Promise<Row | undefined> };
// @ts-expect-error -- it gives a promise
export const late: Blocking<AsyncCursor<Row>> = promising;

declare const demanding: Omit<Cursor<Row>, "fetchMany"> & { fetchMany(size: string): Row[] };
// @ts-expect-error -- it takes something else
export const other: Blocking<AsyncCursor<Row>> = demanding;

// @ts-expect-error -- the asynchronous class is not the blocking one
export const confused: Blocking<AsyncConnection<Row>> = asyncConnection;

// @ts-expect-error -- a name that only one of them has
holds<Same<Names<AsyncConnection<Row>>, Names<Connection<Row>> | "extra">>();
