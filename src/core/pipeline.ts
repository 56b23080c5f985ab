/**
 * Pipelining: statements sent one after the other without waiting for answers, and one Sync for many.
 *
 * Pipelining is a mode of the connection, as in psycopg. What lies between two Syncs is one series: outside
 * of a transaction the server takes it for one implicit transaction, and after an error it skips the rest
 * of the series (manual, 54.2.4 "Pipelining"). So an error is never one statement's alone: the next sync
 * throws it, whoever has seen it before, because it undid what the others of the series had done.
 *
 * A statement whose parameters' types nobody knows is described first, which is a round trip; once for each
 * text. Everything else is written and left to itself: results come to a {@link PendingResult}.
 */
import { checkParameters } from "../adapt/parameters.ts";
import { NotSupportedError, ProgrammingError, withOutcome } from "../errors.ts";
import { freshOf } from "../fresh.ts";
import type { Conversation } from "../protocol/effects.ts";
import { writeSync } from "../protocol/encode.ts";
import { SyncReply } from "../protocol/replies.ts";
import type { Session } from "../protocol/session.ts";
import { errorFromDiagnostic } from "../sqlstate.ts";
import { execute, sendKnown, takesSimpleQuery } from "./execute.ts";
import { describeAndBind, parseBlindly, sentAs } from "./extended.ts";
import type { ExecuteContext, ExecuteRequest, Sent } from "./extended.ts";
import type { Failure } from "./pending-result.ts";
import { abortion, ofStatement, PendingResult } from "./pending-result.ts";
import { mergeRequest } from "./query.ts";
import type { Statement } from "./statements.ts";

/** The pipeline of one connection. */
export class PipelineCore {
  /** The limit of each wait in the pipeline, in milliseconds; undefined for the connection's. */
  timeout: number | undefined = undefined;
  readonly #session: () => Session;
  #depth = 0;
  #count = 0;
  #hasWork = false;
  /** The first failure of the series under way. */
  #failure: Failure | null = null;
  /** The first failure that no {@link sync} has thrown yet; it may be of an earlier series. */
  #untold: Failure | null = null;

  constructor(session: () => Session) {
    this.#session = session;
  }

  /** Whether statements are sent and not waited for. */
  get open(): boolean {
    return this.#depth > 0;
  }

  /** Whether something was sent since the last Sync. */
  get hasWork(): boolean {
    return this.#hasWork;
  }

  /** Whether something has failed that no {@link sync} has told of yet. */
  get aborted(): boolean {
    return this.#untold !== null;
  }

