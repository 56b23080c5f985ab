/**
 * What the client says, as bytes in the outbox.
 *
 * The plain messages are written by pg-protocol's serializer; the ones it cannot write (a result format for
 * each column, parameters in binary, protocol versions, long cancel keys) are written here, and it serves
 * as the oracle that these are tested against. Text that PostgreSQL would read as something else is
 * refused before a byte is written (PostgreSQL manual, 54.7 "Message Formats").
 */
import { serialize } from "pg-protocol";
import { ProgrammingError } from "../errors.ts";
import { checkText, Writer } from "./writer.ts";

/** The type bytes of the messages written here. */
const BIND = 0x42; // B
const SASL = 0x70; // p

const SYNC = serialize.sync();
const FLUSH = serialize.flush();
const EXECUTE = serialize.execute();
const EXECUTE_AND_SYNC = Buffer.concat([EXECUTE, SYNC]);
const BIND_NOTHING = Buffer.from(serialize.bind({}));
const TERMINATE = serialize.end();
const SSL_REQUEST = serialize.requestSsl();
/** How many commands are remembered. */
const PHRASES = 64;
const CANCEL_CODE = 80_877_102;

/** What is said again and again, and holds no secret. */
const PHRASE = /^(?:BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)\b/;

/** Messages that are sent again and again, by their texts; few, because savepoints may have any names. */
class Phrases {
  readonly #messages = new Map<string, Buffer>();
  readonly #make: (text: string) => Buffer;

  constructor(make: (text: string) => Buffer) {
    this.#make = make;
  }

  of(text: string): Buffer {
    const known = this.#messages.get(text);
    if (known !== undefined) return known;
    checkText(text);
    const made = this.#make(text);
    if (!PHRASE.test(text)) return made;
    if (this.#messages.size >= PHRASES) this.#messages.clear();
    this.#messages.set(text, made);
    return made;
  }
}

const controls = new Phrases((text) =>
  Buffer.concat([serialize.parse({ text }), BIND_NOTHING, EXECUTE]),
);
const commands = new Phrases((text) => Buffer.from(serialize.query(text)));

/** A simple query: one or several statements, no parameters. */
export function writeQuery(out: Writer, text: string): void {
  checkText(text);
  out.raw(serialize.query(text));
}

/** The same for a command of the connection's own: COMMIT for example. */
export function writeCommand(out: Writer, text: string): void {
  out.raw(commands.of(text));
}

/** Parse: prepares `text` under a name, the empty one for the unnamed statement. */
export function writeParse(
  out: Writer,
  name: string,
  text: string,
  types: readonly number[],
): void {
  checkText(name);
  checkText(text);
  out.raw(serialize.parse({ name, text, types: types as number[] }));
}

/** Describe a prepared statement. */
export function writeDescribeStatement(out: Writer, name: string): void {
  checkText(name);
  out.raw(serialize.describe({ type: "S", name }));
}

/** Close a prepared statement. */
export function writeCloseStatement(out: Writer, name: string): void {
  checkText(name);
  out.raw(serialize.close({ type: "S", name }));
}

/** Describe a portal, the unnamed one by default. */
export function writeDescribePortal(out: Writer, name = ""): void {
  checkText(name);
  out.raw(serialize.describe({ type: "P", name }));
}

/** Close a portal, which need not exist. */
export function writeClosePortal(out: Writer, name: string): void {
  checkText(name);
  out.raw(serialize.close({ type: "P", name }));
}

/** Execute the unnamed portal to its end. */
export function writeExecute(out: Writer): void {
  out.raw(EXECUTE);
}

/** The same, and Sync. */
export function writeExecuteAndSync(out: Writer): void {
  out.raw(EXECUTE_AND_SYNC);
}

/** Sync: ends the implicit transaction, asks for ReadyForQuery. */
export function writeSync(out: Writer): void {
  out.raw(SYNC);
}

/** Flush: asks for the answers so far. */
export function writeFlush(out: Writer): void {
  out.raw(FLUSH);
}

/** A command without parameters and rows, by the extended protocol: Parse, Bind, Execute. */
export function writeControl(out: Writer, command: string): void {
  out.raw(controls.of(command));
}

/** Terminate: the polite end. */
export function writeTerminate(out: Writer): void {
  out.raw(TERMINATE);
}

/** SSLRequest, to be answered by one byte. */
export function writeSslRequest(out: Writer): void {
  out.raw(SSL_REQUEST);
}

/** CopyFail with the reason. */
export function writeCopyFail(out: Writer, reason: string): void {
  checkText(reason);
  out.raw(serialize.copyFail(reason));
}

/** Writes each parameter's value and reports its format. */
export interface ParameterWriter {
  /** How many parameters there are. */
  readonly count: number;
  /** Writes parameter `index`, length word included; returns the format it was written in. */
  write(index: number, out: Writer): 0 | 1;
}

/**
 * Bind to the unnamed portal. Formats are one code for each parameter and, unless they are all text, one
 * for each column. The caller rewinds the writer when a parameter is refused.
 */
export function writeBind(
  out: Writer,
  name: string,
  parameters: ParameterWriter,
  resultFormats: readonly (0 | 1)[] | null,
): void {
  const mark = beginBind(out, name, parameters.count, 0);
  const formats = out.length - (parameters.count + 1) * 2;
  for (let index = 0; index < parameters.count; index++) {
    if (parameters.write(index, out) === 1) out.setInt16(formats + index * 2, 1);
  }
  endBind(out, resultFormats);
  out.finish(mark);
}

/** All of a Bind before its values, which are `count` and all in this format. */
function beginBind(out: Writer, name: string, count: number, format: 0 | 1): number {
  const mark = out.start(BIND);
  out.int8(0);
  out.cstring(name);
  out.int16(count);
  for (let index = 0; index < count; index++) out.int16(format);
  out.int16(count);
  return mark;
}

/** All of it behind them. */
function endBind(out: Writer, resultFormats: readonly (0 | 1)[] | null): void {
  out.int16(resultFormats?.length ?? 0);
  for (const format of resultFormats ?? []) out.int16(format);
}

/** What the Binds of a prepared statement have in common, encoded once: all but the values. */
export class BindFrame {
  /** The statement's name. */
  readonly name: string;
  /** How many parameters it has. */
  readonly count: number;
  /** What its columns are asked for in; see {@link writeBind}. */
  readonly resultFormats: readonly (0 | 1)[] | null;
  readonly #before: Uint8Array;
  readonly #behind: Uint8Array;

