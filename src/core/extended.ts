/**
 * The messages of the extended protocol, one function for each way a statement is run.
 *
 * What is written is written whole: a value that is refused takes back what was written before it, so the
 * connection never knows of the attempt. What is due before a statement, a BEGIN for example, is written in
 * front of it and shares its Sync. In a pipeline a statement has no Sync: the pipeline sends one for many.
 * (Manual, 54.2.3 "Extended Query" and 54.2.4 "Pipelining".)
 */
import { BoundParameters } from "../adapt/parameters.ts";
import type { Parameters } from "../adapt/parameters.ts";
import type { AdaptersMap } from "../adapt/registry.ts";
import type { Conversation } from "../protocol/effects.ts";
import {
  writeBind,
  writeCloseStatement,
  writeDescribePortal,
  writeDescribeStatement,
  writeExecute,
  writeExecuteAndSync,
  writeFlush,
  writeParse,
  writeSync,
} from "../protocol/encode.ts";
import { ExtendedReply } from "../protocol/extended-reply.ts";
import type { ColumnDescription } from "../protocol/messages.ts";
import { SyncReply } from "../protocol/replies.ts";
import type { Session } from "../protocol/session.ts";
import type { Writer } from "../protocol/writer.ts";
import { checkPlaceholders, withListHint } from "./placeholders.ts";
import type { Prologue } from "./prologue.ts";
import type { ResultShape, Statement, StatementCache } from "./statements.ts";

/** What an execution works on. */
export interface ExecuteContext {
  readonly session: Session;
  readonly statements: StatementCache;
  readonly adapters: AdaptersMap;
  readonly prologue: Prologue;
}

/** How one statement is to be run. */
export interface ExecuteRequest {
  readonly text: string;
  readonly parameters: Parameters;
  /** Prepare now (true), never (false), or by the connection's policy. */
  readonly prepare: boolean | undefined;
  /** All results in binary (true) or text (false), or what suits each column. */
  readonly binary: boolean | undefined;
  /** Who puts the values in: the server, or we, when it is sent. */
  readonly binding: "server" | "client";
  /** What errors show when the values are in the text; null for the text itself. */
  readonly shown: string | null;
}

/** Where a series of messages ends: in a Sync of its own, or in that of its pipeline. */
export type Ending = "z" | "";

const NO_TYPES: readonly number[] = Object.freeze([]);
const NO_NAMES: readonly string[] = Object.freeze([]);

/** What was sent for a statement of which something is known. */
export interface Sent {
  readonly reply: ExtendedReply;
  /** The name that the statement is prepared under once the reply says that it was parsed; or none. */
  readonly name: string | null;
  /** What the answer is expected to look like; null when it isn't described again. */
  readonly shape: ResultShape | null;
  /** Names that are closed on the way. */
  readonly closing: readonly string[];
}

/** What was sent without anything to be learnt from the answer. */
export function sentAs(reply: ExtendedReply): Sent {
  return { reply, name: null, shape: null, closing: NO_NAMES };
}

/** Runs a statement that is prepared under a name: Bind and Execute. */
export function bindPrepared(
  context: ExecuteContext,
  statement: Statement,
  request: ExecuteRequest,
  ending: Ending = "z",
): Sent {
  const { session, prologue } = context;
  const shape = statement.shape(context.adapters, request.binary);
  const before = writePrepared(context, statement, request, shape, ending);
  prologue.sent(before, session);
  const reply = session.owe(new ExtendedReply(`${before}2x${ending}`, shape.columns));
  reply.handsOver = !statement.exclusive;
  return sentAs(reply);
}

/**
 * Writes what runs a statement that is prepared, with what is due before it; returns the steps of that.
 *
 * @throws what a value is refused for; nothing is written then.
 */
export function writePrepared(
  { session, adapters, prologue }: ExecuteContext,
  statement: Statement,
  request: ExecuteRequest,
  shape: ResultShape,
  ending: Ending,
): string {
  const { outbox } = session;
  const mark = outbox.length;
  let before: string;
  try {
    before = prologue.write(session);
    bind(outbox, adapters, statement, request, statement.name as string, shape);
  } catch (error) {
    outbox.rewind(mark);
    throw error;
  }
  if (ending === "") writeExecute(outbox);
  else writeExecuteAndSync(outbox);
  return before;
}

/** Runs a statement whose description is known, preparing it on the way when it is time to. */
export function parseAndBind(
  context: ExecuteContext,
  statement: Statement,
  request: ExecuteRequest,
  ending: Ending = "z",
): Sent {
  const { session, statements } = context;
  const shape = statement.shape(context.adapters, request.binary);
  const name = statements.wants(statement, request.prepare) ? statements.newName() : null;
  const closing = statements.takeToClose();
  let before = "";
  try {
    whole(session, () => {
      before = context.prologue.write(session);
      writeCloses(session, closing);
      // The types are pinned: the values are written as what was described before.
      writeParse(session.outbox, name ?? "", statement.text, statement.parameterOids ?? NO_TYPES);
      bind(session.outbox, context.adapters, statement, request, name ?? "", shape);
    });
  } catch (error) {
    statements.closeLater(closing);
    throw error;
  }
  writeDescribePortal(session.outbox);
  writeExecute(session.outbox);
  const reply = owe(context, before, `${"3".repeat(closing.length)}12dx`, ending, null);
  // Whoever comes next would bind to the name: not before it is known to exist.
  reply.handsOver = name === null && !statement.exclusive;
  return { reply, name, shape, closing };
}

