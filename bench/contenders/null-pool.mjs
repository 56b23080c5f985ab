// The limit of pools: a list of the connections that are free, one of those who wait, and null drivers. Nobody is
// checked, counted, timed or told of anything; what is left are the users, with a promise each.

import { serialize } from "pg-protocol";
import { NullDriver } from "../null-driver.mjs";
import { accountFor } from "../accounts.mjs";
import { prepare, read, startupOf, transactionOn } from "./null-messages.mjs";
import { pooling } from "./pooling.mjs";

/** The methods of pools. */
export const nullPools = (target, options) =>
  pooling(async (size) => {
    const open = async () => {
      const driver = new NullDriver(options);
      await driver.connect(target, startupOf(target.user));
      await new Promise((resolve) => driver.exchange(prepare, 1, resolve));
      return driver;
    };
    const all = await Promise.all(Array.from({ length: size }, open));
    const free = [...all];
    const waiting = [];
    /** Calls with a connection as soon as there is one. */
    const lend = (use) => (free.length > 0 ? use(free.pop()) : waiting.push(use));
    const giveBack = (driver) => (waiting.length > 0 ? waiting.shift()(driver) : free.push(driver));
    /** Exchanges messages one after the other on a connection; resolves with the number of rows. */
    const exchange = (messages) =>
      new Promise((resolve) =>
        lend((driver) => {
          const before = driver.rowCount;
          let at = 0;
          const next = () => {
            if (at < messages.length) return driver.exchange(messages[at++], 1, next);
            resolve(driver.rowCount - before);
            giveBack(driver);
          };
          next();
        }),
      );
    const query = [read];
    const transactions = new Map();
    const transactionFor = (account) => {
      if (!transactions.has(account)) transactions.set(account, transactionOn(account));
      return transactions.get(account);
    };
    return {
      borrow: () => new Promise(lend),
      giveBack,
      query: () => exchange(query),
      transact: (i) => exchange(transactionFor(accountFor(i))),
      close: () => Promise.all(all.map((driver) => driver.close(serialize.end()))),
    };
  });
