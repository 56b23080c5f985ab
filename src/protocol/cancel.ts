/**
 * Cancelling what another session runs: a connection that says one thing and is closed by the server.
 *
 * Manual, 54.2.8 "Canceling Requests in Progress". The request carries the other session's secret, so it
 * travels under the same encryption as that session. The server gives no answer; that it has closed the
 * connection tells that the signal was sent, not that anything was cancelled.
 */
import type { Conversation } from "./effects.ts";
import { writeCancel } from "./encode.ts";
import { Reply, surprise } from "./replies.ts";
import type { Session } from "./session.ts";
import { open } from "./startup.ts";
import type { Route } from "./startup.ts";

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

function* end(session: Session): Conversation<void> {
  try {
    yield session.owe(new ClosedReply());
  } catch {
    // The end of the connection is the success of the request.
  }
}
