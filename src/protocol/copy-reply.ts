/**
 * The answer to a COPY: what the server asks for or sends, piece by piece.
 *
 * The statement travels as a simple query, so the whole exchange ends with one ReadyForQuery whatever
 * happens in it (manual, 54.2.6 "COPY Operations"). Data that arrives is kept as bytes, whole messages one
 * behind the other, until somebody takes it; how much that is shows in {@link Reply.backlog}, by which the
 * driver knows when to stop reading. Each row is a message of its own, so they are kept as they are, in one go:
 * who reads rows steps over the heads, and for others they are taken out. What else the text may hold is
 * swallowed and told in `isOther`.
 */
import type { Diagnostic } from "../errors.ts";
import { ProtocolError } from "../errors.ts";
import { keepShape } from "../shapes.ts";
import { Arrival } from "./arrival.ts";
import { int32, uint16 } from "./bytes.ts";
import { frameLength } from "./frames.ts";
import { Backend, commandTag, rowDescription } from "./messages.ts";
import type { ReplyContext } from "./replies.ts";
import { Reply, surprise } from "./replies.ts";
import { Result } from "./result.ts";

/** Room for one read from the socket. */
const FIRST_SIZE = 64 * 1024;
/** A message's type and length. */
const HEADER = 5;
/** Up to here copying byte by byte beats a call into the runtime. */
const SHORT_COPY = 64;

/** The answer to one COPY statement. */
export class CopyReply extends Reply {
  /** Comes with each piece: the server's answer to the statement, data, the end. */
  readonly arrival: Arrival = new Arrival();
  /** Which way the data goes; null before the server said so. */
  direction: "in" | "out" | null = null;
  /** The data's format: 0 text (or csv), 1 binary. */
  format: 0 | 1 = 0;
  /** How many columns there are. */
  columnCount = 0;
  /** The command's tag, `COPY 7`; null before the end. */
  tag: string | null = null;
  /** Whether the text was, or held, something other than one COPY between client and server. */
  isOther = false;
  /** Told once when nothing more is owed. Must not throw. */
  onSettled: (() => void) | null = null;
  #flows = false;
  #completed = false;
  #other: Result | null = null;
  #block: Buffer | null = null;
  #lent: Buffer | null = null;
  #length = 0;
  #discards = false;
  #hasNews = false;

