/**
 * Turns of blocks: one after the other, in the order in which they were asked for.
 *
 * Statements don't take turns here, only blocks do: two transactions opened at once on one connection
 * would otherwise end up inside each other.
 */
import { OperationalError, ProgrammingError } from "../errors.ts";
import { onAbort } from "../transport/abort.ts";

/** What bounds the wait for a turn. */
export interface TurnLimits {
  readonly signal?: AbortSignal | undefined;
  /** In milliseconds. */
  readonly timeout?: number | undefined;
}

/** Who waits: how to begin, and how to give up. */
interface Waiting {
  readonly begin: () => void;
  readonly stop: (error: Error) => void;
}

/** A first-come first-served lock. */
export class Turns {
  #taken = false;
  readonly #waiting: Waiting[] = [];
  #closed = false;
  #onFree: (() => void) | null = null;

  /** Whether somebody has the turn. */
  get taken(): boolean {
    return this.#taken;
  }

  /**
   * Takes the turn, or waits for it; whoever has it calls {@link release}.
   *
   * @returns null when it was free.
   * @throws OperationalError when the limits end the wait: nothing was begun then.
   */
  take({ signal, timeout }: TurnLimits): Promise<void> | null {
    if (signal?.aborted) throw stopped("its signal was aborted", signal.reason);
    if (this.#closed) throw ended();
    if (!this.#taken) {
      this.#taken = true;
      return null;
    }
    return new Promise<void>((resolve, reject) => {
      const begin = (): void => {
        clearTimeout(timer);
        forget?.();
        resolve();
      };
      const stop = (error: Error): void => {
        const index = this.#waiting.findIndex((one) => one.begin === begin);
        if (index < 0) return;
        this.#waiting.splice(index, 1);
        clearTimeout(timer);
        forget?.();
        reject(error);
      };
      const timer =
        timeout === undefined
          ? undefined
          : setTimeout(() => stop(stopped(`its timeout of ${timeout} ms passed`)), timeout);
      const forget =
        signal && onAbort(signal, () => stop(stopped("its signal was aborted", signal.reason)));
      this.#waiting.push({ begin, stop });
    });
  }

  /** Gives the turn to who has waited longest. */
  release(): void {
    const next = this.#waiting.shift();
    if (next) return next.begin();
    this.#taken = false;
    this.#onFree?.();
  }

  /** Gives nobody a turn any more; calls `onFree` once nobody has one. */
  close(onFree: (() => void) | null): void {
    this.#closed = true;
    for (const { stop } of this.#waiting.slice()) stop(ended());
    if (this.#taken) this.#onFree = onFree;
    else onFree?.();
  }
}

function ended(): ProgrammingError {
  return new ProgrammingError("the block around this one has ended; nothing was begun", {
    code: "ERR_MAHOUT_TURN",
    outcome: "not sent",
  });
}

function stopped(why: string, cause?: unknown): OperationalError {
  return new OperationalError(
    `${why} while the block waited for another one on the same connection to end; nothing was begun`,
    { cause, code: "ERR_MAHOUT_TURN", outcome: "not sent" },
  );
}
