// postgres.js: one connection (max: 1), everything else as it comes; its statements are prepared.
// It connects with the first query.

import { readFileSync } from "node:fs";
import postgres from "postgres";
import { wideKey } from "../workloads.mjs";

const manifest = new URL("../node_modules/postgres/package.json", import.meta.url);
const { version } = JSON.parse(readFileSync(manifest, "utf8"));

/** Makes the contender. */
export async function create(target) {
  const { host, port, database, user: username } = target;
  const options = { host, port, database, username, max: 1 };
  let sql;
  return {
    name: "postgres.js",
    version,
    async connect() {
      sql = postgres(options);
      await sql`select 1`;
    },
    close: () => sql.end(),
    async oneAtATime(n) {
      let sum = 0;
      for (let i = 1; i <= n; i++) sum += (await sql`select ${i}::int4 as x`)[0].x;
      return sum;
    },
    async atOnce(n) {
      const queries = [];
      for (let i = 1; i <= n; i++) queries.push(sql`select ${i}::int4 as x`);
      let sum = 0;
      for (const rows of await Promise.all(queries)) sum += rows[0].x;
      return sum;
    },
    rowsToObjects: () => sql`select id, name, score, created, active from bench_rows`,
    rowsToArrays: () => sql`select id, name, score, created, active from bench_rows`.values(),
    async wideRow(n) {
      let row;
      for (let i = 0; i < n; i++) {
        [row] = await sql`select * from bench_wide where integer_1 = ${wideKey(i)}`;
      }
      return row;
    },
    async connectClose(n, { user, password }) {
      let sum = 0;
      for (let i = 0; i < n; i++) {
        const once = postgres({ ...options, username: user, password });
        sum += (await once`select 1 as one`)[0].one;
        await once.end();
      }
      return sum;
    },
  };
}
