/**
 * Asking the server for one value while nobody else can ask anything: when connecting, or behind a pipeline.
 *
 * Only for texts of our own, which have no parameters and give one row with one field.
 */
import type { Conversation } from "../protocol/effects.ts";
import { writeQuery } from "../protocol/encode.ts";
import { QueryReply } from "../protocol/replies.ts";
import { ROW_HEADER } from "../protocol/result.ts";
import type { Session } from "../protocol/session.ts";
import { errorFromDiagnostic } from "../sqlstate.ts";

/**
 * Asks, and gives the value as text; NULL is no text, "".
 *
 * @throws the server's error when it refuses.
 */
export function* fieldOf(session: Session, statement: string): Conversation<string> {
  const reply = new QueryReply();
  writeQuery(session.outbox, statement);
  yield session.owe(reply);
  if (reply.error) throw errorFromDiagnostic(reply.error, { statement });
  const block = reply.results[0]?.blocks[0];
  // One field: its length, and then its text; NULL has none.
  return block?.bytes.toString("latin1", block.start + ROW_HEADER + 4, block.end) ?? "";
}
