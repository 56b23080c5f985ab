// Many rows with postgres.js: its cursor, and a transaction of statements that are all sent at once, which is its
// documented pipeline.

import { itemFor, streamText } from "../../heavy-workloads.mjs";
import { Tally } from "../../values.mjs";

/** How many rows are asked for at a time. */
const BATCH = 1_000;

/** The methods of a contender whose `sql` current() gives. */
export const bulk = (current) => ({
  async stream(n) {
    const tally = new Tally();
    for await (const rows of current().unsafe(streamText(n)).cursor(BATCH)) {
      for (const { id, name, score, created, active } of rows) {
        tally.add(id, name, score, created, active);
      }
    }
    return tally;
  },
  async insertMany(n) {
    const items = Array.from({ length: n }, (_, i) => itemFor(i));
    const results = await current().begin((sql) =>
      items.map(
        ([id, name, score]) =>
          sql`insert into bench_item (id, name, score) values (${id}, ${name}, ${score})`,
      ),
    );
    return results.reduce((sum, { count }) => sum + count, 0);
  },
});
