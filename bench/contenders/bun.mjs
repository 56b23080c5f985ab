// Bun's built-in client, in Bun: one connection (max: 1), everything else as it comes; its statements are prepared
// and sent without waiting for earlier ones. This file is the only one here that no other runtime can load.

import { file, SQL } from "bun";
import { itemFor } from "../heavy-workloads.mjs";
import { tagged } from "./tagged.mjs";

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

/** What it does in a way of its own, with the client in use. */
const own = (current) => ({
  // An array of queries is what it pipelines in a transaction.
  async insertMany(n) {
    const items = Array.from({ length: n }, (_, i) => itemFor(i));
    const results = await current().begin((tx) =>
      items.map(
        ([id, name, score]) =>
          tx`insert into bench_item (id, name, score) values (${id}, ${name}, ${score})`,
      ),
    );
    return results.reduce((sum, { count }) => sum + count, 0);
  },
  async notifyTrips(n) {
    let next;
    const listening = await current().listen("bench_trip", (payload) => next(payload));
    let right = 0;
    for (let i = 0; i < n; i++) {
      const arrival = new Promise((resolve) => (next = resolve));
      await current()`select pg_notify('bench_trip', ${String(i)})`;
      if ((await arrival) === String(i)) right++;
    }
    await listening.unlisten();
    return right;
  },
});

/** Makes the contender. */
export async function create(target) {
  const options = { ...optionsFor(target), max: 1 };
  return tagged({
    name: "Bun",
    version: process.versions.bun,
    open: (more) => new SQL({ ...options, ...more }),
    close: (sql) => sql.close(),
    json: (_sql, value) => value,
    more: (current) => [own(current)],
  });
}
