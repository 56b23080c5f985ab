// The limit: pre-encoded bytes, replies only framed (see ../null-driver.mjs). It returns the number
// of rows that the server sent, since it reads no values. SCRAM needs a driver, so it's not offered.

import { serialize } from "pg-protocol";
import { NullDriver } from "../null-driver.mjs";
import { statements } from "../workloads.mjs";

const int4 = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const bindAndExecute = (statement, values) =>
  Buffer.concat([
    serialize.bind({ statement, values, binary: true }),
    serialize.execute({}),
    serialize.sync(),
  ]);
const startupOf = (user) => serialize.startup({ user, database: "postgres" });

const one = bindAndExecute("one", [int4(7)]);
const rows = bindAndExecute("rows", []);
const wide = bindAndExecute("wide", [int4(1)]);
const prepare = Buffer.concat([
  ...["one", "rows", "wide"].map((name) => serialize.parse({ name, text: statements[name] })),
  serialize.sync(),
]);

/** Makes the contender; with `publicOnly` it uses nothing but Node's documented interface. */
export async function create(target, options = {}) {
  const driver = new NullDriver(options);
  const batches = new Map();
  const exchange = (bytes, readyCount) =>
    new Promise((resolve) => {
      const before = driver.rowCount;
      driver.exchange(bytes, readyCount, () => resolve(driver.rowCount - before));
    });
  const repeat = (bytes, n) =>
    new Promise((resolve) => {
      const before = driver.rowCount;
      let left = n;
      const next = () => {
        if (left-- > 0) driver.exchange(bytes, 1, next);
        else resolve(driver.rowCount - before);
      };
      next();
    });
  return {
    name: options.publicOnly ? "null-public" : "null",
    version: "-",
    countsOnly: true,
    async connect() {
      await driver.connect(target, startupOf(target.user));
      await exchange(prepare, 1);
    },
    close: () => driver.close(serialize.end()),
    oneAtATime: (n) => repeat(one, n),
    atOnce(n) {
      if (!batches.has(n)) batches.set(n, Buffer.concat(Array.from({ length: n }, () => one)));
      return exchange(batches.get(n), n);
    },
    rowsToObjects: () => exchange(rows, 1),
    rowsToArrays: () => exchange(rows, 1),
    wideRow: (n) => repeat(wide, n),
    async connectClose(n, login) {
      if (login.password !== undefined) return null;
      const [startup, hello] = [startupOf(login.user), serialize.query(statements.hello)];
      let count = 0;
      for (let i = 0; i < n; i++) {
        const once = new NullDriver(options);
        await once.connect(target, startup);
        await new Promise((resolve) => once.exchange(hello, 1, resolve));
        await once.close(serialize.end());
        count += once.rowCount;
      }
      return count;
    },
  };
}