  /** Turns pipelining on; what an enclosing pipeline has sent is synchronized first. */
  *enter(timeout: number | undefined): Conversation<void> {
    yield* this.settle();
    this.timeout = timeout ?? this.timeout;
    if (this.#depth++ === 0) this.#count = 0;
    this.#session().lazy = true;
  }

  /** Turns pipelining off, or goes on with the enclosing pipeline, after a Sync; throws as {@link sync} does. */
  *leave(): Conversation<void> {
    try {
      yield* this.sync();
    } finally {
      this.#depth--;
      this.#session().lazy = this.#depth > 0;
      if (this.#depth === 0) this.timeout = undefined;
    }
  }

  /**
   * Refuses a limit for one statement: when to stop waiting is up to the whole series.
   *
   * @throws ProgrammingError that says what takes limits.
   */
  checkUnlimited(
    options: { readonly timeout?: unknown; readonly signal?: unknown } | undefined,
  ): void {
    if (options?.timeout === undefined && options?.signal === undefined) return;
    throw new ProgrammingError(
      "a statement in a pipeline has no timeout or signal of its own; give them to pipeline() or sync()",
    );
  }

  /** Sends a statement; ends when it was sent. When the pipeline was left meanwhile, runs it to its end. */
  *send(context: ExecuteContext, request: ExecuteRequest): Conversation<PendingResult> {
    if (request.binding === "client") {
      return yield* this.send(context, mergeRequest(context, request));
    }
    const { session, statements } = context;
    const statement = statements.of(request);
    const pending = new PendingResult(this, context, statement, this.#count++);
    if (!this.open) {
      pending.fulfil(yield* execute(context, request));
      return pending;
    }
    try {
      if (request.parameters.length > 0) checkParameters(request.parameters);
      statement.uses++;
      this.#hasWork = true;
      pending.expect(yield* this.#write(context, statement, request));
    } catch (error) {
      throw ofStatement(error as Error, pending.index);
    }
    if (statement.exclusive && !pending.settled) {
      // It changes what those that follow may rely on.
      try {
        yield* pending.arrive(session, false);
      } catch {
        // That is the pending result's to tell.
      }
    }
    if (statement.controls) yield* this.settle();
    return pending;
  }

  /** Counts a statement that was sent; gives its number. */
  sent(): number {
    this.#hasWork = true;
    return this.#count++;
  }

  /** Notes what could not even be sent, and of which nobody may have heard. */
  refused(error: unknown): void {
    // Why a connection has ended is told anyway, and better.
    if (!this.#session().ended)
      this.#untold ??= { index: null, failure: () => freshOf(error as Error) };
  }

  *#write(
    context: ExecuteContext,
    statement: Statement,
    request: ExecuteRequest,
  ): Conversation<Sent> {
    const isKnown = statement.parameterOids !== null;
    if (isKnown) {
      const sent = sendKnown(context, statement, request, "");
      if (sent) return sent;
    } else if (
      request.parameters.length === 0 &&
      takesSimpleQuery(context.session, statement, request)
    ) {
      return sentAs(parseBlindly(context, statement, ""));
    }
    return sentAs(yield* describeAndBind(context, statement, request, ""));
  }

  /** Notes the first failure of the series; those that the server skips because of it come after it. */
  failed(failure: Failure): void {
    this.#failure ??= failure;
    this.#untold ??= failure;
  }

  /** What statements are skipped for: the first failure of the series. */
  get reason(): Failure | null {
    return this.#failure;
  }

  /** How many statements were sent so far: where what a block does begins. */
  get count(): number {
    return this.#count;
  }

  /** A block has taken back what it did from there on and told why: the series has nothing to tell of it. */
  forgive(from: number): void {
    const index = this.#untold?.index ?? -1;
    if (index >= from) this.#untold = null;
  }

  /** The first error of the series, as a fresh one. */
  failure(): Error {
    return this.#failure?.failure() ?? abortion(this.#count, "", null);
  }

  /**
   * Ends the series and waits for all of its answers.
   *
   * @throws the first error of the series: it undid the others' effects, unless they had been committed.
   */
  *sync(): Conversation<void> {
    let lost: unknown = null;
    try {
      yield* this.settle();
    } catch (error) {
      lost = error;
    }
    // Statements that were refused since the connection ended may have had nobody to tell.
    const failure = this.#untold?.failure() ?? lost ?? this.#session().endReason();
    this.#untold = null;
    if (failure) throw failure as Error;
  }

  /** Ends the series; an error in it is left for the next {@link sync} to throw. */
  *settle(): Conversation<void> {
    if (!this.#hasWork) return;
    const session = this.#session();
    if (session.ended) {
      // What was sent may have had its effect; that it isn't sent now says nothing about it.
      this.synced();
      throw withOutcome(session.endReason() as Error, "unknown");
    }
    writeSync(session.outbox);
    session.flushWanted = false;
    const reply = session.owe(new SyncReply());
    yield reply;
    const { error } = reply;
    // What lies before a Sync takes effect only with it, unless there is a transaction around.
    if (error) this.failed({ index: null, failure: () => errorFromDiagnostic(error, {}) });
    this.synced();
  }

  /** A Sync was answered: what comes next is another series. */
  synced(): void {
    this.#hasWork = false;
    this.#failure = null;
  }

  /**
   * Does something that has a Sync of its own, apart from what was sent before: outside of a pipeline at once.
   *
   * @throws PipelineAborted when what was sent before has failed.
   */
  *apart<T>(text: string, conversation: Conversation<T>): Conversation<T> {
    yield* this.settle();
    if (this.#untold !== null) throw abortion(this.#count++, text, this.#untold);
    return yield* conversation;
  }

  /**
   * Refuses what can't be pipelined.
   *
   * @throws NotSupportedError that names it.
   */
  refuse(what: string): void {
    if (this.open)
      throw new NotSupportedError(`${what} can't be used in a pipeline; leave it first`);
  }
}
