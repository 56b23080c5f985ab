// postgres.js: one connection (max: 1), everything else as it comes; its statements are prepared.
// It connects with the first query.

import { readFileSync } from "node:fs";
import postgres from "postgres";
import { bulk } from "./bulk/postgres.mjs";
import { tagged } from "./tagged.mjs";

const manifest = new URL("../node_modules/postgres/package.json", import.meta.url);
const { version } = JSON.parse(readFileSync(manifest, "utf8"));

/** Makes the contender. */
export async function create(target) {
  const { host, port, database, user: username, ca } = target;
  const place = host.startsWith("/") ? { path: `${host}/.s.PGSQL.${port}` } : { host, port };
  const encryption = ca === undefined ? {} : { ssl: { ca: readFileSync(ca, "utf8") } };
  const options = { ...place, ...encryption, database, username, max: 1 };
  return tagged({
    name: "postgres.js",
    version,
    open: (more) => postgres({ ...options, ...more }),
    close: (sql) => sql.end(),
    json: (sql, value) => sql.json(value),
    more: (current) => [bulk(current)],
  });
}
