/**
 * Where a server cursor stands: how many rows lie behind it, and whether it is past the last one.
 *
 * The server's cursor stands on a row, before the first or after the last; after fetching all it is after the
 * last one only if it was asked for more than there was. Going back from there takes one step more. Of a
 * cursor that was opened elsewhere it isn't known where it stands, until it is moved to a row by number or
 * runs into one of its ends. A MOVE tells how many rows it passed, which proves whether it got there.
 */

/** A MOVE that is to be made. */
export interface Move {
  /** The command without the cursor's name; null when there is nothing to ask of the server. */
  readonly command: string | null;
  /**
   * Takes how many rows the server says were passed.
   *
   * @throws RangeError when that proves that the row isn't there; the place is at that end then.
   */
  moved(count: number): void;
}

/** The place of one cursor. */
export class Place {
  /** How many rows lie behind; null when that isn't known. */
  row: number | null = null;
  /** Whether it is known to be after the last row. */
  atEnd = false;

  /** Nothing is known any more. */
  forget(): void {
    this.row = null;
    this.atEnd = false;
  }

  /** The cursor was opened: it stands before the first row. */
  begin(): void {
    this.row = 0;
    this.atEnd = false;
  }

  /** `count` rows were passed where `wanted` were asked for. */
  forward(count: number, wanted: number): void {
    if (this.row !== null) this.row += count;
    if (count < wanted) this.atEnd = true;
  }

  /**
   * Says how to move by `step` rows, or, when it isn't known how far that is, to the row `target`.
   *
   * @throws RangeError when that would be before the first row.
   */
  plan(step: number | null, target: number): Move {
    if (step === null) {
      if (target < 0) throw outside(target, null);
      return {
        command: `MOVE ABSOLUTE ${target}`,
        moved: (count) => this.#absolute(target, count),
      };
    }
    const { row } = this;
    const aim = row === null ? null : row + step;
    if (aim !== null && aim < 0) throw outside(aim, null);
    if (step === 0) return { command: null, moved: () => {} };
    if (step > 0) {
      return {
        command: `MOVE FORWARD ${step}`,
        moved: (count) => {
          this.forward(count, step);
          if (count < step) throw outside(aim, this.row);
        },
      };
    }
    const back = this.atEnd ? 1 - step : -step;
    return { command: `MOVE BACKWARD ${back}`, moved: (count) => this.#backward(aim, back, count) };
  }

  #absolute(target: number, count: number): void {
    this.atEnd = target > 0 && count === 0;
    this.row = this.atEnd ? null : target;
    if (this.atEnd) throw outside(target, null);
  }

  /** From on or behind a row to before the first, one row less is passed than steps are made. */
  #backward(aim: number | null, back: number, count: number): void {
    this.atEnd = false;
    this.row = aim;
    if (aim !== null || count === back) return;
    this.row = 0;
    if (count < back - 1) throw outside(null, null);
  }
}

function outside(row: number | null, count: number | null): RangeError {
  const which = row === null ? "the row" : `row ${row}`;
  const size = count === null ? "" : `, which has ${count} row${count === 1 ? "" : "s"}`;
  return new RangeError(`${which} is outside of the result${size}`);
}
