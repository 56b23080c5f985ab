/**
 * The fields of one message as text, for the trace.
 *
 * A walk through a message's body that never throws and never leaves the body: a trace is read when
 * something is wrong, and what is wrong may be the message. Strings of the protocol stand in double quotes
 * and data in single ones, as in libpq's trace; what can't be printed is escaped, so that one message stays one
 * line. Data are shown only when that was asked for.
 */
import { int16, int32, uint32 } from "./bytes.ts";

/** What a trace shows and hides. */
export interface TraceStyle {
  /** Hides what differs from run to run: pids, oids of user's objects, generated names, places in the source. */
  readonly regress: boolean;
  /** Shows data: parameters, rows, COPY, payloads, details of errors. Otherwise only their lengths. */
  readonly values: boolean;
}

/** Objects that every database has were given oids below this one; others differ from run to run. */
const FIRST_USER_OID = 16_384;
/** No text is shown longer than this, in UTF-16 units. */
const LONGEST_TEXT = 16_384;
/** Nor data, in bytes. */
const LONGEST_DATA = 1024;
/** Names that the driver makes carry a random part. */
const GENERATED = /_mahout_[0-9a-f]{8}_/g;

/** What stands for a number that varies. */
export const HIDDEN_NUMBER = "NNNN";
/** What stands for a text that varies. */
export const HIDDEN_TEXT = "SSSS";

/** A walk through one body, and the text of what was passed. */
export class Fields {
  /** What was passed, each field with a space before it. */
  text = "";
  readonly style: TraceStyle;
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;
  #isCutShort = false;

  /** Walks `bytes[start..end)`. */
  constructor(bytes: Buffer, start: number, end: number, style: TraceStyle) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.style = style;
  }

  /** How many bytes are left. */
  get left(): number {
    return this.#end - this.#at;
  }

  /** Adds a word as it is. */
  word(word: string | number): void {
    this.text += ` ${word}`;
  }

  /** Takes so many bytes; returns where they begin, -1 when there are not as many. */
  #take(count: number): number {
    const at = this.#at;
    if (count <= this.#end - at) {
      this.#at = at + count;
      return at;
    }
    if (!this.#isCutShort) this.word("(cut short)");
    this.#isCutShort = true;
    this.#at = this.#end;
    return -1;
  }

  /** Takes a byte without showing it; 0 when there is none. */
  takeByte(): number {
    const at = this.#take(1);
    return at < 0 ? 0 : (this.#bytes[at] as number);
  }

  /** Takes a 32-bit integer without showing it; 0 when there is none. */
  takeInt32(): number {
    const at = this.#take(4);
    return at < 0 ? 0 : int32(this.#bytes, at);
  }

  /** Takes a string without showing it. */
  takeString(): string {
    const nul = this.#bytes.indexOf(0, this.#at);
    if (nul < 0 || nul >= this.#end) {
      this.#take(this.left + 1);
      return "";
    }
    const text = this.#bytes.toString("utf8", this.#at, nul);
    this.#at = nul + 1;
    return text;
  }

  /** Takes what is left without showing it; returns how many bytes that were. */
  takeRest(): number {
    const { left } = this;
    this.#at = this.#end;
    return left;
  }

  /** Shows a 16-bit integer and returns it; 0 when there is none. */
  int16(): number {
    const at = this.#take(2);
    if (at < 0) return 0;
    const value = int16(this.#bytes, at);
    this.word(value);
    return value;
  }

  /** Shows so many 16-bit integers, or as many as there are. */
  int16s(count: number): void {
    for (let index = 0; index < count && this.left > 0; index++) this.int16();
  }

  /** Shows a 32-bit integer. */
  int32(): void {
    const at = this.#take(4);
    if (at >= 0) this.word(int32(this.#bytes, at));
  }

  /** Shows a pid, which varies. */
  pid(): void {
    const at = this.#take(4);
    if (at >= 0) this.word(this.style.regress ? HIDDEN_NUMBER : int32(this.#bytes, at));
  }

  /** Shows an oid, which varies unless it is a built-in one. */
  oid(): void {
    const at = this.#take(4);
    if (at < 0) return;
    const value = uint32(this.#bytes, at);
    this.word(this.style.regress && value >= FIRST_USER_OID ? HIDDEN_NUMBER : value);
  }

  /** Shows a character. */
  letter(): string {
    const at = this.#take(1);
    if (at < 0) return "";
    const letter = this.#bytes.toString("latin1", at, at + 1);
    this.word(letter.replace(UNSAFE_IN_DATA, escape));
    return letter;
  }

  /** Shows a string of the protocol. */
  string(): void {
    const text = this.takeString();
    if (!this.#isCutShort) this.quoted(text);
  }

  /** Shows a string as one of the protocol. */
  quoted(text: string): void {
    const cut = text.length > LONGEST_TEXT ? text.slice(0, LONGEST_TEXT) : text;
    const shown = this.style.regress ? cut.replace(GENERATED, `_mahout_${HIDDEN_NUMBER}_`) : cut;
    this.word(`"${shown.replace(UNSAFE_IN_TEXT, escape)}"`);
    if (cut !== text) this.word(`(${text.length - cut.length} more)`);
  }

  /** Shows a string that is somebody's data. */
  stringOfData(): void {
    const text = this.takeString();
    if (this.#isCutShort) return;
    if (this.style.values) this.quoted(text);
    else this.word(`(${Buffer.byteLength(text)} bytes)`);
  }

  /** Shows a value with its length before it, -1 for NULL. */
  value(): void {
    const at = this.#take(4);
    if (at < 0) return;
    const length = int32(this.#bytes, at);
    this.word(length);
    if (length >= 0) this.data(length);
  }

  /** Shows the next bytes as data, where data are shown. */
  data(length: number): void {
    const at = this.#take(length);
    if (at < 0 || !this.style.values) return;
    const shown = Math.min(length, LONGEST_DATA);
    // Each byte by itself: a value in binary is no text.
    const text = this.#bytes.toString("latin1", at, at + shown);
    this.word(`'${text.replace(UNSAFE_IN_DATA, escape)}'`);
    if (shown < length) this.word(`(${length - shown} more)`);
  }
}

/** What in a string would end the line or the quotes, or can't be seen. */
const UNSAFE_IN_TEXT = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}"\\]/gu;
/** The same in data, of which every byte is a character here. */
const UNSAFE_IN_DATA = /[^\x20-\x7e]|['\\]/g;

function escape(character: string): string {
  if (character === "\\" || character === '"' || character === "'") return `\\${character}`;
  if (character === "\n") return "\\n";
  const code = character.codePointAt(0) as number;
  const digits = code.toString(16);
  return code < 0x100 ? `\\x${digits.padStart(2, "0")}` : `\\u{${digits}}`;
}
