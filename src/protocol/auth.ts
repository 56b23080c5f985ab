/**
 * Authentication: what the server asks for, what we answer (manual, 54.2.1 and 54.7).
 *
 * No secret leaves before it is clear that the server may have it: a method that `require_auth` excludes
 * is refused when it is asked for, and "you are in" without the exchange that was required is refused as
 * well, because a server that skips the proof may be anybody.
 */
import { createHash } from "node:crypto";
import { NotSupportedError, OperationalError, ProgrammingError, ProtocolError } from "../errors.ts";
import { errorFromDiagnostic } from "../sqlstate.ts";
import { Body } from "./bytes.ts";
import type { AskEffect, Conversation, DeriveEffect } from "./effects.ts";
import { writePassword, writeSaslInitial, writeSaslResponse } from "./encode.ts";
import { Backend } from "./messages.ts";
import type { Negotiation } from "./negotiation.ts";
import { Reply, surprise } from "./replies.ts";
import { preparePassword } from "./saslprep.ts";
import type { ScramBinding } from "./scram-binding.ts";
import { BINDABLE, boundTo, endPointHash, UNBOUND } from "./scram-binding.ts";
import { SCRAM_SHA_256, SCRAM_SHA_256_PLUS, ScramExchange } from "./scram.ts";
import type { Session } from "./session.ts";

/** How a server can ask for proof; libpq's names, as `require_auth` takes them. */
export type AuthMethod = "none" | "password" | "md5" | "scram-sha-256" | "gss" | "sspi" | "oauth";

/** Who wants in, and what may be revealed for it. */
export interface Credentials {
  /** The user's name. */
  readonly user: string;
  /** The password, or what gives it when it is needed; null when there is none. */
  readonly password: string | null | (() => unknown);
  /** Where a password was looked for, to be named when there is none. */
  readonly passwordSources: string;
  /** Whether a method is acceptable; null accepts all. */
  readonly accepts: ((method: AuthMethod) => boolean) | null;
  /** Whether to tie the proof to the TLS connection: never, where both sides can (as when left out), or else fail. */
  readonly channelBinding?: "disable" | "prefer" | "require";
}

/** How a socket was opened. */
export interface Opened {
  /** Whether it is encrypted. */
  readonly encrypted: boolean;
  /** The server's certificate in DER; null when there is none, or it can't be had. */
  readonly certificate: Uint8Array | null;
}

/** What the server wants next. */
interface AuthRequest {
  readonly code: number;
  readonly data: Buffer;
}

const OK = 0;
const CLEARTEXT = 3;
const MD5 = 5;
const GSS = 7;
const SSPI = 9;
const SASL = 10;
const SASL_CONTINUE = 11;
const SASL_FINAL = 12;

/** Takes one authentication request. */
class AuthReply extends Reply {
  request: AuthRequest | null = null;
  readonly #negotiation: Negotiation | null;

  constructor(negotiation: Negotiation | null) {
    super();
    this.#negotiation = negotiation;
  }

