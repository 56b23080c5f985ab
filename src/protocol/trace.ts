/**
 * The trace: a line for each message that a session sends or receives.
 *
 * A line has libpq's form (`PQtrace`): an optional time, `F` for what the client says or `B` for what the
 * server says, the length that the message states (without its type byte), its name and its fields,
 * separated by tabs. The outbox is read when it is sent, since what is written before that may be taken back; a
 * message may be sent in several pieces, and is shown with the first. Nothing here throws, and
 * no more of the bytes is kept than the beginning of a message that was cut. No clock: who makes a tracer says what time it is.
 */
import { int32 } from "./bytes.ts";
import { Backend } from "./messages.ts";
import type { TraceStyle } from "./trace-fields.ts";
import { Fields, HIDDEN_NUMBER } from "./trace-fields.ts";
import type { TracedMessage } from "./trace-messages.ts";
import { authenticationOf, BACKEND, FIRST_PARAMETER_STATUS } from "./trace-messages.ts";
import { FRONTEND, proofOf } from "./trace-messages.ts";

/** What a trace shows, and where it goes. */
export interface TraceSettings extends TraceStyle {
  /** Takes a line, without its end. Must not throw. */
  readonly emit: (line: string) => void;
  /** What begins a line; null for nothing. */
  readonly time: (() => string) | null;
}

const PROOF = 0x70; // p
const CANCEL_REQUEST = 80_877_102;
const SSL_REQUEST = 80_877_103;
const GSS_REQUEST = 80_877_104;

const STARTUP: TracedMessage = { name: "StartupMessage", fields: startup };
const CANCEL: TracedMessage = { name: "CancelRequest", fields: cancelRequest, isVarying: true };
const ENCRYPTION: Readonly<Record<number, TracedMessage>> = {
  [SSL_REQUEST]: { name: "SSLRequest" },
  [GSS_REQUEST]: { name: "GSSENCRequest" },
};

/** Traces one session. */
export class Tracer {
  readonly #settings: TraceSettings;
  /** Whether the next message of the client has no type byte. */
  #isStarting: boolean;
  /** Whether the server has not been ready yet. */
  #isNew: boolean;
  /** The code of the last request for proof. */
  #request = 0;
  /** How many bytes of a message that was shown are still to be sent. */
  #skip = 0;
  /** The first bytes of a message, too few to tell what it is. */
  #held: Buffer | null = null;
  #isBusy = false;

  /** Traces a session that is about to start, or one that is ready. */
  constructor(settings: TraceSettings, isStarting: boolean) {
    this.#settings = settings;
    this.#isStarting = isStarting;
    this.#isNew = isStarting;
  }

