/**
 * Cancelling what another session runs: a connection that says one thing and is closed by the server.
 *
 * Manual, 54.2.8 "Canceling Requests in Progress". The request carries the other session's secret, so it
 * travels under the same encryption as that session. The server gives no answer; that it has closed the
 * connection tells that the signal was sent, not that anything was cancelled.
 */
import type { MahoutError } from "../errors.ts";
import { CancellationTimeout } from "../errors.ts";
import { keepShape } from "../shapes.ts";
import type { Conversation } from "./effects.ts";
import { writeCancel } from "./encode.ts";
import { Reply, surprise } from "./replies.ts";
import type { Session } from "./session.ts";
import { open } from "./startup.ts";
import type { Route } from "./startup.ts";

const UNCONFIRMED = "ERR_MAHOUT_CANCEL_UNCONFIRMED";

/** Owed by nobody: it is settled when the server closes the connection. */
class ClosedReply extends Reply {
  override accept(type: number): void {
    throw surprise(type);
  }

  override refuse(): void {
    // The server refuses politely when it is shutting down; the close that follows is what is waited for.
  }
}

/** Sends a cancel request for the session with that pid and key, over a session made for it alone. */
export function* cancel(
  session: Session,
  request: Route,
  pid: number,
  key: Uint8Array,
): Conversation<void> {
  try {
    yield* open(session, request);
    writeCancel(session.outbox, pid, key);
    yield* end(session);
  } finally {
    yield { kind: "close", atOnce: true };
  }
}

/** Waits for the server to close the connection, which says that it has passed the request on. */
function* end(session: Session): Conversation<void> {
  try {
    yield session.owe(new ClosedReply());
  } catch (error) {
    const { code, sqlstate } = error as Partial<MahoutError>;
    if (code === "ERR_MAHOUT_CONNECTION_LOST" || typeof sqlstate === "string") return;
    throw new CancellationTimeout(
      "the server did not confirm a cancel request; it may still act on it, so the connection was closed",
      { cause: error, code: UNCONFIRMED },
    );
  }
}

/** Whether a cancel request may still be under way: it could hit whatever its session runs next. */
export function isUnconfirmed(error: unknown): boolean {
  return (error as { code?: unknown }).code === UNCONFIRMED;
}

keepShape(new ClosedReply());
