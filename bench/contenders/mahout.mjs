// mahout, asynchronous shell, as it comes: statements prepare themselves after a few executions.

import { createRequire } from "node:module";
import { accountFor } from "../accounts.mjs";
import { statements, wideKey } from "../workloads.mjs";
import { neverSeen } from "../mixed-values.mjs";
import { bulk } from "./bulk/mahout.mjs";
import { combined } from "./combined.mjs";
import { hearing } from "./hearing.mjs";
import { mixed } from "./mixed.mjs";
import { pooling } from "./pooling.mjs";

const require = createRequire(import.meta.url);

/** Where the build under test is; MAHOUT_DIST names another one, to compare two builds. */
export const buildUnderTest = process.env.MAHOUT_DIST ?? require.resolve("../../dist/index.js");

/** The target as mahout's connection parameters. */
export const conninfo = ({ host, port, database: dbname, user, password, ca }) => ({
  host,
  port,
  dbname,
  user,
  ...(password === undefined ? {} : { password }),
  ...(ca === undefined ? {} : { sslmode: "verify-full", sslrootcert: ca }),
});

/** Makes the contender. */
export async function create(target) {
  const { connect, ConnectionPool, tupleRow } = require(buildUnderTest);
  const { version } = require("../../package.json");
  const replay = conninfo({ ...target, port: target.replayPort });
  let conn;
  const hears = hearing(async () => {
    const [listener, sender] = [await connect(conninfo(target)), await connect(conninfo(target))];
    return {
      ask: async (k) => (await listener.query(statements.one, [k]))[0].x,
      run: (sql) => listener.execute(sql),
      send: (sql) => sender.execute(sql),
      on: (handler) => listener.addNotifyHandler(handler),
      off: (handler) => listener.removeNotifyHandler(handler),
      notifies: (n) => listener.notifies({ stopAfter: n }),
      close: () => Promise.all([listener.close(), sender.close()]),
    };
  });
  /** The transaction with number i. */
  const transact = (on, i) =>
    on.transaction(async () => {
      const [{ id }] = await on.query(statements.read, [accountFor(i)]);
      const [{ balance }] = await on.query(statements.change, [id, i]);
      await on.execute(statements.record, [id, i]);
      return id + balance;
    });
  const pools = pooling(async (size) => {
    const pool = new ConnectionPool(conninfo(target), { minSize: size, maxSize: size });
    await pool.open({ wait: true });
    return {
      borrow: () => pool.getConn(),
      giveBack: (borrowed) => pool.putConn(borrowed),
      query: async (i) => (await pool.query(statements.read, [accountFor(i)]))[0].id,
      transact: (i) => pool.connection((borrowed) => transact(borrowed, i)),
      close: () => pool.close(),
    };
  });
  const others = mixed({
    first: async (i) => (await conn.query(neverSeen(), [i]))[0].x,
    documentOut: async (id) => (await conn.query(statements.documentOut, [id]))[0].doc,
    documentIn: async (document) => (await conn.query(statements.documentIn, [document]))[0].n,
    arrayOut: async (id) => (await conn.query(statements.arrayOut, [id]))[0].list,
    arrayIn: async (list) => (await conn.query(statements.arrayIn, [list]))[0].n,
    texts: () => conn.query(statements.texts),
  });
  const own = {
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
    pipelined: (n) =>
      conn.pipeline(async (p) => {
        const queries = [];
        for (let i = 1; i <= n; i++) queries.push(p.query(statements.one, [i]));
        let sum = 0;
        for (const rows of await Promise.all(queries)) sum += rows[0].x;
        return sum;
      }),
    async transactions(n) {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += await transact(conn, i);
      return sum;
    },
    rowsToObjects: () => conn.query(statements.rows),
    rowsToArrays: () => conn.query(statements.rows, [], { rowFactory: tupleRow }),
    async wideRow(n) {
      let row;
      for (let i = 0; i < n; i++) [row] = await conn.query(statements.wide, [wideKey(i)]);
      return row;
    },
    async notifications(n) {
      let size = 0;
      let count = 0;
      let done;
      const all = new Promise((resolve) => (done = resolve));
      const handler = ({ payload }) => {
        size += payload.length;
        // More than were asked for may come before it is closed.
        if (++count === n) done(size);
      };
      const listener = await connect(replay, { notifyHandlers: [handler] });
      const heardSize = await all;
      await listener.close();
      return heardSize;
    },
    async notificationLoop(n) {
      const listener = await connect(replay, { notifyBacklog: n });
      let size = 0;
      for await (const { payload } of listener.notifies({ stopAfter: n })) size += payload.length;
      await listener.close();
      return size;
    },
    async notifyTrips(n) {
      const listener = await connect(conninfo(target));
      await listener.execute("listen bench_trip");
      const heard = listener.notifies();
      let right = 0;
      for (let i = 0; i < n; i++) {
        await conn.query(statements.notify, [String(i)]);
        if ((await heard.next()).value.payload === String(i)) right++;
      }
      await listener.close();
      return right;
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
  return combined(
    bulk(() => conn),
    hears,
    pools,
    others,
    own,
  );
}
