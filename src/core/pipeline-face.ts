/**
 * A pipeline block, as programs see it in either shell.
 */
import { ProgrammingError } from "../errors.ts";

/** State of a pipeline block. */
export class PipelineFace {
  #open = false;

  /** Whether the block is open: statements of its connection are sent and not waited for. */
  get open(): boolean {
    return this.#open;
  }

  /** The block has begun or ended. */
  protected mark(open: boolean): void {
    this.#open = open;
  }

  /**
   * Refuses the use of a block that isn't open.
   *
   * @throws ProgrammingError.
   */
  protected checkOpen(): void {
    if (!this.#open) throw new ProgrammingError("the pipeline has ended; it can't be used");
  }

  /** Shows the state. */
  toString(): string {
    return `<${this.constructor.name} [${this.#open ? "open" : "ended"}]>`;
  }
}

// As for connections: the symbol is no part of the API.
Object.defineProperty(PipelineFace.prototype, Symbol.for("nodejs.util.inspect.custom"), {
  value(this: PipelineFace): string {
    return this.toString();
  },
});
