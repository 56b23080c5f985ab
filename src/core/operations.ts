/**
 * How a call's options become a request: checks that don't need the server.
 */
import type { Parameters } from "../adapt/parameters.ts";
import { ProgrammingError } from "../errors.ts";
import type { ExecuteRequest } from "./extended.ts";
import type { RunOptions } from "./options.ts";

const NO_PARAMETERS: Parameters = Object.freeze([]);

const OPTIONS: ReadonlySet<string> = new Set([
  "prepare",
  "binary",
  "rowFactory",
  "timeout",
  "signal",
]);

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
  if (options !== undefined) checkOptions(options);
  return {
    text,
    parameters: parameters ?? NO_PARAMETERS,
    prepare: options?.prepare,
    binary: options?.binary,
  };
}

/** Timers count no further, which is some 25 days: whatever is longer, Infinity included, is cut to this. */
const LONGEST_TIME = 2 ** 31 - 1;

/**
 * Checks a time in milliseconds, and gives it as timers take it.
 *
 * @throws ProgrammingError for anything but a number that is not negative.
 */
export function checkMilliseconds(name: string, value: number): number {
  if (typeof value !== "number" || !(value >= 0)) {
    throw new ProgrammingError(
      `${name} must be a number of milliseconds, not ${typeof value === "string" ? JSON.stringify(value) : String(value)}`,
    );
  }
  return Math.min(value, LONGEST_TIME);
}

/** Checks a limit that may be none; throws as {@link checkMilliseconds} does. */
export function checkLimit(name: string, value: number | null | undefined): number | null {
  return value === undefined || value === null ? null : checkMilliseconds(name, value);
}

function checkOptions(options: RunOptions): void {
  for (const name of Object.keys(options)) {
    if (!OPTIONS.has(name)) {
      throw new ProgrammingError(
        `there is no option "${name}" for a statement; there are ${[...OPTIONS].join(", ")}`,
      );
    }
  }
  if (options.timeout !== undefined) checkMilliseconds("timeout", options.timeout);
}
