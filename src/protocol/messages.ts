/**
 * What the server can say: type bytes, and the shapes that its messages decode to.
 *
 * PostgreSQL manual, 54.7 "Message Formats". Rows never become objects here (see result.ts); what the
 * client says is in encode.ts.
 */
import { Diagnostic, ProtocolError } from "../errors.ts";
import { keepShape } from "../shapes.ts";
import { Body, int32, readLatin1, readUtf8 } from "./bytes.ts";

/** The type bytes of the messages that a server sends. */
export const Backend = {
  authentication: 0x52, // R
  backendKeyData: 0x4b, // K
  bindComplete: 0x32, // 2
  closeComplete: 0x33, // 3
  commandComplete: 0x43, // C
  copyBothResponse: 0x57, // W
  copyData: 0x64, // d
  copyDone: 0x63, // c
  copyInResponse: 0x47, // G
  copyOutResponse: 0x48, // H
  dataRow: 0x44, // D
  emptyQueryResponse: 0x49, // I
  errorResponse: 0x45, // E
  functionCallResponse: 0x56, // V
  negotiateProtocolVersion: 0x76, // v
  noData: 0x6e, // n
  noticeResponse: 0x4e, // N
  notificationResponse: 0x41, // A
  parameterDescription: 0x74, // t
  parameterStatus: 0x53, // S
  parseComplete: 0x31, // 1
  portalSuspended: 0x73, // s
  readyForQuery: 0x5a, // Z
  rowDescription: 0x54, // T
} as const;

/** Where the session stands: `I` idle, `T` in a transaction, `E` in a failed one. */
export type TransactionLetter = "I" | "T" | "E";

/** One column of a result, as the server describes it. */
export interface ColumnDescription {
  /** The column's name or alias; any text, duplicates included. */
  readonly name: string;
  /** The table's oid, 0 when the column is not a plain table column. */
  readonly tableOid: number;
  /** The column's number in its table, 0 when it has none. */
  readonly tableColumn: number;
  /** The type's oid. */
  readonly typeOid: number;
  /** The type's size in bytes, negative when it varies. */
  readonly typeSize: number;
  /** The type modifier, -1 when there is none. */
  readonly typeModifier: number;
  /** The format of its fields: 0 text, 1 binary. */
  readonly format: 0 | 1;
}

/** A notification that the server has sent. */
export class Notify {
  /** The channel that it was sent to. */
  readonly channel: string;
  /** What was sent along; empty when nothing was. */
  readonly payload: string;
  /** The process id of the server session that sent it. */
  readonly pid: number;

  constructor(channel: string, payload: string, pid: number) {
    this.channel = channel;
    this.payload = payload;
    this.pid = pid;
  }
}

/** Decodes a RowDescription. */
export function rowDescription(bytes: Buffer, start: number, end: number): ColumnDescription[] {
  const body = new Body(bytes, start, end, "RowDescription");
  const count = body.uint16();
  // Each description takes 19 bytes at least: a larger count is a lie, and nothing is allocated for it.
  if (count * 19 > body.left)
    throw new ProtocolError("the server sent a RowDescription message that is cut short");
  const columns: ColumnDescription[] = [];
  for (let index = 0; index < count; index++) {
    const name = body.cstring();
    const tableOid = body.uint32();
    const tableColumn = body.int16();
    const typeOid = body.uint32();
    const typeSize = body.int16();
    const typeModifier = body.int32();
    const format = body.int16();
    if (format !== 0 && format !== 1)
      throw new ProtocolError(`the server described a column in format ${format}`);
    columns.push({ name, tableOid, tableColumn, typeOid, typeSize, typeModifier, format });
  }
  body.finish();
  return columns;
}

/** Decodes a ParameterDescription into the parameters' type oids. */
export function parameterDescription(bytes: Buffer, start: number, end: number): number[] {
  const body = new Body(bytes, start, end, "ParameterDescription");
  const count = body.uint16();
  if (count * 4 !== body.left)
    throw new ProtocolError("the server sent a ParameterDescription message of a wrong length");
  const oids: number[] = [];
  for (let index = 0; index < count; index++) oids.push(body.uint32());
  return oids;
}

