/**
 * What one connection knows: status, parameters, key, what is owed and what is to be sent.
 *
 * The session is the meeting point. Conversations write into its outbox and append what the server will
 * owe for it; transports feed it received bytes and report the end. It sorts each message: notices,
 * notifications and parameter changes may come at any time and go to their own takers; everything else
 * belongs to the reply at the head of the queue, and a message that no reply asked for ends the
 * connection. No sockets, clocks or promises in here.
 */
import type { Diagnostic, Outcome } from "../errors.ts";
import { OperationalError, withOutcome } from "../errors.ts";
import { errorFromDiagnostic } from "../sqlstate.ts";
import { writeCopyFail, writeFlush, writeSync } from "./encode.ts";
import type { FrameSink } from "./frames.ts";
import { Frames } from "./frames.ts";
import type { Notify, TransactionLetter } from "./messages.ts";
import { Backend, diagnostic, notification, parameterStatus, readyStatus } from "./messages.ts";
import type { Reply, ReplyContext } from "./replies.ts";
import { Owed } from "./owed.ts";
import { report } from "./reported.ts";
import { AnswerReply, surprise, unprotected } from "./replies.ts";
import type { Tracer } from "./trace.ts";
import { Writer } from "./writer.ts";

export { unprotected };

/** Makes a fresh error: each waiter gets one of its own. */
export type ErrorMaker = () => Error;

/** One connection's knowledge. */
export class Session implements FrameSink, ReplyContext {
  /** What is to be sent. */
  readonly outbox: Writer = new Writer();
  /** The server's reported parameters, `server_version` and `TimeZone` among them. */
  readonly parameters: Map<string, string> = new Map();
  /** The transaction status of the last ReadyForQuery; null before the first. */
  transactionStatus: TransactionLetter | null = null;
  /** How many times the server has said so. */
  readies = 0;
  /** The server process. */
  backendPid = 0;
  /** The secret that a cancel request needs; null when the server gave none. */
  cancelKey: Uint8Array | null = null;
  /** The protocol version spoken, e.g. 30000 or 30002. */
  protocolVersion = 30000;
  /**
   * Whether to stop after each settled reply and leave the rest of the bytes for later: for a driver whose
   * conversation goes on only after {@link receive} has returned.
   */
  stepwise = false;
  /** Shows all messages; null shows none. */
  tracer: Tracer | null = null;
  /** Whether what is written should wait for more: a pipeline is open. */
  lazy = false;
  /** Whether somebody waits for answers that the server would keep until the next Sync. */
  flushWanted = false;
  /** Told once when nothing is owed any more. */
  onIdle: (() => void) | null = null;
  /** Takes notices as they arrive. Must not throw. */
  onNotice: ((diag: Diagnostic) => void) | null = null;
  /** Takes notifications as they arrive. Must not throw. */
  onNotification: ((notify: Notify) => void) | null = null;
  /** Told once when the session has ended. Must not throw. */
  onEnd: (() => void) | null = null;

  readonly #frames = new Frames();
  readonly #owed = new Owed();
  #ended: ErrorMaker | null = null;
  #skipping = false;

  /** Whether the session has ended: nothing can be sent or received any more. */
  get ended(): boolean {
    return this.#ended !== null;
  }

  /** Why the session ended, as a fresh error; null while it lives. */
  endReason(): Error | null {
    return this.#ended ? this.#ended() : null;
  }

  /** How many replies are owed. */
  get owedCount(): number {
    return this.#owed.count;
  }

  /** How many replies were ever owed. */
  get asked(): number {
    return this.#owed.asked;
  }

