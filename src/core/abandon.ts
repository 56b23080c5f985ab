/**
 * Taking back whatever is open on a connection, on behalf of somebody who doesn't use it any more.
 *
 * Blocks end without their users, who learn of it when they go on.
 */
import type { Conversation } from "../protocol/effects.ts";
import { command } from "./command.ts";
import type { ConnectionCore } from "./connection.ts";

/** Rolls back the transaction that is open, blocks included; without one there is nothing to do. */
export function* abandon<Row>(core: ConnectionCore<Row>): Conversation<void> {
  const { session, transactions, pipeline, prologue } = core;
  transactions.forsake();
  yield* pipeline.settle();
  if (session.transactionStatus === "I" && !session.ended) return;
  yield* command(session, prologue, pipeline, ["ROLLBACK"]);
}
