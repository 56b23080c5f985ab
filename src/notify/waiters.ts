/**
 * Waiting for something that many wait for, and giving up on it.
 */
import { OperationalError, ProgrammingError } from "../errors.ts";
import type { Limits } from "./link.ts";
import { shownOption } from "../core/operations.ts";

/** Promises that are settled together, each of which fails with an error of its own. */
export class Waiters<T> {
  #list: { resolve: (value: T) => void; reject: (error: Error) => void }[] = [];

  /** Waits for the next time that it is settled. */
  wait(): Promise<T> {
    return new Promise((resolve, reject) => this.#list.push({ resolve, reject }));
  }

  /** Gives all that wait a value. */
  settle(value: T): void {
    for (const { resolve } of this.#list.splice(0)) resolve(value);
  }

  /** Has all that wait fail. */
  fail(error: () => Error): void {
    for (const { reject } of this.#list.splice(0)) reject(error());
  }
}

/**
 * Waits for `work` within limits; what is left of it ends unheard.
 *
 * @throws OperationalError when the limits end the wait.
 */
export async function within<T>(limits: Limits, what: string, work: Promise<T>): Promise<T> {
  const { timeout, signal } = limits;
  work.catch(() => {});
  check(limits);
  if (timeout === undefined && signal === undefined) return await work;
  let timer: NodeJS.Timeout | undefined;
  let abort: (() => void) | undefined;
  const ended = new Promise<never>((_, reject) => {
    abort = () => {
      const message = `${what} was aborted by its signal`;
      reject(new OperationalError(message, { cause: signal?.reason, code: "ERR_MAHOUT_ABORTED" }));
    };
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort, { once: true });
    if (timeout === undefined || timeout === Infinity) return;
    const late = (): void =>
      reject(
        new OperationalError(`${what} took longer than ${timeout} ms`, {
          code: "ERR_MAHOUT_TIMEOUT",
        }),
      );
    timer = setTimeout(late, timeout);
  });
  try {
    return await Promise.race([work, ended]);
  } finally {
    clearTimeout(timer);
    if (abort) signal?.removeEventListener("abort", abort);
  }
}

function check(limits: Limits): void {
  for (const name of Object.keys(limits)) {
    if (name === "timeout" || name === "signal") continue;
    throw new ProgrammingError(`there is no option "${name}" here; there are timeout, signal`);
  }
  const { timeout } = limits;
  if (timeout !== undefined && !(typeof timeout === "number" && timeout >= 0)) {
    throw new ProgrammingError(
      `timeout must be a number of milliseconds, not ${shownOption(timeout)}`,
    );
  }
}
