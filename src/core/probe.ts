/**
 * A question to the server that changes nothing: is anybody there? A Sync is answered with the state of the
 * transaction, in every state, and has no other effect where nothing was sent since the last one.
 */
import type { Conversation } from "../protocol/effects.ts";
import { writeSync } from "../protocol/encode.ts";
import { SyncReply } from "../protocol/replies.ts";
import type { Session } from "../protocol/session.ts";

/** The sessions that are being asked. */
const asked = new WeakSet<Session>();

/** Asks, and waits for the answer. */
export function* probe(session: Session): Conversation<void> {
  writeSync(session.outbox);
  asked.add(session);
  try {
    yield session.owe(new SyncReply());
  } finally {
    asked.delete(session);
  }
}

/** Whether somebody waits for an answer of the server's, other than that to a probe: nobody asked for it. */
export function isBusy(session: Session): boolean {
  return session.owedCount > (asked.has(session) ? 1 : 0);
}
