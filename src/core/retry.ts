/**
 * How often, and after which pauses, a transaction that failed for a passing reason is repeated.
 */
import { ProgrammingError } from "../errors.ts";
import { isRetryable } from "../retryable.ts";
import { keepShape } from "../shapes.ts";
import { checkMilliseconds, shownOption } from "./operations.ts";
import type { RetryOptions } from "./transaction.ts";

const MIN_DELAY = 20;
const MAX_DELAY = 2_000;

/** The policy of one call. */
export class Retry {
  readonly #limit: number;
  readonly #min: number;
  readonly #max: number;
  #repetitions = 0;

  /**
   * Reads the option of a call.
   *
   * @throws ProgrammingError for a limit that is no whole number, or a delay that is no number of milliseconds.
   */
  constructor(option: number | RetryOptions | undefined) {
    const { limit, minDelay, maxDelay } =
      typeof option === "object"
        ? option
        : { limit: option ?? 0, minDelay: undefined, maxDelay: undefined };
    if (!Number.isInteger(limit) || limit < 0)
      throw new ProgrammingError(
        `retry must be a whole number of repetitions, not ${shownOption(limit)}`,
      );
    this.#limit = limit;
    this.#min = checkMilliseconds("minDelay", minDelay ?? MIN_DELAY);
    this.#max = checkMilliseconds("maxDelay", maxDelay ?? MAX_DELAY);
  }

  /** Whether anything is ever repeated. */
  get wanted(): boolean {
    return this.#limit > 0;
  }

  /**
   * How long to pause before the next repetition after `error`, in milliseconds; null when there is none.
   * The pause is anything up to a bound that doubles, so that who collided does not meet again.
   */
  delayAfter(error: unknown): number | null {
    if (this.#repetitions >= this.#limit || !isRetryable(error)) return null;
    const bound = Math.min(this.#max, this.#min * 2 ** this.#repetitions);
    this.#repetitions++;
    return Math.random() * bound;
  }
}

keepShape(new Retry(undefined));
