/**
 * The blocking shell's stay: having the connection to oneself over several operations.
 *
 * There is no line to wait in, since a thread does one thing at a time. What remains of a stay is that
 * nothing else may use the connection meanwhile, that a limit counts for all of it, and that what the
 * server has begun is made to end when the block is left early.
 */
import { MahoutError } from "../errors.ts";
import type { Conversation } from "../protocol/effects.ts";
import type { BlockingTransport } from "./blocking.ts";
import type { Deadline } from "./deadlines.ts";
import { StatementDeadline } from "./deadlines.ts";
import type { Occupation } from "./occupation.ts";
import { occupied } from "./occupation.ts";

/** How a stay is cancelled. */
export interface StayCancel {
  /** Sends a cancel request. */
  request(): void;
  /** How long the server has for the request and for what it has to bring about, in milliseconds. */
  readonly timeout: number;
}

/** A limit for several operations: it passes once, and then goes on as what followed. */
class StayDeadline implements Deadline {
  readonly statement: StatementDeadline;
  readonly #interrupt: () => void;
  #current: Deadline;
  #hasPassed = false;

  constructor(statement: StatementDeadline, interrupt: () => void) {
    this.statement = statement;
    this.#current = statement;
    this.#interrupt = interrupt;
  }

  get at(): number {
    return this.#current.at;
  }

  get isDue(): boolean {
    return !this.#hasPassed && this.at <= performance.now();
  }

  passed(): Deadline {
    if (!this.#hasPassed) this.#interrupt();
    this.#hasPassed = true;
    this.#current = this.#current.passed();
    return this;
  }
}

/** Has a blocking connection to itself until it is left. */
export class BlockingStay {
  readonly #transport: BlockingTransport;
  readonly #occupation: Occupation;
  readonly #cancel: StayCancel;
  readonly #deadline: StayDeadline | null;

  /**
   * Begins at once; `timeout` is for the whole stay, in milliseconds.
   *
   * @throws ProgrammingError when something else has the connection to itself.
   */
  constructor(
    transport: BlockingTransport,
    cancel: StayCancel,
    timeout: number | undefined,
    occupation: Occupation,
  ) {
    this.#transport = transport;
    this.#occupation = occupation;
    this.#cancel = cancel;
    this.#deadline = timeout === undefined ? null : this.#after(timeout, "the time was up");
    if (transport.occupant !== null) throw occupied(transport.occupant.what);
    transport.occupant = occupation;
  }

  #after(timeout: number, reason: string): StayDeadline {
    const cancel = this.#cancel;
    const statement = new StatementDeadline(timeout, () => cancel.request(), cancel.timeout);
    return new StayDeadline(statement, () => this.#occupation.interrupt(reason));
  }

  /** Whether it has ended. */
  get over(): boolean {
    return this.#transport.occupant !== this.#occupation;
  }

  /** Runs a conversation; throws what it throws, in the words of the limit that caused it. */
  run<T>(conversation: Conversation<T>): T {
    const deadline = this.over ? null : this.#deadline;
    try {
      if (deadline?.isDue) {
        // The program took the time, not the server: it is told now.
        deadline.passed();
        this.#transport.run(this.#occupation.settle(), deadline, this.#occupation);
      }
      return this.#transport.run(conversation, deadline, this.#occupation);
    } catch (error) {
      throw this.explain(error);
    }
  }

  /** The error in the words of the limit that caused it, if one did. */
  explain(error: unknown): unknown {
    return this.#deadline?.statement.explain(error) ?? error;
  }

  /** Ends what the server has begun, cancelling it when that takes longer than `grace` milliseconds, and leaves. */
  abandon(reason: string, grace: number): void {
    if (this.over) return;
    this.#occupation.interrupt(reason);
    try {
      this.#transport.run(this.#occupation.settle(), this.#after(grace, reason), this.#occupation);
    } catch (error) {
      // The connection is gone, and tells why to whoever uses it. Anything else would be ours to know.
      if (!(error instanceof MahoutError)) throw error;
    } finally {
      this.leave();
    }
  }

  /** Lets others use the connection again. */
  leave(): void {
    if (!this.over) this.#transport.occupant = null;
  }
}
