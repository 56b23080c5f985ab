/**
 * What a program's monitoring is told of operations: tracing channels of `node:diagnostics_channel`.
 *
 * A message is the context of one operation; it begins with `start`, and what is learnt of the outcome is
 * added to the same object. Names of the attributes are OpenTelemetry's for databases, so a
 * subscriber copies them to a span as they are. The statement's text is told, its parameters never. While nobody
 * listens, an operation costs one look at whether anybody does.
 */
import { tracingChannel } from "node:diagnostics_channel";
import type { TracingChannel } from "node:diagnostics_channel";
import type { ConnectionParameters, Endpoint } from "../conninfo/parameters.ts";
import type { MahoutError } from "../errors.ts";
import type { Conversation } from "../protocol/effects.ts";
import type { Notify } from "../protocol/messages.ts";
import type { Connected } from "./connect.ts";
import type { ResultSet } from "./execute.ts";
import type { ConnectionInfo } from "./info.ts";
import type { ManyOutcome } from "./item-batch.ts";
import type { PendingResult } from "./pending-result.ts";

/** Which of the two kinds of connections does something. */
export type ShellName = "async" | "blocking";

/** One operation, as subscribers of the channels see it. */
export interface OperationContext {
  /**
   * What OpenTelemetry wants to know: `db.system.name`, `db.namespace`, `server.address`, `server.port`,
   * `db.operation.name`, `db.query.text`; once they are known `db.response.status_code` and `error.type`,
   * `db.response.returned_rows`, and of our own `mahout.affected_rows`.
   */
  readonly attributes: Record<string, string | number>;
  /** Whether the operation is awaited or blocks the thread. */
  readonly shell: ShellName;
  /** Counts the connections of this process that were observed. */
  readonly connectionId: number;
  /** The pid of the server process; 0 until it is known. */
  backendPid: number;
  /** Present, and true, for a statement of a pipeline: `end` tells that it was sent, `asyncEnd` what came of it. */
  readonly pipelined?: true;
  /** What it failed with; absent before and otherwise. */
  error?: unknown;
}

/** The five channels of one kind of operation. */
export type OperationChannel = TracingChannel<OperationContext, OperationContext>;

/** Connecting: `mahout:connect`. */
export const connectChannel: OperationChannel = tracingChannel("mahout:connect");
/** One statement, waiting for its turn included: `mahout:query`. */
export const queryChannel: OperationChannel = tracingChannel("mahout:query");
/** A transaction block with a function, each repetition by itself: `mahout:transaction`. */
export const transactionChannel: OperationChannel = tracingChannel("mahout:transaction");
/** A COPY block: `mahout:copy`. */
export const copyChannel: OperationChannel = tracingChannel("mahout:copy");
/** The delivery of one notification, its handlers included: `mahout:notify`. */
export const notifyChannel: OperationChannel = tracingChannel("mahout:notify");

/** Waiting for a connection of a pool: `mahout:pool`. */
export const poolChannel: OperationChannel = tracingChannel("mahout:pool");

/** Whether anybody subscribed to any of a channel's five. */
export function isWatched<Context extends object>(
  channel: TracingChannel<Context, Context>,
): boolean {
  // `channel.hasSubscribers` came only with Node 20.13.
  const { start, end, asyncStart, asyncEnd, error } = channel;
  return (
    start.hasSubscribers ||
    end.hasSubscribers ||
    asyncStart.hasSubscribers ||
    asyncEnd.hasSubscribers ||
    error.hasSubscribers
  );
}

/** A connection that is made, as the channels know it. */
export interface Observable {
  readonly info: Pick<ConnectionInfo, "host" | "port" | "dbname" | "backendPid">;
}

/** The context of an operation on a connection; `operation` is its `db.operation.name`: "COPY" for example. */
function operationContext(
  connection: Observable,
  shell: ShellName,
  operation: string,
): OperationContext {
  const { info } = connection;
  const attributes = {
    ...attributesOf(info.dbname, info),
    ...(operation === "" ? {} : { "db.operation.name": operation }),
  };
  const { backendPid } = info;
  return { attributes, shell, connectionId: idOf(connection), backendPid };
}

/** The context of a statement. */
export function queryContext(
  connection: Observable,
  shell: ShellName,
  text: string,
): OperationContext {
  // What is no string is about to be refused.
  const given = typeof text === "string" ? text : "";
  const context = operationContext(connection, shell, operationOf(given));
  context.attributes["db.query.text"] = given;
  return context;
}

/** Adds what a statement gave. */
export function tellResults(context: OperationContext, sets: readonly ResultSet[]): void {
  let returned = 0;
  let affected = 0;
  for (const { result } of sets) {
    returned += result.rowCount;
    affected += affectedBy(result.tag ?? "");
  }
  context.attributes["db.response.returned_rows"] = returned;
  context.attributes["mahout.affected_rows"] = affected;
}

/** The context of a transaction block; its status is told as it is whenever somebody looks. */
export function transactionContext(
  connection: Observable,
  shell: ShellName,
  block: { readonly status: string },
): OperationContext {
  const context = operationContext(connection, shell, "TRANSACTION");
  Object.defineProperty(context.attributes, "mahout.transaction.status", {
    get: () => block.status,
    enumerable: true,
  });
  return context;
}

