// Everything that a PostgreSQL server can say, as bytes, named as in the manual (54.7 "Message
// Formats"). Written down once more on purpose, from the manual and not from src: the decoders are
// tested against it. What a server must not say is said with `message()` and `frame()`.

/** Part of a message's body; a string stands for its UTF-8 bytes, without terminator. */
export type Part = Uint8Array | string;

/** A type byte, any length word and any body: for lies about the length. */
export function frame(type: string, length: number, ...body: readonly Part[]): Buffer {
  return Buffer.concat([Buffer.from(type, "latin1"), int32(length), ...body.map(bytesOf)]);
}

/** A message of any type with any body, its length told truly. */
export function message(type: string, ...body: readonly Part[]): Buffer {
  const bytes = Buffer.concat(body.map(bytesOf));
  return frame(type, bytes.length + 4, bytes);
}

function bytesOf(part: Part): Uint8Array {
  return typeof part === "string" ? Buffer.from(part) : part;
}

/** A byte. */
export function int8(value: number): Buffer {
  return Buffer.of(value & 0xff);
}

/** Two bytes, big-endian; takes signed and unsigned numbers. */
export function int16(value: number): Buffer {
  return Buffer.of((value >>> 8) & 0xff, value & 0xff);
}

/** Four bytes, big-endian; takes signed and unsigned numbers. */
export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value | 0);
  return bytes;
}

/** A string with its terminating NUL. */
export function cstring(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}

/** Authentication with any code. */
export function authentication(code: number, ...data: readonly Part[]): Buffer {
  return message("R", int32(code), ...data);
}

export const authenticationOk = (): Buffer => authentication(0);
export const authenticationCleartextPassword = (): Buffer => authentication(3);
export const authenticationMd5Password = (salt: Uint8Array): Buffer => authentication(5, salt);
export const authenticationGss = (): Buffer => authentication(7);
export const authenticationSspi = (): Buffer => authentication(9);
export const authenticationSasl = (...mechanisms: readonly string[]): Buffer =>
  authentication(10, ...mechanisms.map(cstring), int8(0));
export const authenticationSaslContinue = (text: string): Buffer => authentication(11, text);
export const authenticationSaslFinal = (text: string): Buffer => authentication(12, text);

export const backendKeyData = (pid: number, key: Uint8Array): Buffer =>
  message("K", int32(pid), key);
export const negotiateProtocolVersion = (version: number, ...options: readonly string[]): Buffer =>
  message("v", int32(version), int32(options.length), ...options.map(cstring));
export const parameterStatus = (name: string, value: string): Buffer =>
  message("S", cstring(name), cstring(value));
export const readyForQuery = (status: string = "I"): Buffer => message("Z", status);

/** Fields of an error or notice by their letters; severity and code have defaults. */
export type Fields = Readonly<Record<string, string>>;

function diagnostic(type: string, severity: string, fields: Fields): Buffer {
  const all = { S: severity, V: severity, C: "XX000", M: "something happened", ...fields };
  const parts = Object.entries(all).map(([letter, text]) => cstring(letter + text));
  return message(type, ...parts, int8(0));
}

export const errorResponse = (fields: Fields = {}): Buffer => diagnostic("E", "ERROR", fields);
export const noticeResponse = (fields: Fields = {}): Buffer => diagnostic("N", "NOTICE", fields);
/** An error after which the server closes the connection. */
export const fatalError = (fields: Fields = {}): Buffer => diagnostic("E", "FATAL", fields);
export const notificationResponse = (pid: number, channel: string, payload: string): Buffer =>
  message("A", int32(pid), cstring(channel), cstring(payload));

/** A column to describe; text without a table by default. */
export interface Column {
  readonly name: string;
  readonly tableOid?: number;
  readonly tableColumn?: number;
  readonly typeOid?: number;
  readonly typeSize?: number;
  readonly typeModifier?: number;
  readonly format?: number;
}

const TEXT_OID = 25;

/** A string stands for a text column of that name. */
export function rowDescription(...columns: readonly (Column | string)[]): Buffer {
  const described = columns.map((column) => {
    const { name, ...given } = typeof column === "string" ? { name: column } : column;
    const { tableOid = 0, tableColumn = 0, typeOid = TEXT_OID }: Partial<Column> = given;
    const { typeSize = -1, typeModifier = -1, format = 0 }: Partial<Column> = given;
    const table = [int32(tableOid), int16(tableColumn)];
    const type = [int32(typeOid), int16(typeSize), int32(typeModifier), int16(format)];
    return Buffer.concat([cstring(name), ...table, ...type]);
  });
  return message("T", int16(columns.length), Buffer.concat(described));
}

/** A field: its length, -1 for NULL, and its bytes. */
export function field(value: Part | null): Buffer {
  if (value === null) return int32(-1);
  const bytes = bytesOf(value);
  return Buffer.concat([int32(bytes.length), bytes]);
}

export const dataRow = (...values: readonly (Part | null)[]): Buffer =>
  message("D", int16(values.length), Buffer.concat(values.map(field)));
export const commandComplete = (tag: string): Buffer => message("C", cstring(tag));
export const parameterDescription = (...oids: readonly number[]): Buffer =>
  message("t", int16(oids.length), Buffer.concat(oids.map(int32)));

export const parseComplete = (): Buffer => message("1");
export const bindComplete = (): Buffer => message("2");
export const closeComplete = (): Buffer => message("3");
export const noData = (): Buffer => message("n");
export const emptyQueryResponse = (): Buffer => message("I");
export const portalSuspended = (): Buffer => message("s");

const copyResponse = (type: string, formats: readonly number[]): Buffer =>
  message(type, int8(0), int16(formats.length), ...formats.map(int16));
export const copyInResponse = (...formats: readonly number[]): Buffer => copyResponse("G", formats);
export const copyOutResponse = (...formats: readonly number[]): Buffer =>
  copyResponse("H", formats);
export const copyBothResponse = (...formats: readonly number[]): Buffer =>
  copyResponse("W", formats);
export const copyData = (data: Part): Buffer => message("d", data);
export const copyDone = (): Buffer => message("c");
export const functionCallResponse = (value: Part | null): Buffer => message("V", field(value));
