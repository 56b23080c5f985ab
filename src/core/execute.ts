/**
 * Running one statement: which messages it takes, and what is learnt from the answers.
 *
 * Four ways, from the first execution of a text to the thousandth:
 *
 * 1. Without parameters and unknown: a simple query, so that several statements in one text work.
 * 2. With parameters and unknown: Parse and Describe, wait, then Bind and Execute. The description says
 *    how each value is to be written and which columns are asked for in binary.
 * 3. Known: Parse, Bind, Describe, Execute in one go, the parameters' types pinned to what is known.
 * 4. Prepared: Bind and Execute.
 *
 * What is known can be wrong by then, because somebody altered a table. The server notices; the statement
 * is forgotten and run once more where that cannot change its meaning: outside a transaction and with
 * nothing of others behind it. (Manual, 54.2.3 "Extended Query".)
 */
import { BoundParameters, checkParameters } from "../adapt/parameters.ts";
import type { Parameters } from "../adapt/parameters.ts";
import type { AdaptersMap } from "../adapt/registry.ts";
import { ProgrammingError } from "../errors.ts";
import type { Diagnostic } from "../errors.ts";
import type { Conversation } from "../protocol/effects.ts";
import {
  writeBind,
  writeCloseStatement,
  writeDescribePortal,
  writeDescribeStatement,
  writeExecute,
  writeFlush,
  writeParse,
  writeQuery,
  writeSync,
} from "../protocol/encode.ts";
import type { ResultReply } from "../protocol/replies.ts";
import { ExtendedReply, QueryReply, SyncReply } from "../protocol/replies.ts";
import type { Result } from "../protocol/result.ts";
import type { Session } from "../protocol/session.ts";
import { errorFromDiagnostic } from "../sqlstate.ts";
import type { Description } from "./description.ts";
import type { ResultShape, Statement, StatementCache } from "./statements.ts";
import { isPreparable } from "./statements.ts";

/** What an execution works on. */
export interface ExecuteContext {
  readonly session: Session;
  readonly statements: StatementCache;
  readonly adapters: AdaptersMap;
}

/** How one statement is to be run. */
export interface ExecuteRequest {
  readonly text: string;
  readonly parameters: Parameters;
  /** Prepare now (true), never (false), or by the connection's policy. */
  readonly prepare: boolean | undefined;
  /** All results in binary (true) or text (false), or what suits each column. */
  readonly binary: boolean | undefined;
}

/** One result with what reads it; the description is null for a statement without rows. */
export interface ResultSet {
  readonly result: Result;
  readonly description: Description | null;
}

const NO_TYPES: readonly number[] = Object.freeze([]);

/** Runs one statement and returns its results. */
export function* execute(context: ExecuteContext, request: ExecuteRequest): Conversation<ResultSet[]> {
  const { session, statements } = context;
  const { parameters } = request;
  if (parameters.length > 0) checkParameters(parameters);
  const statement = statements.get(request.text);
  statement.uses++;
  const known = statement.parameterOids !== null;
  if (parameters.length === 0 && takesSimpleQuery(statement, request)) return yield* simple(context, statement);
  const reply = known
    ? yield* knownStatement(context, statement, request)
    : yield* unknownStatement(context, statement, request);
  if (reply.error && isStale(reply.error, known)) {
    statements.drop(statement);
    if (session.transactionStatus === "I" && session.idle) {
      yield { kind: "turn" };
      const again = yield* unknownStatement(context, statement, request);
      return finish(context, statement, again);
    }
  }
  return finish(context, statement, reply);
}

function takesSimpleQuery(statement: Statement, request: ExecuteRequest): boolean {
  if (request.prepare === true || request.binary === true) return false;
  return statement.parameterOids === null || statement.unpreparable;
}

/** The server refused what was known of a statement: its columns changed, or its name is gone. */
function isStale(error: Diagnostic, known: boolean): boolean {
  if (!known) return false;
  switch (error.sqlstate) {
    case "0A000":
      return error.sourceFunction === "RevalidateCachedQuery";
    case "26000":
      return true;
    case "08P01":
      // Bind asked for a format for each of the columns that were known.
      return error.sourceFunction === "PortalSetResultFormat";
    default:
      return false;
  }
}

function* simple(context: ExecuteContext, statement: Statement): Conversation<ResultSet[]> {
  const { session } = context;
  writeQuery(session.outbox, statement.text);
  const reply = session.owe(new QueryReply());
  reply.handsOver = !statement.exclusive;
  yield reply;
  const sets = finish(context, statement, reply);
  learn(statement, reply.results);
  return sets;
}

/** A text that gave one result is one statement; its columns are asked for as they should be next time. */
function learn(statement: Statement, results: readonly Result[]): void {
  const [only] = results;
  if (results.length !== 1 || !only || statement.unpreparable || statement.parameterOids) return;
  if (only.tag !== null && isPreparable(only.tag)) statement.describe([], only.columns);
  else statement.unpreparable = true;
}

