// What the null driver sends: all of it encoded beforehand.

import { serialize } from "pg-protocol";
import { arrays, documents, neverSeen } from "../mixed-values.mjs";
import { statements } from "../workloads.mjs";

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
export const rows = bindAndExecute("rows", []);
export const wide = bindAndExecute("wide", [int4(1)]);
/** The row of an account. */
const readOf = (account) => bindAndExecute("read", [int4(account)]);
export const read = readOf(1);
/** What a transaction on an account sends, one exchange after the other; BEGIN rides along with the first statement. */
export const transactionOn = (account) => [
  Buffer.concat([bindOnly("begin"), readOf(account)]),
  bindAndExecute("change", [int4(account), int4(7)]),
  bindAndExecute("record", [int4(account), int4(7)]),
  bindAndExecute("commit", []),
];
export const transaction = transactionOn(1);
export const [documentOut, arrayOut] = ["documentOut", "arrayOut"].map((name) =>
  bindAndExecute(name, [int4(1)]),
);
const textual = (statement, value) =>
  Buffer.concat([
    serialize.bind({ statement, values: [value], binary: true }),
    serialize.execute({}),
    serialize.sync(),
  ]);
export const documentIn = textual("documentIn", JSON.stringify(documents.get(1)));
const binaryArray = (list) =>
  Buffer.concat([1, 0, 23, list.length, 1, ...list.flatMap((value) => [4, value])].map(int4));
export const arrayIn = bindAndExecute("arrayIn", [binaryArray(arrays.get(1))]);
export const texts = bindAndExecute("texts", []);
export const first = Buffer.concat([
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
