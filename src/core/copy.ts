/**
 * A COPY under way, as both shells know it: its state, and its conversations.
 *
 * One object serves both directions. Data on its way in is collected in a writer of its own and leaves in
 * CopyData messages of some 64 KiB, each whole, because the outbox may be sent at any moment; data on its
 * way out waits in the reply until it is taken, as it came or row by row. Rows need the columns' types, which
 * the program gives or which were asked for along with the statement. Whatever goes wrong, the exchange ends
 * with the server's ReadyForQuery and the connection is of use again. (Manual, 54.2.6 and COPY.)
 */
import { CopyBinaryWriter } from "../adapt/copy-binary.ts";
import type { CopyRowReader, CopyRowWriter } from "../adapt/copy-rows.ts";
import { ProgrammingError } from "../errors.ts";
import { CopyReply } from "../protocol/copy-reply.ts";
import type { Conversation } from "../protocol/effects.ts";
import { writeCopyFail, writeQuery } from "../protocol/encode.ts";
import { checkText } from "../protocol/writer.ts";
import type { TupleRow } from "../rows.ts";
import { errorFromDiagnostic } from "../sqlstate.ts";
import { CopyFormat } from "./copy-format.ts";
import { CopyOutbox } from "./copy-outbox.ts";
import { notCopy, sayable } from "./copy-reason.ts";
import { CopyState } from "./copy-state.ts";
import { readCopyStatement } from "./copy-statement.ts";
import type { CopyType } from "./copy-types.ts";
import type { ExecuteContext } from "./extended.ts";
import { draftContext, mergeQuery } from "./query.ts";
import type { BoundQuery } from "./query.ts";

/** State and conversations of one COPY. */
export class CopyCore extends CopyState {
  /** See {@link Occupation.what}. */
  readonly what = "copy()";
  readonly text: string;
  readonly #context: ExecuteContext;
  readonly #format: CopyFormat;
  readonly #out: CopyOutbox;
  #isFinished = false;
  #writer: CopyRowWriter | null = null;
  #reader: CopyRowReader | null = null;
  /** The statement with its parameters, which no error may show. */
  readonly #merged: string;
  #isFinishing = false;
  #fed: Buffer | undefined;
  #hasRaw = false;
  /** Whether rows may be left in what was fed to the reader. */
  #hasUnread = false;

  /**
   * Prepares a COPY; nothing is sent.
   *
   * @throws ProgrammingError for what is no single COPY between client and server, and for parameters that
   * don't fit.
   */
  constructor(context: ExecuteContext, query: BoundQuery, types: readonly CopyType[] | undefined) {
    super(context.session);
    this.#context = context;
    this.text = query.text;
    this.#merged = mergeQuery(context, query);
    checkText(this.#merged);
    const { standardStrings } = draftContext(context);
    this.#format = new CopyFormat(
      context.adapters,
      readCopyStatement(this.#merged, standardStrings),
    );
    this.#out = new CopyOutbox(context.session);
    if (types !== undefined) this.setTypes(types);
  }

  /** Sends the statement and waits until the server takes or gives data; throws its error when it doesn't. */
  *start(): Conversation<void> {
    const { session, prologue } = this.#context;
    yield* prologue.send(session);
    if (this.interruption !== null) throw this.stopped();
    const question = this.#format.ask(session);
    writeQuery(session.outbox, this.#merged);
    const reply = session.owe(new CopyReply());
    this.reply = reply;
    reply.onSettled = () => {
      for (const ended of this.endWatchers) ended();
    };
    if (question) yield question.reply;
    while (reply.direction === null && !reply.settled) yield* this.#arrival(reply);
    if (reply.direction === null) {
      // In a transaction that the question ended the COPY has nothing of its own to tell.
      const error = question?.reply.error;
      if (error && reply.error?.sqlstate === "25P02" && error.sqlstate !== "25P02")
        throw errorFromDiagnostic(error, { statement: this.text });
      throw this.failure() ?? notCopy(this.text);
    }
    this.#format.learn(question, reply.columnCount);
    if (this.interruption === null) return;
    // A limit was reached while the server had not answered.
    this.#end(reply, this.interruption);
    yield* this.settle();
    throw this.failure() ?? this.stopped();
  }

  *#arrival(reply: CopyReply): Conversation<void> {
    reply.arrival.settled = false;
    yield reply.arrival;
  }

  #checkGoesOn(): CopyReply {
    const reply = this.check("in");
    if (this.interruption !== null) throw this.stopped();
    if (this.#isFinishing || reply.settled) {
      throw new ProgrammingError("the COPY was finished and takes no more data");
    }
    return reply;
  }

