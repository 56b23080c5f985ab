// Many rows without a driver: bytes that were encoded beforehand, and rows only counted.

import { serialize } from "pg-protocol";
import { binaryFrame, binaryOf, binaryPool, passes } from "../../bulk.mjs";
import { itemFor, streamText } from "../../heavy-workloads.mjs";
import { statements } from "../../workloads.mjs";

const encoders = {
  copyIn: (n) =>
    Buffer.concat([
      serialize.query(statements.copyInBinary),
      serialize.copyData(binaryFrame.head),
      ...passes(n).map(() => serialize.copyData(binaryPool())),
      serialize.copyData(binaryFrame.tail),
      serialize.copyDone(),
    ]),
  copyOut: () => serialize.query(statements.copyOutBinary),
  stream: (n) =>
    Buffer.concat([
      serialize.parse({ text: streamText(n) }),
      serialize.bind({ binary: true }),
      serialize.execute({}),
      serialize.sync(),
    ]),
  insertMany: (n) =>
    Buffer.concat([
      serialize.parse({ text: statements.insert, types: [23, 25, 701] }),
      ...Array.from({ length: n }, (_, i) => {
        const values = itemFor(i).map((v, at) => binaryOf(["int4", "text", "float8"][at], v));
        return Buffer.concat([serialize.bind({ values, binary: true }), serialize.execute({})]);
      }),
      serialize.sync(),
    ]),
};

/** The methods, on a function that exchanges bytes for the number of rows that came. */
export function bulk(exchange) {
  let [key, bytes] = [];
  const ready = (method, n) => {
    if (encoders[method] === undefined || key === `${method} ${n}`) return;
    [key, bytes] = [`${method} ${n}`, encoders[method](n)];
  };
  return {
    ready,
    async copyIn(n) {
      await exchange(bytes, 1);
      return n;
    },
    // What ends the rows comes as one, too.
    copyOut: async () => (await exchange(bytes, 1)) - 1,
    stream: () => exchange(bytes, 1),
    async insertMany(n) {
      await exchange(bytes, 1);
      return n;
    },
  };
}
