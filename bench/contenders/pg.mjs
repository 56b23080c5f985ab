// pg (node-postgres): named prepared statements, one query after the other as it does by default.

import { createRequire } from "node:module";
import pg from "pg";
import { statements, wideKey } from "../workloads.mjs";

const { version } = createRequire(import.meta.url)("pg/package.json");

/** Makes the contender; `options` are pg's own client options. */
export async function create(target, options = {}) {
  let client;
  const query = (name, values, rest) =>
    client.query({ name, text: statements[name], values, ...rest });
  return {
    name: "pg",
    version,
    async connect() {
      client = new pg.Client({ ...target, ...options });
      await client.connect();
    },
    close: () => client.end(),
    async oneAtATime(n) {
      let sum = 0;
      for (let i = 1; i <= n; i++) sum += (await query("one", [i])).rows[0].x;
      return sum;
    },
    async atOnce(n) {
      const queries = [];
      for (let i = 1; i <= n; i++) queries.push(query("one", [i]));
      let sum = 0;
      for (const { rows } of await Promise.all(queries)) sum += rows[0].x;
      return sum;
    },
    rowsToObjects: async () => (await query("rows", [])).rows,
    // One name is one prepared statement: rows as arrays reuse it.
    rowsToArrays: async () => (await query("rows", [], { rowMode: "array" })).rows,
    async wideRow(n) {
      let row;
      for (let i = 0; i < n; i++) row = (await query("wide", [wideKey(i)])).rows[0];
      return row;
    },
    async connectClose(n, login) {
      let sum = 0;
      for (let i = 0; i < n; i++) {
        const once = new pg.Client({ ...target, ...login, ...options });
        await once.connect();
        sum += (await once.query(statements.hello)).rows[0].one;
        await once.end();
      }
      return sum;
    },
  };
}
