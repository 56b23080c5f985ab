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
import { ProgrammingError } from "../errors.ts";
import type { Diagnostic } from "../errors.ts";
import type { Conversation } from "../protocol/effects.ts";
import { writeQuery } from "../protocol/encode.ts";
import type { ExtendedReply } from "../protocol/extended-reply.ts";
import type { ResultReply } from "../protocol/replies.ts";
import { QueryReply } from "../protocol/replies.ts";
import type { Result } from "../protocol/result.ts";
import type { Session } from "../protocol/session.ts";
import { errorFromDiagnostic } from "../sqlstate.ts";
import type { Description } from "./description.ts";
import { bindPrepared, describeAndBind, parseAndBind } from "./extended.ts";
import type { ExecuteContext, ExecuteRequest } from "./extended.ts";
import type { Statement } from "./statements.ts";
import { isPreparable } from "./statements.ts";

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
  const { session, statements } = context;
  const { parameters } = request;
  if (parameters.length > 0) checkParameters(parameters);
  const statement = statements.get(request.text);
  statement.uses++;
  if (parameters.length === 0 && takesSimpleQuery(session, statement, request)) {
    const reply = new QueryReply();
    writeQuery(session.outbox, statement.text);
    reply.handsOver = !statement.exclusive;
    yield session.owe(reply);
    const sets = finish(context, statement, reply);
    learn(statement, reply.results);
    return sets;
  }
  let reply: ExtendedReply | null = null;
  if (statement.parameterOids !== null) {
    try {
      if (statement.name !== null && request.prepare !== false)
        reply = bindPrepared(context, statement, request);
      else reply = yield* parseAndBind(context, statement, request);
    } catch (error) {
      if (session.ended) throw error;
      // A value was refused for the type that was known. Nothing was sent: what is it now?
      statements.drop(statement);
    }
  }
  if (reply === null)
    return finish(context, statement, yield* describeAndBind(context, statement, request));
  if (!reply.settled) yield reply;
  if (reply.error && !reply.bound && isStale(reply.error)) {
    statements.drop(statement);
    if (isAlone(session)) {
      yield { kind: "turn" };
      if (isAlone(session)) reply = yield* describeAndBind(context, statement, request);
    }
  }
  return finish(context, statement, reply);
}

function takesSimpleQuery(
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

/** Whether a statement can be run a second time: in no transaction, and before what others have sent. */
function isAlone(session: Session): boolean {
  return session.transactionStatus === "I" && session.idle;
}

/**
 * Whether the server may have refused what was known of a statement: its columns or parameters changed, or
 * its name is gone. Only asked of one that failed before it was bound, so nothing was executed.
 */
function isStale(error: Diagnostic): boolean {
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
        context?.startsWith("unnamed portal parameter") === true
      );
  }
}

/** A text that gave one result is one statement; its columns are asked for as they should be next time. */
function learn(statement: Statement, results: readonly Result[]): void {
  const [only] = results;
  if (results.length !== 1 || !only || statement.unpreparable || statement.parameterOids) return;
  if (only.tag !== null && isPreparable(only.tag)) statement.describe([], only.columns);
  else statement.unpreparable = true;
}

function finish(
  { statements }: ExecuteContext,
  statement: Statement,
  reply: ResultReply,
): ResultSet[] {
  const { results } = reply;
  const sets: ResultSet[] = [];
  for (const result of results) {
    statements.completed(result.tag as string);
    sets.push({ result, description: result.columns && statement.descriptionOf(result.columns) });
  }
  if (reply.copyAttempted) {
    throw new ProgrammingError("COPY cannot be run by execute(): it has no place for the data", {
      statement: statement.text,
      cause: reply.error ? errorFromDiagnostic(reply.error, {}) : undefined,
    });
  }
  if (reply.error) throw errorFromDiagnostic(reply.error, { statement: statement.text });
  return sets;
}
