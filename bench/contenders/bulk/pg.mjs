// Many rows with pg: pg-query-stream, and prepared statements in a loop. (COPY: see pg-copy-streams.mjs.)

import QueryStream from "pg-query-stream";
import { itemFor, streamText } from "../../heavy-workloads.mjs";
import { Tally } from "../../values.mjs";
import { statements } from "../../workloads.mjs";

/** How many rows are asked for at a time: with its default of 100 it is slower. */
const BATCH = 1_000;

/** The methods of a contender whose client `current()` gives. */
export const bulk = (current) => ({
  async stream(n) {
    const tally = new Tally();
    const rows = current().query(new QueryStream(streamText(n), [], { batchSize: BATCH }));
    for await (const { id, name, score, created, active } of rows) {
      tally.add(id, name, score, created, active);
    }
    return tally;
  },
  async insertMany(n) {
    const client = current();
    let count = 0;
    await client.query("begin");
    for (let i = 0; i < n; i++) {
      const query = { name: "insert", text: statements.insert, values: itemFor(i) };
      count += (await client.query(query)).rowCount;
    }
    await client.query("commit");
    return count;
  },
});