  override accept(
    type: number,
    bytes: Buffer,
    start: number,
    end: number,
    context: ReplyContext,
  ): void {
    if (this.error && type !== Backend.readyForQuery) throw surprise(type);
    switch (type) {
      case Backend.copyData:
        if (this.direction === "out" && this.#flows)
          return this.#append(bytes, start - HEADER, end, end - start);
        if (!this.isOther) throw surprise(type);
        return;
      case Backend.copyDone:
        if (this.direction === "out" && this.#flows) this.#flows = false;
        else if (!this.isOther) throw surprise(type);
        return;
      case Backend.copyInResponse:
      case Backend.copyOutResponse:
        return this.#begin(type === Backend.copyInResponse, bytes, start, end, context);
      case Backend.commandComplete:
        if (this.direction !== null && !this.#completed) {
          if (this.direction === "out" && this.#flows) throw surprise(type);
          this.tag = commandTag(bytes, start, end);
          this.#completed = true;
        } else {
          this.isOther = true;
        }
        this.#flows = false;
        this.#other = null;
        return;
      case Backend.emptyQueryResponse:
        this.isOther = true;
        return;
      case Backend.rowDescription:
        if (this.#flows || this.#other) throw surprise(type);
        this.isOther = true;
        this.#other = new Result(rowDescription(bytes, start, end));
        return;
      case Backend.readyForQuery:
        if (!this.error && !this.#completed && !this.isOther) throw surprise(type);
        this.settled = true;
        return;
      default:
        throw surprise(type);
    }
  }

  #begin(isIn: boolean, bytes: Buffer, start: number, end: number, context: ReplyContext): void {
    if (this.#flows || this.#other)
      throw surprise(isIn ? Backend.copyInResponse : Backend.copyOutResponse);
    if (this.direction !== null || this.isOther) {
      // Another one in the same text, for which nobody is there.
      this.isOther = true;
      if (isIn) context.refuseCopy(false);
      return;
    }
    const format = bytes[start];
    const size = end - start;
    if (size < 3 || (format !== 0 && format !== 1) || size !== 3 + 2 * uint16(bytes, start + 1))
      throw new ProtocolError("the server sent a malformed answer to COPY");
    this.direction = isIn ? "in" : "out";
    this.format = format;
    this.columnCount = uint16(bytes, start + 1);
    this.#flows = true;
    this.#hasNews = true;
  }

  override data(bytes: Buffer, start: number, end: number): number {
    if (this.direction !== "out" || !this.#flows || this.error) return start;
    let at = start;
    let size = 0;
    while (end - at >= HEADER && bytes[at] === Backend.copyData) {
      const length = frameLength(bytes, at);
      if (length >= end - at) break;
      at += 1 + length;
      size += length - 4;
    }
    if (at > start) this.#append(bytes, start, at, size);
    return at;
  }

  /** Keeps whole messages with `size` bytes of data. */
  #append(bytes: Buffer, start: number, end: number, size: number): void {
    if (this.#discards) return;
    const length = this.#length;
    const wanted = length + end - start;
    let block = this.#block;
    if (block === null || block.length < wanted) {
      const larger = Buffer.allocUnsafeSlow(Math.max(FIRST_SIZE, wanted, length * 2));
      block?.copy(larger, 0, 0, length);
      this.#block = block = larger;
    }
    bytes.copy(block, length, start, end);
    this.#length = wanted;
    this.backlog += size;
    this.#hasNews = true;
  }

  /** Takes the data that has arrived, that of whole messages; null when that is nothing. */
  take(): Buffer | null {
    const messages = this.takeMessages();
    if (messages === null) return null;
    const length = unwrap(messages);
    return length === 0 ? null : messages.subarray(0, length);
  }

  /** Takes the messages that have arrived, heads included; null when there are none. */
  takeMessages(): Buffer | null {
    const block = this.#block;
    if (block === null || this.#length === 0) return null;
    const piece = block.subarray(0, this.#length);
    this.#lent = block;
    this.#block = null;
    this.#length = 0;
    this.backlog = 0;
    return piece;
  }

  /** Takes back a piece that has been read, if it was taken last: its memory is used again. */
  recycle(piece: Buffer): void {
    if (this.#lent?.buffer !== piece.buffer) return;
    this.#block ??= this.#lent;
    this.#lent = null;
  }

  /** Drops what has arrived, and what will. */
  discard(): void {
    this.#discards = true;
    this.takeMessages();
  }

  override rows(bytes: Buffer, start: number, end: number): number {
    if (this.#other === null) throw surprise(Backend.dataRow);
    const next = this.#other.take(bytes, start, end);
    this.#other.blocks.length = 0;
    return next;
  }

  override refuse(error: Diagnostic): void {
    if (this.error) throw surprise(Backend.errorResponse);
    this.error = error;
    this.#other = null;
  }

  override arrived(): void {
    if (!this.#hasNews) return;
    this.#hasNews = false;
    this.arrival.settle();
  }

  override release(): void {
    super.release();
    // Whoever waits takes what has come before it looks at how it ended.
    this.arrival.settle();
    this.onSettled?.();
  }
}

/** Takes the heads out of messages; returns how long the data is. */
function unwrap(messages: Buffer): number {
  let to = 0;
  for (let at = 0; at < messages.length;) {
    let from = at + HEADER;
    at += 1 + int32(messages, at + 1);
    if (at - from > SHORT_COPY) {
      messages.copyWithin(to, from, at);
      to += at - from;
    } else {
      while (from < at) messages[to++] = messages[from++] as number;
    }
  }
  return to;
}

keepShape(new CopyReply());