  override accept(type: number, bytes: Buffer, start: number, end: number): void {
    if (type === Backend.negotiateProtocolVersion && this.#negotiation)
      return this.#negotiation.accept(bytes, start, end);
    if (type !== Backend.authentication) throw surprise(type);
    const body = new Body(bytes, start, end, "Authentication");
    const code = body.int32();
    this.request = { code, data: body.raw(body.left) };
    this.settled = true;
  }

  override refuse(error: Parameters<Reply["refuse"]>[0]): void {
    this.error = error;
    this.settled = true;
  }
}

/**
 * Proves who we are until the server is content; afterwards it sends its parameters. The protocol's version
 * may be negotiated before that.
 *
 * @throws OperationalError when a password is missing or a method is not acceptable, NotSupportedError
 * for a method that isn't spoken here, and the server's own error when it refuses.
 */
export function* authenticate(
  session: Session,
  credentials: Credentials,
  opened: Opened,
  negotiation: Negotiation | null = null,
): Conversation<void> {
  let proven = false;
  let request = yield* next(session, negotiation);
  for (;;) {
    // Before anything is written: who has proved themselves owes nothing more, a password least of all.
    if (proven && request.code !== OK)
      throw new ProtocolError("the server asked for a second proof of who we are");
    switch (request.code) {
      case OK:
        if (!proven) insist(credentials, "none");
        return;
      case CLEARTEXT:
        insist(credentials, "password");
        writePassword(session.outbox, yield* passwordOf(credentials));
        break;
      case MD5:
        insist(credentials, "md5");
        if (request.data.length !== 4)
          throw new ProtocolError("the server sent an MD5 salt of a wrong length");
        writePassword(
          session.outbox,
          md5Password(credentials.user, yield* passwordOf(credentials), request.data),
        );
        break;
      case SASL:
        insist(credentials, "scram-sha-256");
        yield* scram(session, credentials, opened, request.data);
        break;
      case GSS:
      case SSPI:
        throw new NotSupportedError(
          `the server asks for ${request.code === GSS ? "GSSAPI" : "SSPI"} authentication, which is not supported; choose scram-sha-256 in pg_hba.conf`,
        );
      default:
        throw new NotSupportedError(
          `the server asks for an unknown kind of authentication (${request.code})`,
        );
    }
    proven = true;
    request = yield* next(session);
  }
}

/** Waits for what the server wants of somebody whom it doesn't know yet; it says so only when it lets people in. */
export function* firstRequest(session: Session, negotiation: Negotiation): Conversation<void> {
  yield* next(session, negotiation);
}

function* next(
  session: Session,
  negotiation: Negotiation | null = null,
): Conversation<AuthRequest> {
  const reply = session.owe(new AuthReply(negotiation));
  yield reply;
  if (reply.error) throw errorFromDiagnostic(reply.error, {});
  return reply.request as AuthRequest;
}

function* scram(
  session: Session,
  credentials: Credentials,
  opened: Opened,
  offer: Buffer,
): Conversation<void> {
  const mechanisms = offer.toString("latin1").split("\0").filter(Boolean);
  const binding = bindingFor(credentials, opened, mechanisms);
  const mechanism = binding.data.length > 0 ? SCRAM_SHA_256_PLUS : SCRAM_SHA_256;
  if (!mechanisms.includes(mechanism)) {
    throw new NotSupportedError(
      `the server offers only ${mechanisms.join(", ")}; supported here is ${mechanism}`,
    );
  }
  const password = preparePassword(yield* passwordOf(credentials));
  const exchange = new ScramExchange(undefined, binding);
  writeSaslInitial(session.outbox, mechanism, exchange.first());
  const challenge = exchange.challenge(yield* step(session, SASL_CONTINUE));
  const derive: DeriveEffect = { kind: "derive", password, ...challenge, key: null };
  yield derive;
  writeSaslResponse(session.outbox, exchange.final(derive.key as Uint8Array));
  exchange.verify(yield* step(session, SASL_FINAL));
}

/**
 * What the exchange is bound to.
 *
 * @throws OperationalError when it must be bound and can't be.
 */
function bindingFor(
  { channelBinding }: Credentials,
  { encrypted, certificate }: Opened,
  mechanisms: readonly string[],
): ScramBinding {
  const isOffered = mechanisms.includes(SCRAM_SHA_256_PLUS);
  if (isOffered && !encrypted) {
    throw new ProtocolError(
      "the server offers channel binding on a connection that is not encrypted",
    );
  }
  if (channelBinding === "disable") return UNBOUND;
  const hash = certificate && endPointHash(certificate);
  if (hash && isOffered) return boundTo(hash);
  if (channelBinding === "require") {
    if (!encrypted) throw unbound("the connection is not encrypted");
    if (!isOffered) throw unbound(`the server offers only ${mechanisms.join(", ")}`);
    throw unbound("the signature of the server's certificate has no hash that could be bound to");
  }
  return hash ? BINDABLE : UNBOUND;
}

function unbound(reason: string): OperationalError {
  return new OperationalError(`channel_binding=require can't be met: ${reason}`, {
    code: "ERR_MAHOUT_CHANNEL_BINDING",
  });
}

/** The next step of the exchange; anything else, "you are in" above all, would skip the server's proof. */
function* step(session: Session, code: number): Conversation<string> {
  const request = yield* next(session);
  if (request.code !== code) {
    throw new OperationalError(
      "the server left the SCRAM exchange before proving itself; it may be an impostor",
      {
        code: "ERR_MAHOUT_SERVER_UNPROVEN",
      },
    );
  }
  return request.data.toString("latin1");
}

/** Refuses a method that may not be used, before anything is revealed for it. */
function insist({ accepts, channelBinding }: Credentials, method: AuthMethod): void {
  const asked =
    method === "none" ? "did not ask for any proof" : `asks for ${method} authentication`;
  if (accepts && !accepts(method)) {
    throw new OperationalError(`the server ${asked}, which require_auth excludes`);
  }
  if (channelBinding === "require" && method !== "scram-sha-256") {
    throw unbound(`the server ${asked}`);
  }
}

function* passwordOf({ password: given, passwordSources }: Credentials): Conversation<string> {
  const password = typeof given === "function" ? yield* answerOf("the password", given) : given;
  if (password === null || password === "") {
    throw new OperationalError(
      `the server asks for a password, but none was supplied (looked at ${passwordSources})`,
      {
        code: "ERR_MAHOUT_NO_PASSWORD",
      },
    );
  }
  return password;
}

/** What the program's function gives, which is text. */
function* answerOf(what: string, ask: () => unknown): Conversation<string> {
  const effect: AskEffect = { kind: "ask", what, ask, answer: null };
  yield effect;
  if (typeof effect.answer === "string") return effect.answer;
  throw new ProgrammingError(
    `the function for ${what} must give a string, not ${effect.answer === null ? "null" : typeof effect.answer}`,
  );
}

function md5Password(user: string, password: string, salt: Buffer): string {
  const inner = createHash("md5").update(password).update(user).digest("hex");
  return `md5${createHash("md5").update(inner).update(salt).digest("hex")}`;
}
