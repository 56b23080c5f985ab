/**
 * What the server owes us, one object for each thing that was asked.
 *
 * Every message from the server is matched against the reply at the head of the session's queue, and a
 * reply takes only what its request can be answered with: anything else is a protocol error that ends the
 * connection, so that rows can never reach a statement that did not ask for them. A reply is settled when
 * its last message came (ReadyForQuery for whole statements) and then resumes whoever waits.
 *
 * An extended-query request is matched step by step, each step a letter: `1` ParseComplete, `2`
 * BindComplete, `3` CloseComplete, `t` parameter and row description of a statement, `d` row description
 * of a portal, `x` execution, `z` ReadyForQuery. After an error the server skips to the next Sync (manual,
 * 54.2.3), so the reply skips to its `z`.
 */
import type { Diagnostic } from "../errors.ts";
import { ProtocolError } from "../errors.ts";
import { commandTag, parameterDescription, rowDescription, Backend } from "./messages.ts";
import { Result } from "./result.ts";
import type { ColumnDescription } from "./messages.ts";

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
export abstract class Reply {
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

  /** Takes a message; throws ProtocolError for one that cannot be an answer. */
  abstract accept(
    type: number,
    bytes: Buffer,
    start: number,
    end: number,
    context: ReplyContext,
  ): void;

  /** Takes rows, see {@link Result.take}. */
  rows(_bytes: Buffer, _start: number, _end: number): number {
    throw surprise(Backend.dataRow);
  }

  /** Takes the server's error; what is still owed after it is the reply's to know. */
  abstract refuse(error: Diagnostic): void;

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

/** A reply that collects results of statements. */
export abstract class ResultReply extends Reply {
  /** The results that were completed, in order. */
  readonly results: Result[] = [];
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
    this.results.push(result);
    this.current = null;
  }

  /** Handles the messages of a COPY; returns whether it was one. */
  protected copy(type: number, context: ReplyContext, extended: boolean): boolean {
    switch (type) {
      case Backend.copyInResponse:
        if (this.current) return false;
        this.copyAttempted = true;
        context.refuseCopy(extended);
        return true;
      case Backend.copyOutResponse:
        if (this.current) return false;
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
        this.current = new Result(rowDescription(bytes, start, end));
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

const PARSE = 0x31; // 1
const BIND = 0x32; // 2
const CLOSE = 0x33; // 3
const DESCRIBE_STATEMENT = 0x74; // t
const DESCRIBE_PORTAL = 0x64; // d
const EXECUTE = 0x78; // x
const SYNC = 0x7a; // z

/** The answer to a series of extended-query messages. */
export class ExtendedReply extends ResultReply {
  /** The parameters' types, when a statement was described. */
  parameterOids: readonly number[] | null = null;
  /** The columns, when a statement or portal was described; null when it gives no rows. */
  columns: readonly ColumnDescription[] | null;
  /** Whether the Parse among the steps succeeded. */
  parsed = false;
  /** Whether a Bind among the steps succeeded: execution may have begun. */
  bound = false;
  readonly #steps: string;
  #at = 0;

  /** A reply to the given steps; `columns` are those of a statement that isn't described again. */
  constructor(steps: string, columns: readonly ColumnDescription[] | null = null) {
    super();
    this.#steps = steps;
    this.columns = columns;
  }

  #step(): number {
    return this.#steps.charCodeAt(this.#at);
  }

  #advance(): void {
    this.#at++;
    if (this.#at === this.#steps.length) this.settled = true;
    else if (this.#step() === EXECUTE)
      this.current = this.columns ? new Result(this.columns) : null;
  }

  override accept(
    type: number,
    bytes: Buffer,
    start: number,
    end: number,
    context: ReplyContext,
  ): void {
    const step = this.#step();
    switch (type) {
      case Backend.bindComplete:
        if (step !== BIND) throw surprise(type);
        this.bound = true;
        return this.#advance();
      case Backend.commandComplete:
        if (step !== EXECUTE) throw surprise(type);
        this.complete(commandTag(bytes, start, end));
        return this.#advance();
      case Backend.readyForQuery:
        if (step !== SYNC) throw surprise(type);
        return this.#advance();
      case Backend.parseComplete:
        if (step !== PARSE) throw surprise(type);
        this.parsed = true;
        return this.#advance();
      case Backend.parameterDescription:
        if (step !== DESCRIBE_STATEMENT || this.parameterOids) throw surprise(type);
        this.parameterOids = parameterDescription(bytes, start, end);
        return;
      case Backend.rowDescription:
      case Backend.noData:
        if (step === DESCRIBE_STATEMENT ? !this.parameterOids : step !== DESCRIBE_PORTAL)
          throw surprise(type);
        this.columns = type === Backend.noData ? null : rowDescription(bytes, start, end);
        return this.#advance();
      case Backend.closeComplete:
        if (step !== CLOSE) throw surprise(type);
        return this.#advance();
      case Backend.emptyQueryResponse:
        if (step !== EXECUTE || this.current) throw surprise(type);
        this.complete("");
        return this.#advance();
      case Backend.portalSuspended:
        throw surprise(type);
      default:
        if (step !== EXECUTE || !this.copy(type, context, true)) throw surprise(type);
    }
  }

  override refuse(error: Diagnostic): void {
    if (this.error) throw surprise(Backend.errorResponse);
    this.error = error;
    this.current = null;
    const sync = this.#steps.length - 1;
    if (this.#steps.charCodeAt(sync) === SYNC) this.#at = sync;
    else this.settled = true;
  }
}

/** The answer to a Sync alone. */
export class SyncReply extends Reply {
  override accept(type: number): void {
    if (type !== Backend.readyForQuery) throw surprise(type);
    this.settled = true;
  }

  override refuse(): void {
    throw surprise(Backend.errorResponse);
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
