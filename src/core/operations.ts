/**
 * How a call's options become a request: checks that don't need the server.
 */
import { ProgrammingError } from "../errors.ts";
import { checkDuplicates } from "../rows.ts";
import type { DuplicateColumns } from "../rows.ts";
import type { ExecuteContext, ExecuteRequest } from "./extended.ts";
import type { RunOptions } from "./options.ts";
import type { Query, QueryParameters } from "./query.ts";
import { bindQuery } from "./query.ts";

const OPTIONS: ReadonlySet<string> = new Set([
  "prepare",
  "binary",
  "rowFactory",
  "duplicateColumns",
  "timeout",
  "signal",
]);

/** Makes the request of one execution, refusing what can't be one. */
export function requestOf(
  context: ExecuteContext,
  query: Query,
  parameters: QueryParameters | null | undefined,
  options: RunOptions | undefined,
): ExecuteRequest {
  const bound = bindQuery(context, query, parameters);
  if (options !== undefined) checkOptions(options);
  return {
    text: bound.text,
    parameters: bound.parameters,
    prepare: options?.prepare,
    binary: options?.binary,
    binding: "server",
    shown: null,
  };
}

/** Timers count no further, which is some 25 days: whatever is longer, Infinity included, is cut to this. */
export const LONGEST_TIME: number = 2 ** 31 - 1;

/**
 * Checks a time in milliseconds, and gives it as timers take it.
 *
 * @throws ProgrammingError for anything but a number that is not negative.
 */
export function checkMilliseconds(name: string, value: number): number {
  if (typeof value !== "number" || !(value >= 0)) {
    throw new ProgrammingError(
      `${name} must be a number of milliseconds, not ${shownOption(value)}`,
    );
  }
  return Math.min(value, LONGEST_TIME);
}

/** A value that is no option, as errors show it: strings in quotes, so that "5" is not taken for 5. */
export function shownOption(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  return typeof value === "object" && value !== null ? "an object" : String(value);
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
  checkDuplicates((options as { duplicateColumns?: DuplicateColumns }).duplicateColumns);
}
