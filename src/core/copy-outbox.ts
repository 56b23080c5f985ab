/**
 * The data of a COPY on its way to the server: collected, cut into messages, sent at the server's pace.
 *
 * Small pieces are gathered, large ones are cut, so that messages have some 64 KiB either way. Only whole
 * messages reach the session's outbox. (Manual, 54.2.6 "COPY Operations".)
 */
import type { Conversation } from "../protocol/effects.ts";
import type { Session } from "../protocol/session.ts";
import { Writer } from "../protocol/writer.ts";

const COPY_DATA = 0x64; // d
const COPY_DONE = 0x63; // c

/** How much data a message holds, in bytes. */
const MESSAGE_SIZE = 64 * 1024;
/** How much is handed to the socket before waiting for room in it, in bytes. */
const MOST_AT_ONCE = 256 * 1024;

/** What waits to be sent. */
export class CopyOutbox {
  readonly #session: Session;
  /** Whole pieces, in front of what is being written. */
  #pieces: Buffer[] = [];
  #waiting = 0;
  readonly #writer = new Writer();

  constructor(session: Session) {
    this.#session = session;
  }

  /** Takes small data and rows; must be left with whole rows in it. */
  writer(): Writer {
    return this.#writer;
  }

  /** Whether it is time to send. */
  get isFull(): boolean {
    return this.#writer.length + this.#waiting >= MESSAGE_SIZE;
  }

  /**
   * Takes data and returns whether it is time to send. What is less than a message is copied, because its
   * owner goes on at once and may use it for something else.
   */
  add(data: Buffer): boolean {
    if (data.length < MESSAGE_SIZE) {
      this.#writer.raw(data);
    } else {
      this.#seal();
      this.#pieces.push(data);
      this.#waiting += data.length;
    }
    return this.isFull;
  }

  /** Puts an end to what is being written: something else comes behind it. */
  #seal(): void {
    if (this.#writer.length === 0) return;
    this.#waiting += this.#writer.length;
    this.#pieces.push(this.#writer.detach());
  }

  /** Sends everything; stops when `isOver` says that nobody takes it any more. */
  *send(isOver: () => boolean): Conversation<void> {
    const { outbox } = this.#session;
    // What is added while this waits for the socket is for the next time.
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#waiting = 0;
    const writer = this.#writer;
    let last: Buffer | null = null;
    if (pieces.length === 0) last = writer.bytes.subarray(0, writer.length);
    else if (writer.length > 0) pieces.push(writer.detach());
    let size = 0;
    for (const piece of last ? [last] : pieces) {
      for (let at = 0; at < piece.length; at += MESSAGE_SIZE) {
        if (isOver()) return writer.clear();
        const mark = outbox.start(COPY_DATA);
        outbox.raw(piece.subarray(at, at + MESSAGE_SIZE));
        outbox.finish(mark);
        size += MESSAGE_SIZE;
        if (size >= MOST_AT_ONCE && piece !== last) {
          size = 0;
          yield { kind: "drain" };
        }
      }
    }
    if (last) writer.clear();
    if (!isOver()) yield { kind: "drain" };
  }

  /** Says that there is no more data. */
  done(): void {
    const { outbox } = this.#session;
    outbox.finish(outbox.start(COPY_DONE));
  }
}