/** Delivers a notification, telling of it where anybody listens. Its payload is nobody else's. */
export function deliverObserved(
  connection: Observable,
  shell: ShellName,
  notify: Notify,
  deliver: (notify: Notify) => void,
): void {
  const context = operationContext(connection, shell, "NOTIFY");
  context.attributes["mahout.notify.channel"] = notify.channel;
  context.attributes["mahout.notify.pid"] = notify.pid;
  notifyChannel.traceSync(deliver, context, undefined, notify);
}

/** Adds what a statement gave that was executed for many items. */
export function tellMany(context: OperationContext, { sets, rowCount }: ManyOutcome): void {
  const isAffecting = AFFECTING.test(sets.at(-1)?.result.tag ?? "");
  const returned = sets.reduce((sum, { result }) => sum + result.rowCount, 0);
  const total = Math.max(rowCount, 0);
  context.attributes["db.response.returned_rows"] = isAffecting ? returned : total;
  context.attributes["mahout.affected_rows"] = isAffecting ? total : 0;
}

/** Sends a statement in a pipeline, telling of it: that it was sent, and later what came of it. */
export function* sendObserved(
  connection: Observable,
  shell: ShellName,
  text: string,
  sending: Conversation<PendingResult>,
): Conversation<PendingResult> {
  const { start, end, asyncStart, asyncEnd, error } = queryChannel;
  const context: OperationContext = { ...queryContext(connection, shell, text), pipelined: true };
  const fail = (failure: unknown): void => {
    tellError(context, failure);
    context.error = failure;
    error.publish(context);
  };
  start.publish(context);
  try {
    const pending = yield* sending;
    const settle = (): void => {
      const failure = pending.failure();
      if (failure) fail(failure);
      else tellResults(context, pending.results());
      asyncStart.publish(context);
      asyncEnd.publish(context);
    };
    if (pending.settled) settle();
    else pending.onSettled = settle;
    return pending;
  } catch (failure) {
    fail(failure);
    throw failure;
  } finally {
    end.publish(context);
  }
}

/** The context of connecting; `connection` is what will have it. It names the first server that is tried. */
export function connectContext(
  connection: object,
  shell: ShellName,
  { dbname, attempts }: ConnectionParameters,
): OperationContext {
  const attributes = {
    ...attributesOf(dbname, attempts[0] ?? null),
    "db.operation.name": "CONNECT",
  };
  return { attributes, shell, connectionId: idOf(connection), backendPid: 0 };
}

/** The context of a request for a connection of a pool. */
export function poolContext(pool: string, shell: ShellName): OperationContext {
  const attributes = {
    "db.system.name": "postgresql",
    "db.operation.name": "CHECKOUT",
    "db.client.connection.pool.name": pool,
  };
  return { attributes, shell, connectionId: 0, backendPid: 0 };
}

/** Adds which connection it came to be. */
export function tellLent(context: OperationContext, connection: Observable): void {
  const { info } = connection;
  Object.assign(context.attributes, attributesOf(info.dbname, info));
  context.backendPid = info.backendPid;
}

/** Adds which server it came to be. */
export function tellConnected(context: OperationContext, { session, endpoint }: Connected): void {
  context.backendPid = session.backendPid;
  context.attributes["server.address"] = endpoint.host || (endpoint.hostaddr ?? "");
  context.attributes["server.port"] = endpoint.port;
}

/** Adds what an operation failed with; the error itself is added by the channel. */
export function tellError(context: OperationContext, error: unknown): void {
  const { sqlstate, code, name } = (error ?? {}) as Partial<MahoutError>;
  const type = code ?? name;
  if (typeof sqlstate === "string") context.attributes["db.response.status_code"] = sqlstate;
  context.attributes["error.type"] = typeof type === "string" ? type : "_OTHER";
}

function attributesOf(
  dbname: string,
  server: Pick<Endpoint, "host" | "port"> | null,
): Record<string, string | number> {
  return {
    "db.system.name": "postgresql",
    "db.namespace": dbname,
    ...(server && { "server.address": server.host, "server.port": server.port }),
  };
}

/** The first word behind white space, comments and parentheses. */
const FIRST_WORD = /^(?:[\s(;]|--[^\n]*(?:\n|$)|\/\*[^]*?\*\/)*([a-z]+)/i;
/** A first word has come by then. */
const LONGEST_OPENING = 1000;

function operationOf(text: string): string {
  return FIRST_WORD.exec(text.slice(0, LONGEST_OPENING))?.[1]?.toUpperCase() ?? "";
}

const AFFECTING = /^(?:INSERT 0|UPDATE|DELETE|MERGE|COPY) (\d+)$/;

function affectedBy(tag: string): number {
  return Number(AFFECTING.exec(tag)?.[1] ?? 0);
}

const ids = new WeakMap<object, number>();
let lastId = 0;

/** A connection's number: given when it is first asked for. */
function idOf(connection: object): number {
  let id = ids.get(connection);
  if (id === undefined) {
    id = ++lastId;
    ids.set(connection, id);
  }
  return id;
}
