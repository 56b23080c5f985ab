/**
 * What can be said about receiving notifications, and its checks; inbox.ts holds what has arrived.
 */
import { ProgrammingError } from "../errors.ts";
import { Notify } from "../protocol/messages.ts";
import { checkMilliseconds } from "./operations.ts";

export { Notify };

/** Called with each notification, as it arrives; what it returns is ignored. */
export type NotifyHandler = (notify: Notify) => unknown;

/** When a generator of notifications ends; by default never. */
export interface NotifiesOptions {
  /** How long to wait altogether, in milliseconds from the first step; 0 takes what is there. */
  readonly timeout?: number | undefined;
  /** How many notifications to give at most; what else has come stays for the next generator. */
  readonly stopAfter?: number | undefined;
}

/** How many notifications are kept that nobody takes, when nothing else is said. */
export const NOTIFY_BACKLOG = 10_000;

const NAMES: ReadonlySet<string> = new Set(["timeout", "stopAfter", "signal"]);

/**
 * Reads what was given to `notifies()`: a timeout or options.
 *
 * @throws ProgrammingError for anything else, naming it.
 */
export function limitsOf<Options extends NotifiesOptions>(
  given: number | Options | undefined,
): Partial<Options> {
  const options = (typeof given === "object" ? given : { timeout: given }) as Options | null;
  if (options === null || Array.isArray(options)) {
    throw new ProgrammingError(
      `notifies() takes a number of milliseconds or options, not ${options === null ? "null" : "an array"}`,
    );
  }
  for (const name of Object.keys(options)) {
    if (!NAMES.has(name)) {
      throw new ProgrammingError(
        `there is no option "${name}" for notifies(); there are ${[...NAMES].join(", ")}`,
      );
    }
  }
  if (options.timeout !== undefined) checkMilliseconds("timeout", options.timeout);
  checkStopAfter(options.stopAfter);
  const { signal } = options as { signal?: { aborted?: unknown } | null };
  if (signal !== undefined && typeof signal?.aborted !== "boolean") {
    throw new ProgrammingError(`signal must be an AbortSignal, not ${typeof signal}`);
  }
  return options;
}

function checkStopAfter(value: number | undefined): void {
  if (value === undefined || (Number.isInteger(value) && value >= 0)) return;
  throw new ProgrammingError(`stopAfter must be a whole number, not ${String(value)}`);
}

/**
 * Checks how many notifications are to be kept.
 *
 * @throws ProgrammingError for anything but a whole number or Infinity.
 */
export function checkBacklog(value: number): number {
  if ((Number.isInteger(value) && value >= 0) || value === Infinity) return value;
  throw new ProgrammingError(
    `notifyBacklog must be a whole number or Infinity, not ${String(value)}`,
  );
}
