// pg-native: libpq, the C library, called synchronously with named prepared statements. It is the
// measure for the blocking connection. Rows are objects or arrays per client, hence two clients.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { accountFor } from "../accounts.mjs";
import { neverSeen } from "../mixed-values.mjs";
import { statements, wideKey } from "../workloads.mjs";
import { mixed } from "./mixed.mjs";

const require = createRequire(import.meta.url);

const dsn = ({ host, port, database, user, password, ca }) =>
  `host=${host} port=${port} dbname=${database} user=${user}` +
  (password === undefined ? "" : ` password=${password}`) +
  (ca === undefined ? "" : ` sslmode=verify-full sslrootcert=${ca}`);

/** Makes the contender; fails where the native binding isn't built. */
export async function create(target) {
  const Client = require("pg-native");
  const manifest = new URL("../node_modules/pg-native/package.json", import.meta.url);
  const { version } = JSON.parse(readFileSync(manifest, "utf8"));
  const objects = new Client();
  const arrays = new Client({ arrayMode: true });
  const ask = (name, value) => objects.executeSync(name, [value])[0];
  return {
    ...mixed({
      first: (i) => objects.querySync(neverSeen(), [i])[0].x,
      documentOut: (id) => ask("documentOut", id).doc,
      // It sends texts, and leaves making them to the program.
      documentIn: (document) => ask("documentIn", JSON.stringify(document)).n,
      arrayOut: (id) => ask("arrayOut", id).list,
      arrayIn: (list) => ask("arrayIn", `{${list.join()}}`).n,
      texts: () => objects.executeSync("texts", []),
    }),
    name: "pg-native",
    version,
    blocking: true,
    connect() {
      objects.connectSync(dsn(target));
      arrays.connectSync(dsn(target));
      objects.prepareSync("one", statements.one, 1);
      objects.prepareSync("rows", statements.rows, 0);
      objects.prepareSync("texts", statements.texts, 0);
      for (const name of ["documentOut", "documentIn", "arrayOut", "arrayIn"]) {
        objects.prepareSync(name, statements[name], 1);
      }
      arrays.prepareSync("rows", statements.rows, 0);
      objects.prepareSync("wide", statements.wide, 1);
      objects.prepareSync("read", statements.read, 1);
      objects.prepareSync("change", statements.change, 2);
      objects.prepareSync("record", statements.record, 2);
    },
    close() {
      objects.end();
      arrays.end();
    },
    oneAtATime(n) {
      let sum = 0;
      for (let i = 1; i <= n; i++) sum += objects.executeSync("one", [i])[0].x;
      return sum;
    },
    transactions(n) {
      let sum = 0;
      for (let i = 0; i < n; i++) {
        objects.querySync("begin");
        const [{ id }] = objects.executeSync("read", [accountFor(i)]);
        const [{ balance }] = objects.executeSync("change", [id, i]);
        objects.executeSync("record", [id, i]);
        objects.querySync("commit");
        sum += id + balance;
      }
      return sum;
    },
    rowsToObjects: () => objects.executeSync("rows", []),
    rowsToArrays: () => arrays.executeSync("rows", []),
    wideRow(n) {
      let row;
      for (let i = 0; i < n; i++) [row] = objects.executeSync("wide", [wideKey(i)]);
      return row;
    },
    connectClose(n, login) {
      let sum = 0;
      for (let i = 0; i < n; i++) {
        const once = new Client();
        once.connectSync(dsn({ ...target, ...login }));
        sum += once.querySync(statements.hello)[0].one;
        once.end();
      }
      return sum;
    },
  };
}
