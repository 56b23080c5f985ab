// Many rows with mahout's blocking shell. COPY takes and gives rows, in binary format.

import { passes, rowPool } from "../../bulk.mjs";
import { itemFor, streamText } from "../../heavy-workloads.mjs";
import { Tally } from "../../values.mjs";
import { statements } from "../../workloads.mjs";

/** The methods of a contender whose connection `current()` gives. */
export const bulk = (current) => ({
  copyIn(n) {
    const cursor = current().cursor();
    cursor.copy(statements.copyInBinary, (copy) => {
      for (const _ of passes(n)) copy.writeRows(rowPool());
    });
    return cursor.rowCount;
  },
  copyOut: () =>
    current()
      .cursor()
      .copy(statements.copyOutBinary, (copy) => {
        const tally = new Tally();
        for (const [id, name, score, created, active] of copy.rows()) {
          tally.add(id, name, score, created, active);
        }
        return tally;
      }),
  stream(n) {
    const tally = new Tally();
    const rows = current().cursor().stream(streamText(n));
    for (const { id, name, score, created, active } of rows) {
      tally.add(id, name, score, created, active);
    }
    return tally;
  },
  insertMany(n) {
    const items = Array.from({ length: n }, (_, i) => itemFor(i));
    return current().cursor().executeMany(statements.insert, items).rowCount;
  },
});
