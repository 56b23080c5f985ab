/**
 * Two-phase transactions of one connection: what may be done in which phase (manual, "PREPARE TRANSACTION").
 *
 * Between `begin` and `prepare` it is a transaction like others, except that blocks, commit() and
 * rollback() have no place in it. From `prepare` on it belongs to the server and not to the session, so
 * statements are refused until it is ended: they would run in a transaction of their own, which nobody meant. Where
 * it stands follows the server's answers; what failed can be tried again as long as the server knows it. In a
 * pipeline each of these ends the series before it, since only answers tell where the session stands.
 */
import { ProgrammingError } from "../errors.ts";
import type { Conversation } from "../protocol/effects.ts";
import { writeQuery } from "../protocol/encode.ts";
import { QueryReply } from "../protocol/replies.ts";
import type { Session } from "../protocol/session.ts";
import { quoteLiteral } from "../sql/literal.ts";
import { errorFromDiagnostic, errors } from "../sqlstate.ts";
import { beginCommand } from "./characteristics.ts";
import type { PipelineCore } from "./pipeline.ts";
import type { Prologue } from "./prologue.ts";
import type { Transactions } from "./transactions.ts";
import { command } from "./command.ts";
import { rowsOf } from "./text-rows.ts";
import { Xid } from "./xid.ts";

/** The server's word for a transaction that it doesn't know: somebody else has ended it. */
const UNDEFINED_OBJECT = "42704";
/** The time as a number: as text it depends on the session's settings. */
const RECOVER =
  "SELECT gid, (extract(epoch from prepared) * 1000)::float8, owner, database FROM pg_catalog.pg_prepared_xacts ORDER BY prepared, gid";

/** The two-phase transaction of a connection, if there is one. */
export class TwoPhase {
  readonly #transactions: Transactions;
  readonly #prologue: Prologue;
  readonly #pipeline: PipelineCore;
  readonly #session: () => Session;
  #xid: Xid | null = null;
  #isPrepared = false;
  /** What begins the transaction; it travels with its first statement. */
  #opening: readonly string[] = [];

  constructor(
    transactions: Transactions,
    prologue: Prologue,
    pipeline: PipelineCore,
    session: () => Session,
  ) {
    this.#transactions = transactions;
    this.#prologue = prologue;
    this.#pipeline = pipeline;
    this.#session = session;
  }

