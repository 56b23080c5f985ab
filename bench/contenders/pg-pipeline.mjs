// pg with its option `pipeline: true`, where it can make a difference: many queries at once.

import pg from "pg";
import { itemFor } from "../heavy-workloads.mjs";
import { statements } from "../workloads.mjs";
import { create as createPg } from "./pg.mjs";

/** Makes the contender. */
export async function create(target) {
  const options = { pipeline: true };
  const { version, connect, close, atOnce, ready, hearBurst, hearBusy } = await createPg(
    target,
    options,
  );
  const client = new pg.Client({ ...target, ...options });
  return {
    name: "pg-pipeline",
    version,
    connect: () => Promise.all([connect(), client.connect()]),
    close: () => Promise.all([close(), client.end()]),
    ready,
    hearBurst,
    hearBusy,
    atOnce,
    pipelined: atOnce,
    async insertMany(n) {
      const results = [client.query("begin")];
      for (let i = 0; i < n; i++) {
        results.push(client.query({ name: "insert", text: statements.insert, values: itemFor(i) }));
      }
      results.push(client.query("commit"));
      const counts = (await Promise.all(results)).map(({ rowCount }) => rowCount ?? 0);
      return counts.reduce((sum, count) => sum + count);
    },
  };
}
