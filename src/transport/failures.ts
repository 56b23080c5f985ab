/**
 * What is said when a socket could not be opened or encrypted, whichever transport tried.
 */
import { OperationalError } from "../errors.ts";
import type { Address } from "../protocol/effects.ts";

/** The part of a socket's error that is worth telling. */
export interface SocketFailure {
  readonly message: string;
  readonly code?: string | undefined;
  /** Node reports a host with several addresses as one error with an empty message and many inside. */
  readonly errors?: readonly Error[];
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

/** A handshake that failed. */
export function insecure(cause: SocketFailure | null): OperationalError {
  return new OperationalError(`TLS could not be established: ${messageOf(cause)}`, {
    cause: cause ?? undefined,
    code: "ERR_MAHOUT_TLS",
  });
}

function messageOf(failure: SocketFailure | null): string {
  if (!failure) return "the connection was closed";
  return failure.errors ? failure.errors.map((one) => one.message).join("; ") : failure.message;
}
