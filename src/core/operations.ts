/**
 * How a call's options become a request: checks that don't need the server.
 */
import type { Parameters } from "../adapt/parameters.ts";
import { ProgrammingError } from "../errors.ts";
import type { ExecuteRequest } from "./extended.ts";
import type { RunOptions } from "./options.ts";

const NO_PARAMETERS: Parameters = Object.freeze([]);

/** Makes the request of one execution, refusing what can't be one. */
export function requestOf(
  text: string,
  parameters: Parameters | null | undefined,
  options: RunOptions | undefined,
): ExecuteRequest {
  if (typeof text !== "string") {
    throw new ProgrammingError(
      `a statement must be a string, not ${text === null ? "null" : typeof text}`,
    );
  }
  if (parameters !== undefined && parameters !== null && !Array.isArray(parameters)) {
    throw new ProgrammingError("parameters must be an array of values for $1, $2, ...");
  }
  return {
    text,
    parameters: parameters ?? NO_PARAMETERS,
    prepare: options?.prepare,
    binary: options?.binary,
  };
}

/**
 * Checks a time in milliseconds.
 *
 * @throws ProgrammingError for anything but a number that is not negative.
 */
export function checkMilliseconds(name: string, value: number): number {
  if (typeof value !== "number" || !(value >= 0)) {
    throw new ProgrammingError(`${name} must be a number of milliseconds, not ${String(value)}`);
  }
  return value;
}
