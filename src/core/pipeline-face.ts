/**
 * A pipeline block, as programs see it in either shell.
 */
import { ProgrammingError } from "../errors.ts";

/** State of a pipeline block. */
export class PipelineFace {
  private isOpen = false;

  /** Whether the block is open: statements of its connection are sent and not waited for. */
  get open(): boolean {
    return this.isOpen;
  }

  /** The block has begun or ended. */
  protected mark(open: boolean): void {
    this.isOpen = open;
  }

  /**
   * Refuses the use of a block that isn't open.
   *
   * @throws ProgrammingError.
   */
  protected checkOpen(): void {
    if (!this.isOpen) throw new ProgrammingError("the pipeline has ended; it can't be used");
  }

  /** Shows the state. */
  toString(): string {
    return `<${this.constructor.name} [${this.isOpen ? "open" : "ended"}]>`;
  }
}

// As for connections: the symbol is no part of the API.
Object.defineProperty(PipelineFace.prototype, Symbol.for("nodejs.util.inspect.custom"), {
  value(this: PipelineFace): string {
    return this.toString();
  },
});