  constructor(name: string, count: number, resultFormats: readonly (0 | 1)[] | null) {
    this.name = name;
    this.count = count;
    this.resultFormats = resultFormats;
    this.#before = written((out) => beginBind(out, name, count, 1));
    this.#behind = written((out) => endBind(out, resultFormats));
  }

  /** Writes a Bind, as {@link writeBind} does. */
  write(out: Writer, parameters: ParameterWriter): void {
    const mark = out.length;
    out.raw(this.#before);
    const formats = out.length - (this.count + 1) * 2;
    for (let index = 0; index < this.count; index++) {
      if (parameters.write(index, out) === 0) out.setInt16(formats + index * 2, 0);
    }
    out.raw(this.#behind);
    out.finish(mark);
  }
}

function written(write: (out: Writer) => unknown): Uint8Array {
  const out = new Writer();
  write(out);
  return Uint8Array.from(out.bytes.subarray(0, out.length));
}

/** Writes a message whole or not at all. */
function writing(out: Writer, write: () => void): void {
  const mark = out.length;
  try {
    write();
  } catch (error) {
    out.rewind(mark);
    throw error;
  }
}

/** The startup message. A NUL in any value would inject further parameters, so it is refused. */
export function writeStartup(
  out: Writer,
  version: number,
  parameters: ReadonlyMap<string, string>,
): void {
  writing(out, () => {
    const mark = out.length;
    out.int32(0);
    out.int32(version);
    for (const [name, value] of parameters) {
      if (name.includes("\0") || value.includes("\0")) {
        throw new ProgrammingError(
          `the connection parameter "${name.replaceAll("\0", "\\0")}" holds a NUL character`,
        );
      }
      out.cstring(name);
      out.cstring(value);
    }
    out.int8(0);
    out.setInt32(mark, out.length - mark);
  });
}

/** A message of the type that passwords and SASL share. */
function writeProof(out: Writer, write: () => void): void {
  writing(out, () => {
    const mark = out.start(SASL);
    write();
    out.finish(mark);
  });
}

/** A password in clear or hashed, as the server asked for it. */
export function writePassword(out: Writer, password: string): void {
  writeProof(out, () => out.cstring(password));
}

/** The first SASL message: the mechanism and its opening words. */
export function writeSaslInitial(out: Writer, mechanism: string, words: string): void {
  writeProof(out, () => {
    out.cstring(mechanism);
    out.int32(Buffer.byteLength(words));
    out.utf8(words);
  });
}

/** A later SASL message. */
export function writeSaslResponse(out: Writer, words: string): void {
  writeProof(out, () => out.utf8(words));
}

/** CancelRequest, sent alone on a connection of its own; the key may have up to 256 bytes. */
export function writeCancel(out: Writer, pid: number, key: Uint8Array): void {
  out.int32(12 + key.length);
  out.int32(CANCEL_CODE);
  out.int32(pid);
  out.raw(key);
}
