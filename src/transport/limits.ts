/**
 * Statements with a deadline or a signal, and what happens when it comes.
 *
 * A statement that still waits in line is withdrawn, which touches nothing. One that runs is cancelled on
 * the server, over a connection made like its own, and the line is held until both that request and the
 * statement have ended: the next statement can't be hit. When the server does not answer even that, the
 * connection is given up, because nobody can say what state it is in.
 */
import type { ConnectionParameters } from "../conninfo/parameters.ts";
import { CancellationTimeout, MahoutError } from "../errors.ts";
import { QueryCanceled } from "../sqlstate.ts";
import { cancel, isUnconfirmed } from "../protocol/cancel.ts";
import type { Conversation } from "../protocol/effects.ts";
import { Session } from "../protocol/session.ts";
import type { Route } from "../protocol/startup.ts";
import { onAbort } from "./abort.ts";
import { drive } from "./job.ts";
import type { Line } from "./line.ts";
import { SocketTransport } from "./socket.ts";

/** How long the server has to end a statement that was cancelled, in milliseconds. */
export const CANCEL_TIMEOUT = 5_000;

/** What bounds a statement. */
export interface Limits {
  readonly signal?: AbortSignal | undefined;
  /** In milliseconds. */
  readonly timeout?: number | undefined;
}

/** What a cancel request needs to know of the connection that it is about. */
export interface CancelTarget {
  readonly parameters: ConnectionParameters;
  readonly session: Session;
  readonly route: Route;
}

/** Sends a cancel request for whatever the session runs; bounded by `timeout` milliseconds. */
export async function sendCancel(
  target: CancelTarget,
  timeout: number = CANCEL_TIMEOUT,
): Promise<void> {
  const { session } = target;
  if (session.ended || session.cancelKey === null) return;
  const transport = new SocketTransport(target.parameters);
  const late = (): Error =>
    new CancellationTimeout(`the cancel request could not be made within ${timeout} ms`);
  const timer = setTimeout(() => transport.destroy(late), timeout);
  try {
    // A cancel request is bounded as a whole, and by the address's own limit as any attempt.
    await drive(
      cancel(new Session(), target.route, session.backendPid, session.cancelKey),
      transport,
    );
  } finally {
    clearTimeout(timer);
    transport.established();
  }
}

/** Cancels what runs, and gives the connection up when that is not confirmed. */
export async function cancelRunning(
  target: CancelTarget,
  transport: SocketTransport,
): Promise<void> {
  try {
    await sendCancel(target);
  } catch (error) {
    if (isUnconfirmed(error)) transport.destroy(() => unconfirmed(error));
    throw error;
  }
}

/** Runs a conversation within limits. */
export async function runLimited<T>(
  line: Line,
  transport: SocketTransport,
  target: CancelTarget,
  conversation: Conversation<T>,
  limits: Limits,
): Promise<T> {
  const { signal, timeout } = limits;
  if (signal?.aborted) throw aborted(signal, "before it was sent");
  let stopping: Promise<void> | undefined;
  let why: Explain | null = null;
  let ended = false;
  const job = line.runAlone(
    holding(conversation, () => {
      ended = true;
      return stopping;
    }),
  );
  const stop = (reason: Explain): void => {
    // The answer is there already: a cancel request could only hit what comes next.
    if (why || ended) return;
    why = reason;
    if (line.leave(job)) job.withdraw(reason("while it waited for its turn; it was not sent"));
    else stopping = stopStatement(target, transport, job.promise);
  };
  const forget =
    signal && onAbort(signal, () => stop((when, error) => aborted(signal, when, error)));
  const timer =
    timeout === undefined
      ? undefined
      : setTimeout(() => stop((when, error) => expired(timeout, when, error)), timeout);
  try {
    return await job.promise;
  } catch (error) {
    const reason = why as Explain | null;
    // A withdrawn statement has its own error already; what the server ended is explained here.
    if (reason && stopping && isCancellation(error)) throw reason("by the server", error);
    throw error;
  } finally {
    clearTimeout(timer);
    forget?.();
  }
}

/** Keeps its place until what was set off to stop the conversation has ended as well. */
function* holding<T>(
  conversation: Conversation<T>,
  stopping: () => Promise<void> | undefined,
): Conversation<T> {
  try {
    return yield* conversation;
  } finally {
    yield { kind: "until", ready: stopping };
  }
}

/** Cancels what runs; gives the connection up when that has no effect in time. */
async function stopStatement(
  target: CancelTarget,
  transport: SocketTransport,
  end: Promise<unknown>,
): Promise<void> {
  const timer = setTimeout(() => transport.destroy(unanswered), CANCEL_TIMEOUT);
  end.then(
    () => clearTimeout(timer),
    () => clearTimeout(timer),
  );
  try {
    await cancelRunning(target, transport);
  } catch {
    // A request that could not be made leaves it to the timer to decide over the connection.
  }
}

/** The error of a connection that was given up because a cancel request may still be under way. */
export function unconfirmed(error: unknown): Error {
  const { message, code } = error as MahoutError;
  return new CancellationTimeout(message, { cause: error, code });
}

/** The error of a connection whose server did not even answer a cancel request. */
export function unanswered(): Error {
  return new CancellationTimeout(
    "the server did not end the statement in time after a cancel request; the connection was closed, and whether the statement took effect is unknown",
  );
}

/** Whether the server says that it cancelled a statement. */
export function isCancellation(error: unknown): error is MahoutError {
  return error instanceof MahoutError && error.sqlstate === "57014";
}

/** Makes the error of a statement that was stopped; `error` is the server's, if it came to that. */
type Explain = (when: string, error?: MahoutError) => Error;

function aborted(signal: AbortSignal, when: string, error?: MahoutError): Error {
  const { statement, diag } = error ?? {};
  const cause: unknown = signal.reason;
  return new QueryCanceled(`the statement was cancelled by its signal ${when}`, {
    cause,
    statement,
    diag,
  });
}

/** The error of a statement whose time is up. */
export function expired(timeout: number, when: string, error?: MahoutError): Error {
  const { statement, diag } = error ?? {};
  return new QueryCanceled(
    `the statement was cancelled after its timeout of ${timeout} ms ${when}`,
    {
      cause: error,
      statement,
      diag,
    },
  );
}
