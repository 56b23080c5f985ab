/**
 * The messages of the extended protocol, one function for each way a statement is run.
 *
 * What is written is written whole: a value that is refused takes back what was written before it, so the
 * connection never knows of the attempt. (Manual, 54.2.3 "Extended Query".)
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
  writeFlush,
  writeParse,
  writeSync,
} from "../protocol/encode.ts";
import { ExtendedReply } from "../protocol/extended-reply.ts";
import { SyncReply } from "../protocol/replies.ts";
import type { Session } from "../protocol/session.ts";
import type { Statement, StatementCache } from "./statements.ts";

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

const NO_TYPES: readonly number[] = Object.freeze([]);

/** Runs a statement that is prepared under a name: Bind and Execute. */
export function bindPrepared(
  context: ExecuteContext,
  statement: Statement,
  request: ExecuteRequest,
): ExtendedReply {
  const { session, adapters } = context;
  const { outbox } = session;
  const shape = statement.shape(adapters, request.binary);
  const mark = outbox.length;
  try {
    const bound = new BoundParameters(
      request.parameters,
      statement.parameterOids as readonly number[],
      adapters,
    );
    writeBind(outbox, statement.name as string, bound, shape.formats);
  } catch (error) {
    outbox.rewind(mark);
    throw error;
  }
  writeExecute(outbox);
  writeSync(outbox);
  const reply = new ExtendedReply("2xz", shape.columns);
  reply.handsOver = !statement.exclusive;
  return session.owe(reply);
}

/** Runs a statement whose description is known, preparing it on the way when it is time to. */
export function* parseAndBind(
  { session, statements, adapters }: ExecuteContext,
  statement: Statement,
  request: ExecuteRequest,
): Conversation<ExtendedReply> {
  const { outbox } = session;
  const oids = statement.parameterOids as readonly number[];
  const shape = statement.shape(adapters, request.binary);
  const preparing = statements.wants(statement, request.prepare);
  const name = preparing ? statements.newName() : "";
  const mark = outbox.length;
  const closing = statements.takeToClose();
  try {
    writeCloses(session, closing);
    // The types are pinned: the values are written as what was described before.
    writeParse(outbox, name, statement.text, oids);
    writeBind(outbox, name, new BoundParameters(request.parameters, oids, adapters), shape.formats);
  } catch (error) {
    outbox.rewind(mark);
    statements.closeLater(closing);
    throw error;
  }
  writeDescribePortal(outbox);
  writeExecute(outbox);
  writeSync(outbox);
  const reply = session.owe(new ExtendedReply(`${"3".repeat(closing.length)}12dxz`));
  // Whoever comes next would bind to the name: not before it is known to exist.
  reply.handsOver = !preparing && !statement.exclusive;
  yield reply;
  if (preparing && reply.parsed) statement.name = name;
  if (!reply.error) statement.confirm(shape, reply);
  return reply;
}

/** Runs a statement of which nothing is known: it is described first, then bound as it was described. */
export function* describeAndBind(
  { session, statements, adapters }: ExecuteContext,
  statement: Statement,
  request: ExecuteRequest,
): Conversation<ExtendedReply> {
  const { outbox } = session;
  const preparing = statements.wants(statement, request.prepare);
  const name = preparing ? statements.newName() : "";
  writeParse(outbox, name, statement.text, NO_TYPES);
  writeDescribeStatement(outbox, name);
  const closing = statements.takeToClose();
  writeCloses(session, closing);
  writeFlush(outbox);
  const described = session.owe(new ExtendedReply(`1t${"3".repeat(closing.length)}`));
  yield described;
  if (described.error) {
    statements.closeLater(closing);
    yield* sync(session);
    return described;
  }
  const oids = described.parameterOids as readonly number[];
  statement.describe(oids, described.columns);
  if (preparing) statement.name = name;
  const shape = statement.shape(adapters, request.binary);
  const mark = outbox.length;
  try {
    writeBind(outbox, name, new BoundParameters(request.parameters, oids, adapters), shape.formats);
  } catch (error) {
    outbox.rewind(mark);
    yield* sync(session);
    throw error;
  }
  writeExecute(outbox);
  writeSync(outbox);
  const reply = session.owe(new ExtendedReply("2xz", shape.columns));
  reply.handsOver = !statement.exclusive;
  yield reply;
  return reply;
}

/** Ends the implicit transaction that a Flush left open. */
function* sync(session: Session): Conversation<void> {
  writeSync(session.outbox);
  yield session.owe(new SyncReply());
}

/** Closes evicted statements along the way; before an Execute, which may turn out to be a COPY. */
function writeCloses(session: Session, names: readonly string[]): void {
  for (const name of names) writeCloseStatement(session.outbox, name);
}
