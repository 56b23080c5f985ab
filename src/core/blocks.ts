/**
 * What can be wrong with how a block is called, in either shell.
 */
import { ProgrammingError } from "../errors.ts";
import { shownOption } from "./operations.ts";

/**
 * Refuses what was meant as a block's function and is none: it would never be called, and the block never ended.
 *
 * @throws ProgrammingError for a function behind its options; for anything that can't be options, such as a promise.
 */
export function checkOrder(what: string, first: unknown, second: unknown): void {
  const isPromise = typeof (first as { then?: unknown } | null | undefined)?.then === "function";
  if (isPromise || (typeof first !== "object" && first !== undefined)) {
    const given = isPromise ? "a promise" : shownOption(first);
    throw new ProgrammingError(`${what} takes a function or options, not ${given}`);
  }
  if (second === undefined) return;
  throw new ProgrammingError(`${what} takes its function first and options after it`);
}

/**
 * Refuses a `with()` without its function, before anything is connected.
 *
 * @throws ProgrammingError with the right order.
 */
export function checkUse(use: unknown): void {
  if (typeof use === "function") return;
  throw new ProgrammingError("with() takes where to connect to, then a function, then options");
}

/**
 * Refuses the promise of an asynchronous function in a blocking block: it has hardly begun when it returns,
 * and the block would be over before its work.
 *
 * @throws ProgrammingError.
 */
export function refusePromise(block: string, value: unknown): void {
  const promise = value as { then?: (kept: undefined, failed: () => void) => void } | null;
  if (typeof promise?.then !== "function") return;
  promise.then(undefined, () => {});
  throw new ProgrammingError(
    `the function of a blocking ${block} returned a promise; what it still does would not be part of the block`,
  );
}
