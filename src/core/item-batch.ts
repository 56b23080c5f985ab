/**
 * The items of one `executeMany()` on their way: what is sent when, and what is done when it has to stop.
 *
 * Chunks of Bind and Execute are written ahead of their answers, as far as the window allows. What stops it
 * before the end decides how it ends: see execute-many.ts, which says what that means for programs.
 */
import { BoundParameters } from "../adapt/parameters.ts";
import type { Diagnostic } from "../errors.ts";
import { MahoutError, ProgrammingError } from "../errors.ts";
import type { Conversation } from "../protocol/effects.ts";
import {
  BindFrame,
  writeExecute,
  writeFlush,
  writeParse,
  writeQuery,
  writeSync,
} from "../protocol/encode.ts";
import { ExtendedReply } from "../protocol/extended-reply.ts";
import { ManyReply } from "../protocol/many-reply.ts";
import { QueryReply } from "../protocol/replies.ts";
import { Result } from "../protocol/result.ts";
import { errorFromDiagnostic } from "../sqlstate.ts";
import type { NumberedText } from "../sql/named.ts";
import { isStale, mayRepeat } from "./execute.ts";
import type { ResultSet } from "./execute.ts";
import type { ExecuteContext } from "./extended.ts";
import { ofItem, valuesOfItem } from "./items.ts";
import type { RepeatableItems } from "./items.ts";
import type { ResultShape, Statement } from "./statements.ts";

/** What is to be run for each item. */
export interface ManyRequest {
  readonly text: string;
  /** Prepare under a name (true), never (false), or unless the connection never does. */
  readonly prepare: boolean | undefined;
  readonly binary: boolean | undefined;
  /** Whether the items' results are kept. */
  readonly returning: boolean;
  /** The placeholders when they are names, which the first item tells; the text is theirs then. */
  readonly names: NumberedText | null;
}

/** What came of it. */
export interface ManyOutcome {
  /** A result for each item when they are kept, else one that has the last item's tag and no rows. */
  readonly sets: readonly ResultSet[];
  /** The rows of all items together; -1 when the command counts none. */
  readonly rowCount: number;
}

/** A chunk ends when it has this many bytes. */
const CHUNK = 64 * 1024;
/** So many chunks may wait for their answers while the next one is written. */
const WINDOW = 2;
const NO_TYPES: readonly number[] = Object.freeze([]);
/** No statement: the error about it is what ends the transaction, and is read in the server's log. */
const STOP = '"executeMany() was stopped by its client and is rolled back"';

/** Sends all items to a statement that was described. */
export class ItemBatch {
  readonly #context: ExecuteContext;
  readonly #statement: Statement;
  readonly #items: RepeatableItems;
  readonly #name: string;
  readonly #names: NumberedText | null;
  readonly #shape: ResultShape;
  /** What the Binds of all items have in common. */
  #frame: BindFrame | null = null;
  readonly #reply: ManyReply;
  /** The answer to what went before the first item, BEGIN for example. */
  #control: ExtendedReply | null = null;
  #due: readonly string[] = [];
  /** Whether what is known of the statement is from before, and may be wrong by now. */
  #known = false;
  /** Whether items, or the description that they are for, were sent. */
  #sent = false;
  #failure: { readonly error: unknown } | null = null;

  constructor(
    context: ExecuteContext,
    statement: Statement,
    request: ManyRequest,
    items: RepeatableItems,
    name: string,
  ) {
    this.#context = context;
    this.#statement = statement;
    this.#items = items;
    this.#name = name;
    this.#names = request.names;
    this.#shape = statement.shape(context.adapters, request.binary);
    this.#reply = new ManyReply(this.#shape.columns, request.returning);
    this.#reply.onFailure = () => items.wake();
  }

  /**
   * Sends everything. The statement is `known` from before, or was described just now; null when what was
   * known proved wrong before anything had an effect.
   */
  *send(known: boolean): Conversation<ManyOutcome | null> {
    const { session } = this.#context;
    const reply = this.#reply;
    this.#known = known;
    this.#sent = !known;
    if (!known) session.owe(reply);
    const unanswered: number[] = [];
    let more: boolean | null = true;
    while (more !== false && this.#failure === null && !this.#over) {
      const { written } = reply;
      more = this.#write();
      if (reply.written > written) {
        // What isn't the last chunk has its answers asked for, and waits when there are too many without.
        if (more !== false) writeFlush(session.outbox);
        unanswered.push(reply.written);
        // A COPY would take what follows it for data.
        const isProbe = this.#statement.exclusive && written === 0;
        const full = isProbe || unanswered.length > WINDOW;
        if (more !== false) yield reply.reached(full ? (unanswered.shift() as number) : 0);
      }
      if (more === null && !this.#over) {
        yield { kind: "until", ready: () => this.#items.fill() };
      }
      if (reply.begun) this.#items.settle();
      if (reply.failure) throw reply.failure;
    }
    if (!this.#sent) {
      const { error } = this.#failure as { readonly error: unknown };
      // The values were refused for types that were known. What are they now?
      if (error instanceof MahoutError && error.index !== undefined) return null;
      throw error;
    }
    return yield* this.#end();
  }

  /** Whether the server has answered so that nothing more is to be sent. */
  get #over(): boolean {
    const { error, skipped, settled, copyAttempted } = this.#reply;
    return error !== null || skipped || settled || copyAttempted;
  }

