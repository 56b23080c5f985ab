// The limit: pre-encoded bytes, replies only framed (see ../null-driver.mjs). It returns the number
// of rows that the server sent, since it reads no values. SCRAM needs a driver, so it's not offered.

import { serialize } from "pg-protocol";
import { NullDriver } from "../null-driver.mjs";
import { statements } from "../workloads.mjs";
import { bulk } from "./bulk/null.mjs";
import { combined } from "./combined.mjs";
import * as messages from "./null-messages.mjs";
import { nullPools } from "./null-pool.mjs";

/** Makes the contender; with `publicOnly` it uses nothing but Node's documented interface. */
export async function create(target, options = {}) {
  const driver = new NullDriver(options);
  const batch = messages.batches();
  const exchange = (bytes, readyCount) =>
    new Promise((resolve) => {
      const before = driver.rowCount;
      driver.exchange(bytes, readyCount, () => resolve(driver.rowCount - before));
    });
  /** Exchanges messages one after the other, all of them n times. */
  const repeat = (series, n) =>
    new Promise((resolve) => {
      const before = driver.rowCount;
      const count = series.length * n;
      let at = 0;
      const next = () => {
        if (at < count) driver.exchange(series[at++ % series.length], 1, next);
        else resolve(driver.rowCount - before);
      };
      next();
    });
  const own = {
    name: options.publicOnly ? "null-public" : "null",
    version: "-",
    countsOnly: true,
    lacks: "encrypted",
    async connect() {
      await driver.connect(target, messages.startupOf(target.user));
      await exchange(messages.prepare, 1);
    },
    close: () => driver.close(serialize.end()),
    oneAtATime: (n) => repeat([messages.one], n),
    atOnce: (n) =>
      exchange(
        batch(`at once ${n}`, () => Array.from({ length: n }, () => messages.one)),
        n,
      ),
    pipelined: (n) =>
      exchange(
        batch(`pipeline ${n}`, () => messages.pipeline(n)),
        1,
      ),
    transactions: (n) => repeat(messages.transaction, n),
    firstTimes: (n) => repeat([messages.first], n),
    jsonOut: (n) => repeat([messages.documentOut], n),
    jsonIn: (n) => repeat([messages.documentIn], n),
    arraysOut: (n) => repeat([messages.arrayOut], n),
    arraysIn: (n) => repeat([messages.arrayIn], n),
    longTexts: () => exchange(messages.texts, 1),
    rowsToObjects: () => exchange(messages.rows, 1),
    rowsToArrays: () => exchange(messages.rows, 1),
    wideRow: (n) => repeat([messages.wide], n),
    async connectClose(n, login) {
      if (login.password !== undefined) return null;
      const [startup, hello] = [messages.startupOf(login.user), serialize.query(statements.hello)];
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
  return combined(bulk(exchange), nullPools(target, options), own);
}
