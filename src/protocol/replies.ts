/**
 * What the server owes us, one object for each thing that was asked.
 *
 * Every message from the server is matched against the reply at the head of the session's queue, and a
 * reply takes only what its request can be answered with: anything else is a protocol error that ends the
 * connection, so that rows can never reach a statement that did not ask for them. A reply is settled when
 * its last message came (ReadyForQuery for whole statements) and then resumes whoever waits.
 */
import type { Diagnostic } from "../errors.ts";
import { OperationalError, ProtocolError } from "../errors.ts";
import { keepShape } from "../shapes.ts";
import type { Awaitable } from "./arrival.ts";
import type { ColumnDescription } from "./messages.ts";
import { commandTag, rowDescription, Backend } from "./messages.ts";
import { Result } from "./result.ts";

/** What a reply may do to the connection while it is being answered. */
export interface ReplyContext {
  /** Refuses to send COPY data that nobody has: CopyFail, and a Sync when the extended protocol is spoken. */
  refuseCopy(extended: boolean): void;
}

/** Whoever waits for a reply. */
export interface Waiter {
  /** Called once, when the reply has been settled. */
  resume(): void;
}

/** Something the server owes. */
export abstract class Reply implements Awaitable {
  /** Tells a reply from the other effects. */
  readonly kind = "reply";
  /** Whether nothing more is owed. */
  settled = false;
  /** Why the connection ended before the reply did; thrown into the conversation that waits. */
  failure: Error | null = null;
  /** The server's error, when it answered with one. */
  error: Diagnostic | null = null;
  /**
   * Set by a conversation that has written everything it will write: the next conversation may write
   * while this one's answer is under way.
   */
  handsOver = false;
  /** Who waits. */
  waiter: Waiter | null = null;
  /** Whether the server skips this request, because an earlier one of the same series failed. */
  skipped = false;
  /** How many bytes have arrived and wait to be taken; the driver stops reading when they are many. */
  backlog = 0;

  /** Takes a message; throws ProtocolError for one that cannot be an answer. */
  abstract accept(
    type: number,
    bytes: Buffer,
    start: number,
    end: number,
    context: ReplyContext,
  ): void;

  /** All that came at once has been taken: whoever waits for a piece may go on. */
  arrived(): void {}

  /** Takes rows, see {@link Result.take}. */
  rows(_bytes: Buffer, _start: number, _end: number): number {
    throw surprise(Backend.dataRow);
  }

  /** Takes data of a COPY, see {@link FrameSink.data}. */
  data(_bytes: Buffer, start: number, _end: number): number {
    return start;
  }

  /** Takes the server's error; what is still owed after it is the reply's to know. */
  abstract refuse(error: Diagnostic): void;

  /** Whether its last message is ReadyForQuery: an error before that is over when it comes. */
  get syncs(): boolean {
    return true;
  }

  /** Takes that the request is skipped because an earlier one failed; only its Sync is answered. */
  skip(): void {
    this.skipped = true;
  }

  /** Resumes whoever waits; the session calls it once the reply has left the queue. */
  release(): void {
    const { waiter } = this;
    if (waiter) {
      this.waiter = null;
      waiter.resume();
    }
  }
}

/** A message that the request at hand cannot be answered with. */
export function surprise(type: number): ProtocolError {
  return new ProtocolError(
    `the server sent a "${String.fromCharCode(type)}" message that nothing asked for`,
  );
}

const NO_RESULTS: readonly Result[] = Object.freeze([]);

/** The error of bytes that came in the clear where only encrypted ones may be heard. */
export function unprotected(): OperationalError {
  return new OperationalError(
    "the server sent more than its answer before encryption started; someone may be tampering with the connection",
    { code: "ERR_MAHOUT_PROTOCOL" },
  );
}

/** A reply that collects results of statements. */
export abstract class ResultReply extends Reply {
  /** The results that were completed, in order. */
  results: readonly Result[] = NO_RESULTS;
  /** Set when a statement turned out to be a COPY, which only a copy block can serve. */
  copyAttempted = false;
  /** The result that rows go to. */
  protected current: Result | null = null;

  override rows(bytes: Buffer, start: number, end: number): number {
    if (this.current === null) throw surprise(Backend.dataRow);
    return this.current.take(bytes, start, end);
  }

  /** The statement at hand has ended with this tag. */
  protected complete(tag: string): void {
    const result = this.current ?? new Result(null);
    result.tag = tag;
    // A list of one is by far the most frequent, and one that grows has room for many.
    this.results = this.results.length === 0 ? [result] : [...this.results, result];
    this.current = null;
  }

  /** A statement begins to give rows of these columns. */
  protected begin(columns: readonly ColumnDescription[]): void {
    this.current = new Result(columns);
  }

  /** Whether a statement gives rows, and has not ended. */
  protected get isGiving(): boolean {
    return this.current !== null;
  }

  /** Handles the messages of a COPY; returns whether it was one. */
  protected copy(type: number, context: ReplyContext, extended: boolean): boolean {
    switch (type) {
      case Backend.copyInResponse:
        if (this.isGiving) return false;
        this.copyAttempted = true;
        context.refuseCopy(extended);
        return true;
      case Backend.copyOutResponse:
        if (this.isGiving) return false;
        this.copyAttempted = true;
        return true;
      case Backend.copyData:
      case Backend.copyDone:
        return this.copyAttempted;
      default:
        return false;
    }
  }
}

/** The answer to a simple Query: any number of results, then ReadyForQuery. */
export class QueryReply extends ResultReply {
  override accept(
    type: number,
    bytes: Buffer,
    start: number,
    end: number,
    context: ReplyContext,
  ): void {
    if (this.error && type !== Backend.readyForQuery) throw surprise(type);
    switch (type) {
      case Backend.rowDescription:
        if (this.current) throw surprise(type);
        this.begin(rowDescription(bytes, start, end));
        return;
      case Backend.commandComplete:
        return this.complete(commandTag(bytes, start, end));
      case Backend.emptyQueryResponse:
        if (this.current) throw surprise(type);
        return this.complete("");
      case Backend.readyForQuery:
        // Without an outcome it is not ours: the answer to something else came twice.
        if (this.current || (this.results.length === 0 && !this.error)) throw surprise(type);
        this.settled = true;
        return;
      default:
        if (!this.copy(type, context, false)) throw surprise(type);
    }
  }

  override refuse(error: Diagnostic): void {
    if (this.error) throw surprise(Backend.errorResponse);
    this.error = error;
    this.current = null;
  }
}

/** The answer to a Sync alone; it can fail, since what lies before it takes effect only then. */
export class SyncReply extends Reply {
  override accept(type: number): void {
    if (type !== Backend.readyForQuery) throw surprise(type);
    this.settled = true;
  }

  override refuse(error: Diagnostic): void {
    if (this.error) throw surprise(Backend.errorResponse);
    this.error = error;
  }
}

/** The answer to an SSLRequest: one byte that is no message. */
export class AnswerReply extends Reply {
  /** The byte, `S` or `N`. */
  byte = 0;

  override accept(type: number): void {
    throw surprise(type);
  }

  override refuse(): void {
    throw surprise(Backend.errorResponse);
  }
}

keepShape(new QueryReply());
keepShape(new SyncReply());
keepShape(new AnswerReply());
