/**
 * The transactions of one connection: blocks within blocks, and commit and rollback without them.
 *
 * BEGIN and SAVEPOINT wait for the first statement of their block and travel with it. What ends a block
 * waits for the server's answer, because only that says what became of it: a COMMIT of a transaction in
 * which a statement failed is answered with ROLLBACK, and that is an error here.
 *
 * These conversations begin when nothing is owed to others: what the server said last is true then.
 */
import { OperationalError, OutOfOrderTransactionNesting, ProgrammingError } from "../errors.ts";
import type { Conversation } from "../protocol/effects.ts";
import type { Session } from "../protocol/session.ts";
import { quoteIdentifier } from "../sql/identifier.ts";
import { errors } from "../sqlstate.ts";
import type { Characteristics } from "./characteristics.ts";
import { beginCommand, checkCharacteristic } from "./characteristics.ts";
import { command } from "./command.ts";
import type { PipelineCore } from "./pipeline.ts";
import type { Prologue } from "./prologue.ts";
import { isBusy } from "./probe.ts";
import type { TransactionCore } from "./transaction.ts";
import { shownOption } from "./operations.ts";

const NO_CHOICE: Characteristics = { isolationLevel: null, readOnly: null, deferrable: null };

/** The open blocks of a connection and its defaults. */
export class Transactions {
  readonly #prologue: Prologue;
  readonly #pipeline: PipelineCore;
  readonly #session: () => Session;
  #blocks: TransactionCore[] = [];
  #characteristics: Characteristics = NO_CHOICE;
  /** What begins a transaction of the defaults. */
  #begin = beginCommand(NO_CHOICE);
  #autocommit = true;
  #twoPhase = false;

  constructor(prologue: Prologue, pipeline: PipelineCore, session: () => Session) {
    this.#prologue = prologue;
    this.#pipeline = pipeline;
    this.#session = session;
  }

  /** Whether every statement outside of a block is a transaction of its own. */
  get autocommit(): boolean {
    return this.#autocommit;
  }

  /** What transactions are like that don't say otherwise. */
  get characteristics(): Characteristics {
    return this.#characteristics;
  }

  /** How many blocks are open. */
  get depth(): number {
    return this.#blocks.length;
  }

  /** Chooses autocommit or implicit transactions. */
  chooseAutocommit(value: boolean): void {
    if (typeof value !== "boolean")
      throw new ProgrammingError(`autocommit must be true or false, not ${shownOption(value)}`);
    this.#autocommit = value;
    this.#arm();
  }

  /** Chooses one characteristic of the transactions to come. */
  choose(name: keyof Characteristics, value: unknown): void {
    const checked = checkCharacteristic(name, value);
    this.#characteristics = { ...this.#characteristics, [name]: checked };
    this.#arm();
  }

