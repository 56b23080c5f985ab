// Which errors a program may answer by running its transaction again, as a whole.
//
// A question about errors of this package and nothing else: it looks at what they are, never at what
// caused them. PostgreSQL manual: 13.5 "Serialization Failure Handling".

import { ConnectionTimeout, MahoutError } from "./errors.ts";

const retryableStates: ReadonlySet<string> = new Set(["40001", "40P01", "57P03", "53300"]);

/**
 * Tells whether running the same transaction again, as a whole, is both safe and promising.
 *
 * True for exactly these errors of this package; false for everything else, whatever its `cause`:
 *
 * - 40001 serialization_failure and 40P01 deadlock_detected: the server rolled back;
 * - 57P03 cannot_connect_now and 53300 too_many_connections: the server refused the session;
 * - {@link ConnectionTimeout}, and errors whose `code` is `ERR_MAHOUT_CONNECT` (no server could be
 *   reached): no session came to exist, so nothing was sent.
 *
 * False, on purpose, for connections that broke later, 57P01 admin_shutdown included: the server
 * may have committed before the answer was lost. False for 55P03 lock_not_available: whoever said
 * NOWAIT or set lock_timeout decided not to wait. The answer is about the transaction that failed;
 * what a procedure committed on its way is done. Pause before retrying; refusals need time to pass.
 */
export function isRetryable(error: unknown): boolean {
  if (!(error instanceof MahoutError)) return false;
  if (error instanceof ConnectionTimeout) return true;
  return error.sqlstate === null
    ? error.code === "ERR_MAHOUT_CONNECT"
    : retryableStates.has(error.sqlstate);
}
