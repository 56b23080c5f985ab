/**
 * The rows of a COPY, as one of its readers iterates them: what it doesn't take is left to the others.
 */
import type { CopyCore } from "../core/copy.ts";
import type { TupleRow } from "../rows.ts";
import type { RowSource } from "./pulled-rows.ts";

/** The rows of a COPY that are left. */
export class CopyRows implements RowSource<TupleRow> {
  /** See {@link RowSource.row}. */
  row: TupleRow = [];
  /** See {@link RowSource.more}. */
  readonly more: () => Promise<boolean>;
  readonly #core: CopyCore;

  /** Takes rows from `core`, waiting with `more` where there are none. */
  constructor(core: CopyCore, more: () => Promise<boolean>) {
    this.#core = core;
    this.more = more;
  }

  /** See {@link RowSource.advance}. */
  advance(): boolean {
    const row = this.#core.nextRow();
    if (row === undefined) return false;
    this.row = row;
    return true;
  }
}
