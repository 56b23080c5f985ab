/**
 * Running one statement: which way it takes, and what is learnt from the answers.
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
 * nothing of others behind it.
 */
import { checkParameters } from "../adapt/parameters.ts";
import { ProgrammingError, PipelineAborted } from "../errors.ts";
import type { Diagnostic } from "../errors.ts";
import type { Conversation } from "../protocol/effects.ts";
import { writeQuery } from "../protocol/encode.ts";
import { ExtendedReply } from "../protocol/extended-reply.ts";
import type { ResultReply } from "../protocol/replies.ts";
import { QueryReply } from "../protocol/replies.ts";
import type { Result } from "../protocol/result.ts";
import type { Session } from "../protocol/session.ts";
import { errorFromDiagnostic } from "../sqlstate.ts";
import type { Description } from "./description.ts";
import { bindPrepared, confirm, describeAndBind, parseAndBind, parseBlindly } from "./extended.ts";
import type { Ending, ExecuteContext, ExecuteRequest, Sent } from "./extended.ts";
import { mergeRequest } from "./query.ts";
import { isPreparable, Statement } from "./statements.ts";

/** One result with what reads it; the description is null for a statement without rows. */
export interface ResultSet {
  readonly result: Result;
  readonly description: Description | null;
}

/** Runs one statement and returns its results. */
export function* execute(
  context: ExecuteContext,
  request: ExecuteRequest,
): Conversation<ResultSet[]> {
  if (request.binding === "client") {
    return yield* execute(context, mergeRequest(context, request));
  }
  const { session, statements, prologue } = context;
  const { parameters } = request;
  if (parameters.length > 0) checkParameters(parameters);
  const statement = statements.of(request);
  statement.uses++;
  const due = prologue.due(session);
  if (parameters.length === 0 && takesSimpleQuery(session, statement, request)) {
    let reply: ResultReply;
    if (due.length > 0 && !mayHoldSeveral(statement)) {
      reply = parseBlindly(context, statement);
    } else {
      if (due.length > 0) yield* prologue.send(session);
      reply = query(session, statement);
    }
    yield reply;
    learn(statement, reply.results);
    return finish(context, statement, reply);
  }
  const sent = statement.parameterOids === null ? null : sendKnown(context, statement, request);
  if (sent === null) {
    const reply = yield* describeAndBind(context, statement, request);
    yield reply;
    return finish(context, statement, reply);
  }
  yield sent.reply;
  return yield* answered(context, statement, request, due, sent);
}

/**
 * Takes the answer to a statement of which something was known: its results, or those of running it again.
 *
 * @throws the server's error, or why there is no answer.
 */
export function* answered(
  context: ExecuteContext,
  statement: Statement,
  request: ExecuteRequest,
  due: readonly string[],
  sent: Sent,
): Conversation<ResultSet[]> {
  const { session, statements } = context;
  let { reply } = sent;
  if (reply.failure) throw reply.failure;
  confirm(statements, statement, sent);
  if (reply.error && !reply.bound && isStale(reply.error)) {
    statements.drop(statement);
    if (mayRepeat(session, due)) {
      yield { kind: "turn" };
      if (mayRepeat(session, due)) reply = yield* repeat(context, statement, request, due);
    }
  }
  return finish(context, statement, reply);
}

function query(session: Session, statement: Statement): QueryReply {
  writeQuery(session.outbox, statement.text);
  const reply = new QueryReply();
  reply.handsOver = !statement.exclusive;
  return session.owe(reply);
}

/** Sends a statement by what is known of it; null when that proved wrong before anything was sent. */
export function sendKnown(
  context: ExecuteContext,
  statement: Statement,
  request: ExecuteRequest,
  ending: Ending = "z",
): Sent | null {
  try {
    return statement.name !== null && request.prepare !== false
      ? bindPrepared(context, statement, request, ending)
      : parseAndBind(context, statement, request, ending);
  } catch {
    // A value was refused for the type that was known. What is it now?
    context.statements.drop(statement);
    return null;
  }
}

