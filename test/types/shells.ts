// A contract that the compiler checks: the blocking shell has the public methods of the asynchronous one, each
// with the same parameters and with what the other one promises. Nothing here is run.

import type {
  AsyncClientCursor,
  AsyncConnection,
  AsyncCopy,
  AsyncCursor,
  AsyncPipeline,
  AsyncExecuteOptions,
  AsyncNotifiesOptions,
  AsyncConnectOptions,
  AsyncServerCursor,
  AsyncTransaction,
  AsyncTransactionOptions,
  ClientCursor,
  Connection,
  ConnectOptions,
  Copy,
  Cursor,
  ExecuteOptions,
  Pipeline,
  ServerCursor,
  Transaction,
  TransactionOptions,
  NotifiesOptions,
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
      : T extends AsyncServerCursor<infer R>
        ? ServerCursor<R>
        : T extends AsyncConnection<infer R>
          ? Connection<R>
          : T extends AsyncCursor<infer R>
            ? Cursor<R>
            : T;

/** What a blocking method takes where the asynchronous one takes `T`: all of it but signals. */
type PlainParameter<T> =
  T extends AsyncIterable<unknown> ? never : "signal" extends keyof T ? Omit<T, "signal"> : T;

type PlainParameters<Given extends readonly unknown[]> = {
  [Index in keyof Given]: PlainParameter<Given[Index]>;
};

/** Members that are nobody's business, or take a function of their own shell; the latter are compared below. */
type Apart =
  | "core"
  | "driver"
  | "transaction"
  | "pipeline"
  | "copy"
  | "connection"
  | "around"
  | "start"
  | "enter";

/** The blocking form of an asynchronous class's instances. */
type Blocking<T> = {
  readonly [Name in keyof T as Exclude<Name, symbol | Apart>]: T[Name] extends (
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
holds<Same<Names<AsyncConnection<Row>> | "cancelHandle", Names<Connection<Row>>>>();
holds<Same<Names<AsyncCursor<Row>>, Names<Cursor<Row>>>>();
holds<Same<Names<AsyncClientCursor<Row>>, Names<ClientCursor<Row>>>>();
holds<Same<Names<AsyncServerCursor<Row>>, Names<ServerCursor<Row>>>>();
holds<Same<keyof typeof AsyncConnection, keyof typeof Connection>>();
holds<Same<Exclude<keyof AsyncConnectOptions, "signal" | "probe">, keyof ConnectOptions>>();
holds<Same<Exclude<keyof AsyncExecuteOptions, "signal">, keyof ExecuteOptions>>();
holds<Same<Exclude<keyof AsyncNotifiesOptions, "signal">, keyof NotifiesOptions>>();

// Each method with the other's parameters and results.
declare const connection: Connection<Row>;
declare const cursor: Cursor<Row>;
export const blockingConnection: Blocking<AsyncConnection<Row>> = connection;
export const blockingCursor: Blocking<AsyncCursor<Row>> = cursor;
declare const clientCursor: ClientCursor<Row>;
export const blockingClientCursor: Blocking<AsyncClientCursor<Row>> = clientCursor;
declare const serverCursor: ServerCursor<Row>;
export const blockingServerCursor: Blocking<AsyncServerCursor<Row>> = serverCursor;

// What can be iterated and disposed of in one shell can be in the other.
declare const asyncCursor: AsyncCursor<Row>;
declare const asyncConnection: AsyncConnection<Row>;
export const forAwait: AsyncIterable<Row> = asyncCursor;
export const forOf: Iterable<Row> = cursor;
export const awaitUsing: AsyncDisposable[] = [asyncConnection, asyncCursor];
export const using: Disposable[] = [connection, cursor];

// A COPY has streams of Node.js in one shell only; its sources are asynchronous there.
type Sources = "readable" | "writable" | "from" | "writeRows" | "use";
holds<Same<Exclude<Names<AsyncCopy>, "readable" | "writable">, Names<Copy>>>();
declare const copy: Copy;
export const blockingCopy: Omit<Blocking<AsyncCopy>, Sources> = copy;

// Blocks take functions of their own shell.
holds<Same<Names<AsyncTransaction>, Names<Transaction> | "enter">>();
holds<Same<Exclude<keyof AsyncTransactionOptions, "signal">, keyof TransactionOptions>>();
declare const transaction: Transaction;
export const blockingTransaction: Blocking<Omit<AsyncTransaction, "enter">> = transaction;
export const plainBlock: number = connection.transaction((tx) => tx.query("select 1").length);
export const awaitedBlock: Promise<number> = asyncConnection.transaction(
  async (tx) => (await tx.query("select 1")).length,
);

holds<Same<Names<AsyncPipeline>, Names<Pipeline> | "enter">>();
declare const pipeline: Pipeline;
export const blockingPipeline: Blocking<Omit<AsyncPipeline, "enter">> = pipeline;

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
