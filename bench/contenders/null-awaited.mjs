// The limit of an interface with promises: the null driver, but each statement is a promise that the program awaits,
// and gives a row, which was not read from anywhere. Blocks are functions that run in an asynchronous context of their
// own, by which a connection can tell who is inside. What is left to a driver are encoding, reading, and its rules.

import { AsyncLocalStorage } from "node:async_hooks";
import { serialize } from "pg-protocol";
import { NullDriver } from "../null-driver.mjs";
import { batches, one, pipeline, prepare, startupOf, transaction } from "./null-messages.mjs";

/** Makes the contender. */
export async function create(target) {
  const driver = new NullDriver();
  const contexts = new AsyncLocalStorage();
  const batch = batches();
  const ask = (bytes) =>
    new Promise((resolve) => driver.exchange(bytes, 1, () => resolve([{ x: 1 }])));
  /** Sends all of them in one piece, and gives the sum of what they give. */
  const together = async (bytes, n, readyCount) => {
    const waiting = [];
    const queries = Array.from(
      { length: n },
      () => new Promise((resolve) => waiting.push(resolve)),
    );
    let at = 0;
    driver.onRow = () => waiting[at++]([{ x: 1 }]);
    const ready = new Promise((resolve) => driver.exchange(bytes, readyCount, resolve));
    let sum = 0;
    for (const rows of await Promise.all(queries)) sum += rows[0].x;
    await ready;
    driver.onRow = null;
    return sum;
  };
  const [begin, change, record, commit] = transaction;
  return {
    name: "null-awaited",
    version: "-",
    countsOnly: true,
    lacks: "encrypted",
    async connect() {
      await driver.connect(target, startupOf(target.user));
      await ask(prepare);
    },
    close: () => driver.close(serialize.end()),
    async oneAtATime(n) {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += (await ask(one))[0].x;
      return sum;
    },
    atOnce: (n) =>
      together(
        batch(`at once ${n}`, () => Array.from({ length: n }, () => one)),
        n,
        n,
      ),
    pipelined: (n) =>
      contexts.run(null, () =>
        together(
          batch(`pipeline ${n}`, () => pipeline(n)),
          n,
          1,
        ),
      ),
    async transactions(n) {
      let sum = 0;
      for (let i = 0; i < n; i++) {
        sum += await contexts.run(i, async () => {
          const [read] = await ask(begin);
          const [changed] = await ask(change);
          await ask(record);
          return read.x + changed.x;
        });
        await ask(commit);
      }
      return sum;
    },
  };
}
