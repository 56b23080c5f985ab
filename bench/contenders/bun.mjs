// Bun's built-in client, in Bun: one connection (max: 1), everything else as it comes; its statements are prepared
// and sent without waiting for earlier ones. This file is the only one here that no other runtime can load.

import { file, SQL } from "bun";
import { accountFor } from "../accounts.mjs";
import { itemFor } from "../heavy-workloads.mjs";
import { CHANNEL } from "../hearing.mjs";
import { neverSeen } from "../mixed-values.mjs";
import { wideKey } from "../workloads.mjs";
import { combined } from "./combined.mjs";
import { hearing } from "./hearing.mjs";
import { mixed } from "./mixed.mjs";
import { pooling } from "./pooling.mjs";

/** The target as Bun's options. */
const optionsFor = ({ host, port, database, user: username, password, ca }) => ({
  adapter: "postgres",
  ...(host.startsWith("/") ? { path: host } : { hostname: host }),
  port,
  database,
  username,
  ...(password === undefined ? {} : { password }),
  ...(ca === undefined ? {} : { tls: { ca: file(ca) } }),
});

/** Makes the contender. */
export async function create(target) {
  const open = (more) => new SQL({ ...optionsFor(target), max: 1, ...more });
  let sql;
  const atOnce = async (n) => {
    const queries = [];
    for (let i = 1; i <= n; i++) queries.push(sql`select ${i}::int4 as x`);
    let sum = 0;
    for (const rows of await Promise.all(queries)) sum += rows[0].x;
    return sum;
  };
  // What it listens on is a connection that it opens for nothing else, so queries are on another one.
  const { ready, hearBusy, close } = hearing(async () => {
    const [listener, sender] = [open(), open()];
    await sender`select 1`;
    let listening;
    return {
      ask: async (k) => (await listener`select ${k}::int4 as x`)[0].x,
      run: () => listener`select 1`,
      send: (text) => sender.unsafe(text),
      on: async (handler) =>
        (listening = await listener.listen(CHANNEL, (payload) => handler({ payload }))),
      off: () => listening.unlisten(),
      close: () => Promise.all([listener.close(), sender.close()]),
    };
  });
  /** The transaction with number i. */
  const transact = (on, i) =>
    on.begin(async (tx) => {
      const [{ id }] = await tx`select id, balance from bench_account where id = ${accountFor(i)}`;
      const [{ balance }] =
        await tx`update bench_account set balance = ${i} where id = ${id} returning balance`;
      await tx`insert into bench_entry (account, amount) values (${id}, ${i})`;
      return id + balance;
    });
  const pools = pooling((size) => {
    const pool = open({ max: size });
    return {
      borrow: () => pool.reserve(),
      giveBack: (reserved) => reserved.release(),
      query: async (i) =>
        (await pool`select id, balance from bench_account where id = ${accountFor(i)}`)[0].id,
      transact: (i) => transact(pool, i),
      close: () => pool.close(),
    };
  });
  const others = mixed({
    // A text that is not to be kept is what it has unsafe() for.
    first: async (i) => (await sql.unsafe(neverSeen(), [i]))[0].x,
    documentOut: async (id) => (await sql`select doc from bench_document where id = ${id}`)[0].doc,
    documentIn: async (document) =>
      (await sql`select jsonb_array_length(${document}::jsonb -> 'items') as n`)[0].n,
    arrayOut: async (id) => (await sql`select list from bench_array where id = ${id}`)[0].list,
    arrayIn: async (list) => (await sql`select (${list}::int4[])[1000] as n`)[0].n,
    texts: () => sql`select id, body from bench_text`,
  });
  const own = {
    name: "Bun",
    version: process.versions.bun,
    async connect() {
      sql = open();
      await sql`select 1`;
    },
    close: () => sql.close(),
    async oneAtATime(n) {
      let sum = 0;
      for (let i = 1; i <= n; i++) sum += (await sql`select ${i}::int4 as x`)[0].x;
      return sum;
    },
    atOnce,
    pipelined: atOnce,
    async transactions(n) {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += await transact(sql, i);
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
    // An array of queries is what it pipelines in a transaction.
    async insertMany(n) {
      const items = Array.from({ length: n }, (_, i) => itemFor(i));
      const results = await sql.begin((tx) =>
        items.map(
          ([id, name, score]) =>
            tx`insert into bench_item (id, name, score) values (${id}, ${name}, ${score})`,
        ),
      );
      return results.reduce((sum, { count }) => sum + count, 0);
    },
    async notifyTrips(n) {
      let next;
      const listening = await sql.listen("bench_trip", (payload) => next(payload));
      let right = 0;
      for (let i = 0; i < n; i++) {
        const arrival = new Promise((resolve) => (next = resolve));
        await sql`select pg_notify('bench_trip', ${String(i)})`;
        if ((await arrival) === String(i)) right++;
      }
      await listening.unlisten();
      return right;
    },
    async connectClose(n, { user, password }) {
      let sum = 0;
      for (let i = 0; i < n; i++) {
        const once = new SQL({ ...optionsFor({ ...target, user, password }), max: 1 });
        sum += (await once`select 1 as one`)[0].one;
        await once.close();
      }
      return sum;
    },
  };
  const hears = { ready, hearBusy, hearBusyLoop: hearBusy, close };
  return combined(hears, pools, others, own);
}
