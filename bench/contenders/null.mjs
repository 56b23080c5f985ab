// The limit: pre-encoded bytes, replies only framed (see ../null-driver.mjs). It returns the number
// of rows that the server sent, since it reads no values. SCRAM needs a driver, so it's not offered.

import { serialize } from "pg-protocol";
import { NullDriver } from "../null-driver.mjs";
import { arrays, documents, neverSeen } from "../mixed-values.mjs";
import { statements } from "../workloads.mjs";
import { bulk } from "./bulk/null.mjs";

const int4 = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const bindOnly = (statement, values = []) =>
  Buffer.concat([serialize.bind({ statement, values, binary: true }), serialize.execute({})]);
const bindAndExecute = (statement, values) =>
  Buffer.concat([bindOnly(statement, values), serialize.sync()]);
/** The start of a connection. */
export const startupOf = (user) => serialize.startup({ user, database: "postgres" });

/** One statement, from Bind to Sync. */
export const one = bindAndExecute("one", [int4(7)]);
const rows = bindAndExecute("rows", []);
const wide = bindAndExecute("wide", [int4(1)]);
/** What a transaction sends, one exchange after the other; BEGIN rides along with the first statement. */
export const transaction = [
  Buffer.concat([bindOnly("begin"), bindAndExecute("read", [int4(1)])]),
  bindAndExecute("change", [int4(1), int4(7)]),
  bindAndExecute("record", [int4(1), int4(7)]),
  bindAndExecute("commit", []),
];
const [documentOut, arrayOut] = ["documentOut", "arrayOut"].map((name) =>
  bindAndExecute(name, [int4(1)]),
);
const textual = (statement, value) =>
  Buffer.concat([
    serialize.bind({ statement, values: [value], binary: true }),
    serialize.execute({}),
    serialize.sync(),
  ]);
const documentIn = textual("documentIn", JSON.stringify(documents.get(1)));
const binaryArray = (list) =>
  Buffer.concat([1, 0, 23, list.length, 1, ...list.flatMap((value) => [4, value])].map(int4));
const arrayIn = bindAndExecute("arrayIn", [binaryArray(arrays.get(1))]);
const texts = bindAndExecute("texts", []);
const first = Buffer.concat([
  serialize.parse({ text: neverSeen() }),
  serialize.describe({ type: "S" }),
  bindAndExecute("", [int4(7)]),
]);
/** So many statements with one Sync. */
export const pipeline = (n) => [
  ...Array.from({ length: n }, () => bindOnly("one", [int4(7)])),
  serialize.sync(),
];
const names = ["one", "rows", "wide", "read", "change", "record", "texts"];
names.push("documentOut", "documentIn", "arrayOut", "arrayIn");
/** Prepares all that is executed. */
export const prepare = Buffer.concat([
  ...names.map((name) => serialize.parse({ name, text: statements[name] })),
  ...["begin", "commit"].map((text) => serialize.parse({ name: text, text })),
  serialize.sync(),
]);

/** What is sent in one piece, put together once for each key. */
export function batches() {
  const known = new Map();
  return (key, make) => {
    if (!known.has(key)) known.set(key, Buffer.concat(make()));
    return known.get(key);
  };
}

/** Makes the contender; with `publicOnly` it uses nothing but Node's documented interface. */
export async function create(target, options = {}) {
  const driver = new NullDriver(options);
  const batch = batches();
  const exchange = (bytes, readyCount) =>
    new Promise((resolve) => {
      const before = driver.rowCount;
      driver.exchange(bytes, readyCount, () => resolve(driver.rowCount - before));
    });
  /** Exchanges messages one after the other, all of them n times. */
  const repeat = (messages, n) =>
    new Promise((resolve) => {
      const before = driver.rowCount;
      const count = messages.length * n;
      let at = 0;
      const next = () => {
        if (at < count) driver.exchange(messages[at++ % messages.length], 1, next);
        else resolve(driver.rowCount - before);
      };
      next();
    });
  return {
    ...bulk(exchange),
    name: options.publicOnly ? "null-public" : "null",
    version: "-",
    countsOnly: true,
    lacks: "encrypted",
    async connect() {
      await driver.connect(target, startupOf(target.user));
      await exchange(prepare, 1);
    },
    close: () => driver.close(serialize.end()),
    oneAtATime: (n) => repeat([one], n),
    atOnce: (n) =>
      exchange(
        batch(`at once ${n}`, () => Array.from({ length: n }, () => one)),
        n,
      ),
    pipelined: (n) =>
      exchange(
        batch(`pipeline ${n}`, () => pipeline(n)),
        1,
      ),
    transactions: (n) => repeat(transaction, n),
    firstTimes: (n) => repeat([first], n),
    jsonOut: (n) => repeat([documentOut], n),
    jsonIn: (n) => repeat([documentIn], n),
    arraysOut: (n) => repeat([arrayOut], n),
    arraysIn: (n) => repeat([arrayIn], n),
    longTexts: () => exchange(texts, 1),
    rowsToObjects: () => exchange(rows, 1),
    rowsToArrays: () => exchange(rows, 1),
    wideRow: (n) => repeat([wide], n),
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
