/**
 * The SCRAM exchange as messages: which mechanism, whether it is bound to the connection, and that nobody
 * leaves it before both sides have proved themselves.
 */
import { NotSupportedError, OperationalError, ProtocolError } from "../errors.ts";
import { passwordOf } from "./auth-credentials.ts";
import type { Credentials, Opened } from "./auth-credentials.ts";
import { nextRequest, Request } from "./auth-requests.ts";
import type { Conversation, DeriveEffect } from "./effects.ts";
import { writeSaslInitial, writeSaslResponse } from "./encode.ts";
import { preparePassword } from "./saslprep.ts";
import type { ScramBinding } from "./scram-binding.ts";
import { BINDABLE, boundTo, endPointHash, UNBOUND } from "./scram-binding.ts";
import { recall, remember, reminderOf } from "./scram-memory.ts";
import type { ScramChallenge } from "./scram.ts";
import { keysOf, SCRAM_SHA_256, SCRAM_SHA_256_PLUS, ScramExchange } from "./scram.ts";
import type { Session } from "./session.ts";

/**
 * Proves a password by SCRAM, and has the server prove that it knows it, too.
 *
 * @throws OperationalError when the server can't, or must be bound to and isn't.
 */
export function* scram(
  session: Session,
  credentials: Credentials,
  opened: Opened,
  mechanisms: readonly string[],
): Conversation<void> {
  const binding = bindingFor(credentials, opened, mechanisms);
  const mechanism = binding.data.length > 0 ? SCRAM_SHA_256_PLUS : SCRAM_SHA_256;
  if (!mechanisms.includes(mechanism)) {
    throw new NotSupportedError(
      `the server offers only ${mechanisms.join(", ")}; supported here is ${mechanism}`,
    );
  }
  const { scramKeys = null } = credentials;
  const password = scramKeys ? "" : preparePassword(yield* passwordOf(credentials));
  const exchange = new ScramExchange(undefined, binding);
  writeSaslInitial(session.outbox, mechanism, exchange.first());
  const challenge = exchange.challenge(yield* step(session, Request.saslContinue));
  const reminder = scramKeys ? null : reminderOf(password, challenge);
  const keys =
    scramKeys ?? recall(reminder as string) ?? keysOf(yield* derived(password, challenge));
  writeSaslResponse(session.outbox, exchange.final(keys));
  exchange.verify(yield* step(session, Request.saslFinal));
  if (reminder !== null) remember(reminder, keys);
}

/** Has the salted password made, which takes its time. */
function* derived(password: string, challenge: ScramChallenge): Conversation<Uint8Array> {
  const derive: DeriveEffect = { kind: "derive", password, ...challenge, key: null };
  yield derive;
  return derive.key as Uint8Array;
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

/** The error of a binding that is required and can't be had. */
export function unbound(reason: string): OperationalError {
  return new OperationalError(`channel_binding=require can't be met: ${reason}`, {
    code: "ERR_MAHOUT_CHANNEL_BINDING",
  });
}

/** The next step of the exchange; anything else, "you are in" above all, would skip the server's proof. */
function* step(session: Session, code: number): Conversation<string> {
  const request = yield* nextRequest(session);
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
