/**
 * A growing buffer that wire bytes are written into.
 *
 * One writer serves as a connection's outbox: messages of many statements are laid one after the other
 * and leave in a single write. Everything that refuses a value does so while writing, and a message that
 * was refused is rewound, so a bad value never leaves a byte on the wire. All integers are big-endian
 * (PostgreSQL manual, 54.6 "Message Data Types"). Knows no message and no type; does no I/O.
 */
import { DataError } from "../errors.ts";

/** PostgreSQL refuses messages of 1 GiB and more; a longer one is refused here, before a byte leaves. */
export const LARGEST_MESSAGE = 0x3fffffff;

/** A statement can have this many parameters: their number travels in 16 bits. */
export const MOST_PARAMETERS = 65_535;

const FIRST_SIZE = 1024;
/** A buffer that grew past this is not kept for reuse after a flush. */
const KEPT_SIZE = 256 * 1024;
/** Below this many characters a loop in JavaScript beats the call into the runtime's UTF-8 writer. */
const SHORT_TEXT = 40;

/** A growing big-endian byte buffer with rewind. */
export class Writer {
  /** The storage; only the first {@link length} bytes are meaningful. */
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_SIZE);
  /** How many bytes were written. */
  length = 0;

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const wanted = this.length + count;
    if (wanted > this.bytes.length) this.#grow(wanted);
  }

  #grow(wanted: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(wanted, this.bytes.length * 2));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }

  /** Writes one byte. */
  int8(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** Writes a 16-bit integer, signed or unsigned. */
  int16(value: number): void {
    this.reserve(2);
    const { bytes, length } = this;
    bytes[length] = value >>> 8;
    bytes[length + 1] = value;
    this.length = length + 2;
  }

  /** Writes a 32-bit integer, signed or unsigned. */
  int32(value: number): void {
    this.reserve(4);
    this.setInt32(this.length, value);
    this.length += 4;
  }

  /** Overwrites the 16-bit integer at `offset`. */
  setInt16(offset: number, value: number): void {
    this.bytes[offset] = value >>> 8;
    this.bytes[offset + 1] = value;
  }

  /** Overwrites the 32-bit integer at `offset`. */
  setInt32(offset: number, value: number): void {
    const { bytes } = this;
    bytes[offset] = value >>> 24;
    bytes[offset + 1] = value >>> 16;
    bytes[offset + 2] = value >>> 8;
    bytes[offset + 3] = value;
  }

  /** Writes a 64-bit signed integer. */
  int64(value: bigint): void {
    this.reserve(8);
    this.length = this.bytes.writeBigInt64BE(value, this.length);
  }

  /** Writes an IEEE 754 single. */
  float32(value: number): void {
    this.reserve(4);
    this.length = this.bytes.writeFloatBE(value, this.length);
  }

  /** Writes an IEEE 754 double. */
  float64(value: number): void {
    this.reserve(8);
    this.length = this.bytes.writeDoubleBE(value, this.length);
  }

  /** Writes bytes as they are. */
  raw(source: Uint8Array): void {
    const count = source.length;
    this.reserve(count);
    const { bytes, length } = this;
    if (count <= SHORT_TEXT) {
      for (let index = 0; index < count; index++) bytes[length + index] = source[index] as number;
    } else {
      bytes.set(source, length);
    }
    this.length = length + count;
  }

  /**
   * Writes a string as UTF-8, without terminator.
   *
   * @throws DataError when it holds a NUL character or half of a surrogate pair: PostgreSQL can store
   * neither, and replacing them would change the value on its way.
   */
  utf8(value: string): void {
    const count = value.length;
    this.reserve(count);
    if (count <= SHORT_TEXT) {
      const { bytes } = this;
      let at = this.length;
      let index = 0;
      for (; index < count; index++) {
        const unit = value.charCodeAt(index);
        if (unit === 0 || unit > 0x7f) break;
        bytes[at++] = unit;
      }
      if (index === count) {
        this.length = at;
        return;
      }
    }
    checkText(value);
    this.reserve(count > 1 << 16 ? Buffer.byteLength(value) : count * 3);
    this.length += this.bytes.write(value, this.length, "utf8");
  }

  /** Writes a string as UTF-8 with the terminating NUL; throws as {@link utf8} does. */
  cstring(value: string): void {
    this.utf8(value);
    this.int8(0);
  }

  /** Starts a message of the given type and returns the mark that {@link finish} needs. */
  start(type: number): number {
    this.reserve(5);
    const mark = this.length;
    this.bytes[mark] = type;
    this.length = mark + 5;
    return mark;
  }

  /**
   * Fills in the length of the message started at `mark`.
   *
   * @throws DataError when the message is longer than PostgreSQL takes; it is rewound first.
   */
  finish(mark: number): void {
    const size = this.length - mark - 1;
    if (size > LARGEST_MESSAGE) {
      this.rewind(mark);
      throw new DataError(
        `a message of ${size} bytes is longer than PostgreSQL takes (${LARGEST_MESSAGE}); send the value in pieces`,
      );
    }
    this.setInt32(mark + 1, size);
  }

  /** Forgets everything written since `mark`. */
  rewind(mark: number): void {
    this.length = mark;
  }

  /** Empties the writer; its storage may be overwritten by what is written next. */
  clear(): void {
    this.length = 0;
    if (this.bytes.length > KEPT_SIZE) this.bytes = Buffer.allocUnsafeSlow(FIRST_SIZE);
  }

  /** Hands the written bytes over for good and starts again with fresh storage. */
  detach(): Buffer {
    const written = this.bytes.subarray(0, this.length);
    this.bytes = Buffer.allocUnsafeSlow(FIRST_SIZE);
    this.length = 0;
    return written;
  }
}

/**
 * Refuses text that PostgreSQL cannot hold.
 *
 * @throws DataError for a NUL character or half of a surrogate pair, naming the position.
 */
export function checkText(value: string): void {
  const nul = value.indexOf("\0");
  if (nul >= 0) {
    throw new DataError(
      `text with a NUL character (at index ${nul}) cannot be stored by PostgreSQL; remove it or use bytea`,
    );
  }
  const lone = LONE_SURROGATE.exec(value);
  if (lone) {
    throw new DataError(
      `text with half of a surrogate pair (at index ${lone.index}) is not valid Unicode; use toWellFormed() or bytea`,
    );
  }
}

const LONE_SURROGATE = /\p{Surrogate}/u;
