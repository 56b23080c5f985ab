/** What can be said when copying and streaming, and how the arguments of `copy()` are told apart. */
import { ProgrammingError } from "../errors.ts";
import type { CopyType } from "./copy-types.ts";
import type { ExecuteOptions } from "./options.ts";
import type { QueryParameters } from "./query.ts";
import type { DictRow } from "../rows.ts";
import { shownOption } from "./operations.ts";

/** Options of `copy()`. */
export interface CopyOptions {
  /**
   * The longest that the whole COPY may take, in milliseconds, waiting for its turn and the program's own time
   * included; the connection's `statementTimeout` by default; Infinity for no limit.
   */
  readonly timeout?: number;
  /** The columns' types, by name or oid, for rows; the server is asked for them when they aren't given. */
  readonly types?: readonly CopyType[];
}

/** Options of `stream()`. */
export interface StreamOptions<Row = DictRow> extends Omit<ExecuteOptions<Row>, "prepare"> {
  /** How many rows are decoded at a time: 100 by default. */
  readonly size?: number;
}

const COPY_OPTIONS = ["timeout", "signal", "types"];
const STREAM_OPTIONS = ["timeout", "signal", "rowFactory", "duplicateColumns", "binary", "size"];

/** The arguments of `copy()` behind the statement, in their places. */
export interface CopyArguments<Use> {
  readonly parameters: QueryParameters;
  readonly options: CopyOptions;
  /** The block; null for the disposable form. */
  readonly use: Use | null;
}

/** Tells the arguments of `copy()` apart: the block comes last, if there is one. */
export function copyArguments<Use>(given: readonly unknown[]): CopyArguments<Use> {
  const rest = [...given];
  while (rest.length > 0 && rest.at(-1) === undefined) rest.pop();
  const use = typeof rest.at(-1) === "function" ? (rest.pop() as Use) : null;
  const [parameters = [], options = {}, extra] = rest as [QueryParameters?, CopyOptions?, unknown?];
  if (extra !== undefined || typeof options !== "object" || options === null) {
    throw new ProgrammingError("copy() takes a statement, parameters, options and a function");
  }
  checkNames("copy()", options, COPY_OPTIONS);
  return { parameters: parameters ?? [], options, use };
}

function checkNames(what: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw new ProgrammingError(
        `there is no option "${name}" for ${what}; there are ${known.join(", ")}`,
      );
    }
  }
}

/** Rows decoded at a time when nothing else is said. */
const STREAM_SIZE = 100;

/**
 * Checks the options of `stream()` and gives its size.
 *
 * @throws ProgrammingError for an option that there isn't, and for a size that is no whole number above 0.
 */
export function checkStream(options: StreamOptions<never> | undefined): number {
  if (options) checkNames("stream()", options, STREAM_OPTIONS);
  const size = options?.size ?? STREAM_SIZE;
  if (!Number.isInteger(size) || size < 1) {
    throw new ProgrammingError(`size must be a whole number above 0, not ${shownOption(size)}`);
  }
  return size;
}
