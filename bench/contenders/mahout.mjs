// mahout, asynchronous shell, as it comes: statements prepare themselves after a few executions.

import { createRequire } from "node:module";
import { statements, wideKey } from "../workloads.mjs";

const require = createRequire(import.meta.url);

/** Where the build under test is; MAHOUT_DIST names another one, to compare two builds. */
export const buildUnderTest = process.env.MAHOUT_DIST ?? require.resolve("../../dist/index.js");

/** The target as mahout's connection parameters. */
export const conninfo = ({ host, port, database: dbname, user, password }) => ({
  host,
  port,
  dbname,
  user,
  ...(password === undefined ? {} : { password }),
});

/** Makes the contender. */
export async function create(target) {
  const { connect, tupleRow } = require(buildUnderTest);
  const { version } = require("../../package.json");
  let conn;
  return {
    name: "mahout",
    version,
    async connect() {
      conn = await connect(conninfo(target));
    },
    close: () => conn.close(),
    async oneAtATime(n) {
      let sum = 0;
      for (let i = 1; i <= n; i++) sum += (await conn.query(statements.one, [i]))[0].x;
      return sum;
    },
    async atOnce(n) {
      const queries = [];
      for (let i = 1; i <= n; i++) queries.push(conn.query(statements.one, [i]));
      let sum = 0;
      for (const rows of await Promise.all(queries)) sum += rows[0].x;
      return sum;
    },
    rowsToObjects: () => conn.query(statements.rows),
    rowsToArrays: () => conn.query(statements.rows, [], { rowFactory: tupleRow }),
    async wideRow(n) {
      let row;
      for (let i = 0; i < n; i++) [row] = await conn.query(statements.wide, [wideKey(i)]);
      return row;
    },
    async connectClose(n, login) {
      let sum = 0;
      for (let i = 0; i < n; i++) {
        const once = await connect(conninfo({ ...target, ...login }));
        sum += (await once.query(statements.hello))[0].one;
        await once.close();
      }
      return sum;
    },
  };
}
