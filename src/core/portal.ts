/**
 * The messages that open, describe, read, move and close a named portal, which is what a cursor is.
 *
 * What is due before a statement (see prologue.ts) goes in front of each of them but the closing. The manual
 * calls for DECLARE to be run in a transaction block, unless it is WITH HOLD; the server sees to that.
 */
import { errorFromDiagnostic } from "../sqlstate.ts";
import type { Diagnostic } from "../errors.ts";
import { ProgrammingError } from "../errors.ts";
import type { Conversation } from "../protocol/effects.ts";
import type { ParameterWriter } from "../protocol/encode.ts";
import {
  writeBind,
  writeClosePortal,
  writeDescribePortal,
  writeDescribeStatement,
  writeExecute,
  writeFlush,
  writeParse,
  writeSync,
} from "../protocol/encode.ts";
import { ExtendedReply } from "../protocol/extended-reply.ts";
import type { ColumnDescription } from "../protocol/messages.ts";
import { SyncReply } from "../protocol/replies.ts";
import type { Result } from "../protocol/result.ts";
import type { Session } from "../protocol/session.ts";
import { checkText } from "../protocol/writer.ts";
import { quoteIdentifier } from "../sql/identifier.ts";
import type { Description } from "./description.ts";
import type { ExecuteContext } from "./extended.ts";

const NO_TYPES: readonly number[] = Object.freeze([]);
const NO_VALUES: ParameterWriter = { count: 0, write: (): 0 => 0 };

/**
 * Refuses what can't name a cursor.
 *
 * @throws ProgrammingError for anything but a text of 1 to 63 bytes; DataError for a NUL in it.
 */
export function checkCursorName(name: string): string {
  if (typeof name !== "string" || name === "") {
    throw new ProgrammingError(
      `a server cursor needs a name that isn't empty, not ${JSON.stringify(name)}; conn.cursor() makes a client cursor`,
    );
  }
  checkText(name);
  quoteIdentifier(name);
  return name;
}

/** A cursor that is to be opened. */
export interface Declaration {
  readonly name: string;
  readonly scrollable: boolean | null;
  readonly withHold: boolean;
  readonly query: string;
  /** Binds the values to parameters of these types. */
  parametersOf(oids: readonly number[]): ParameterWriter;
  readonly parameterCount: number;
  /** The types of parameters that the program said, 0 for others. */
  readonly typesSaid: readonly number[];
  /** Whether to close a cursor of this name first. */
  readonly closing: boolean;
}

/** What was opened. */
export interface Declared {
  readonly columns: readonly ColumnDescription[] | null;
  readonly result: Result;
}

/** Opens a cursor and describes it: in one round trip, or in two when it has parameters. */
export function* declareCursor(
  { session, prologue }: ExecuteContext,
  declaration: Declaration,
): Conversation<Declared> {
  const { outbox } = session;
  const { name, scrollable, parameterCount, closing } = declaration;
  const scroll = scrollable === null ? "" : scrollable ? "SCROLL " : "NO SCROLL ";
  const hold = declaration.withHold ? " WITH HOLD" : "";
  const text = `DECLARE ${quoteIdentifier(name)} ${scroll}CURSOR${hold} FOR ${declaration.query}`;
  const before = whole(session, () => {
    const written = prologue.write(session);
    if (closing) writeClosePortal(outbox, name);
    writeParse(outbox, "", text, declaration.typesSaid);
    return written;
  });
  prologue.sent(before, session);
  let steps = `${before}${closing ? "3" : ""}1`;
  let values = NO_VALUES;
  if (parameterCount > 0) {
    writeDescribeStatement(outbox, "");
    writeFlush(outbox);
    const described = session.owe(new ExtendedReply(`${steps}t`));
    steps = "";
    yield described;
    if (described.error) {
      yield* sync(session);
      throw failure(described, described.error, prologue.lastSent, text);
    }
    try {
      values = declaration.parametersOf(described.parameterOids as readonly number[]);
      whole(session, () => writeBind(outbox, "", values, null));
    } catch (error) {
      yield* sync(session);
      throw error;
    }
  } else {
    writeBind(outbox, "", values, null);
  }
  writeExecute(outbox);
  writeDescribePortal(outbox, name);
  writeSync(outbox);
  const reply = session.owe(new ExtendedReply(`${steps}2xdz`));
  yield reply;
  if (reply.error) throw failure(reply, reply.error, prologue.lastSent, text);
  return { columns: reply.columns, result: reply.results[0] as Result };
}

/** The columns of a cursor that was opened elsewhere. */
export function* describePortal(
  { session, prologue }: ExecuteContext,
  name: string,
): Conversation<readonly ColumnDescription[]> {
  const before = whole(session, () => prologue.write(session));
  writeDescribePortal(session.outbox, name);
  writeSync(session.outbox);
  prologue.sent(before, session);
  const reply = session.owe(new ExtendedReply(`${before}dz`));
  yield reply;
  if (reply.error) throw failure(reply, reply.error, prologue.lastSent, null);
  return reply.columns ?? [];
}

/** Runs a FETCH or MOVE; the rows come in the formats of `expected`. */
export function* runPortal(
  { session, prologue }: ExecuteContext,
  command: string,
  name: string,
  expected: Description | null,
): Conversation<Result> {
  const { outbox } = session;
  const text = `${command} FROM ${quoteIdentifier(name)}`;
  const before = whole(session, () => {
    const written = prologue.write(session);
    writeParse(outbox, "", text, NO_TYPES);
    return written;
  });
  const formats = expected?.columns.map(({ format }) => format) ?? [];
  writeBind(outbox, "", NO_VALUES, formats.includes(1) ? formats : null);
  writeDescribePortal(outbox);
  writeExecute(outbox);
  writeSync(outbox);
  prologue.sent(before, session);
  const reply = session.owe(new ExtendedReply(`${before}12dxz`));
  yield reply;
  if (reply.error) throw failure(reply, reply.error, prologue.lastSent, text);
  return reply.results[0] as Result;
}

/** Closes a cursor, also one that is gone. */
export function* closePortal({ session }: ExecuteContext, name: string): Conversation<void> {
  writeClosePortal(session.outbox, name);
  writeSync(session.outbox);
  yield session.owe(new ExtendedReply("3z"));
}

function* sync(session: Session): Conversation<void> {
  writeSync(session.outbox);
  yield session.owe(new SyncReply());
}

/** Writes messages whole or not at all. */
function whole<T>({ outbox }: Session, write: () => T): T {
  const mark = outbox.length;
  try {
    return write();
  } catch (error) {
    outbox.rewind(mark);
    throw error;
  }
}

function failure(
  reply: ExtendedReply,
  error: Diagnostic,
  control: string,
  text: string | null,
): Error {
  const made = errorFromDiagnostic(error, { statement: reply.controlFailed ? control : text });
  if (error.sqlstate === "25P01") {
    made.message +=
      "; a server cursor lives in a transaction: open one with conn.transaction(), or make the cursor with { withHold: true }";
  }
  return made;
}