function* knownStatement(
  { session, statements, adapters }: ExecuteContext,
  statement: Statement,
  request: ExecuteRequest,
): Conversation<ExtendedReply> {
  const { outbox } = session;
  const oids = statement.parameterOids as readonly number[];
  const bound = new BoundParameters(request.parameters, oids, adapters);
  const shape = statement.shape(adapters, request.binary);
  const named = statement.name !== null && request.prepare !== false;
  if (named) {
    writing(session, () => writeBind(outbox, statement.name as string, bound, shape.formats));
    writeExecute(outbox);
    writeSync(outbox);
    const reply = session.owe(new ExtendedReply("2xz", shape.description?.columns ?? null));
    reply.handsOver = !statement.exclusive;
    yield reply;
    return reply;
  }
  const preparing = statements.wants(statement, request.prepare);
  const name = preparing ? statements.newName() : "";
  writing(session, () => {
    writeParse(outbox, name, statement.text, oids);
    writeBind(outbox, name, bound, shape.formats);
  });
  writeDescribePortal(outbox);
  writeExecute(outbox);
  const closing = writeCloses(session, statements);
  writeSync(outbox);
  const reply = session.owe(new ExtendedReply(`12dx${"3".repeat(closing.length)}z`));
  // Whoever comes next would bind to the name: not before it is known to exist.
  reply.handsOver = !preparing && !statement.exclusive;
  yield reply;
  if (preparing && reply.parsed) statement.name = name;
  if (reply.error) statements.closeLater(closing);
  keepDescription(statement, shape, reply);
  return reply;
}

function* unknownStatement(
  { session, statements, adapters }: ExecuteContext,
  statement: Statement,
  request: ExecuteRequest,
): Conversation<ExtendedReply> {
  const { outbox } = session;
  const preparing = statements.wants(statement, request.prepare);
  const name = preparing ? statements.newName() : "";
  writing(session, () => writeParse(outbox, name, statement.text, NO_TYPES));
  writeDescribeStatement(outbox, name);
  writeFlush(outbox);
  const described = session.owe(new ExtendedReply("1t"));
  yield described;
  if (described.error) {
    yield* sync(session);
    return described;
  }
  const oids = described.parameterOids as readonly number[];
  statement.describe(oids, described.columns);
  if (preparing) statement.name = name;
  const shape = statement.shape(adapters, request.binary);
  try {
    const bound = new BoundParameters(request.parameters, oids, adapters);
    writing(session, () => writeBind(outbox, name, bound, shape.formats));
  } catch (error) {
    yield* sync(session);
    throw error;
  }
  writeExecute(outbox);
  const closing = writeCloses(session, statements);
  writeSync(outbox);
  const reply = session.owe(
    new ExtendedReply(`2x${"3".repeat(closing.length)}z`, shape.description?.columns ?? null),
  );
  reply.handsOver = !statement.exclusive;
  yield reply;
  if (reply.error) statements.closeLater(closing);
  return reply;
}

/** Ends the implicit transaction that a Flush left open. */
function* sync(session: Session): Conversation<void> {
  writeSync(session.outbox);
  yield session.owe(new SyncReply());
}

/** Writes messages all or none: a refused value takes back what was written before it. */
function writing(session: Session, write: () => void): void {
  const mark = session.outbox.length;
  try {
    write();
  } catch (error) {
    session.outbox.rewind(mark);
    throw error;
  }
}

/** Closes evicted statements along the way; returns their names. */
function writeCloses(session: Session, statements: StatementCache): readonly string[] {
  const names = statements.takeToClose();
  for (const name of names) writeCloseStatement(session.outbox, name);
  return names;
}

/** A description that says what was known keeps the known one, and with it the plan. */
function keepDescription(statement: Statement, shape: ResultShape, reply: ExtendedReply): void {
  const { columns } = reply;
  if (reply.error || columns === shape.description?.columns) return;
  if (columns && shape.description?.equals(columns)) {
    for (const result of reply.results) result.columns = shape.description.columns;
  } else {
    statement.describe(statement.parameterOids ?? [], columns);
  }
}

function finish(context: ExecuteContext, statement: Statement, reply: ResultReply): ResultSet[] {
  const { statements } = context;
  for (const { tag } of reply.results) statements.completed(tag as string);
  if (reply.copyAttempted) {
    throw new ProgrammingError("COPY cannot be run by execute(): it has no place for the data", {
      statement: statement.text,
      cause: reply.error ? errorFromDiagnostic(reply.error, {}) : undefined,
    });
  }
  if (reply.error) throw errorFromDiagnostic(reply.error, { statement: statement.text });
  return reply.results.map((result) => ({
    result,
    description: result.columns && statement.descriptionOf(result.columns),
  }));
}
