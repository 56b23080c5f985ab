/**
 * What is behind a lent connection, and what it was like when it was new.
 *
 * What a program sets on a lent connection is for the time that it has it: settings of the driver's own go
 * back to what `configure` left. What the server's session remembers is up to `reset`.
 */
import { AdaptersMap } from "../adapt/registry.ts";
import type { Characteristics } from "../core/characteristics.ts";
import type { ConnectionCore } from "../core/connection.ts";
import type { Handler } from "../core/handlers.ts";
import type { Notify } from "../core/notify.ts";
import type { Diagnostic } from "../errors.ts";
import type { DuplicateColumns, RowFactory } from "../rows.ts";
import type { PoolAdapters } from "./adapters.ts";

/** A connection's settings at one moment. */
export class Baseline<Row> {
  readonly #rowFactory: RowFactory<Row>;
  readonly #duplicateColumns: DuplicateColumns;
  readonly #autocommit: boolean;
  readonly #characteristics: Characteristics;
  readonly #statementTimeout: number | null;
  readonly #threshold: number | null;
  readonly #max: number;
  readonly #notices: readonly Handler<Diagnostic>[];
  readonly #notifies: readonly Handler<Notify>[];
  /** A copy of its adapters. */
  readonly adapters: AdaptersMap;

  constructor(core: ConnectionCore<Row>) {
    this.#rowFactory = core.rowFactory;
    this.#duplicateColumns = core.duplicateColumns;
    this.#autocommit = core.transactions.autocommit;
    this.#characteristics = core.transactions.characteristics;
    this.#statementTimeout = core.statementTimeout;
    this.#threshold = core.statements.threshold;
    this.#max = core.statements.max;
    this.#notices = core.notices.list;
    this.#notifies = core.inbox.handlers.list;
    this.adapters = new AdaptersMap(core.adapters);
  }

  /** Goes back to them. The connection is idle. */
  restore(core: ConnectionCore<Row>): void {
    const { transactions, statements, notices, inbox } = core;
    if (core.rowFactory !== this.#rowFactory) core.rowFactory = this.#rowFactory;
    core.duplicateColumns = this.#duplicateColumns;
    if (transactions.autocommit !== this.#autocommit)
      transactions.chooseAutocommit(this.#autocommit);
    if (transactions.characteristics !== this.#characteristics) {
      for (const name of ["isolationLevel", "readOnly", "deferrable"] as const)
        transactions.choose(name, this.#characteristics[name] ?? null);
    }
    if (core.statementTimeout !== this.#statementTimeout)
      core.statementTimeout = this.#statementTimeout;
    if (statements.threshold !== this.#threshold) core.setPrepareThreshold(this.#threshold);
    if (statements.max !== this.#max) core.setPreparedMax(this.#max);
    if (notices.list !== this.#notices) notices.restore(this.#notices);
    core.adapters.assume(this.adapters);
    if (inbox.handlers.list !== this.#notifies) inbox.handlers.restore(this.#notifies);
  }
}

/** What a connection is like that is ready to be lent; it follows the pool's adapters until it ends. */
export function followed<Row>(adapters: PoolAdapters, core: ConnectionCore<Row>): Baseline<Row> {
  const baseline = new Baseline(core);
  adapters.followCopy(baseline.adapters);
  core.endWatchers.add(() => adapters.leave(core.adapters, baseline.adapters));
  return baseline;
}

/** What has to be known of how a connection waits, in either shell. */
export interface Doings {
  /** Whether nothing is under way, and nothing waits for its turn. */
  readonly quiet: boolean;
  /** Whether something has the connection to itself: a COPY, a stream. */
  readonly occupied: boolean;
}

/** A connection of a pool, without the face that users see. */
export interface PooledSession<Row, Driver> {
  readonly core: ConnectionCore<Row>;
  readonly driver: Driver;
  readonly baseline: Baseline<Row>;
}

/** Whether nothing is open or under way: it could be lent as it is. */
export function isPristine<Row>(core: ConnectionCore<Row>, doings: Doings): boolean {
  const { session, transactions, pipeline, prologue, inbox } = core;
  return (
    !session.ended &&
    session.transactionStatus === "I" &&
    doings.quiet &&
    transactions.depth === 0 &&
    !pipeline.open &&
    !prologue.waiting &&
    !core.twoPhase.isUnderWay &&
    !inbox.claimed
  );
}

/** What nobody but its user could end, in words; null when there is no such thing. */
export function occupationOf<Row>(core: ConnectionCore<Row>, doings: Doings): string | null {
  if (core.pipeline.open) return "in a pipeline";
  if (doings.occupied) return "in the middle of a COPY or a stream";
  if (core.twoPhase.isUnderWay) return "in a two-phase transaction";
  if (core.inbox.claimed) return "in a loop over notifications";
  return null;
}

/** Whether a transaction or a block is open, begun or about to be. */
export function isInTransaction<Row>({
  session,
  prologue,
  transactions,
}: ConnectionCore<Row>): boolean {
  return session.transactionStatus !== "I" || prologue.waiting || transactions.depth > 0;
}