  /**
   * Says of which types the columns are.
   *
   * @throws ProgrammingError for types that aren't known, and when rows were written or read already.
   */
  setTypes(types: readonly CopyType[]): void {
    if (this.#writer || this.#reader)
      throw new ProgrammingError("setTypes() must be called before the first row");
    this.#format.setTypes(types, this.reply?.columnCount ?? null);
  }

  /** Writes a row; returns whether it is time to {@link send}. */
  writeRow(values: readonly unknown[]): boolean {
    const reply = this.#checkGoesOn();
    let writer = this.#writer;
    if (writer === null) {
      writer = this.#format.writer(reply);
      if (!this.#hasRaw) writer.head(this.#out.writer());
      this.#writer = writer;
    }
    const out = this.#out.writer();
    const mark = out.length;
    try {
      writer.row(values, out);
    } catch (error) {
      out.rewind(mark);
      throw error;
    }
    return this.#out.isFull;
  }

  /** Writes data as it is; returns whether it is time to {@link send}. */
  write(data: string | Uint8Array): boolean {
    const reply = this.#checkGoesOn();
    this.#hasRaw = true;
    if (typeof data === "string") {
      if (reply.format === 1)
        throw new ProgrammingError("binary COPY takes bytes, not a string; pass a Buffer");
      checkText(data);
      return this.#out.add(Buffer.from(data));
    }
    if (!ArrayBuffer.isView(data)) {
      throw new ProgrammingError("COPY takes strings and bytes; use writeRow() for values");
    }
    return this.#out.add(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  }

  /** Sends what was written, and waits until the system has taken most of it. */
  *send(): Conversation<void> {
    if (this.interruption !== null) yield* this.settle();
    this.#checkGoesOn();
    yield* this.#out.send(() => this.ended || this.interruption !== null);
    if (this.interruption !== null) yield* this.settle();
    this.check("in");
  }

  /** Sends what is left and waits for the end; does nothing when the COPY was finished. */
  *finish(): Conversation<void> {
    if (this.#isFinished && this.ended) return void this.check("in");
    if (this.interruption !== null) yield* this.settle();
    const reply = this.#checkGoesOn();
    this.#isFinishing = true;
    if (this.#writer === null && !this.#hasRaw && reply.format === 1) {
      // A binary copy of no rows has a head and a tail as well.
      const writer = new CopyBinaryWriter([], this.#context.adapters);
      writer.head(this.#out.writer());
      this.#writer = writer;
    }
    this.#writer?.tail(this.#out.writer());
    yield* this.#out.send(() => this.ended || this.interruption !== null);
    if (!reply.settled && this.interruption === null) {
      this.#isFinished = true;
      this.#out.done();
    }
    yield* this.settle();
    this.check("in");
  }

  /** See {@link Occupation.interrupt}. */
  interrupt(reason: string): void {
    if (this.interruption !== null) return;
    this.interruption = reason;
    const reply = this.reply;
    if (reply && !reply.settled) this.#end(reply, reason);
  }

  #end(reply: CopyReply, reason: string): void {
    if (reply.direction === "out") {
      reply.discard();
    } else if (reply.direction === "in" && !this.#isFinished) {
      writeCopyFail(this.#context.session.outbox, sayable(reason));
    }
  }

  /** See {@link Occupation.settle}. */
  *settle(): Conversation<void> {
    const reply = this.reply;
    while (reply && !reply.settled) yield reply;
  }

  /** The next data as it came, whole rows; undefined when there is no more. */
  *read(): Conversation<Buffer | undefined> {
    return yield* this.#take((reply) => reply.take());
  }

  /** Waits for what `take` takes; undefined when nothing is left and no more comes. */
  *#take(take: (reply: CopyReply) => Buffer | null): Conversation<Buffer | undefined> {
    for (;;) {
      const reply = this.expect();
      const piece = take(reply);
      if (piece) return piece;
      this.check("out");
      if (reply.settled) {
        if (this.interruption !== null) throw this.stopped();
        return undefined;
      }
      yield* this.#arrival(reply);
    }
  }

  /** The next row of those that were taken from the reply; undefined when there is none. */
  nextRow(): TupleRow | undefined {
    const row = this.#reader?.next();
    this.#hasUnread = row !== undefined;
    return row;
  }

  /** Takes more rows from the reply; false when there are no more. */
  *more(): Conversation<boolean> {
    // Another reader of the same rows has asked before, and has not come to take them all.
    if (this.#hasUnread) return true;
    // What came before an error is given before it, even if both came at once.
    this.#reader ??= this.#format.reader(this.directed("out"));
    if (this.#fed) this.expect().recycle(this.#fed);
    this.#fed = undefined;
    const piece = yield* this.#take((reply) => reply.takeMessages());
    if (piece) this.#reader.feed(piece);
    this.#fed = piece;
    this.#hasUnread = piece !== undefined;
    return piece !== undefined;
  }

  /** The next row; undefined when there is none. */
  *readRow(): Conversation<TupleRow | undefined> {
    for (;;) {
      const row = this.nextRow();
      if (row !== undefined) return row;
      if (!(yield* this.more())) return undefined;
    }
  }
}
