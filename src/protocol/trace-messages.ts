/**
 * The names of all messages, and which fields each has, for the trace.
 *
 * Manual, 54.7 "Message Formats"; names and order of the fields are those of libpq's trace. What authenticates
 * somebody has no fields here, whatever the settings: passwords, SASL's words, salts, cancel keys.
 */
import { Backend } from "./messages.ts";
import type { Fields } from "./trace-fields.ts";
import { HIDDEN_TEXT } from "./trace-fields.ts";

/** One kind of message. */
export interface TracedMessage {
  readonly name: string;
  /** Shows the fields; left out where there are none, or none that may be shown. */
  readonly fields?: (fields: Fields) => void;
  /** Whether its length varies from run to run, by what a comparable trace leaves out. */
  readonly isVarying?: boolean;
  /** Whether even the length tells too much. */
  readonly isSecret?: boolean;
}

/** What the client says, by type byte; `p` is in {@link proofOf}. */
export const FRONTEND: ReadonlyMap<number, TracedMessage> = new Map(
  Object.entries({
    B: { name: "Bind", fields: bind },
    C: { name: "Close", fields: statementOrPortal },
    D: { name: "Describe", fields: statementOrPortal },
    E: { name: "Execute", fields: execute },
    F: { name: "FunctionCall" },
    H: { name: "Flush" },
    P: { name: "Parse", fields: parse },
    Q: { name: "Query", fields: (fields) => fields.string() },
    S: { name: "Sync" },
    X: { name: "Terminate" },
    c: { name: "CopyDone" },
    d: { name: "CopyData", fields: copyData },
    f: { name: "CopyFail", fields: (fields) => fields.string() },
  } satisfies Record<string, TracedMessage>).map(([type, message]) => [
    type.charCodeAt(0),
    message,
  ]),
);

/** What the server says, by type byte; Authentication is in {@link authenticationOf}. */
export const BACKEND: ReadonlyMap<number, TracedMessage> = new Map<number, TracedMessage>([
  [Backend.backendKeyData, { name: "BackendKeyData", fields: backendKeyData, isVarying: true }],
  [Backend.bindComplete, { name: "BindComplete" }],
  [Backend.closeComplete, { name: "CloseComplete" }],
  [Backend.commandComplete, { name: "CommandComplete", fields: (fields) => fields.string() }],
  [Backend.copyBothResponse, { name: "CopyBothResponse", fields: copyResponse }],
  [Backend.copyData, { name: "CopyData", fields: copyData }],
  [Backend.copyDone, { name: "CopyDone" }],
  [Backend.copyInResponse, { name: "CopyInResponse", fields: copyResponse }],
  [Backend.copyOutResponse, { name: "CopyOutResponse", fields: copyResponse }],
  [Backend.dataRow, { name: "DataRow", fields: dataRow }],
  [Backend.emptyQueryResponse, { name: "EmptyQueryResponse" }],
  [Backend.errorResponse, { name: "ErrorResponse", fields: diagnostic, isVarying: true }],
  [Backend.functionCallResponse, { name: "FunctionCallResponse" }],
  [Backend.negotiateProtocolVersion, { name: "NegotiateProtocolVersion", fields: negotiation }],
  [Backend.noData, { name: "NoData" }],
  [Backend.noticeResponse, { name: "NoticeResponse", fields: diagnostic, isVarying: true }],
  [Backend.notificationResponse, { name: "NotificationResponse", fields: notification }],
  [Backend.parameterDescription, { name: "ParameterDescription", fields: parameterDescription }],
  [Backend.parameterStatus, { name: "ParameterStatus", fields: parameterStatus }],
  [Backend.parseComplete, { name: "ParseComplete" }],
  [Backend.portalSuspended, { name: "PortalSuspended" }],
  [Backend.readyForQuery, { name: "ReadyForQuery", fields: (fields) => void fields.letter() }],
  [Backend.rowDescription, { name: "RowDescription", fields: rowDescription }],
]);