  /** Writes a chunk; what stopped it takes it back. Returns what its last `advance()` did. */
  #write(): boolean | null {
    const { session, prologue } = this.#context;
    const { outbox } = session;
    const reply = this.#reply;
    const { written } = reply;
    const mark = outbox.length;
    const size = this.#statement.exclusive && written === 0 ? 1 : CHUNK;
    let more: boolean | null = true;
    try {
      if (!this.#sent) this.#due = prologue.due(session);
      const before = this.#sent ? "" : prologue.write(session);
      const start = outbox.length;
      while (outbox.length - start < size) {
        more = this.#items.advance();
        if (more !== true) break;
        this.#bind(this.#items.item);
      }
      if (!this.#sent && reply.written > 0) {
        if (before !== "") this.#control = session.owe(new ExtendedReply(before));
        prologue.sent(before, session);
        session.owe(reply);
        this.#sent = true;
      } else if (!this.#sent) {
        outbox.rewind(mark);
      }
    } catch (error) {
      outbox.rewind(mark);
      reply.written = written;
      this.#failure = { error };
      return false;
    }
    return more;
  }

  #bind(item: unknown): void {
    const { session, adapters } = this.#context;
    const reply = this.#reply;
    try {
      const values = valuesOfItem(item, reply.written, this.#names);
      const oids = this.#statement.parameterOids as readonly number[];
      const bound = new BoundParameters(values, oids, adapters);
      this.#frame ??= new BindFrame(this.#name, oids.length, this.#shape.formats);
      this.#frame.write(session.outbox, bound);
    } catch (error) {
      throw ofItem(error, reply.written);
    }
    writeExecute(session.outbox);
    reply.written++;
  }

  /** Ends it with a Sync, having it all rolled back when there is a reason to, and waits. */
  *#end(): Conversation<ManyOutcome | null> {
    const { session, statements, prologue } = this.#context;
    const reply = this.#reply;
    const failed = this.#failure;
    const isClean = failed === null && !this.#over;
    if (failed !== null && !this.#over && reply.written > 0)
      writeParse(session.outbox, "", STOP, NO_TYPES);
    writeSync(session.outbox);
    reply.sync();
    reply.handsOver = isClean && reply.begun && !this.#statement.exclusive;
    yield reply;
    if (this.#control?.error) {
      throw errorFromDiagnostic(this.#control.error, { statement: prologue.lastSent });
    }
    if (reply.tag !== null) statements.completed(reply.tag);
    if (reply.copyAttempted) throw copyRefused(this.#statement, reply.error);
    const { error } = reply;
    if (error !== null && (failed === null || reply.failedItem !== null)) {
      if (this.#known && !reply.begun && isStale(error)) {
        if (yield* this.#undo()) return null;
        statements.drop(this.#statement);
      }
      const made = errorFromDiagnostic(error, { statement: this.#statement.text });
      throw reply.failedItem === null ? made : ofItem(made, reply.failedItem);
    }
    if (failed !== null) throw failed.error;
    return this.#outcome();
  }

  /** Goes back to before the first item, which changed nothing; returns whether that is possible. */
  *#undo(): Conversation<boolean> {
    const { session, prologue } = this.#context;
    if (!mayRepeat(session, this.#due)) return false;
    if (this.#due.length > 0) {
      writeQuery(session.outbox, "ROLLBACK");
      yield session.owe(new QueryReply());
      prologue.repeat(this.#due);
    }
    return true;
  }

  #outcome(): ManyOutcome {
    const { results, tag, rowCount } = this.#reply;
    const { description } = this.#shape;
    if (results.length > 0) {
      return { sets: results.map((result) => ({ result, description })), rowCount };
    }
    const last = new Result(null);
    last.tag = tag;
    return { sets: [{ result: last, description: null }], rowCount };
  }
}

function copyRefused({ text }: Statement, error: Diagnostic | null): ProgrammingError {
  return new ProgrammingError("executeMany() cannot run COPY; use copy() of a client cursor", {
    statement: text,
    cause: error ? errorFromDiagnostic(error, {}) : undefined,
  });
}
