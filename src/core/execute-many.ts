/**
 * One statement for many items, without waiting for any of them.
 *
 * The statement is described once (or is known from before), then each item is a Bind and an Execute. They
 * go out in chunks, each with a Flush so that its answers come, and only so many chunks are on their way at
 * a time: neither side can end up writing to one that doesn't read, and memory stays bounded whatever the
 * number of items. There is one Sync, at the end. So outside of a transaction block all items take effect or
 * none does: the server runs what lies before a Sync in one implicit transaction (manual, 54.2.4).
 *
 * An item that the client refuses, a source that throws and a limit that passes come when others may have
 * been executed. Then the transaction is made to fail on the server: something wrong is sent before the
 * Sync. Inside of a transaction block that fails it, as an item refused by the server does. Only when none
 * of the items has been sent yet the session is left as it was.
 */
import { typesSaid } from "../adapt/types/typed-values.ts";
import type { Conversation } from "../protocol/effects.ts";
import {
  writeCloseStatement,
  writeDescribeStatement,
  writeFlush,
  writeParse,
  writeSync,
} from "../protocol/encode.ts";
import { ExtendedReply } from "../protocol/extended-reply.ts";
import { SyncReply } from "../protocol/replies.ts";
import type { DictRow } from "../rows.ts";
import { areNamed, numberNames } from "../sql/named.ts";
import { errorFromDiagnostic } from "../sqlstate.ts";
import type { ExecuteContext } from "./extended.ts";
import { ItemBatch } from "./item-batch.ts";
import type { ManyOutcome, ManyRequest } from "./item-batch.ts";
import type { Items } from "./items.ts";
import { RepeatableItems, valuesOfItem } from "./items.ts";
import { requestOf } from "./operations.ts";
import type { ExecuteOptions } from "./options.ts";
import { draftContext, textOf } from "./query.ts";
import type { Query } from "./query.ts";
import type { Statement } from "./statements.ts";

/** Options of one execution for many items. */
export interface ExecuteManyOptions<Row = DictRow> extends ExecuteOptions<Row> {
  /** Whether the result of each item is kept, for `nextSet()` and `results()` to walk; false by default. */
  readonly returning?: boolean;
}

/** Makes the request of one call, refusing what can't be one. */
export function manyRequestOf(
  context: ExecuteContext,
  query: Query,
  options: ExecuteManyOptions<never> | undefined,
): ManyRequest {
  const { returning = false, ...others } = options ?? {};
  const text = textOf(context, query);
  return { ...requestOf(context, text, undefined, others), returning, names: null };
}

/** Runs the statement for each item; no items cost nothing. The shell closes the source afterwards. */
export function* executeMany(
  context: ExecuteContext,
  given: ManyRequest,
  source: Items,
): Conversation<ManyOutcome> {
  const items = new RepeatableItems(source);
  let first = items.advance();
  while (first === null) {
    yield { kind: "until", ready: () => items.fill() };
    first = items.advance();
  }
  if (!first) return { sets: [], rowCount: 0 };
  const request = areNamed(items.item) ? byNames(context, given) : given;
  const values = valuesOfItem(items.item, 0, request.names);
  items.repeat();
  const { statements } = context;
  const statement = statements.get(request.text, typesSaid(values));
  statement.uses++;
  if (statement.name !== null && request.prepare !== false) {
    const known = new ItemBatch(context, statement, request, items, statement.name);
    const outcome = yield* known.send(true);
    if (outcome !== null) return outcome;
    statements.drop(statement);
    items.repeat();
  }
  const prepare = request.prepare ?? statements.threshold !== null;
  const name = yield* describe(context, statement, prepare);
  items.settle();
  const described = new ItemBatch(context, statement, request, items, name);
  return (yield* described.send(false)) as ManyOutcome;
}

/** The same request for items that are objects. */
function byNames(context: ExecuteContext, request: ManyRequest): ManyRequest {
  const names = numberNames(request.text, draftContext(context).standardStrings);
  return { ...request, text: names.text, names };
}

/** Has the statement described, under a name when it is to be prepared; gives the name, and owes the Sync. */
function* describe(
  { session, statements, prologue }: ExecuteContext,
  statement: Statement,
  prepare: boolean,
): Conversation<string> {
  const { outbox } = session;
  const name = statements.wants(statement, prepare) ? statements.newName() : "";
  const mark = outbox.length;
  let before = "";
  try {
    before = prologue.write(session);
    writeParse(outbox, name, statement.text, statement.typesSaid);
  } catch (error) {
    outbox.rewind(mark);
    throw error;
  }
  writeDescribeStatement(outbox, name);
  const closing = statements.takeToClose();
  for (const closed of closing) writeCloseStatement(outbox, closed);
  writeFlush(outbox);
  prologue.sent(before, session);
  const reply = session.owe(new ExtendedReply(`${before}1t${"3".repeat(closing.length)}`));
  yield reply;
  if (reply.error) {
    statements.closeLater(closing);
    writeSync(outbox);
    yield session.owe(new SyncReply());
    const text = reply.controlFailed ? prologue.lastSent : statement.text;
    throw errorFromDiagnostic(reply.error, { statement: text });
  }
  statement.describe(reply.parameterOids as readonly number[], reply.columns);
  if (name !== "") statement.name = name;
  return name;
}
