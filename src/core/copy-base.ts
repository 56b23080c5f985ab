/**
 * What programs see of a COPY in either shell without having to wait for it.
 */
import type { CopyCore } from "./copy.ts";
import type { CopyType } from "./copy-types.ts";

/** State and settings of a COPY. */
export abstract class CopyBase {
  /** @internal */
  protected readonly core: CopyCore;

  protected constructor(core: CopyCore) {
    this.core = core;
  }

  /** Which way the data goes: `in` for COPY FROM, `out` for COPY TO. */
  get direction(): "in" | "out" {
    return this.core.direction;
  }

  /** The data's format; csv is text. */
  get format(): "text" | "binary" {
    return this.core.format;
  }

  /** How many columns are copied. */
  get columnCount(): number {
    return this.core.columnCount;
  }

  /** Whether the COPY is over, well or not. */
  get closed(): boolean {
    return this.core.ended;
  }

  /**
   * Says of which types the columns are, by name (`"int4"`, `"text[]"`) or oid; before the first row. Without
   * it they are what the server says they are.
   *
   * @throws ProgrammingError for a type that isn't known, or another number of them than of columns.
   */
  setTypes(types: readonly CopyType[]): void {
    this.core.setTypes(types);
  }

  /** Shows the state, and nothing secret. */
  toString(): string {
    const { core } = this;
    const state = core.ended ? (core.tag ?? "failed") : `${core.direction}, ${core.format}`;
    return `<${this.constructor.name} [${state}]>`;
  }
}
