/**
 * Cuts a stream of bytes into frames: one type byte, a length, a body.
 *
 * Frames that lie whole in a received chunk are handed on in place, nothing is copied. Only a frame that
 * straddles two chunks is gathered in a buffer of its own, which grows with the bytes that really arrive
 * and not with the length that was announced. Types and lengths are checked before that: an unknown type,
 * a length below four or an absurd one for its type means that the stream is not, or no longer, the
 * protocol (libpq draws the same line, see VALID_LONG_MESSAGE_TYPE in its fe-protocol3.c).
 */
import { ProtocolError } from "../errors.ts";
import { int32 } from "./bytes.ts";
import { Backend } from "./messages.ts";
import { LARGEST_MESSAGE } from "./writer.ts";

/** Who takes the frames. */
export interface FrameSink {
  /**
   * One whole frame; its body lies in `bytes[start..end)` and may be overwritten after the call.
   *
   * @returns whether to go on with the next frame.
   */
  frame(type: number, bytes: Buffer, start: number, end: number): boolean;
  /** Takes as many whole DataRow frames from `bytes[start..end)` as there are; returns where it stopped. */
  rows(bytes: Buffer, start: number, end: number): number;
  /**
   * Takes as many whole CopyData frames from `bytes[start..end)` as there are; returns where it stopped, which is
   * `start` when it wants them one by one.
   */
  data(bytes: Buffer, start: number, end: number): number;
}

/** No message but those that carry data or text of any size may be longer than this. */
const LONGEST_SHORT_MESSAGE = 30_000;

/** The longest body for each type byte, 0 for bytes that are no type. */
const LIMITS = new Int32Array(256);
for (const type of Object.values(Backend)) LIMITS[type] = LONGEST_SHORT_MESSAGE;
for (const type of [
  Backend.rowDescription,
  Backend.parameterDescription,
  Backend.dataRow,
  Backend.copyData,
  Backend.functionCallResponse,
  Backend.errorResponse,
  Backend.noticeResponse,
  Backend.notificationResponse,
]) {
  LIMITS[type] = LARGEST_MESSAGE;
}
/** The shortest length for each type byte: a row has at least its number of fields. */
const LEAST = new Uint8Array(256).fill(4);
LEAST[Backend.dataRow] = 6;

const HEADER = 5;
const FIRST_HELD = 1024;

/** What somebody may have to say who has not let us in yet. */
const LONGEST_AT_START = 1024 * 1024;

/** Cuts received bytes into frames. */
export class Frames {
  /** The longest that a frame may be; more once the server is known. */
  #longest = LONGEST_AT_START;
  #held: Buffer | null = null;
  #heldLength = 0;

  /** Whether a frame has begun and not ended yet. */
  get incomplete(): boolean {
    return this.#heldLength > 0;
  }

  /** The session is ready: whoever got that far may send results. */
  trust(): void {
    this.#longest = Infinity;
  }

  /** The length of the frame at `at`, which begins there and may not end. */
  #lengthOf(bytes: Buffer, at: number): number {
    const length = frameLength(bytes, at);
    if (length > this.#longest) throw impossible(bytes[at] as number, length);
    return length;
  }

  /**
   * Cuts `bytes[start..end)` and hands each whole frame to the sink.
   *
   * @returns where it stopped, which is before `end` only if the sink said so.
   * @throws ProtocolError when the bytes are not the protocol.
   */
  cut(bytes: Buffer, start: number, end: number, sink: FrameSink): number {
    let at = start;
    if (this.#heldLength > 0) {
      at = this.#fill(bytes, at, end);
      if (!this.#whole) return at;
      if (!this.#release(sink)) return at;
    }
    while (end - at >= HEADER) {
      const type = bytes[at] as number;
      if (type === Backend.dataRow) {
        const next = sink.rows(bytes, at, end);
        if (next === at) break;
        at = next;
        continue;
      }
      if (type === Backend.copyData) {
        const next = sink.data(bytes, at, end);
        if (next > at) {
          at = next;
          continue;
        }
      }
      const next = at + 1 + frameLength(bytes, at);
      if (next > end) break;
      const goesOn = sink.frame(type, bytes, at + HEADER, next);
      at = next;
      if (!goesOn) return at;
    }
    if (at < end) {
      // The header is judged as soon as it is there, not when the whole frame is.
      if (end - at >= HEADER) this.#lengthOf(bytes, at);
      else if (LIMITS[bytes[at] as number] === 0) throw unknownType(bytes[at] as number);
      this.#hold(bytes, at, end);
    }
    return end;
  }

  /** Completes the held frame; returns where the bytes that belong to it end. */
  #fill(bytes: Buffer, start: number, end: number): number {
    let at = start;
    if (this.#heldLength < HEADER) {
      const part = Math.min(HEADER - this.#heldLength, end - at);
      this.#hold(bytes, at, at + part);
      at += part;
      if (this.#heldLength < HEADER) return at;
    }
    const held = this.#held as Buffer;
    const whole = 1 + this.#lengthOf(held, 0);
    const part = Math.min(whole - this.#heldLength, end - at);
    this.#hold(bytes, at, at + part);
    return at + part;
  }

  get #whole(): boolean {
    const held = this.#held;
    return (
      held !== null && this.#heldLength >= HEADER && this.#heldLength === 1 + frameLength(held, 0)
    );
  }

  /** Hands the held frame on; returns whether to go on. */
  #release(sink: FrameSink): boolean {
    const frame = this.#held as Buffer;
    const whole = this.#heldLength;
    this.#heldLength = 0;
    if (frame.length > FIRST_HELD) this.#held = null;
    if (frame[0] !== Backend.dataRow) return sink.frame(frame[0] as number, frame, HEADER, whole);
    sink.rows(frame, 0, whole);
    return true;
  }

  #hold(bytes: Buffer, start: number, end: number): void {
    const wanted = this.#heldLength + (end - start);
    if (this.#held === null || this.#held.length < wanted) {
      const larger = Buffer.allocUnsafeSlow(Math.max(FIRST_HELD, wanted, this.#heldLength * 2));
      if (this.#held) this.#held.copy(larger, 0, 0, this.#heldLength);
      this.#held = larger;
    }
    bytes.copy(this.#held, this.#heldLength, start, end);
    this.#heldLength = wanted;
  }
}

/**
 * The length word of the frame at `at`, checked.
 *
 * @throws ProtocolError for a type that doesn't exist or a length that its type can't have.
 */
export function frameLength(bytes: Uint8Array, at: number): number {
  const type = bytes[at] as number;
  const limit = LIMITS[type] as number;
  if (limit === 0) throw unknownType(type);
  const length = int32(bytes, at + 1);
  if (length < (LEAST[type] as number) || length - 4 > limit) {
    throw impossible(type, length);
  }
  return length;
}

function impossible(type: number, length: number): ProtocolError {
  return new ProtocolError(
    `the server sent a "${String.fromCharCode(type)}" message with an impossible length (${length})`,
  );
}

function unknownType(type: number): ProtocolError {
  const shown =
    type > 0x20 && type < 0x7f ? `"${String.fromCharCode(type)}"` : `0x${type.toString(16)}`;
  return new ProtocolError(
    `the server sent a message of an unknown type (${shown}); is it PostgreSQL?`,
  );
}
