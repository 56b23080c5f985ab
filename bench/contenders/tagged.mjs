// What the clients have in common whose statements are tagged templates: one connection (max: 1), everything else as
// it comes. A client's own file says how one is opened and closed, and what it does in a way of its own.

import { accountFor } from "../accounts.mjs";
import { CHANNEL } from "../hearing.mjs";
import { neverSeen } from "../mixed-values.mjs";
import { wideKey } from "../workloads.mjs";
import { combined } from "./combined.mjs";
import { hearing } from "./hearing.mjs";
import { mixed } from "./mixed.mjs";
import { pooling } from "./pooling.mjs";

/**
 * Makes a contender: `open(options)` gives a client, `close(client)` ends it, `json(client, value)` is how a document
 * is passed, and `more(current)` gives further parts for the client that is in use.
 */
export function tagged({ name, version, open, close, json, more }) {
  let sql;
  const atOnce = async (n) => {
    const queries = [];
    for (let i = 1; i <= n; i++) queries.push(sql`select ${i}::int4 as x`);
    let sum = 0;
    for (const rows of await Promise.all(queries)) sum += rows[0].x;
    return sum;
  };
  // What it listens on is a connection that it opens for nothing else, so queries are on another one.
  const {
    ready,
    hearBusy,
    close: closeHearing,
  } = hearing(async () => {
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
      close: () => Promise.all([close(listener), close(sender)]),
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
      close: () => close(pool),
    };
  });
  const others = mixed({
    // A text that is not to be kept is what it has unsafe() for.
    first: async (i) => (await sql.unsafe(neverSeen(), [i]))[0].x,
    documentOut: async (id) => (await sql`select doc from bench_document where id = ${id}`)[0].doc,
    documentIn: async (document) =>
      (await sql`select jsonb_array_length(${json(sql, document)}::jsonb -> 'items') as n`)[0].n,
    arrayOut: async (id) => (await sql`select list from bench_array where id = ${id}`)[0].list,
    arrayIn: async (list) => (await sql`select (${list}::int4[])[1000] as n`)[0].n,
    texts: () => sql`select id, body from bench_text`,
  });
  const own = {
    name,
    version,
    async connect() {
      sql = open();
      await sql`select 1`;
    },
    close: () => close(sql),
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
    async connectClose(n, { user, password }) {
      let sum = 0;
      for (let i = 0; i < n; i++) {
        const once = open({ username: user, ...(password === undefined ? {} : { password }) });
        sum += (await once`select 1 as one`)[0].one;
        await close(once);
      }
      return sum;
    },
  };
  const hears = { ready, hearBusy, hearBusyLoop: hearBusy, close: closeHearing };
  return combined(...more(() => sql), hears, pools, others, own);
}
