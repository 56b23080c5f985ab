/**
 * The result of a statement in a pipeline: sent, and not waited for.
 *
 * What comes for it comes by itself; whoever wants it sooner than the next Sync has the server asked for it.
 */
import { MahoutError, PipelineAborted } from "../errors.ts";
import { Arrival } from "../protocol/arrival.ts";
import type { Conversation } from "../protocol/effects.ts";
import type { ExtendedReply } from "../protocol/extended-reply.ts";
import type { Waiter } from "../protocol/replies.ts";
import type { Session } from "../protocol/session.ts";
import { keepShape, nobody } from "../shapes.ts";
import { finish, isStale, learn } from "./execute.ts";
import type { ResultSet } from "./execute.ts";
import { confirm } from "./extended.ts";
import type { ExecuteContext, Sent } from "./extended.ts";
import type { Statement } from "./statements.ts";

/** What has gone wrong in a series. */
export interface Failure {
  /** Which statement it is about; null when it isn't about one. */
  readonly index: number | null;
  /** Why, as a fresh error. */
  failure(): Error | null;
}

/** What a pending result needs of its pipeline. */
export interface Series {
  /** What statements are skipped for; null while there is nothing. */
  readonly reason: Failure | null;
  /** Something has failed. */
  failed(failure: Failure): void;
}

/** The result of a statement that was sent and not waited for. */
export class PendingResult implements Waiter, Failure {
  /** Which statement of its pipeline it is, counted from 0. */
  readonly index: number;
  /** Whether it has come, or never will. */
  settled = false;
  /** Told when it has come, unless the statement failed. */
  onArrival: ((sets: ResultSet[]) => void) | null = null;
  /** Told once, whatever came of it. Must not throw. */
  onSettled: (() => void) | null = null;
  readonly #series: Series;
  readonly #context: ExecuteContext;
  readonly #statement: Statement;
  #sent: Sent | null = null;
  #sets: ResultSet[] = [];
  #failure: Error | null = null;
  #skippedFor: Failure | null = null;
  #arrivals: Arrival[] = [];

  constructor(series: Series, context: ExecuteContext, statement: Statement, index: number) {
    this.#series = series;
    this.#context = context;
    this.#statement = statement;
    this.index = index;
  }

  /** Waits for the answer to what was sent; what is learnt from it is expected to hold until then. */
  expect(sent: Sent): void {
    this.#sent = sent;
    if (sent.name !== null) this.#statement.name = sent.name;
    if (sent.reply.settled) this.resume();
    else sent.reply.waiter = this;
  }

  /** See {@link Waiter.resume}. */
  resume(): void {
    const { reply, name } = this.#sent as Sent;
    const statement = this.#statement;
    if (name !== null && !reply.parsed && statement.name === name) statement.name = null;
    try {
      this.#sets = this.#resultsOf(reply);
    } catch (error) {
      this.#fail(error as Error);
    }
    this.#settle();
  }

  #resultsOf(reply: ExtendedReply): ResultSet[] {
    const statement = this.#statement;
    const { statements } = this.#context;
    if (reply.failure) throw reply.failure;
    confirm(statements, statement, this.#sent as Sent);
    if (reply.skipped) {
      // Thousands may be skipped, and hardly anybody asks each of them why: the error is made when it is asked for.
      this.#skippedFor = this.#series.reason ?? NO_REASON;
      return [];
    }
    if (reply.error && !reply.bound && isStale(reply.error)) statements.drop(statement);
    if (statement.parameterOids === null) learn(statement, reply.results);
    return finish(this.#context, statement, reply);
  }

  /** It was run to its end at once. */
  fulfil(sets: ResultSet[]): void {
    this.#sets = sets;
    this.#settle();
  }

  #fail(error: Error): void {
    this.#failure = ofStatement(error, this.index);
    this.#series.failed(this);
  }

  #settle(): void {
    this.settled = true;
    this.onSettled?.();
    if (this.#failure === null && this.#skippedFor === null) this.onArrival?.(this.#sets);
    const arrivals = this.#arrivals;
    this.#arrivals = [];
    for (const arrival of arrivals) arrival.settle();
  }

  /**
   * What has come.
   *
   * @throws what became of the statement instead, as a fresh error for each who asks.
   */
  results(): ResultSet[] {
    const failure = this.failure();
    if (failure) throw failure;
    return this.#sets;
  }

  /** Why there is no result, as a fresh error; null when there is one, or may be. */
  failure(): Error | null {
    if (this.#skippedFor) return abortion(this.index, this.#statement.shown, this.#skippedFor);
    const failure = this.#failure;
    if (!(failure instanceof MahoutError)) return failure;
    const { message, cause, code, statement, diag, outcome } = failure;
    const options = { cause, code, statement, diag, outcome: outcome ?? undefined };
    const Kind = failure.constructor as new (message: string, options: object) => Error;
    return ofStatement(new Kind(message, options), this.index);
  }

  /**
   * Waits until it has come, and asks the server not to wait with its answers. Others may send meanwhile,
   * unless `handsOver` is false.
   */
  *arrive(session: Session, handsOver = true): Conversation<ResultSet[]> {
    if (!this.settled) {
      session.flushWanted = true;
      const arrival = new Arrival();
      arrival.handsOver = handsOver;
      this.#arrivals.push(arrival);
      yield arrival;
    }
    return this.results();
  }
}

const NO_REASON: Failure = { index: null, failure: () => null };

/** The error of a statement that the server skipped. */
export function abortion(index: number, statement: string, reason: Failure | null): Error {
  const cause = reason?.failure() ?? undefined;
  const culprit =
    typeof reason?.index === "number" ? `statement ${reason.index} of it` : "something in it";
  const error = new PipelineAborted(
    `the pipeline was aborted, so statement ${index} was not run: ${culprit} failed${cause ? `: ${cause.message}` : ""}`,
    { cause, statement },
  );
  return ofStatement(error, index);
}

/** Sends a statement and waits for what it gives. */
export function* resultOf(
  sending: Conversation<PendingResult>,
  session: Session,
  onRefused: (error: unknown) => void,
): Conversation<ResultSet[]> {
  let pending: PendingResult;
  try {
    pending = yield* sending;
  } catch (error) {
    onRefused(error);
    throw error;
  }
  return yield* pending.arrive(session);
}

/** Says in an error which statement it is about. */
export function ofStatement<E extends Error>(error: E, index: number): E {
  return Object.defineProperty(error, "index", {
    value: index,
    enumerable: true,
    configurable: true,
  });
}

keepShape(new PendingResult(nobody, nobody, nobody, 0));
