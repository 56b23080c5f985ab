/**
 * A stream under way, as both shells know it: rows that are taken while they arrive.
 *
 * The statement is described first, so that one without rows is refused before it has run and the columns
 * get their best formats; then it is bound and executed to its end, and the server is held up by the socket
 * when nobody takes the rows. (Manual, 54.2.3 "Extended Query".)
 */
import { typesSaid } from "../adapt/types/typed-values.ts";
import { BoundParameters, checkParameters } from "../adapt/parameters.ts";
import { ProgrammingError } from "../errors.ts";
import type { Conversation } from "../protocol/effects.ts";
import {
  writeBind,
  writeDescribeStatement,
  writeExecute,
  writeFlush,
  writeParse,
  writeSync,
} from "../protocol/encode.ts";
import { ExtendedReply } from "../protocol/extended-reply.ts";
import { SyncReply } from "../protocol/replies.ts";
import { Result } from "../protocol/result.ts";
import { StreamReply } from "../protocol/stream-reply.ts";
import type { RowFactory } from "../rows.ts";
import { errorFromDiagnostic, QueryCanceled } from "../sqlstate.ts";
import type { ResultSet } from "./execute.ts";
import type { ExecuteContext, ExecuteRequest } from "./extended.ts";
import { mergeRequest } from "./query.ts";
import { RowWalk } from "./row-walk.ts";
import { Statement } from "./statements.ts";
import type { ResultShape } from "./statements.ts";

/** State and conversations of one stream. */
export class StreamCore<Row> {
  /** See {@link Occupation.what}. */
  readonly what = "stream()";
  readonly #context: ExecuteContext;
  readonly #request: ExecuteRequest;
  readonly #factory: RowFactory<Row>;
  readonly #size: number;
  #reply: StreamReply | null = null;
  #begun = false;
  #shape: ResultShape | null = null;
  #rows: Result | null = null;
  #walk: RowWalk | null = null;
  #interruption: string | null = null;

  /** Prepares a stream; `size` rows are decoded at a time. */
  constructor(
    context: ExecuteContext,
    request: ExecuteRequest,
    factory: RowFactory<Row>,
    size: number,
  ) {
    checkParameters(request.parameters);
    this.#context = context;
    this.#request = request;
    this.#factory = factory;
    this.#size = size;
  }

  /** Whether the server owes nothing more. */
  get ended(): boolean {
    return this.#begun && (this.#reply?.settled ?? true);
  }

  /** What the cursor shows of the result: its columns before the end, the tag after it. */
  get result(): ResultSet {
    const result = new Result(this.ended ? null : (this.#shape?.columns ?? null));
    result.tag = this.#reply?.tag ?? null;
    return { result, description: this.ended ? null : (this.#shape?.description ?? null) };
  }

  /** Sends the statement; throws the server's error when it doesn't take it. */
  *start(): Conversation<void> {
    const { session, adapters, prologue } = this.#context;
    const { outbox } = session;
    this.#begun = true;
    yield* prologue.send(session);
    if (this.#interruption !== null) throw this.#stopped();
    const given = this.#request;
    const isMerged = given.binding === "client";
    const { text, parameters, binary } = isMerged ? mergeRequest(this.#context, given) : given;
    const mark = outbox.length;
    try {
      writeParse(outbox, "", text, typesSaid(parameters));
    } catch (error) {
      outbox.rewind(mark);
      throw error;
    }
    writeDescribeStatement(outbox, "");
    writeFlush(outbox);
    const described = session.owe(new ExtendedReply("1t"));
    yield described;
    if (described.error || described.columns === null || this.#interruption !== null) {
      yield* this.#sync();
      if (described.error) throw errorFromDiagnostic(described.error, { statement: given.text });
      if (this.#interruption !== null) throw this.#stopped();
      throw new ProgrammingError("stream() takes a statement that gives rows; it was not run", {
        statement: given.text,
        outcome: "not sent",
      });
    }
    const statement = new Statement(text);
    const oids = described.parameterOids as readonly number[];
    statement.describe(oids, described.columns);
    this.#shape = statement.shape(adapters, binary);
    const behind = outbox.length;
    try {
      const bound = new BoundParameters(parameters, oids, adapters);
      writeBind(outbox, "", bound, this.#shape.formats);
    } catch (error) {
      outbox.rewind(behind);
      yield* this.#sync();
      throw error;
    }
    writeExecute(outbox);
    writeSync(outbox);
    this.#reply = session.owe(new StreamReply(this.#shape.columns ?? []));
  }

  *#sync(): Conversation<void> {
    writeSync(this.#context.session.outbox);
    yield this.#context.session.owe(new SyncReply());
  }

  #stopped(): Error {
    return new QueryCanceled(`the stream was stopped: ${this.#interruption}`, {
      statement: this.#request.text,
    });
  }

  /** Why the stream ended, as a fresh error; null when it hasn't, or ended well. */
  #failure(reply: StreamReply): Error | null {
    const { text } = this.#request;
    if (reply.error) return errorFromDiagnostic(reply.error, { statement: text });
    return reply.failure && (this.#context.session.endReason() ?? reply.failure);
  }

  /** The next rows of those that were taken from the reply; none when it is time for {@link more}. */
  nextRows(): Row[] {
    const walk = this.#walk;
    if (walk === null || walk.left === 0) return [];
    const { description } = this.#shape as ResultShape;
    const plan = description?.plan(this.#context.adapters, this.#factory);
    const size = Math.min(this.#size, walk.left);
    const read = plan?.reader(size);
    if (!read) return [];
    try {
      return walk.take(size, read);
    } catch {
      // A row can't be read: those before it are given first, one at a time.
      return [walk.next(read)];
    }
  }

  /** Waits for more rows; false when there are no more. */
  *more(): Conversation<boolean> {
    const reply = this.#reply as StreamReply;
    if (this.#rows) reply.recycle(this.#rows);
    for (;;) {
      const rows = reply.take();
      this.#rows = rows;
      if (rows) {
        this.#walk = new RowWalk(rows);
        return true;
      }
      if (reply.settled) {
        const failure = this.#failure(reply);
        if (failure) throw failure;
        if (this.#interruption !== null) throw this.#stopped();
        return false;
      }
      reply.arrival.settled = false;
      yield reply.arrival;
    }
  }

  /** See {@link Occupation.interrupt}. */
  interrupt(reason: string): void {
    this.#interruption ??= reason;
    this.#reply?.discard();
  }

  /** See {@link Occupation.settle}. */
  *settle(): Conversation<void> {
    const reply = this.#reply;
    while (reply && !reply.settled) yield reply;
  }
}