/** Runs a statement again that failed because of what was known of it, with what went before it. */
function* repeat(
  context: ExecuteContext,
  statement: Statement,
  request: ExecuteRequest,
  due: readonly string[],
): Conversation<ExtendedReply> {
  const { session, prologue } = context;
  if (due.length > 0) {
    // It was the first of its transaction, so there is nothing else to lose with it.
    yield query(session, new Statement("ROLLBACK"));
    prologue.repeat(due);
  }
  const reply = yield* describeAndBind(context, statement, request);
  yield reply;
  return reply;
}

/** Whether a statement without parameters is run with nothing known of it, its results as text. */
export function takesSimpleQuery(
  session: Session,
  statement: Statement,
  request: ExecuteRequest,
): boolean {
  if (request.prepare === true || request.binary === true) return false;
  if (statement.unpreparable) return true;
  if (statement.parameterOids !== null) return false;
  // Its results are text, and dates as text can only be read in ISO style. Several statements leave no choice.
  const style = session.parameters.get("DateStyle");
  return style === undefined || style.startsWith("ISO") || statement.text.includes(";");
}

/** Whether a text may be several statements, which only a simple query can be; sometimes wrongly true. */
function mayHoldSeveral(statement: Statement): boolean {
  return /;\s*\S/.test(statement.text);
}

/**
 * Whether a statement can be run a second time: before what others have sent, and in no transaction but one
 * that was begun together with it.
 */
export function mayRepeat(session: Session, due: readonly string[]): boolean {
  if (!session.idle) return false;
  const status = session.transactionStatus;
  return due.length === 0 ? status === "I" : status === "E" && /^BEGIN\b/.test(due[0] as string);
}

/**
 * Whether the server may have refused what was known of a statement: its columns or parameters changed, or
 * its name is gone. Only asked of one that failed before it was bound, so nothing was executed.
 */
export function isStale(error: Diagnostic): boolean {
  const { sqlstate, context } = error;
  switch (sqlstate) {
    case "0A000":
      return error.sourceFunction === "RevalidateCachedQuery";
    case "26000":
      return true;
    case "08P01":
      // Bind asked for a format for each of the columns that were known.
      return error.sourceFunction === "PortalSetResultFormat";
    default:
      // The parameters' types were pinned. What a function ran into has a context, and is not for us.
      if (sqlstate?.startsWith("42")) return context === null;
      return (
        sqlstate?.startsWith("22") === true &&
        // "unnamed portal parameter $1", in the server's language.
        /\$\d/.test(context ?? "")
      );
  }
}

/** A text that gave one result is one statement; its columns are asked for as they should be next time. */
export function learn(statement: Statement, results: readonly Result[]): void {
  const [only] = results;
  if (results.length !== 1 || !only || statement.unpreparable || statement.parameterOids) return;
  if (only.tag !== null && isPreparable(only.tag)) statement.describe([], only.columns);
  else statement.unpreparable = true;
}

/** The results of a reply that is settled, or the error that it brought. */
export function finish(
  context: ExecuteContext,
  statement: Statement,
  reply: ResultReply,
): ResultSet[] {
  const { statements } = context;
  const { results } = reply;
  const sets: ResultSet[] = [];
  for (const result of results) {
    statements.completed(result.tag as string);
    sets.push({ result, description: result.columns && statement.descriptionOf(result.columns) });
  }
  if (reply.copyAttempted) {
    throw new ProgrammingError(
      "COPY cannot be run by execute(), which has no place for the data: use copy() of a cursor",
      {
        statement: statement.shown,
        cause: reply.error ? errorFromDiagnostic(reply.error, {}) : undefined,
      },
    );
  }
  if (reply.error) throw failureOf(context, statement.shown, reply);
  if (reply.skipped)
    throw new PipelineAborted("the server skipped the statement, because an earlier one failed", {
      statement: statement.shown,
    });
  return sets;
}

/** The server's error, with the text of what it is about. */
function failureOf(context: ExecuteContext, text: string, reply: ResultReply): Error {
  const isControl = reply instanceof ExtendedReply && reply.controlFailed;
  if (isControl) context.prologue.failed(context.session);
  return errorFromDiagnostic(reply.error as Diagnostic, {
    statement: isControl ? context.prologue.lastSent : text,
  });
}
