/**
 * Commands of the connection itself, COMMIT for example: no parameters, no rows, and always waited for.
 */
import type { Conversation } from "../protocol/effects.ts";
import { writeControl, writeCommand, writeSync } from "../protocol/encode.ts";
import { ExtendedReply } from "../protocol/extended-reply.ts";
import { QueryReply } from "../protocol/replies.ts";
import type { Session } from "../protocol/session.ts";
import { errorFromDiagnostic } from "../sqlstate.ts";
import type { PipelineCore } from "./pipeline.ts";
import type { Prologue } from "./prologue.ts";

/** Runs commands that give no rows, behind what a pipeline has sent, and waits; returns the tag of the last. `shown` is
 * what an error says that was run. */
export function* command(
  session: Session,
  prologue: Prologue,
  pipeline: PipelineCore,
  commands: readonly string[],
  shown: string = together(commands),
): Conversation<string> {
  let reply: QueryReply | ExtendedReply;
  if (prologue.waiting || pipeline.hasWork) {
    const before = prologue.write(session);
    for (const one of commands) writeControl(session.outbox, one);
    writeSync(session.outbox);
    prologue.sent(before, session);
    reply = session.owe(new ExtendedReply(`${before}${"12x".repeat(commands.length)}z`));
    yield reply;
    const failure = reply.skipped ? pipeline.failure() : null;
    pipeline.synced();
    if (failure) throw failure;
  } else {
    writeCommand(session.outbox, together(commands));
    reply = session.owe(new QueryReply());
    yield reply;
  }
  if (reply.error) throw errorFromDiagnostic(reply.error, { statement: shown });
  return reply.results.at(-1)?.tag ?? "";
}

/** Mostly there is one. */
function together(commands: readonly string[]): string {
  return commands.length === 1 ? (commands[0] as string) : commands.join("; ");
}
