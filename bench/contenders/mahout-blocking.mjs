// mahout, blocking shell, as it comes; compared with the other blocking driver, pg-native.

import { createRequire } from "node:module";
import { Hearing, LISTEN, notifySql, UNLISTEN } from "../hearing.mjs";
import { accountFor } from "../accounts.mjs";
import { neverSeen } from "../mixed-values.mjs";
import { statements, wideKey } from "../workloads.mjs";
import { bulk } from "./bulk/mahout-blocking.mjs";
import { mixed } from "./mixed.mjs";
import { buildUnderTest, conninfo } from "./mahout.mjs";

const require = createRequire(import.meta.url);

/** Makes the contender. */
export async function create(target) {
  const { BlockingConnectionPool, Connection, tupleRow } = require(buildUnderTest);
  const { version } = require("../../package.json");
  const replay = conninfo({ ...target, port: target.replayPort });
  let conn;
  let listener;
  let pool;
  return {
    ...bulk(() => conn),
    ...mixed({
      first: (i) => conn.query(neverSeen(), [i])[0].x,
      documentOut: (id) => conn.query(statements.documentOut, [id])[0].doc,
      documentIn: (document) => conn.query(statements.documentIn, [document])[0].n,
      arrayOut: (id) => conn.query(statements.arrayOut, [id])[0].list,
      arrayIn: (list) => conn.query(statements.arrayIn, [list])[0].n,
      texts: () => conn.query(statements.texts),
    }),
    name: "mahout-blocking",
    version,
    blocking: true,
    connect() {
      conn = Connection.connect(conninfo(target));
    },
    close() {
      conn.close();
      listener?.close();
    },
    oneAtATime(n) {
      let sum = 0;
      for (let i = 1; i <= n; i++) sum += conn.query(statements.one, [i])[0].x;
      return sum;
    },
    pipelined(n) {
      const cursors = [];
      conn.pipeline((p) => {
        for (let i = 1; i <= n; i++) cursors.push(p.execute(statements.one, [i]));
      });
      let sum = 0;
      for (const cursor of cursors) sum += cursor.fetchOne().x;
      return sum;
    },
    transactions(n) {
      let sum = 0;
      for (let i = 0; i < n; i++) {
        conn.transaction(() => {
          const [{ id }] = conn.query(statements.read, [accountFor(i)]);
          const [{ balance }] = conn.query(statements.change, [id, i]);
          conn.execute(statements.record, [id, i]);
          sum += id + balance;
        });
      }
      return sum;
    },
    rowsToObjects: () => conn.query(statements.rows),
    rowsToArrays: () => conn.query(statements.rows, [], { rowFactory: tupleRow }),
    wideRow(n) {
      let row;
      for (let i = 0; i < n; i++) [row] = conn.query(statements.wide, [wideKey(i)]);
      return row;
    },
    poolLoans(n) {
      for (let i = 0; i < n; i++) pool.putConn(pool.getConn());
      return n;
    },
    poolQueries(n) {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += pool.query(statements.read, [accountFor(i)])[0].id;
      return sum;
    },
    leave() {
      pool?.close();
      pool = undefined;
    },
    notificationLoop(n) {
      const listener = Connection.connect(replay, { notifyBacklog: n });
      let size = 0;
      for (const { payload } of listener.notifies({ stopAfter: n })) size += payload.length;
      listener.close();
      return size;
    },
    notifyTrips(n) {
      const listener = Connection.connect(conninfo(target));
      listener.execute("listen bench_trip");
      const heard = listener.notifies();
      let right = 0;
      for (let i = 0; i < n; i++) {
        conn.query(statements.notify, [String(i)]);
        if (heard.next().value.payload === String(i)) right++;
      }
      listener.close();
      return right;
    },
    ready(method, n, given) {
      if (method.startsWith("pool")) {
        const { connections: size } = given;
        pool ??= new BlockingConnectionPool(conninfo(target), { minSize: size, maxSize: size });
        pool.open();
      }
      if (method !== "hearBurst") return;
      listener ??= Connection.connect(conninfo(target), { notifyBacklog: Infinity });
      listener.execute(LISTEN);
      // In a transaction it is sent none, so they wait.
      listener.execute("begin");
      conn.execute(notifySql(n, n));
    },
    hearBurst(n) {
      const heard = new Hearing(n, (k) => listener.query(statements.one, [k])[0].x);
      listener.execute("commit");
      for (const notify of listener.notifies({ stopAfter: n })) heard.hear(notify);
      listener.execute(UNLISTEN);
      return heard.resultNow();
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
