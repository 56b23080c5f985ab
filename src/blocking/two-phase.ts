/**
 * Two-phase transactions of the blocking shell; every meaning is in core/two-phase.ts.
 */
import { ConnectionBase } from "../core/connection-base.ts";
import type { ConnectionCore } from "../core/connection.ts";
import type { Limits } from "../core/options.ts";
import type { Xid } from "../core/xid.ts";
import type { Conversation } from "../protocol/effects.ts";
import type { DictRow } from "../rows.ts";
import type { Driver } from "./driver.ts";

/** What a connection has of two-phase transactions. */
export abstract class TwoPhaseConnection<Row = DictRow> extends ConnectionBase<Row> {
  /** How the connection waits. @internal */
  readonly driver: Driver;

  protected constructor(core: ConnectionCore<Row>, driver: Driver) {
    super(core);
    this.driver = driver;
  }

  /**
   * Begins a two-phase transaction: the statements that follow are part of it until {@link tpcPrepare}, or
   * until {@link tpcCommit} or {@link tpcRollback} end it in one phase. With autocommit on or off.
   *
   * @throws ProgrammingError in a transaction of any kind, and for what is no name.
   */
  tpcBegin(xid: Xid | string, limits?: Limits): void {
    tpc(this, this.core.twoPhase.begin(xid), limits);
  }

  /**
   * Has the server keep the transaction until it is committed or rolled back, whatever becomes of the
   * connection. No statement can be run on the connection before that.
   *
   * @throws ProgrammingError outside of a two-phase transaction; InFailedSqlTransaction when a statement had
   * failed; ObjectNotInPrerequisiteState when the server's `max_prepared_transactions` is 0. The transaction
   * has been rolled back then.
   */
  tpcPrepare(limits?: Limits): void {
    tpc(this, this.core.twoPhase.prepare(), limits);
  }

  /**
   * Commits the two-phase transaction, prepared or not; with a name, outside of transactions, one that was
   * prepared by anybody.
   *
   * @throws ProgrammingError when there is none, or with a name inside of any; UndefinedObject when none of that
   * name is prepared; InFailedSqlTransaction when a statement had failed, so that the server rolled back.
   */
  tpcCommit(xid?: Xid | string, limits?: Limits): void {
    tpc(this, this.core.twoPhase.commit(xid), limits);
  }

  /**
   * Rolls back the two-phase transaction, prepared or not; with a name, outside of transactions, one that was
   * prepared by anybody.
   *
   * @throws ProgrammingError when there is none, or with a name inside of any; UndefinedObject when none of that
   * name is prepared.
   */
  tpcRollback(xid?: Xid | string, limits?: Limits): void {
    tpc(this, this.core.twoPhase.rollback(xid), limits);
  }

  /** The transactions that are prepared on the server, in all of its databases, the oldest first. */
  tpcRecover(limits?: Limits): Xid[] {
    return tpc(this, this.core.twoPhase.recover(), limits);
  }
}

function tpc<Row, T>(
  { core, driver }: TwoPhaseConnection<Row>,
  conversation: Conversation<T>,
  limits: Limits | undefined,
): T {
  core.checkOpen();
  return driver.perform(conversation, limits);
}
