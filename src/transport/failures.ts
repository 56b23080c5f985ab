/**
 * What is said when a socket could not be opened or encrypted, whichever transport tried.
 */
import { ConnectionTimeout, OperationalError } from "../errors.ts";
import type { Address } from "../protocol/effects.ts";

/** The part of a socket's error that is worth telling. */
export interface SocketFailure {
  readonly message: string;
  readonly code?: string | undefined;
  /** Node reports a host with several addresses as one error with an empty message and many inside. */
  readonly errors?: readonly Error[];
}

/** A failure in another thread as an error of this one. */
export function asError(failure: SocketFailure | null): Error | null {
  return failure === null
    ? null
    : Object.assign(new Error(failure.message), { code: failure.code });
}

/** A connect that failed before the server said anything. */
export function unreachable(address: Address, cause: SocketFailure | null): OperationalError {
  const place =
    address.path === null
      ? `"${address.host}", port ${address.port}`
      : `"${address.path.replace("\0", "@")}"`;
  const hint = cause?.code === "ECONNREFUSED" ? "; is the server running there?" : "";
  return new OperationalError(
    `connection to the server at ${place} failed: ${messageOf(cause)}${hint}`,
    {
      cause: cause ?? undefined,
      code: "ERR_MAHOUT_CONNECT",
    },
  );
}

/** A host whose addresses can't be had. */
export function unresolved(host: string, cause: SocketFailure): OperationalError {
  return new OperationalError(`the host "${host}" can't be found: ${cause.message}`, {
    cause: asError(cause),
    code: "ERR_MAHOUT_CONNECT",
  });
}

/** An attempt that took too long; others may follow. `untilOpen` tells that it was only about the socket. */
export function attemptExpired(timeout: number, untilOpen: boolean): ConnectionTimeout {
  return new ConnectionTimeout(
    untilOpen
      ? `nobody answered within ${timeout} ms`
      : `the attempt took longer than connect_timeout allows (${timeout} ms)`,
    {
      code: "ERR_MAHOUT_ATTEMPT_TIMEOUT",
    },
  );
}

/**
 * A handshake that failed; `direct` tells that the server was not asked whether it speaks TLS, `blamed` what of
 * ours is to blame, if anything.
 */
export function insecure(
  cause: SocketFailure | null,
  direct: boolean,
  blamed: string | null = null,
): OperationalError {
  const message = messageOf(cause);
  return new OperationalError(
    `TLS could not be established: ${blamed ?? message + hintOf(message, direct)}`,
    {
      cause: cause ?? undefined,
      code: "ERR_MAHOUT_TLS",
    },
  );
}

/** What to look at. */
function hintOf(message: string, direct: boolean): string {
  if (/key values mismatch/i.test(message)) return "; sslkey is not the key of sslcert";
  if (/decrypt|passphrase/i.test(message)) return "; is sslpassword the one that sslkey needs?";
  const isCut = /was closed|disconnected|ECONNRESET/.test(message);
  return direct && isCut ? "; sslnegotiation=direct takes PostgreSQL 17 or later, with TLS" : "";
}

function messageOf(failure: SocketFailure | null): string {
  if (!failure) return "the connection was closed";
  return failure.errors ? failure.errors.map((one) => one.message).join("; ") : failure.message;
}
