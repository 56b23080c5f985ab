/**
 * Reading integers and strings out of received bytes.
 *
 * Bounds are the callers' business: frames are checked when they are cut, fields when a row is taken.
 * Plain shifts are used because the engine inlines them, where a method of Buffer would check again.
 */
import { ProtocolError } from "../errors.ts";
import { keepShape } from "../shapes.ts";
import type { ReadText, Slices } from "./short-text.ts";
import { SHORT_TEXT, shortLatin1Readers, shortReaders } from "./short-text.ts";

/** The signed 16-bit integer at `at`. */
export function int16(bytes: Uint8Array, at: number): number {
  return (((bytes[at] as number) << 24) >> 16) | (bytes[at + 1] as number);
}

/** The unsigned 16-bit integer at `at`. */
export function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

/** The signed 32-bit integer at `at`. */
export function int32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}

/** The unsigned 32-bit integer at `at`. */
export function uint32(bytes: Uint8Array, at: number): number {
  return int32(bytes, at) >>> 0;
}

/** A walk through the body of one message that never leaves it. */
export class Body {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;
  readonly #what: string;

  /** Walks `bytes[start..end)`; `what` names the message in errors. */
  constructor(bytes: Buffer, start: number, end: number, what: string) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#what = what;
  }

  /** How many bytes are left. */
  get left(): number {
    return this.#end - this.#at;
  }

  #need(count: number): number {
    const at = this.#at;
    if (count > this.#end - at)
      throw new ProtocolError(`the server sent a ${this.#what} message that is cut short`);
    this.#at = at + count;
    return at;
  }

  /** The next byte. */
  int8(): number {
    return this.#bytes[this.#need(1)] as number;
  }

  /** The next signed 16-bit integer. */
  int16(): number {
    return int16(this.#bytes, this.#need(2));
  }

  /** The next unsigned 16-bit integer. */
  uint16(): number {
    return uint16(this.#bytes, this.#need(2));
  }

  /** The next signed 32-bit integer. */
  int32(): number {
    return int32(this.#bytes, this.#need(4));
  }

  /** The next unsigned 32-bit integer, an oid for example. */
  uint32(): number {
    return uint32(this.#bytes, this.#need(4));
  }

  /** The next NUL-terminated string. */
  cstring(): string {
    const nul = this.#bytes.indexOf(0, this.#at);
    if (nul < 0 || nul >= this.#end) {
      throw new ProtocolError(
        `the server sent a ${this.#what} message with a string that does not end`,
      );
    }
    const text = readUtf8(this.#bytes, this.#at, nul);
    this.#at = nul + 1;
    return text;
  }

  /** A copy of the next `count` bytes. */
  raw(count: number): Buffer {
    const at = this.#need(count);
    return Buffer.from(this.#bytes.subarray(at, at + count));
  }

  /** Checks that nothing is left over. */
  finish(): void {
    if (this.left !== 0)
      throw new ProtocolError(
        `the server sent a ${this.#what} message with ${this.left} bytes too many`,
      );
  }
}

/** The UTF-8 string in `bytes[start..end)`. */
export function readUtf8(bytes: Buffer, start: number, end: number): string {
  const length = end - start;
  return length >= 0 && length <= SHORT_TEXT
    ? (shortReaders[length] as ReadText)(bytes, start, end)
    : (bytes as Buffer & Slices).utf8Slice(start, end);
}

/** The string in `bytes[start..end)`, one character a byte: for text that is known to be ASCII. */
export function readLatin1(bytes: Buffer, start: number, end: number): string {
  const length = end - start;
  return length >= 0 && length <= SHORT_TEXT
    ? (shortLatin1Readers[length] as ReadText)(bytes, start, end)
    : (bytes as Buffer & Slices).latin1Slice(start, end);
}

keepShape(new Body(Buffer.alloc(0), 0, 0, ""));
