/**
 * A statement whose whole course is one exchange: written at once, answered, done.
 *
 * That is what nearly all executions are: the statement is prepared, and nobody limits it. Said as a
 * conversation it costs a generator, somebody who drives it and a place in line, and most of that lies in
 * memory until the answer comes. So it is said as a reply here, the one object that has to be there anyway.
 * An exchange is `execute()` (see execute.ts) or a pipeline's `send()` as far as all goes well; whatever else
 * comes of it is left to those.
 */
import { areSendable } from "../adapt/parameters.ts";
import type { RowReader } from "../adapt/compile.ts";
import type { Diagnostic } from "../errors.ts";
import type { Conversation } from "../protocol/effects.ts";
import { ExtendedReply } from "../protocol/extended-reply.ts";
import type { ColumnDescription } from "../protocol/messages.ts";
import { Backend } from "../protocol/messages.ts";
import { surprise } from "../protocol/replies.ts";
import { ROW_HEADER, rowEnd } from "../protocol/result.ts";
import type { RowFactory } from "../rows.ts";
import { isOwnFactory } from "../rows.ts";
import { keepShape, nobody } from "../shapes.ts";
import type { Description } from "./description.ts";
import { answered, execute, finish } from "./execute.ts";
import type { ResultSet } from "./execute.ts";
import { sentAs, writePrepared } from "./extended.ts";
import type { ExecuteContext, ExecuteRequest } from "./extended.ts";
import { PendingResult } from "./pending-result.ts";
import type { PipelineCore } from "./pipeline.ts";
import { stepsOf } from "./prologue.ts";
import { lastRows } from "./results.ts";
import type { ResultShape, Statement } from "./statements.ts";

/** A statement that is about to be executed, and takes one exchange. */
export interface Execution {
  readonly context: ExecuteContext;
  readonly request: ExecuteRequest;
  readonly statement: Statement;
  /** How its results are asked for. */
  readonly shape: ResultShape;
  /** What goes before it. */
  readonly due: readonly string[];
  /** The pipeline that it is part of; null outside of one. */
  readonly pipeline: PipelineCore | null;
}

/**
 * The execution of a statement when one exchange is all that it takes; null when there is more to it.
 */
export function executionOf(
  context: ExecuteContext,
  request: ExecuteRequest,
  pipeline: PipelineCore | null,
): Execution | null {
  if (request.binding === "client" || request.prepare === false) return null;
  // What is refused is refused where it can say which one of its pipeline it is.
  if (context.prologue.refusal !== null || !areSendable(request.parameters)) return null;
  const statement = context.statements.of(request);
  if (statement.name === null || statement.exclusive) return null;
  const shape = statement.shape(context.adapters, request.binary);
  const due = context.prologue.due(context.session);
  return { context, request, statement, shape, due, pipeline };
}

/**
 * Whether the rows of an execution can be read where they arrive. What the program gave, loaders and factories, is
 * not called from there: it is to find itself in its caller's asynchronous context, and the connection at rest.
 */
export function readsOnArrival(execution: Execution, factory: object): boolean {
  return isOwnFactory(factory) && execution.shape.isOwn;
}

/** One execution of a statement that is prepared. */
export abstract class Exchange extends ExtendedReply {
  private readonly execution: Execution;
  /** Which one of its pipeline it is, counted from 0. */
  private index = -1;

  constructor(execution: Execution) {
    const { shape, due, pipeline } = execution;
    super(stepsOf(due, pipeline ? "2x" : "2xz"), shape.columns);
    this.execution = execution;
  }

  /** Whether it is one of a pipeline's, which tells of its failure whoever else does. */
  get isPipelined(): boolean {
    return this.execution.pipeline !== null;
  }

  /** What it works on. */
  protected get context(): ExecuteContext {
    return this.execution.context;
  }

  /** Its columns and how they are read; null when it gives no rows. */
  protected get description(): Description | null {
    return this.execution.shape.description;
  }

  /** Sends it. Returns false when a value was refused for the type that was known: it has to be asked for anew. */
  send(): boolean {
    const { context, request, statement, shape, pipeline } = this.execution;
    const { session, statements, prologue } = context;
    let before: string;
    try {
      before = writePrepared(context, statement, request, shape, pipeline ? "" : "z");
    } catch {
      statements.drop(statement);
      return false;
    }
    statement.uses++;
    prologue.sent(before, session);
    session.owe(this);
    if (pipeline) {
      this.index = pipeline.sent();
      session.flushWanted = true;
    }
    return true;
  }

  /** See {@link Reply.release}. */
  override release(): void {
    if (this.failure || this.error || this.skipped || this.copyAttempted)
      this.failed(this.remainder());
    else this.succeeded();
  }

  /** Its result, once it has succeeded. */
  protected sets(): ResultSet[] {
    return finish(this.context, this.execution.statement, this);
  }