  /** Shows what is about to be sent: whole messages as a rule, pieces where somebody sends pieces. */
  sent(bytes: Buffer, start: number, end: number): void {
    // Whoever uses the connection while being told of a message would never come to an end.
    if (this.#isBusy) return;
    let source = bytes;
    let at = start;
    let limit = end;
    if (this.#held) {
      source = Buffer.concat([this.#held, bytes.subarray(start, end)]);
      at = 0;
      limit = source.length;
      this.#held = null;
    }
    const lines: string[] = [];
    for (;;) {
      const skipped = Math.min(this.#skip, limit - at);
      this.#skip -= skipped;
      at += skipped;
      const header = this.#isStarting ? 8 : 5;
      if (limit - at < header) break;
      at = this.#isStarting
        ? this.#starting(source, at, limit, lines)
        : this.#typed(source, at, limit, lines);
    }
    if (at < limit) this.#held = Buffer.from(source.subarray(at, limit));
    this.#emit(lines);
  }

  /** Shows a message that was received; its body lies in `bytes[start..end)`. */
  received(type: number, bytes: Buffer, start: number, end: number): void {
    if (this.#isBusy) return;
    this.#emit([
      this.#line("B", end - start + 4, this.#backend(type, bytes, start), bytes, start, end),
    ]);
    if (type === Backend.readyForQuery) this.#isNew = false;
  }

  /** Shows whole DataRow messages that were received one behind the other. */
  receivedRows(bytes: Buffer, start: number, end: number): void {
    if (this.#isBusy) return;
    const lines: string[] = [];
    const message = BACKEND.get(Backend.dataRow) as TracedMessage;
    for (let at = start; at < end;) {
      const length = int32(bytes, at + 1);
      lines.push(this.#line("B", length, message, bytes, at + 5, at + 1 + length));
      at += 1 + length;
    }
    this.#emit(lines);
  }

  /** Shows the answer to a request for encryption, a byte that is no message. */
  receivedAnswer(byte: number): void {
    if (this.#isBusy) return;
    const message = {
      name: "SSLResponse",
      fields: (fields: Fields): void => void fields.letter(),
    };
    this.#emit([this.#line("B", 1, message, Buffer.of(byte), 0, 1)]);
  }

  /** One message without a type byte; returns where the next begins. */
  #starting(bytes: Buffer, at: number, limit: number, lines: string[]): number {
    const length = int32(bytes, at);
    const code = int32(bytes, at + 4);
    let message = ENCRYPTION[code];
    if (message === undefined) {
      this.#isStarting = false;
      message = code === CANCEL_REQUEST ? CANCEL : STARTUP;
    }
    const end = at + length;
    lines.push(this.#line("F", length, message, bytes, at + 4, Math.min(end, limit), end > limit));
    return this.#after(Math.max(end, at + 8), limit);
  }

  /** One message with a type byte; returns where the next begins. */
  #typed(bytes: Buffer, at: number, limit: number, lines: string[]): number {
    const type = bytes[at] as number;
    const length = int32(bytes, at + 1);
    const message = type === PROOF ? proofOf(this.#request) : (FRONTEND.get(type) ?? unknown(type));
    const end = at + 1 + length;
    lines.push(this.#line("F", length, message, bytes, at + 5, Math.min(end, limit), end > limit));
    return this.#after(Math.max(end, at + 5), limit);
  }

  #after(end: number, limit: number): number {
    if (end <= limit) return end;
    this.#skip = end - limit;
    return limit;
  }

  #backend(type: number, bytes: Buffer, start: number): TracedMessage {
    if (type === Backend.authentication) {
      this.#request = int32(bytes, start);
      return authenticationOf(this.#request);
    }
    if (this.#isNew && type === Backend.parameterStatus) return FIRST_PARAMETER_STATUS;
    return BACKEND.get(type) ?? unknown(type);
  }

  #line(
    direction: "F" | "B",
    length: number,
    { name, fields, isVarying, isSecret }: TracedMessage,
    bytes: Buffer,
    start: number,
    end: number,
    isCut = false,
  ): string {
    const settings = this.#settings;
    const walk = new Fields(bytes, start, end, settings);
    fields?.(walk);
    // How COPY data are cut is chance, and nothing is missing of what is shown of them.
    if (isCut && fields && name !== "CopyData") walk.word("(in pieces)");
    const time = settings.time === null ? "" : `${settings.time()}\t`;
    const isHidden = isSecret === true || (isVarying === true && settings.regress);
    return `${time}${direction}\t${isHidden ? HIDDEN_NUMBER : length}\t${name}${walk.text && `\t${walk.text}`}`;
  }

  #emit(lines: readonly string[]): void {
    this.#isBusy = true;
    for (const line of lines) this.#settings.emit(line);
    this.#isBusy = false;
  }
}

function unknown(type: number): TracedMessage {
  return { name: `Unknown(0x${type.toString(16)})` };
}

function startup(fields: Fields): void {
  const version = fields.takeInt32();
  fields.word(`${version >>> 16}.${version & 0xffff}`);
  while (fields.left > 1) fields.string();
}

function cancelRequest(fields: Fields): void {
  fields.takeInt32();
  fields.pid();
  fields.takeRest();
  fields.word("(key)");
}
