/**
 * From an address to a session that is ready: encryption, startup message, authentication, parameters.
 *
 * Manual, 54.2.1 "Start-up" and 54.2.10 "SSL Session Encryption". One call is one attempt at one address;
 * which addresses are tried, and whether without encryption, is decided in core/connect.ts.
 */
import { OperationalError, ProtocolError } from "../errors.ts";
import { keepShape, nobody } from "../shapes.ts";
import { authenticate } from "./auth.ts";
import type { Credentials, Opened } from "./auth-credentials.ts";
import { Body } from "./bytes.ts";
import type { Address, Conversation, SecureEffect } from "./effects.ts";
import { writeSslRequest, writeStartup } from "./encode.ts";
import { Backend } from "./messages.ts";
import { Negotiation, PROTOCOL_3_2 } from "./negotiation.ts";
import { AnswerReply, Reply, surprise } from "./replies.ts";
import type { Session } from "./session.ts";

/** How a connection is encrypted: not at all, if the server can, by asking first, or from the first byte. */
export type Encryption = "none" | "offered" | "required" | "direct";

/** How to reach a server. */
export interface Route {
  /** Where to. */
  readonly address: Address;
  /** The host as the user wrote it, for TLS. */
  readonly serverName: string;
  /** Whether and how to encrypt. */
  readonly encryption: Encryption;
  /** How long the attempt may take, in milliseconds; null when only the whole connect is bounded. */
  readonly timeout: number | null;
  /** Whether that time ends when the socket is open. */
  readonly untilOpen?: boolean;
}

/** What one attempt needs to know. */
export interface StartupRequest extends Route {
  /** The protocol version to ask for. */
  readonly version: number;
  /** The protocol version below which there is no session; 3.0 when left out. */
  readonly lowestVersion?: number;
  /** Who wants in. */
  readonly credentials: Credentials;
  /** The startup message's parameters: user, database, settings. */
  readonly parameters: ReadonlyMap<string, string>;
  /** Whether the server must have asked for a client certificate, which it can only under TLS. */
  readonly needsCertificate?: boolean;
}

/** The longest cancel key that protocol 3.2 allows. */
const LONGEST_KEY = 256;
const ANSWER_YES = 0x53; // S
const ANSWER_NO = 0x4e; // N

/** Takes the key and ReadyForQuery; parameters go to the session by themselves. */
class ReadyReply extends Reply {
  readonly #session: Session;

  constructor(session: Session) {
    super();
    this.#session = session;
  }

  override accept(type: number, bytes: Buffer, start: number, end: number): void {
    if (type === Backend.readyForQuery) {
      this.settled = true;
      return;
    }
    if (type !== Backend.backendKeyData || this.#session.cancelKey) throw surprise(type);
    const body = new Body(bytes, start, end, "BackendKeyData");
    this.#session.backendPid = body.int32();
    // Before 3.2 a key was a number of four bytes.
    const longest = this.#session.protocolVersion < PROTOCOL_3_2 ? 4 : LONGEST_KEY;
    if (body.left < 4 || body.left > longest) {
      throw new ProtocolError(`the server sent a cancel key of ${body.left} bytes`);
    }
    this.#session.cancelKey = body.raw(body.left);
  }

  override refuse(): void {
    throw new ProtocolError("the server refused the connection after accepting it");
  }
}

const IN_THE_CLEAR: Opened = { encrypted: false, certificate: null };

/** Opens the socket and encrypts it as far as the request says. */
export function* open(session: Session, request: Route): Conversation<Opened> {
  const { address, timeout, untilOpen = false } = request;
  yield { kind: "open", address, timeout, untilOpen, session };
  if (request.encryption === "none") return IN_THE_CLEAR;
  if (request.encryption === "direct") return yield* secure(request);
  writeSslRequest(session.outbox);
  const answer = session.owe(new AnswerReply());
  yield answer;
  if (answer.byte === ANSWER_YES) return yield* secure(request);
  if (answer.byte !== ANSWER_NO) {
    // An error sent before encryption could be anybody's words; they are not repeated.
    throw new OperationalError(
      "the server did not understand the request for encryption; is it PostgreSQL?",
    );
  }
  if (request.encryption === "required") {
    throw new OperationalError("the server does not support TLS, but sslmode requires it", {
      code: "ERR_MAHOUT_NO_TLS",
    });
  }
  return IN_THE_CLEAR;
}

function* secure({ serverName }: Route): Conversation<Opened> {
  const effect: SecureEffect = { kind: "secure", serverName, peerCertificate: null };
  yield effect;
  return { encrypted: true, certificate: effect.peerCertificate };
}

/** Opens a session and says who wants in. */
export function* greet(session: Session, request: StartupRequest): Conversation<Opened> {
  const opened = yield* open(session, request);
  if (request.needsCertificate && !opened.encrypted) {
    throw new OperationalError(
      "the connection is not encrypted, so no client certificate is asked for, but sslcertmode is require",
      { code: "ERR_MAHOUT_TLS" },
    );
  }
  session.protocolVersion = request.version;
  writeStartup(session.outbox, 0x30000 + (request.version % 10_000), request.parameters);
  return opened;
}

/** Brings a session from nothing to ready; returns whether it is encrypted. */
export function* startup(session: Session, request: StartupRequest): Conversation<boolean> {
  const opened = yield* greet(session, request);
  const negotiation = new Negotiation(session, request.lowestVersion);
  const isLocal = request.address.path !== null;
  yield* authenticate(session, request.credentials, { ...opened, isLocal }, negotiation);
  yield session.owe(new ReadyReply(session));
  return opened.encrypted;
}

keepShape(new ReadyReply(nobody));
