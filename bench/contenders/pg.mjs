// pg (node-postgres): named prepared statements, one query after the other as it does by default.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import pg from "pg";
import { accountFor } from "../accounts.mjs";
import { neverSeen } from "../mixed-values.mjs";
import { statements, wideKey } from "../workloads.mjs";
import { bulk } from "./bulk/pg.mjs";
import { combined } from "./combined.mjs";
import { hearing } from "./hearing.mjs";
import { mixed } from "./mixed.mjs";
import { pooling } from "./pooling.mjs";

const { version } = createRequire(import.meta.url)("pg/package.json");

/** The target as pg's options. */
const withAuthority = ({ ca, ...target }) =>
  ca === undefined ? target : { ...target, ssl: { ca: readFileSync(ca, "utf8") } };

/** Makes the contender; `options` are pg's own client options. */
export async function create(where, options = {}) {
  const target = withAuthority(where);
  let client;
  const ask = (on, name, values) => on.query({ name, text: statements[name], values });
  const query = (name, values, rest) =>
    client.query({ name, text: statements[name], values, ...rest });
  /** The transaction with number i. */
  const transact = async (on, i) => {
    await on.query("begin");
    const [{ id }] = (await ask(on, "read", [accountFor(i)])).rows;
    const [{ balance }] = (await ask(on, "change", [id, i])).rows;
    await ask(on, "record", [id, i]);
    await on.query("commit");
    return id + balance;
  };
  const pools = pooling((size) => {
    const pool = new pg.Pool({ ...target, ...options, max: size, idleTimeoutMillis: 0 });
    return {
      borrow: () => pool.connect(),
      giveBack: (conn) => conn.release(),
      query: async (i) => (await ask(pool, "read", [accountFor(i)])).rows[0].id,
      async transact(i) {
        const conn = await pool.connect();
        try {
          return await transact(conn, i);
        } finally {
          conn.release();
        }
      },
      close: () => pool.end(),
    };
  });
  /** The length of so many payloads. */
  const heard = (n) =>
    new Promise((resolve, reject) => {
      const listener = new pg.Client({ ...target, ...options, port: target.replayPort });
      let size = 0;
      let count = 0;
      listener.on("notification", ({ payload }) => {
        size += payload.length;
        if (++count !== n) return;
        listener.connection.stream.destroy();
        resolve(size);
      });
      listener.on("error", () => {});
      listener.connect().catch(reject);
    });
  const hears = hearing(async () => {
    const listener = new pg.Client({ ...target, ...options });
    const sender = new pg.Client(target);
    await Promise.all([listener.connect(), sender.connect()]);
    return {
      async ask(k) {
        const { rows } = await listener.query({ name: "one", text: statements.one, values: [k] });
        return rows[0].x;
      },
      run: (sql) => listener.query(sql),
      send: (sql) => sender.query(sql),
      on: (handler) => listener.on("notification", handler),
      off: (handler) => listener.off("notification", handler),
      close: () => Promise.all([listener.end(), sender.end()]),
    };
  });
  const atOnce = async (n) => {
    const queries = [];
    for (let i = 1; i <= n; i++) queries.push(query("one", [i]));
    let sum = 0;
    for (const { rows } of await Promise.all(queries)) sum += rows[0].x;
    return sum;
  };
  const others = mixed({
    first: async (i) => (await client.query(neverSeen(), [i])).rows[0].x,
    documentOut: async (id) => (await query("documentOut", [id])).rows[0].doc,
    documentIn: async (document) => (await query("documentIn", [document])).rows[0].n,
    arrayOut: async (id) => (await query("arrayOut", [id])).rows[0].list,
    arrayIn: async (list) => (await query("arrayIn", [list])).rows[0].n,
    texts: async () => (await query("texts", [])).rows,
  });
  const own = {
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
    atOnce,
    async transactions(n) {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += await transact(client, i);
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
    notifications: (n) => heard(n),
    // It has no loop: the event is what programs have.
    notificationLoop: (n) => heard(n),
    async notifyTrips(n) {
      const listener = new pg.Client({ ...target, ...options });
      await listener.connect();
      await listener.query("listen bench_trip");
      let next;
      listener.on("notification", ({ payload }) => next(payload));
      let right = 0;
      for (let i = 0; i < n; i++) {
        const arrival = new Promise((resolve) => (next = resolve));
        await query("notify", [String(i)]);
        if ((await arrival) === String(i)) right++;
      }
      await listener.end();
      return right;
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
  return combined(
    bulk(() => client),
    hears,
    pools,
    others,
    own,
  );
}
