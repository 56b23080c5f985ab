/**
 * Authentication: what the server asks for, what we answer (manual, 54.2.1 and 54.7).
 *
 * No secret leaves before it is clear that the server may have it: a method that `require_auth` excludes
 * is refused when it is asked for, and "you are in" without the exchange that was required is refused as
 * well, because a server that skips the proof may be anybody.
 */
import { createHash } from "node:crypto";
import { NotSupportedError, OperationalError, ProtocolError } from "../errors.ts";
import { passwordOf } from "./auth-credentials.ts";
import type { AuthMethod, Credentials, Opened } from "./auth-credentials.ts";
import { oauth, OAUTHBEARER } from "./auth-oauth.ts";
import type { AuthRequest } from "./auth-requests.ts";
import { nextRequest, Request } from "./auth-requests.ts";
import { scram, unbound } from "./auth-scram.ts";
import type { Conversation } from "./effects.ts";
import { writePassword } from "./encode.ts";
import type { Negotiation } from "./negotiation.ts";
import type { Session } from "./session.ts";

const SCRAM: AuthMethod = "scram-sha-256";

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
  let request = yield* nextRequest(session, negotiation);
  for (;;) {
    // Before anything is written: who has proved themselves owes nothing more, a password least of all.
    if (proven && request.code !== Request.ok)
      throw new ProtocolError("the server asked for a second proof of who we are");
    switch (request.code) {
      case Request.ok:
        if (!proven) insist(credentials, "none");
        return;
      case Request.cleartext:
        insist(credentials, "password");
        writePassword(session.outbox, yield* passwordOf(credentials));
        break;
      case Request.md5:
        insist(credentials, "md5");
        if (request.data.length !== 4)
          throw new ProtocolError("the server sent an MD5 salt of a wrong length");
        writePassword(
          session.outbox,
          md5Password(credentials.user, yield* passwordOf(credentials), request.data),
        );
        break;
      case Request.sasl:
        request = yield* sasl(session, credentials, opened, request.data);
        proven = true;
        continue;
      case Request.gss:
      case Request.sspi:
        throw new NotSupportedError(
          `the server asks for ${request.code === Request.gss ? "GSSAPI" : "SSPI"} authentication, which is not supported; choose scram-sha-256 in pg_hba.conf`,
        );
      default:
        throw new NotSupportedError(
          `the server asks for an unknown kind of authentication (${request.code})`,
        );
    }
    proven = true;
    request = yield* nextRequest(session);
  }
}

/** Proves by one of the mechanisms that the server offers; returns what it wants next. */
function* sasl(
  session: Session,
  credentials: Credentials,
  opened: Opened,
  offer: Buffer,
): Conversation<AuthRequest> {
  const mechanisms = offer.toString("latin1").split("\0").filter(Boolean);
  const { accepts } = credentials;
  const mayScram = mechanisms.some((one) => one.startsWith("SCRAM-")) && accepts?.(SCRAM) !== false;
  const isToken = mechanisms.includes(OAUTHBEARER) && !mayScram;
  insist(credentials, isToken ? "oauth" : SCRAM);
  if (isToken) return yield* oauth(session, credentials, opened);
  yield* scram(session, credentials, opened, mechanisms);
  return yield* nextRequest(session);
}

/** Refuses a method that may not be used, before anything is revealed for it. */
function insist({ accepts, channelBinding }: Credentials, method: AuthMethod): void {
  const asked =
    method === "none" ? "did not ask for any proof" : `asks for ${method} authentication`;
  if (accepts && !accepts(method)) {
    throw new OperationalError(`the server ${asked}, which require_auth excludes`);
  }
  if (channelBinding === "require" && method !== SCRAM) {
    throw unbound(`the server ${asked}`);
  }
}

function md5Password(user: string, password: string, salt: Buffer): string {
  const inner = createHash("md5").update(password).update(user).digest("hex");
  return `md5${createHash("md5").update(inner).update(salt).digest("hex")}`;
}