/** Takes what the answer says of the statement. */
export function confirm(
  statements: StatementCache,
  statement: Statement,
  { reply, name, shape, closing }: Sent,
): void {
  if (reply.closed < closing.length) statements.closeLater(closing.slice(reply.closed));
  if (name !== null && reply.parsed) statement.name = name;
  if (shape !== null && !reply.error && !reply.skipped) statement.confirm(shape, reply);
}

/**
 * Runs a statement without parameters of which nothing is known, and which can't be a simple query: its
 * results come as text.
 */
export function parseBlindly(
  context: ExecuteContext,
  statement: Statement,
  ending: Ending = "z",
): ExtendedReply {
  const { session } = context;
  const { outbox } = session;
  let before = "";
  whole(session, () => {
    before = context.prologue.write(session);
    writeParse(outbox, "", statement.text, NO_TYPES);
  });
  writeBind(outbox, "", NO_VALUES, null);
  writeDescribePortal(outbox);
  writeExecute(outbox);
  const reply = owe(context, before, "12dx", ending, null);
  reply.handsOver = !statement.exclusive;
  return reply;
}

/**
 * Runs a statement of which nothing is known: it is described first, then bound as it was described. The
 * conversation ends when everything was sent.
 */
export function* describeAndBind(
  context: ExecuteContext,
  statement: Statement,
  request: ExecuteRequest,
  ending: Ending = "z",
): Conversation<ExtendedReply> {
  const { session, statements, prologue } = context;
  const { outbox } = session;
  checkPlaceholders(request.text, request.parameters);
  const name = statements.wants(statement, request.prepare) ? statements.newName() : null;
  let before = "";
  whole(session, () => {
    before = prologue.write(session);
    writeParse(outbox, name ?? "", statement.text, statement.typesSaid);
  });
  const closing = statements.takeToClose();
  writeDescribeStatement(outbox, name ?? "");
  writeCloses(session, closing);
  writeFlush(outbox);
  prologue.sent(before, session);
  const described = session.owe(new ExtendedReply(`${before}1t${"3".repeat(closing.length)}`));
  yield described;
  if (described.error || described.skipped) {
    statements.closeLater(closing);
    if (ending !== "") yield* sync(session);
    return described;
  }
  statement.describe(described.parameterOids as readonly number[], described.columns);
  if (name !== null) statement.name = name;
  const shape = statement.shape(context.adapters, request.binary);
  try {
    whole(session, () =>
      bind(session.outbox, context.adapters, statement, request, name ?? "", shape),
    );
  } catch (error) {
    if (ending !== "") yield* sync(session);
    throw error;
  }
  writeExecute(outbox);
  const reply = owe(context, "", "2x", ending, shape.columns);
  reply.handsOver = !statement.exclusive;
  return reply;
}

/** Ends the implicit transaction that a Flush left open. */
function* sync(session: Session): Conversation<void> {
  writeSync(session.outbox);
  yield session.owe(new SyncReply());
}

const NO_VALUES = { count: 0, write: (): 0 => 0 };

/** Writes messages whole or not at all. */
function whole(session: Session, write: () => void): void {
  const { outbox } = session;
  const mark = outbox.length;
  try {
    write();
  } catch (error) {
    outbox.rewind(mark);
    throw error;
  }
}

function bind(
  outbox: Writer,
  adapters: AdaptersMap,
  statement: Statement,
  { parameters }: ExecuteRequest,
  name: string,
  shape: ResultShape,
): void {
  const oids = statement.parameterOids as readonly number[];
  try {
    const bound = new BoundParameters(parameters, oids, adapters);
    if (name === statement.name) statement.frame(shape).write(outbox, bound);
    else writeBind(outbox, name, bound, shape.formats);
  } catch (error) {
    throw withListHint(error, statement.text, parameters);
  }
}

/** Ends what was written, and says what the server owes for it. */
function owe(
  { session, prologue }: ExecuteContext,
  before: string,
  steps: string,
  ending: Ending,
  columns: readonly ColumnDescription[] | null,
): ExtendedReply {
  if (ending !== "") writeSync(session.outbox);
  if (before !== "") prologue.sent(before, session);
  return session.owe(new ExtendedReply(`${before}${steps}${ending}`, columns));
}

/** Closes evicted statements along the way; before an Execute, which may turn out to be a COPY. */
function writeCloses(session: Session, names: readonly string[]): void {
  for (const name of names) writeCloseStatement(session.outbox, name);
}
