// mahout, blocking shell, as it comes; compared with the other blocking driver, pg-native.

import { createRequire } from "node:module";
import { statements, wideKey } from "../workloads.mjs";
import { buildUnderTest, conninfo } from "./mahout.mjs";

const require = createRequire(import.meta.url);

/** Makes the contender. */
export async function create(target) {
  const { Connection, tupleRow } = require(buildUnderTest);
  const { version } = require("../../package.json");
  let conn;
  return {
    name: "mahout-blocking",
    version,
    blocking: true,
    connect() {
      conn = Connection.connect(conninfo(target));
    },
    close: () => conn.close(),
    oneAtATime(n) {
      let sum = 0;
      for (let i = 1; i <= n; i++) sum += conn.query(statements.one, [i])[0].x;
      return sum;
    },
    rowsToObjects: () => conn.query(statements.rows),
    rowsToArrays: () => conn.query(statements.rows, [], { rowFactory: tupleRow }),
    wideRow(n) {
      let row;
      for (let i = 0; i < n; i++) [row] = conn.query(statements.wide, [wideKey(i)]);
      return row;
    },
    connectClose(n, login) {
      let sum = 0;
      for (let i = 0; i < n; i++) {
        const once = Connection.connect(conninfo({ ...target, ...login }));
        sum += once.query(statements.hello)[0].one;
        once.close();
      }
      return sum;
    },
  };
}