  /** What is left of its conversation. */
  private remainder(): Conversation<ResultSet[]> {
    const { context, request, statement, due, pipeline } = this.execution;
    const sent = sentAs(this);
    if (pipeline === null) return answered(context, statement, request, due, sent);
    const pending = new PendingResult(pipeline, context, statement, this.index);
    pending.expect(sent);
    return pending.arrive(context.session);
  }

  /** It has gone as it should. Must not throw. */
  protected abstract succeeded(): void;

  /** It has not: `rest` runs it again where that is right, and throws why otherwise. Must not throw. */
  protected abstract failed(rest: Conversation<ResultSet[]>): void;
}

/**
 * An execution whose rows are wanted at once, and so are read where they have arrived.
 *
 * What can't be read is the caller's error, and not the connection's: it is kept until all has come.
 */
export abstract class RowsExchange<Row> extends Exchange {
  /** How rows are built. */
  protected readonly factory: RowFactory<Row>;
  /** Why rows can't be read, once they couldn't; a loader may throw anything. */
  protected unreadable: { readonly error: unknown } | null = null;
  private built: Row[] | null = null;
  /** How many rows the last piece had: how many the next one will have, mostly. */
  private readLast = 0;
  private awaitsRows = false;

  /** An execution whose rows are built by `factory`, which is one of our own. */
  constructor(execution: Execution, factory: RowFactory<Row>) {
    super(execution);
    this.factory = factory;
  }

  /** Its rows, once it has succeeded; null when they can't be read. */
  protected take(): Row[] | null {
    // A factory may refuse the columns, whether there are rows or not.
    if (this.built === null && this.columns) this.plan(0);
    return this.unreadable === null ? (this.built ?? []) : null;
  }

  private plan(rows: number): RowReader<Row> | null {
    const { adapters } = this.context;
    const description = this.description as Description;
    try {
      return description.plan(adapters, this.factory).reader(rows);
    } catch (error) {
      this.unreadable = { error };
      return null;
    }
  }

  /** Takes the whole DataRow frames at the start of `bytes[start..end)`; see {@link Result.take}. */
  override rows(bytes: Buffer, start: number, end: number): number {
    if (!this.awaitsRows) throw surprise(Backend.dataRow);
    const count = (this.columns as readonly ColumnDescription[]).length;
    const read = this.unreadable === null ? this.plan(this.readLast) : null;
    let at = start;
    let taken = 0;
    for (;;) {
      const next = rowEnd(bytes, at, end, count);
      if (next < 0) break;
      if (read !== null && this.unreadable === null) this.readRow(read, bytes, at + ROW_HEADER);
      at = next;
      taken++;
    }
    this.readLast = taken;
    return at;
  }

  private readRow(read: RowReader<Row>, bytes: Buffer, at: number): void {
    try {
      const row = read(bytes, at);
      // Most results have one row, and a list that grows has room for many.
      if (this.built === null) this.built = [row];
      else this.built.push(row);
    } catch (error) {
      this.unreadable = { error };
    }
  }

  protected override get isGiving(): boolean {
    return this.awaitsRows;
  }

  protected override begin(): void {
    this.awaitsRows = true;
  }

  protected override complete(tag: string): void {
    this.awaitsRows = false;
    this.context.statements.completed(tag);
  }

  override refuse(error: Diagnostic): void {
    super.refuse(error);
    this.awaitsRows = false;
  }
}

/** The same, driven by a conversation: whoever waits for it goes on by itself. */
class DrivenRows<Row> extends RowsExchange<Row> implements ComeRows<Row> {
  /** What is left to be done; null when nothing is. */
  rest: Conversation<ResultSet[]> | null = null;

  protected override succeeded(): void {}

  protected override failed(rest: Conversation<ResultSet[]>): void {
    this.rest = rest;
  }

  /** Its rows. */
  get(): Row[] {
    const rows = this.take();
    if (rows === null) throw this.unreadable?.error;
    return rows;
  }
}

/** Rows that have come, and may still have to be read: where that may run anything. */
export interface ComeRows<Row> {
  /** Reads them; throws what can't be read. */
  get(): Row[];
}

/** Runs a statement for its rows, those of the last result that has any. */
export function* queryRows<Row>(
  context: ExecuteContext,
  request: ExecuteRequest,
  factory: RowFactory<Row>,
): Conversation<ComeRows<Row>> {
  const execution = executionOf(context, request, null);
  const rows =
    execution && readsOnArrival(execution, factory) ? new DrivenRows(execution, factory) : null;
  let rest: Conversation<ResultSet[]> | null;
  if (rows?.send()) {
    yield rows;
    if (rows.rest === null) return rows;
    rest = rows.rest;
  } else {
    rest = execute(context, request);
  }
  const sets = yield* rest;
  return { get: () => lastRows(sets, context.adapters, factory) };
}

/** For objects that are only kept, see {@link keepShape}. */
export const NO_EXECUTION: Execution = {
  context: nobody,
  request: nobody,
  statement: nobody,
  shape: { formats: null, columns: null, description: null, isOwn: true },
  due: [],
  pipeline: null,
};

keepShape(new DrivenRows(NO_EXECUTION, nobody));