/** Decodes an ErrorResponse or NoticeResponse. */
export function diagnostic(bytes: Buffer, start: number, end: number): Diagnostic {
  const body = new Body(bytes, start, end, "ErrorResponse");
  const fields = new Map<string, string>();
  for (;;) {
    const field = body.int8();
    if (field === 0) break;
    fields.set(String.fromCharCode(field), body.cstring());
  }
  body.finish();
  return Diagnostic.fromFields(fields);
}

/** The channel that came last, and its bytes: mostly the next one is the same, as with tags below. */
let lastChannel = "";
const lastChannelBytes = new Uint8Array(64);
let lastChannelLength = 0;

/** Decodes a NotificationResponse. */
export function notification(bytes: Buffer, start: number, end: number): Notify {
  const from = start + 4;
  const known = lastChannelBytes;
  const length = lastChannelLength;
  const nul = from + length;
  if (nul < end - 1 && bytes[nul] === 0 && bytes[end - 1] === 0) {
    let index = 0;
    while (index < length && bytes[from + index] === known[index]) index++;
    // A second NUL would be the end of the payload, with bytes too many behind it.
    if (index === length && !holdsNul(bytes, nul + 1, end - 1)) {
      return new Notify(lastChannel, readUtf8(bytes, nul + 1, end - 1), int32(bytes, start));
    }
  }
  const body = new Body(bytes, start, end, "NotificationResponse");
  const pid = body.int32();
  const channel = body.cstring();
  const payload = body.cstring();
  body.finish();
  remember(channel, bytes, from);
  return new Notify(channel, payload, pid);
}

function remember(channel: string, bytes: Buffer, from: number): void {
  let length = 0;
  // One that is too long is none of PostgreSQL's; the rest of it is not compared, so it is not remembered.
  for (; bytes[from + length] !== 0; length++) {
    if (length === lastChannelBytes.length) {
      lastChannel = "";
      lastChannelLength = 0;
      return;
    }
    lastChannelBytes[length] = bytes[from + length] as number;
  }
  lastChannel = channel;
  lastChannelLength = length;
}

/** Up to here a loop beats a call into the runtime. */
const SHORT_SEARCH = 64;

function holdsNul(bytes: Buffer, start: number, end: number): boolean {
  if (end - start > SHORT_SEARCH) return bytes.indexOf(0, start) < end;
  for (let at = start; at < end; at++) if (bytes[at] === 0) return true;
  return false;
}

/** Decodes a ParameterStatus into name and value. */
export function parameterStatus(bytes: Buffer, start: number, end: number): [string, string] {
  const body = new Body(bytes, start, end, "ParameterStatus");
  const name = body.cstring();
  const value = body.cstring();
  body.finish();
  return [name, value];
}

/** Tags that came lately: a program has few, and comparing is cheaper than decoding. */
const lateTags: string[] = Array.from({ length: 16 }, () => "");

/** Decodes the tag of a CommandComplete. */
export function commandTag(bytes: Buffer, start: number, end: number): string {
  const length = end - start - 1;
  if (length < 0 || bytes[end - 1] !== 0)
    throw new ProtocolError("the server sent a CommandComplete message that does not end");
  const place =
    ((bytes[start] as number) + 3 * length + 5 * (bytes[end - 2] as number)) % lateTags.length;
  const known = lateTags[place] as string;
  if (known.length === length) {
    let index = 0;
    while (index < length && bytes[start + index] === known.charCodeAt(index)) index++;
    if (index === length) return known;
  }
  return (lateTags[place] = readLatin1(bytes, start, end - 1));
}

/** Decodes the status of a ReadyForQuery. */
export function readyStatus(bytes: Buffer, start: number, end: number): TransactionLetter {
  const letter = bytes[start];
  if (end - start === 1) {
    if (letter === 0x49) return "I";
    if (letter === 0x54) return "T";
    if (letter === 0x45) return "E";
  }
  throw new ProtocolError("the server sent a ReadyForQuery message with an unknown status");
}

keepShape(new Notify("", "", 0));
