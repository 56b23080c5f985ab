/**
 * Rows that are iterated while they arrive: what `copy.rows()` and `stream()` give.
 *
 * Written out instead of being an `async function*`: of a million rows nearly all are there when they are asked
 * for, and one of those costs a settled promise here, where the engine's generator queues a request and wakes
 * itself up for it. In everything else it is such a generator: what is asked for while something is waited for is
 * done in its turn, and nothing begins before the first step. Knows nothing of where rows come from.
 */
import { recapture } from "../core/recapture.ts";

/** Where the rows come from. */
export interface RowSource<Row> {
  /** The row that {@link advance} has moved to. */
  readonly row: Row;
  /** Begins, in the context of the first step; throws what keeps it from that. */
  begin?(): void;
  /** Moves to the next of the rows that have come; false when it is time for {@link more}. */
  advance(): boolean;
  /** Waits for rows; false when there are no more. Throws the caller's errors, not yet recaptured. */
  more(): Promise<boolean>;
  /** Ends it, once, if it has begun; whether all rows were given, or it was left, or has failed. */
  end?(): Promise<void>;
}

type Step<Row> = IteratorResult<Row, void>;

/** A call that waits for its turn. */
interface Request<Row> {
  readonly perform: () => Promise<Step<Row>>;
  readonly resolve: (step: Step<Row>) => void;
  readonly reject: (error: unknown) => void;
}

/** Iterates the rows of a source. */
export class PulledRows<Row> implements AsyncGenerator<Row, void, undefined> {
  readonly #source: RowSource<Row>;
  #state: "new" | "running" | "over" = "new";
  /** Calls that wait, the one that is served included. */
  readonly #requests: Request<Row>[] = [];

  constructor(source: RowSource<Row>) {
    this.#source = source;
  }

  /** Gives the next row. */
  next(): Promise<Step<Row>> {
    const source = this.#source;
    // A promise for each row, and nothing else, as long as there are rows.
    if (this.#state === "running" && this.#requests.length === 0) {
      try {
        if (source.advance()) return Promise.resolve({ done: false, value: source.row });
      } catch (error) {
        return this.#request(() => this.#fail(error));
      }
      return this.#request(() => this.#pull());
    }
    if (this.#state === "over" && this.#requests.length === 0) return Promise.resolve(over());
    if (this.#state === "new") {
      try {
        this.#state = "running";
        source.begin?.();
      } catch (error) {
        this.#state = "over";
        return Promise.reject(error as Error);
      }
    }
    return this.#request(() => this.#pull());
  }

  /** Ends it; rows that were not given are dropped, or left to who else reads them. */
  return(): Promise<Step<Row>> {
    return this.#request(() => this.#end());
  }

  /** Ends it and fails with `error`. */
  throw(error: unknown): Promise<Step<Row>> {
    return this.#request(() => this.#fail(error));
  }

  /** A generator is its own iterator. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends it at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  async #request(perform: () => Promise<Step<Row>>): Promise<Step<Row>> {
    try {
      return await new Promise((resolve, reject) => {
        this.#requests.push({ perform, resolve, reject });
        if (this.#requests.length === 1) void this.#serve();
      });
    } catch (error) {
      throw recapture(error);
    }
  }

  async #serve(): Promise<void> {
    for (let request = this.#requests[0]; request !== undefined; request = this.#requests[0]) {
      const { perform, resolve, reject } = request;
      try {
        resolve(await perform());
      } catch (error) {
        reject(error);
      }
      this.#requests.shift();
    }
  }

  async #pull(): Promise<Step<Row>> {
    if (this.#state === "over") return over();
    const source = this.#source;
    try {
      do {
        if (source.advance()) return { done: false, value: source.row };
      } while (await source.more());
    } catch (error) {
      return this.#fail(error);
    }
    return this.#end();
  }

  async #fail(error: unknown): Promise<never> {
    await this.#end();
    throw error;
  }

  async #end(): Promise<Step<Row>> {
    const hasBegun = this.#state === "running";
    this.#state = "over";
    if (hasBegun) await this.#source.end?.();
    return over();
  }
}

function over(): IteratorReturnResult<void> {
  return { done: true, value: undefined };
}
