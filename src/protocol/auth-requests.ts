/**
 * What a server asks for in the course of authentication, one request after the other (manual, 54.7).
 */
import { errorFromDiagnostic } from "../sqlstate.ts";
import { keepShape } from "../shapes.ts";
import { Body } from "./bytes.ts";
import type { Conversation } from "./effects.ts";
import { Backend } from "./messages.ts";
import type { Negotiation } from "./negotiation.ts";
import { Reply, surprise } from "./replies.ts";
import type { Session } from "./session.ts";

/** What the server wants next. */
export interface AuthRequest {
  readonly code: number;
  readonly data: Buffer;
}

/** The kinds of requests. */
export const Request = {
  ok: 0,
  cleartext: 3,
  md5: 5,
  gss: 7,
  sspi: 9,
  sasl: 10,
  saslContinue: 11,
  saslFinal: 12,
} as const;

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
 * Waits for what the server wants next; with a negotiation, the protocol's version may be agreed on before.
 *
 * @throws the server's own error when it refuses.
 */
export function* nextRequest(
  session: Session,
  negotiation: Negotiation | null = null,
): Conversation<AuthRequest> {
  const reply = session.owe(new AuthReply(negotiation));
  yield reply;
  if (reply.error) throw errorFromDiagnostic(reply.error);
  return reply.request as AuthRequest;
}

keepShape(new AuthReply(null));
