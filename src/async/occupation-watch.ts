/**
 * Tells of statements that may be waiting for their own caller.
 *
 * A statement in the block of a COPY or a stream is refused, as far as the asynchronous context shows where it
 * comes from. It doesn't when a function awaits something, begins the COPY and returns it: contexts don't flow
 * to who awaits a result. Such a statement is like any other that waits for its turn, and refusing those would
 * be wrong. So a warning names the place where the connection was occupied, once nothing has happened for long.
 */
import { MahoutWarning } from "../errors.ts";
import type { Line } from "../transport/line.ts";
import type { Stay } from "../transport/stay.ts";

/** How long nothing may happen, in milliseconds. */
const LONG = 10_000;

/** Watches the waits of one connection. */
export class OccupationWatch {
  readonly #line: Line;
  readonly #origins = new WeakMap<Stay, { readonly stack?: string }>();
  #timer: NodeJS.Timeout | null = null;
  #seen: Stay | null = null;
  #told: Stay | null = null;

  constructor(line: Line) {
    this.#line = line;
  }

  /** The caller occupies the connection. */
  occupied(stay: Stay): void {
    const origin = {};
    Error.captureStackTrace(origin);
    this.#origins.set(stay, origin);
  }

  /** Something waits for its turn, or is about to. */
  begin(): void {
    if (this.#timer !== null) return;
    this.#seen = this.#line.occupant;
    this.#timer = setTimeout(() => this.#look(), LONG).unref();
  }

  /** Watches no more. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #look(): void {
    this.#timer = null;
    const { occupant, hasStays, isAwaited } = this.#line;
    if (!hasStays || !isAwaited) return;
    if (occupant === null || occupant !== this.#seen || !occupant.idle) return this.begin();
    if (occupant === this.#told) return;
    this.#told = occupant;
    const { stack = "" } = this.#origins.get(occupant) ?? {};
    process.emitWarning(
      `a statement has been waiting ${LONG / 1000} s for ${occupant.what} on the same connection, in which nothing happens; ` +
        "if the program waits for that statement before it ends the " +
        `${occupant.what}, neither will ever end`,
      {
        type: MahoutWarning,
        code: "MAHOUT_OCCUPIED",
        detail: `The ${occupant.what} was begun ${stack.slice(stack.indexOf("at "))}`,
      },
    );
  }
}
