/**
 * Gives an error the stack of the call that it belongs to.
 *
 * An error is made where the server's message was read, in a callback of the socket that no program ever
 * called. Rethrown from the asynchronous function that the program awaits, it can be given that function's
 * stack, which the engine knows across awaits: nothing has to be captured beforehand, when all goes well.
 */
import { MahoutError } from "../errors.ts";

/** Points the error's stack at the awaiting caller; returns it to be thrown. */
export function recapture(error: unknown): unknown {
  if (error instanceof MahoutError) Error.captureStackTrace(error, recapture);
  return error;
}