  /**
   * Begins a transaction under a name, with autocommit on or off.
   *
   * @throws ProgrammingError when a transaction is open, of any kind.
   */
  *begin(xid: Xid | string): Conversation<void> {
    const name = nameOf(xid);
    yield* this.#pipeline.settle();
    this.#checkOutside("tpcBegin()");
    this.#opening = [beginCommand(this.#transactions.characteristics)];
    for (const one of this.#opening) this.#prologue.add(one);
    this.#transactions.twoPhase = true;
    this.#xid = name;
  }

  /** Whether the transaction is the server's by now, to be ended by whoever coordinates it. */
  get isPrepared(): boolean {
    return this.#isPrepared;
  }

  /** Whether it has begun and not ended, prepared or not. */
  get isUnderWay(): boolean {
    return this.#xid !== null;
  }

  /**
   * The first phase: the server keeps the transaction, whatever becomes of the session.
   *
   * @throws ProgrammingError outside of a two-phase transaction; InFailedSqlTransaction when a statement in
   * it had failed, so that the server rolled back instead.
   */
  *prepare(): Conversation<void> {
    yield* this.#pipeline.settle();
    const xid = this.#current("tpcPrepare()");
    if (this.#isPrepared) {
      throw new ProgrammingError(
        `the transaction ${shown(xid)} is prepared already; end it with tpcCommit() or tpcRollback()`,
      );
    }
    this.#checkOpen(xid);
    yield* this.#run(`PREPARE TRANSACTION ${quoteLiteral(String(xid))}`);
    this.#isPrepared = true;
    this.#prologue.refusal = `the two-phase transaction ${shown(xid)} is prepared; no statement can be run before tpcCommit() or tpcRollback()`;
  }

  /**
   * Commits: the transaction of the connection, in the second phase or in one, or with a name one that was
   * prepared by whomever.
   *
   * @throws ProgrammingError without a name outside of a two-phase transaction, and with one inside of any;
   * UndefinedObject when there is none of that name; InFailedSqlTransaction when a statement had failed.
   */
  *commit(xid?: Xid | string): Conversation<void> {
    yield* this.#finish("COMMIT", "tpcCommit()", xid);
  }

  /** Rolls back; otherwise as {@link commit}. */
  *rollback(xid?: Xid | string): Conversation<void> {
    yield* this.#finish("ROLLBACK", "tpcRollback()", xid);
  }

  /** The transactions that are prepared on the server, in all of its databases, the oldest first. */
  *recover(): Conversation<Xid[]> {
    const session = this.#session();
    yield* this.#pipeline.settle();
    const reply = new QueryReply();
    // By itself: it begins no transaction where autocommit is off, and no adapter reads it.
    writeQuery(session.outbox, RECOVER);
    yield session.owe(reply);
    if (reply.error) throw errorFromDiagnostic(reply.error, { statement: RECOVER });
    return reply.results.flatMap(rowsOf).map(([name, prepared, owner, database]) => {
      return Xid.recovered(name ?? "", new Date(Number(prepared)), owner ?? "", database ?? "");
    });
  }

  *#finish(verb: "COMMIT" | "ROLLBACK", what: string, given?: Xid | string): Conversation<void> {
    yield* this.#pipeline.settle();
    if (given !== undefined) {
      const name = nameOf(given);
      this.#checkOutside(`${what} with a name`);
      yield* this.#send(`${verb} PREPARED ${quoteLiteral(String(name))}`);
      return;
    }
    const xid = this.#current(what);
    if (this.#isPrepared) {
      yield* this.#settle(`${verb} PREPARED ${quoteLiteral(String(xid))}`);
    } else if (this.#prologue.retract(this.#opening)) {
      this.#end();
    } else if (verb === "COMMIT") {
      this.#checkOpen(xid);
      yield* this.#run("COMMIT");
      this.#end();
    } else {
      if (this.#session().transactionStatus !== "I") yield* this.#send("ROLLBACK");
      this.#end();
    }
  }

  /** Ends what is prepared. What the server refuses is still there, unless it says that it isn't. */
  *#settle(text: string): Conversation<void> {
    try {
      yield* this.#send(text);
    } catch (error) {
      if ((error as { sqlstate?: unknown }).sqlstate === UNDEFINED_OBJECT) this.#end();
      throw error;
    }
    this.#end();
  }

  /** Keeps the transaction in one way or another; a failed one can't be kept. */
  *#run(text: string): Conversation<void> {
    const session = this.#session();
    let tag = "";
    try {
      tag = yield* this.#send(text);
    } catch (error) {
      if (!session.ended && session.transactionStatus === "I") this.#end();
      throw error;
    }
    if (tag !== "ROLLBACK") return;
    this.#end();
    throw new errors.InFailedSqlTransaction(
      "the two-phase transaction was rolled back, because a statement in it had failed",
      { statement: text },
    );
  }

  #send(text: string): Conversation<string> {
    return command(this.#session(), this.#prologue, this.#pipeline, [text]);
  }

  #end(): void {
    this.#xid = null;
    this.#isPrepared = false;
    this.#prologue.refusal = null;
    this.#transactions.twoPhase = false;
  }

  #current(what: string): Xid {
    if (this.#xid) return this.#xid;
    throw new ProgrammingError(
      `${what} needs a two-phase transaction, which tpcBegin() begins; with a name it ends one that is prepared`,
    );
  }

  /** Refuses to go on with a transaction that a statement has ended. */
  #checkOpen(xid: Xid): void {
    if (this.#prologue.inTransaction(this.#session()) || this.#prologue.waiting) return;
    this.#end();
    throw new ProgrammingError(
      `the two-phase transaction ${shown(xid)} was ended by a statement in it; what came after that was not part of it`,
    );
  }

  #checkOutside(what: string): void {
    const session = this.#session();
    if (this.#xid) {
      throw new ProgrammingError(
        `${what} can't be used in a two-phase transaction; ${shown(this.#xid)} has not ended`,
      );
    }
    const isIdle =
      session.transactionStatus === "I" &&
      this.#transactions.depth === 0 &&
      !this.#prologue.inTransaction(session);
    if (!isIdle) throw new ProgrammingError(`${what} can't be used inside a transaction`);
  }
}

function nameOf(xid: Xid | string): Xid {
  return xid instanceof Xid ? xid : Xid.fromString(xid);
}

function shown(xid: Xid): string {
  return JSON.stringify(String(xid));
}
