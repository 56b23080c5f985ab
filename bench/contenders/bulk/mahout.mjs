// Many rows with mahout's asynchronous shell. COPY takes and gives rows, in binary format.

import { passes, rowPool } from "../../bulk.mjs";
import { itemFor, streamText } from "../../heavy-workloads.mjs";
import { Tally } from "../../values.mjs";
import { statements } from "../../workloads.mjs";

/** The methods of a contender whose connection `current()` gives. */
export const bulk = (current) => ({
  async copyIn(n) {
    const cursor = current().cursor();
    await cursor.copy(statements.copyInBinary, async (copy) => {
      for (const _ of passes(n)) await copy.writeRows(rowPool());
    });
    return cursor.rowCount;
  },
  copyOut: () =>
    current()
      .cursor()
      .copy(statements.copyOutBinary, async (copy) => {
        const tally = new Tally();
        for await (const [id, name, score, created, active] of copy.rows()) {
          tally.add(id, name, score, created, active);
        }
        return tally;
      }),
  async stream(n) {
    const tally = new Tally();
    const rows = current().cursor().stream(streamText(n));
    for await (const { id, name, score, created, active } of rows) {
      tally.add(id, name, score, created, active);
    }
    return tally;
  },
  async insertMany(n) {
    const items = Array.from({ length: n }, (_, i) => itemFor(i));
    const cursor = current().cursor();
    await cursor.executeMany(statements.insert, items);
    return cursor.rowCount;
  },
});
