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

/** How long a cancel request is given to show effect before the next one, in milliseconds; then twice as long. */
export const FIRST_PAUSE = 20;

/** What bounds a statement. */
export interface Limits {
  readonly signal?: AbortSignal | undefined;
  /** In milliseconds. */
  readonly timeout?: number | undefined;
  /** Told why what runs is to end, for one that waits for more than the server. */
  readonly onStop?: ((reason: Error) => void) | undefined;
  /**
   * Whether it ends what was begun before: it is not withdrawn while it waits, its time counts from when it
   * begins, and it belongs to what a pipeline has under way.
   */
  readonly ends?: boolean | undefined;
}

/** What a cancel request needs to know of the connection that it is about. */
export interface CancelTarget {
  readonly parameters: ConnectionParameters;
  readonly session: Session;
  readonly route: Route;
  /** How long the server has for the request and for what it has to bring about, in milliseconds. */
  readonly timeout: number;
}

/** Sends a cancel request for whatever the session runs, within the target's time. */
export async function sendCancel(target: CancelTarget): Promise<void> {
  const { session, timeout } = target;
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
  const { signal, timeout, ends = false } = limits;
  if (signal?.aborted && !ends) throw abortedBefore(signal);
  let stopping: Promise<void> | undefined;
  let why: Explain | null = null;
  let ended = false;
  let end!: () => void;
  const answered = new Promise<void>((resolve) => (end = resolve));
  const held = holding(conversation, () => {
    ended = true;
    end();
    return stopping;
  });
  let forget: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  const watch = (): void => {
    if (timeout !== undefined)
      timer = setTimeout(() => stop((stage, error) => expired(timeout, stage, error)), timeout);
    if (!signal) return;
    const abort = (): void => stop((stage, error) => aborted(signal, stage, error));
    forget = onAbort(signal, abort);
    if (signal.aborted) abort();
  };
  const stop = (reason: Explain): void => {
    // The answer is there already: a cancel request could only hit what comes next.
    if (why || ended) return;
    why = reason;
    if (!ends && line.leave(job)) job.withdraw(reason(line.waitsFor));
    else {
      stopping = stopStatement(target, transport, answered);
      limits.onStop?.(reason("client"));
    }
  };
  const job = line.runAlone(ends ? watched(held, watch) : held, ends);
  if (!ends) watch();
  try {
    return await job.promise;
  } catch (error) {
    const reason = why as Explain | null;
    // A withdrawn statement has its own error already; what the server ended is explained here.
    if (reason && stopping && isCancellation(error)) throw reason("server", error);
    throw error;
  } finally {
    clearTimeout(timer);
    forget?.();
  }
}

/** Counts the limits from when the conversation begins. */
function* watched<T>(conversation: Conversation<T>, watch: () => void): Conversation<T> {
  watch();
  return yield* conversation;
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

/**
 * Cancels what runs, again and again until it has ended: the server forgets a request that arrives between
 * two steps of a statement, or just before its first. Gives the connection up when it has no effect in time.
 */
export async function stopStatement(
  target: CancelTarget,
  transport: SocketTransport,
  end: Promise<unknown>,
): Promise<void> {
  let failure: unknown;
  let over = false;
  const ended = end.then(
    () => (over = true),
    () => (over = true),
  );
  const timer = setTimeout(() => transport.destroy(() => unanswered(failure)), target.timeout);
  for (let pause = FIRST_PAUSE; !over && !target.session.ended; pause *= 2) {
    try {
      await cancelRunning(target, transport);
      failure = undefined;
    } catch (error) {
      // A request that could not be made leaves it to the timer to decide over the connection.
      failure = error;
    }
    await within(pause, ended);
  }
  clearTimeout(timer);
}

/** Waits for something, and cancels what runs when that has taken `timeout` milliseconds. */
export async function stopAfter<T>(
  timeout: number,
  target: CancelTarget,
  transport: SocketTransport,
  waiting: Promise<T>,
): Promise<T> {
  let hasPassed = false;
  const timer = setTimeout(() => {
    hasPassed = true;
    void stopStatement(target, transport, waiting);
  }, timeout);
  try {
    return await waiting;
  } catch (error) {
    if (hasPassed && isCancellation(error)) throw expired(timeout, "server", error);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Waits for something, but no longer than so many milliseconds. */
async function within(milliseconds: number, event: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([event, late]);
  clearTimeout(timer);
}

/** The error of a connection that was given up because a cancel request may still be under way. */
export function unconfirmed(error: unknown): Error {
  const { message, code } = error as MahoutError;
  return new CancellationTimeout(message, { cause: error, code });
}

/**
 * The error of a connection whose server did not even end what was cancelled; `cause` is why the request
 * could not be made, if that was so.
 */
export function unanswered(cause?: unknown): Error {
  const what = cause
    ? "a statement could not be cancelled in time"
    : "the server did not end the statement in time after a cancel request";
  return new CancellationTimeout(
    `${what}; the connection was closed, and whether the statement took effect is unknown`,
    { cause },
  );
}

/** Whether the server says that it cancelled a statement. */
export function isCancellation(error: unknown): error is MahoutError {
  return error instanceof MahoutError && error.sqlstate === "57014";
}

/** Where a statement was when it was stopped; a wait names what it was for. */
export type Stage = "server" | "client" | `waiting for ${string}`;

/** Makes the error of a statement that was stopped; `error` is the server's, if it came to that. */
export type Explain = (stage: Stage, error?: MahoutError) => Error;

/** The error of a statement whose signal was aborted. */
export function aborted(signal: AbortSignal, stage: Stage, error?: MahoutError): Error {
  const { statement, diag } = error ?? {};
  const cause: unknown = signal.reason;
  return new QueryCanceled(stopped("by its signal", stage), {
    cause,
    statement,
    diag,
    code: "ERR_MAHOUT_ABORTED",
    outcome: error ? "cancelled" : "not sent",
  });
}

/** The error of a statement whose signal had been aborted before. */
export function abortedBefore(signal: AbortSignal): Error {
  return new QueryCanceled("the statement was not sent: its signal was aborted before", {
    cause: signal.reason,
    code: "ERR_MAHOUT_ABORTED",
    outcome: "not sent",
  });
}

/** The error of a statement whose time is up. */
export function expired(timeout: number, stage: Stage, error?: MahoutError): Error {
  const { statement, diag } = error ?? {};
  return new QueryCanceled(stopped(`after its timeout of ${timeout} ms`, stage), {
    cause: error,
    statement,
    diag,
    code: "ERR_MAHOUT_STATEMENT_TIMEOUT",
    outcome: error ? "cancelled" : "not sent",
  });
}

function stopped(how: string, stage: Stage): string {
  if (stage === "server") return `the statement was cancelled on the server ${how}`;
  if (stage === "client") return `the statement was cancelled ${how}`;
  return `the statement was withdrawn ${how}: it was ${stage}, and was not sent`;
}
