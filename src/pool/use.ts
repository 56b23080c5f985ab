/**
 * The end of a loan to a function: what it did is kept when it returned, and taken back when it threw.
 */
import type { AsyncConnection } from "../async/connection.ts";
import type { PoolLimits } from "./options.ts";

/** How long taking back may last, in milliseconds. */
const UNDO_TIMEOUT = 5_000;

/** What of a statement's limits bounds the wait for a connection, too. */
export function waitingLimits(options: PoolLimits | undefined): PoolLimits | undefined {
  return options?.signal && { signal: options.signal };
}

/** Whether something is open or under way. */
export function isUnfinished<Row>({ core, driver }: AsyncConnection<Row>): boolean {
  return core.session.transactionStatus !== "I" || !driver.quiet;
}

/** Commits what the function left open, after what it left running has ended. */
export async function finish<Row>(conn: AsyncConnection<Row>): Promise<void> {
  const { transactions, pipeline } = conn.core;
  // What is inside of a block is not ours to commit; whoever takes the connection back will complain.
  if (transactions.depth > 0 || pipeline.open || conn.core.twoPhase.isUnderWay) return;
  await conn.commit();
}

/** Rolls back what the function left open. What it threw is what counts: never throws. */
export async function undo<Row>(conn: AsyncConnection<Row>): Promise<void> {
  if (conn.core.session.ended || !isUnfinished(conn)) return;
  await conn.rollback({ timeout: UNDO_TIMEOUT }).catch(() => {});
}