  /** How often the server will have said where it stands when it has answered everything. */
  get readiesToCome(): number {
    let count = this.readies;
    for (const reply of this.#owed) if (reply.syncs) count++;
    return count;
  }

  /** How many bytes have arrived that whoever asked for them has not taken; 0 when nobody streams. */
  get backlog(): number {
    return this.#owed.first?.backlog ?? 0;
  }

  /** Whether the server owes nothing and nothing waits to be sent. */
  get idle(): boolean {
    return this.#owed.count === 0 && this.outbox.length === 0;
  }

  /** Makes the outbox ready to be sent: asks for the answers that somebody waits for. */
  complete(): void {
    if (!this.flushWanted) return;
    this.flushWanted = false;
    writeFlush(this.outbox);
  }

  /** Appends what the server will owe for what was just written. */
  owe<R extends Reply>(reply: R): R {
    if (this.#ended) {
      reply.failure = this.#tell(this.#ended(), "not sent");
      reply.settled = true;
      return reply;
    }
    this.#owed.add(reply);
    if (this.#skipping) this.#skip();
    return reply;
  }

  /**
   * Takes received bytes; such that are not the protocol end the session, and nothing is thrown.
   *
   * @returns where it stopped: at `end`, or after a settled reply when it goes {@link stepwise}.
   */
  receive(bytes: Buffer, start: number, end: number): number {
    if (this.#ended) return end;
    try {
      const head = this.#owed.first;
      if (head instanceof AnswerReply) return this.#answer(head, bytes, start, end);
      const stopped = this.#frames.cut(bytes, start, end, this);
      this.#owed.first?.arrived();
      return stopped;
    } catch (error) {
      this.end(() => copyOf(error as Error));
    }
    return end;
  }

  /** Ends the session: everything owed fails with a fresh error each, later requests as well. */
  end(reason: ErrorMaker): void {
    this.#end(reason, false);
  }

  #end(reason: ErrorMaker, keepsErrors: boolean): void {
    if (this.#ended) return;
    this.#ended = reason;
    this.outbox.clear();
    const owed = this.#owed.takeAll();
    this.onEnd?.();
    for (const reply of owed) {
      // An error that the server could still send tells more than that it went away afterwards.
      const told = keepsErrors ? reply.error : null;
      reply.failure = told ? errorFromDiagnostic(told, {}) : this.#tell(reason(), "unknown");
      reply.settled = true;
      reply.release();
    }
    this.#idle();
  }

  /** Before the session was ready there was no statement that could have had an effect. */
  #tell(error: Error, outcome: Outcome): Error {
    return this.transactionStatus === null ? error : withOutcome(error, outcome);
  }

  /** The socket was closed by the other side, or failed with `cause`. */
  disconnected(cause: Error | null): void {
    const message = cause
      ? `the connection to the server was lost: ${cause.message}`
      : "the server closed the connection unexpectedly";
    const options = { cause: cause ?? undefined, code: "ERR_MAHOUT_CONNECTION_LOST" };
    this.#end(() => new OperationalError(message, options), true);
  }

  /** See {@link FrameSink.rows}. */
  rows(bytes: Buffer, start: number, end: number): number {
    const reply = this.#owed.first;
    if (reply === null) throw surprise(Backend.dataRow);
    const next = reply.rows(bytes, start, end);
    this.tracer?.receivedRows(bytes, start, next);
    return next;
  }

  /** See {@link FrameSink.data}. */
  data(bytes: Buffer, start: number, end: number): number {
    const reply = this.tracer ? null : this.#owed.first;
    return reply?.data(bytes, start, end) ?? start;
  }

  /** See {@link FrameSink.frame}. */
  frame(type: number, bytes: Buffer, start: number, end: number): boolean {
    this.tracer?.received(type, bytes, start, end);
    switch (type) {
      case Backend.noticeResponse:
        this.onNotice?.(diagnostic(bytes, start, end));
        return true;
      case Backend.notificationResponse:
        this.onNotification?.(notification(bytes, start, end));
        return true;
      case Backend.parameterStatus:
        report(this.parameters, parameterStatus(bytes, start, end));
        return true;
      case Backend.errorResponse:
        return this.#error(diagnostic(bytes, start, end));
      case Backend.readyForQuery:
        this.transactionStatus = readyStatus(bytes, start, end);
        if (this.readies++ === 0) this.#frames.trust();
        break;
      default:
    }
    const reply = this.#owed.first;
    if (reply === null) throw surprise(type);
    reply.accept(type, bytes, start, end, this);
    return !reply.settled || this.#drop(reply);
  }

  /** See {@link ReplyContext.refuseCopy}. */
  refuseCopy(extended: boolean): void {
    writeCopyFail(this.outbox, "COPY was started by execute(), which has no data for it");
    if (extended) writeSync(this.outbox);
  }

  /** Takes the settled reply off the queue, then lets its conversation go on; returns whether to read on. */
  #drop(reply: Reply): boolean {
    this.#owed.drop();
    reply.release();
    if (this.onIdle !== null && this.owedCount === 0) this.#idle();
    return !this.stepwise && this.#ended === null;
  }

  #idle(): void {
    const { onIdle } = this;
    this.onIdle = null;
    onIdle?.();
  }

  #error(diag: Diagnostic): boolean {
    const severity = diag.severityNonlocalized ?? diag.severity;
    if (severity === "FATAL" || severity === "PANIC") {
      // The last thing that a session hears: it is the error that all waiters see.
      this.end(() => errorFromDiagnostic(diag, {}));
      return false;
    }
    const reply = this.#owed.first;
    if (reply === null) throw surprise(Backend.errorResponse);
    reply.refuse(diag);
    if (!reply.settled) return true;
    this.#skipping = true;
    const goesOn = this.#drop(reply);
    this.#skip();
    return goesOn;
  }

  /**
   * After an error the server reads on to the next Sync without looking: what was asked before that will
   * have no answer. It may be asked only later, as long as no Sync was.
   */
  #skip(): void {
    while (this.#skipping && this.owedCount > 0) {
      const reply = this.#owed.first as Reply;
      reply.skip();
      if (reply.syncs) {
        this.#skipping = false;
      } else {
        reply.settled = true;
        this.#drop(reply);
      }
    }
  }

  /** Takes the answer to an SSLRequest, and nothing behind it: those bytes were not protected. */
  #answer(reply: AnswerReply, bytes: Buffer, start: number, end: number): number {
    const byte = bytes[start] as number;
    this.tracer?.receivedAnswer(byte);
    // What is no answer at all ends the attempt anyhow, and what follows it is nobody's.
    const isAnswer = byte === 0x53 || byte === 0x4e; // S, N
    if (isAnswer && end - start > 1) throw unprotected();
    reply.byte = byte;
    reply.settled = true;
    this.#drop(reply);
    return end;
  }
}

function copyOf(error: Error & { code?: string }): Error {
  const Kind = error.constructor as new (message: string, options: object) => Error;
  return new Kind(error.message, { cause: error, code: error.code });
}
