/**
 * An error for one more who is to see it.
 *
 * Whoever throws an error gives it the stack of its own caller (core/recapture.ts), so one that several callers
 * see must not be the same object: the last of them would take it away from the others.
 */
import { MahoutError } from "./errors.ts";

/** The same error again, with the first one as its cause; errors of others are given as they are. */
export function freshOf(error: Error): Error {
  if (!(error instanceof MahoutError)) return error;
  const Kind = error.constructor as new (message: string, options: object) => MahoutError;
  const { code, diag, statement, outcome, index } = error;
  const fresh = new Kind(error.message, {
    cause: error,
    code,
    diag,
    statement,
    outcome: outcome ?? undefined,
  });
  return index === undefined ? fresh : Object.assign(fresh, { index });
}
