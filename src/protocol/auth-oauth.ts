/**
 * OAuth: a bearer token that the program got from somebody whom the server trusts (RFC 7628; manual, 20.15).
 *
 * Whoever has the token is let in, so it leaves only on an encrypted connection, or one that stays on this
 * machine. How a token is had is the program's business: nothing here speaks to anybody but the server.
 */
import { MahoutError, NotSupportedError, OperationalError, ProgrammingError } from "../errors.ts";
import { errorFromDiagnostic } from "../sqlstate.ts";
import { answerOf } from "./auth-credentials.ts";
import type { Credentials, Opened } from "./auth-credentials.ts";
import type { AuthRequest } from "./auth-requests.ts";
import { nextRequest, Request } from "./auth-requests.ts";
import type { Conversation } from "./effects.ts";
import { writeSaslInitial, writeSaslResponse } from "./encode.ts";
import type { Session } from "./session.ts";

/** The name that the server offers it under. */
export const OAUTHBEARER = "OAUTHBEARER";

/** What stands between the fields of a message, and at its end. */
const SEPARATOR = "\x01";
/** What a token may be made of (RFC 6750, section 2.1). */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;
/** What a server may say about a refusal, in bytes. */
const LONGEST_STATUS = 16 * 1024;

/**
 * Shows a token to the server; returns what the server wants next.
 *
 * @throws OperationalError when it may not be shown here, and the server's own error when it refuses.
 */
export function* oauth(
  session: Session,
  { token: ask }: Credentials,
  { encrypted, isLocal = false }: Opened,
): Conversation<AuthRequest> {
  if (!ask) {
    throw new NotSupportedError(
      "the server asks for an OAuth token; say where to get one with oauthToken, a function that gives it",
    );
  }
  if (!encrypted && !isLocal) {
    throw new OperationalError(
      "the server asks for an OAuth token on a connection that is not encrypted; use sslmode verify-full",
    );
  }
  const token = yield* answerOf("the OAuth token", ask);
  // A separator in it would add fields to the message.
  if (!TOKEN.test(token)) {
    throw new ProgrammingError(
      "the function for the OAuth token gave something that is no bearer token",
    );
  }
  const words = `n,,${SEPARATOR}auth=Bearer ${token}${SEPARATOR}${SEPARATOR}`;
  writeSaslInitial(session.outbox, OAUTHBEARER, words);
  const request = yield* nextRequest(session);
  if (request.code !== Request.saslContinue) return request;
  // The server says what it would have liked, and waits for this before it refuses.
  writeSaslResponse(session.outbox, SEPARATOR);
  try {
    yield* nextRequest(session);
  } catch (error) {
    if (!(error instanceof MahoutError) || error.sqlstate === null) throw error;
    throw errorFromDiagnostic(error.diag, { cause: refusal(request.data) });
  }
  throw new OperationalError("the server refused the OAuth token and went on nevertheless");
}

/** What a server says of a token that it doesn't take, as the cause of its error. */
function refusal(data: Buffer): Error {
  let said: Record<string, unknown> = {};
  try {
    if (data.length <= LONGEST_STATUS)
      said = Object(JSON.parse(data.toString("utf8"))) as typeof said;
  } catch {
    // It is told below what was understood, which is nothing then.
  }
  const words = ["status", "scope", "openid-configuration"].flatMap((name) => {
    const value = Object.hasOwn(said, name) ? said[name] : undefined;
    return typeof value === "string" ? [`${name} ${JSON.stringify(value)}`] : [];
  });
  return new OperationalError(
    `the server did not take the OAuth token: ${words.join(", ") || "no reason"}`,
  );
}
