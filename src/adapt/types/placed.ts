/**
 * Saying where in a value something was refused: which parameter, which field, which bound.
 */
import { MahoutError } from "../../errors.ts";

/** The same error with the place in front; what isn't one of ours stays as it is. */
export function placed(error: unknown, place: string): unknown {
  if (!(error instanceof MahoutError)) return error;
  const Kind = error.constructor as new (message: string, options?: object) => MahoutError;
  return new Kind(`${place}: ${error.message}`, { cause: error, code: error.code });
}
