/**
 * What has to be said before the next statement: BEGIN and SAVEPOINT.
 *
 * They need no answer of their own, so they are kept until a statement comes and travel in front of it,
 * within the same Sync: when one fails, the server skips the statement (manual, 54.2.3), so it can't run
 * outside of the transaction that it was meant for. A block without any statement costs nothing at all.
 *
 * With autocommit off a statement outside of a transaction takes a BEGIN along by itself. Whether there is
 * a transaction is what the server said last or, while answers are under way, what was sent since.
 */
import { ProgrammingError } from "../errors.ts";
import type { Conversation } from "../protocol/effects.ts";
import { writeControl, writeSync } from "../protocol/encode.ts";
import { ExtendedReply } from "../protocol/extended-reply.ts";
import type { Session } from "../protocol/session.ts";
import { errorFromDiagnostic } from "../sqlstate.ts";

/** The steps of the answer to one control command. */
const CONTROL_STEPS = "pbc";
/** The steps of the answer to a statement with what goes before it. */
export function stepsOf(due: readonly string[], steps: string): string {
  return due.length === 0 ? steps : CONTROL_STEPS.repeat(due.length) + steps;
}

const NOTHING: readonly string[] = Object.freeze([]);

/** The commands that wait for a statement to go with. */
export class Prologue {
  /** What begins a transaction by itself; null with autocommit on. */
  implicitBegin: string | null = null;
  /** Why no statement can be run now; null when it can. */
  refusal: string | null = null;
  #commands: string[] = [];
  #lastSent: readonly string[] = NOTHING;
  #wasExplicit = false;
  /** From which ReadyForQuery on the server's word counts again; before, a BEGIN is on its way. */
  #known = 0;

  /** Whether commands of blocks wait here; an implicit BEGIN doesn't count. */
  get waiting(): boolean {
    return this.#commands.length > 0;
  }

  /** The commands that went last, for error messages. */
  get lastSent(): string {
    return this.#lastSent.join("; ");
  }

  /** Has a command said before the next statement. */
  add(command: string): void {
    this.#commands.push(command);
  }

  /** Takes back these commands, the last ones, when they were not said yet; returns whether that was so. */
  retract(commands: readonly string[]): boolean {
    const from = this.#commands.length - commands.length;
    if (from < 0 || commands.some((command, index) => this.#commands[from + index] !== command))
      return false;
    this.#commands.length = from;
    return true;
  }

  /** Whether the session is, or by what was sent will be, in a transaction. */
  inTransaction(session: Session): boolean {
    return session.readies < this.#known || session.transactionStatus !== "I";
  }

  /**
   * What has to go before a statement that is written now.
   *
   * @throws ProgrammingError when none can be.
   */
  due(session: Session): readonly string[] {
    if (this.refusal !== null) throw new ProgrammingError(this.refusal);
    if (this.#commands.length > 0) return this.#commands;
    if (this.implicitBegin === null || this.inTransaction(session)) return NOTHING;
    return [this.implicitBegin];
  }

  /** Writes what is due and returns its steps; {@link sent} is said next, before a reply is owed that ends in a Sync. */
  write(session: Session): string {
    const due = this.due(session);
    if (due.length === 0) return "";
    for (const command of due) writeControl(session.outbox, command);
    return stepsOf(due, "");
  }

  /** What {@link write} gave is on its way, in front of the next Sync. */
  sent(steps: string, session: Session): void {
    if (steps === "") return;
    this.#lastSent = this.due(session);
    this.#wasExplicit = this.#commands.length > 0;
    this.#commands = [];
    this.#known = session.readiesToCome + 1;
  }

  /** Sends what is due by itself, for what it can't travel with, and waits. */
  *send(session: Session): Conversation<void> {
    const steps = this.write(session);
    if (steps === "") return;
    writeSync(session.outbox);
    this.sent(steps, session);
    const reply = session.owe(new ExtendedReply(`${steps}z`));
    yield reply;
    if (reply.error) throw errorFromDiagnostic(reply.error, { statement: this.lastSent });
  }

  /** The server refused what went before a statement: without the block, nothing of it may be run. */
  failed(session: Session): void {
    if (this.#wasExplicit && session.transactionStatus === "I")
      this.refusal =
        "the transaction block could not be begun; no statement can be run before it is left";
  }

  /** Has said again what was undone together with the statement that it went with. */
  repeat(commands: readonly string[]): void {
    if (this.#wasExplicit) this.#commands = [...commands];
  }
}