/** A parameter that the server reports before it is ready: its value is the server's own. */
export const FIRST_PARAMETER_STATUS: TracedMessage = {
  name: "ParameterStatus",
  isVarying: true,
  fields: (fields) => {
    fields.string();
    if (fields.style.regress) fields.word(`"${HIDDEN_TEXT}"`);
    else fields.string();
  },
};

const AUTHENTICATION: Readonly<Record<number, string>> = {
  0: "AuthenticationOk",
  2: "AuthenticationKerberosV5",
  3: "AuthenticationCleartextPassword",
  5: "AuthenticationMD5Password",
  7: "AuthenticationGSS",
  8: "AuthenticationGSSContinue",
  9: "AuthenticationSSPI",
  10: "AuthenticationSASL",
  11: "AuthenticationSASLContinue",
  12: "AuthenticationSASLFinal",
};
const SASL = 10;
const SASL_CONTINUE = 11;

/** The server's request for proof with this code. */
export function authenticationOf(code: number): TracedMessage {
  const name = AUTHENTICATION[code] ?? `Authentication(${code})`;
  if (code === SASL) return { name, fields: mechanisms };
  return { name, isVarying: code > SASL };
}

/** The client's proof, by the code of the request that it answers. */
export function proofOf(code: number): TracedMessage {
  if (code === SASL) {
    return { name: "SASLInitialResponse", fields: (fields) => fields.string(), isSecret: true };
  }
  if (code === SASL_CONTINUE) return { name: "SASLResponse", isSecret: true };
  return { name: "PasswordMessage", isSecret: true };
}

function mechanisms(fields: Fields): void {
  fields.takeInt32();
  while (fields.left > 1) fields.string();
}

function statementOrPortal(fields: Fields): void {
  fields.letter();
  fields.string();
}

function parse(fields: Fields): void {
  fields.string();
  fields.string();
  const count = fields.int16() & 0xffff;
  for (let index = 0; index < count && fields.left > 0; index++) fields.oid();
}

function bind(fields: Fields): void {
  fields.string();
  fields.string();
  fields.int16s(fields.int16() & 0xffff);
  dataRow(fields);
  fields.int16s(fields.int16() & 0xffff);
}

function execute(fields: Fields): void {
  fields.string();
  fields.int32();
}

/** The number of values, then each. */
function dataRow(fields: Fields): void {
  const count = fields.int16() & 0xffff;
  for (let index = 0; index < count && fields.left > 0; index++) fields.value();
}

function copyData(fields: Fields): void {
  fields.data(fields.left);
}

function copyResponse(fields: Fields): void {
  fields.word(fields.takeByte());
  fields.int16s(fields.int16() & 0xffff);
}

function backendKeyData(fields: Fields): void {
  fields.pid();
  fields.takeRest();
  fields.word("(key)");
}

function negotiation(fields: Fields): void {
  fields.int32();
  const count = fields.takeInt32();
  fields.word(count);
  for (let index = 0; index < count && fields.left > 0; index++) fields.string();
}

function notification(fields: Fields): void {
  fields.pid();
  fields.string();
  fields.stringOfData();
}

function parameterDescription(fields: Fields): void {
  const count = fields.int16() & 0xffff;
  for (let index = 0; index < count && fields.left > 0; index++) fields.oid();
}

function parameterStatus(fields: Fields): void {
  fields.string();
  fields.string();
}

function rowDescription(fields: Fields): void {
  const count = fields.int16() & 0xffff;
  for (let index = 0; index < count && fields.left > 0; index++) {
    fields.string();
    fields.oid();
    fields.int16();
    fields.oid();
    fields.int16();
    fields.int32();
    fields.int16();
  }
}

/** File, line and function: places in the server's source, which every release moves. */
const PLACES = new Set(["F", "L", "R"]);
/** Detail, context and internal query: the server quotes values of rows and parameters in them. */
const QUOTING = new Set(["D", "W", "q"]);

function diagnostic(fields: Fields): void {
  while (fields.left > 1) {
    const field = fields.letter();
    if (fields.style.regress && PLACES.has(field)) {
      fields.takeString();
      fields.word(`"${HIDDEN_TEXT}"`);
    } else if (QUOTING.has(field)) {
      fields.stringOfData();
    } else {
      fields.string();
    }
  }
}