  #arm(): void {
    this.#begin = beginCommand(this.#characteristics);
    this.#prologue.implicitBegin = this.#autocommit || this.#twoPhase ? null : this.#begin;
  }

  /**
   * Refuses a change of settings in the middle of a transaction.
   *
   * @throws ProgrammingError naming the setting and the state.
   */
  checkIdle(setting: string): void {
    const session = this.#session();
    const isIdle =
      session.ended ||
      (!isBusy(session) &&
        this.depth === 0 &&
        !this.#pipeline.hasWork &&
        !this.#prologue.inTransaction(session));
    if (isIdle) return;
    throw new ProgrammingError(
      `${setting} can't be changed now: a statement or transaction is under way on the connection`,
    );
  }

  /** Begins a block inside of those that are open, or of a transaction begun in another way. */
  *enter(block: TransactionCore): Conversation<void> {
    this.#refuseTwoPhase("a transaction block");
    // What a pipeline has sent so far is no part of the block, and what it led to has to be known.
    yield* this.#pipeline.settle();
    if (this.enterAtOnce(block)) return;
    const session = this.#session();
    const commands = this.#announce(session, block);
    // Nothing can be begun in a transaction that has failed, which the server says best.
    yield* this.#prologue.send(session);
    this.#entered(block, commands);
  }

  /** Begins a block without asking the server, which is the way of nearly all; false when it has to be asked. */
  enterAtOnce(block: TransactionCore): boolean {
    const session = this.#session();
    this.#refuseTwoPhase("a transaction block");
    if (this.#pipeline.hasWork || session.transactionStatus === "E") return false;
    this.#entered(block, this.#announce(session, block));
    return true;
  }

  /** Has what begins the block said before the next statement. */
  #announce(session: Session, block: TransactionCore): readonly string[] {
    const prologue = this.#prologue;
    block.outermost = this.depth === 0 && !prologue.inTransaction(session);
    if (!block.outermost && block.isParticular) {
      throw new ProgrammingError(
        "isolationLevel, readOnly and deferrable are chosen by the outermost block; this one is a savepoint in a transaction",
      );
    }
    const commands: string[] = [];
    if (block.outermost) commands.push(block.beginUnder(this.#characteristics) ?? this.#begin);
    else block.savepointName ??= `_mahout_${this.depth + 1}`;
    if (block.savepointName !== null)
      commands.push(`SAVEPOINT ${quoteIdentifier(block.savepointName)}`);
    for (const command of commands) prologue.add(command);
    return commands;
  }

  #entered(block: TransactionCore, commands: readonly string[]): void {
    block.commands = commands;
    block.begunAt = this.#pipeline.count;
    block.status = "active";
    this.#blocks.push(block);
  }

  /**
   * Ends a block, taking its effects or, when `keeps` is false, taking them back.
   *
   * @throws InFailedSqlTransaction when the effects could not be kept because a statement in the block had
   * failed; the server's error, e.g. of a deferred constraint; OperationalError when the connection has ended;
   * OutOfOrderTransactionNesting when a block inside of it is open: then both are rolled back.
   */
  *leave(block: TransactionCore, keeps: boolean, why: "error" | "choice"): Conversation<void> {
    block.checkActive();
    const inner = this.#blocks.splice(this.#blocks.indexOf(block)).slice(1);
    for (const one of inner) one.status = "rolledBackWithError";
    block.status = "failed";
    const session = this.#session();
    if (session.ended) return this.#lost(session, keeps && why !== "error");
    const undone =
      why === "error" || inner.length > 0 ? "rolledBackWithError" : "rolledBackExplicitly";
    const commits = keeps && inner.length === 0;
    const unsaid = this.#prologue.waiting ? [block, ...inner].flatMap((one) => one.commands) : null;
    if (unsaid !== null && this.#prologue.retract(unsaid)) {
      block.status = commits ? "committed" : undone;
    } else if (commits) {
      yield* this.#keep(session, block);
    } else {
      yield* this.#undo(session, block);
      block.status = undone;
    }
    if (inner.length > 0) {
      throw new OutOfOrderTransactionNesting(
        "a transaction block ended while one inside of it was open; both were rolled back",
      );
    }
  }

  *#keep(session: Session, block: TransactionCore): Conversation<void> {
    // In a pipeline the last statements' answers are not there yet: the command travels behind them.
    const isKnown = !this.#pipeline.hasWork;
    const { refusal } = this.#prologue;
    if (refusal !== null) {
      this.#prologue.refusal = null;
      throw new errors.InFailedSqlTransaction(refusal);
    }
    if (session.transactionStatus === "I" && (isKnown || !this.#prologue.inTransaction(session))) {
      throw new ProgrammingError(
        "the transaction was ended by a statement inside its block; what came after that was not part of it",
      );
    }
    if (block.outermost || !isKnown || session.transactionStatus === "T") {
      const last = block.outermost ? "COMMIT" : `RELEASE ${block.savepoint}`;
      try {
        if ((yield* this.#command(session, [last])) !== "ROLLBACK") {
          block.status = "committed";
          return;
        }
      } catch (error) {
        if (!session.ended) yield* this.#undo(session, block);
        throw error;
      } finally {
        if (!session.ended && block.status !== "committed") block.status = "rolledBackWithError";
      }
    } else {
      yield* this.#undo(session, block);
      block.status = "rolledBackWithError";
    }
    throw new errors.InFailedSqlTransaction(
      "the transaction block was rolled back, because a statement in it had failed and the error did not leave the block",
    );
  }

  *#undo(session: Session, block: TransactionCore): Conversation<void> {
    yield* this.#pipeline.settle();
    // Only a block whose BEGIN was refused leaves one here.
    this.#prologue.refusal = null;
    if (session.transactionStatus !== "I") {
      const savepoint = block.outermost ? "" : block.savepoint;
      const commands = block.outermost
        ? ["ROLLBACK"]
        : [`ROLLBACK TO ${savepoint}`, `RELEASE ${savepoint}`];
      yield* this.#command(session, commands);
    }
    this.#pipeline.forgive(block.begunAt);
  }

  #command(session: Session, commands: readonly string[]): Conversation<string> {
    return command(session, this.#prologue, this.#pipeline, commands);
  }

  #lost(session: Session, told: boolean): void {
    if (!told) return;
    const cause = session.endReason() ?? undefined;
    throw new OperationalError(
      `the connection ended inside the transaction block, which was not committed: ${cause?.message ?? "it was closed"}`,
      { cause, code: "ERR_MAHOUT_CONNECTION_CLOSED" },
    );
  }

  /**
   * Commits the transaction that is open outside of blocks; without one there is nothing to do.
   *
   * @throws ProgrammingError inside a block; InFailedSqlTransaction when a statement had failed, so that the
   * server rolled back instead.
   */
  *commit(): Conversation<void> {
    const session = this.#session();
    this.#checkPlain("commit");
    const isKnown = !this.#pipeline.hasWork;
    if (isKnown && session.transactionStatus === "I" && !session.ended) return;
    if ((yield* this.#command(session, ["COMMIT"])) === "ROLLBACK") {
      throw new errors.InFailedSqlTransaction(
        "the transaction was rolled back instead of committed, because a statement in it had failed",
      );
    }
  }

  /**
   * Rolls back the transaction that is open outside of blocks; without one there is nothing to do.
   *
   * @throws ProgrammingError inside a block.
   */
  *rollback(): Conversation<void> {
    const session = this.#session();
    this.#checkPlain("rollback");
    yield* this.#pipeline.settle();
    if (session.transactionStatus === "I" && !session.ended) return;
    yield* this.#command(session, ["ROLLBACK"]);
  }

  /** Gives up all open blocks; what was not said of them is not said any more. */
  forsake(): void {
    for (const block of this.#blocks.splice(0).reverse()) {
      this.#prologue.retract(block.commands);
      block.status = "rolledBackExplicitly";
    }
  }

  /** A two-phase transaction has begun or ended: blocks and implicit transactions have no place in it. */
  set twoPhase(value: boolean) {
    this.#twoPhase = value;
    this.#arm();
  }

  #checkPlain(what: string): void {
    if (this.depth > 0) {
      throw new ProgrammingError(
        `${what}() can't be called inside a transaction block; leave the block, or throw Rollback to undo it`,
      );
    }
    this.#refuseTwoPhase(`${what}()`);
  }

  #refuseTwoPhase(what: string): void {
    if (this.#twoPhase)
      throw new ProgrammingError(`${what} can't be used in a two-phase transaction`);
  }
}
