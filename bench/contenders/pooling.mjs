// What programs do with a pool, for all asynchronous drivers that have one.

import { Measured } from "../measured.mjs";
import { USERS } from "../pool-workloads.mjs";

/**
 * The methods, on what a driver offers: `open(size)` resolves with `borrow()`, a connection, and `giveBack(conn)`;
 * `query(k)`, one statement on any connection, which gives an account's number; `transact(k, i)`, the transaction of
 * `transactions` on a borrowed connection, which gives the sum of what it sees; `close()`. Both ways to
 * return may give a promise or nothing.
 */
export function pooling(open) {
  let pool;
  /** So many users at once, each with its share of n operations, one after the other; and how long each took. */
  const byUsers = async (n, operation) => {
    const latencies = new Float64Array(n);
    const user = async (first) => {
      let sum = 0;
      for (let i = first; i < n; i += USERS) {
        const begin = performance.now();
        sum += await operation(i);
        latencies[i] = performance.now() - begin;
      }
      return sum;
    };
    const sums = await Promise.all(Array.from({ length: USERS }, (_, first) => user(first)));
    return new Measured(
      sums.reduce((total, sum) => total + sum),
      { latencies },
    );
  };
  return {
    async ready(method, n, given) {
      if (!method.startsWith("pool") || pool !== undefined) return;
      const { connections } = given;
      pool = await open(connections);
      // A pool that makes its connections when they are needed has them all now.
      const borrowed = Array.from({ length: connections }, () => pool.borrow());
      for (const conn of await Promise.all(borrowed)) await pool.giveBack(conn);
    },
    async poolLoans(n) {
      for (let i = 0; i < n; i++) await pool.giveBack(await pool.borrow());
      return n;
    },
    async poolWaiters(n) {
      const user = async () => {
        await pool.giveBack(await pool.borrow());
        return 1;
      };
      const counts = await Promise.all(Array.from({ length: n }, user));
      return counts.reduce((total, count) => total + count);
    },
    async poolQueries(n) {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += await pool.query(i);
      return sum;
    },
    poolUsers: (n) => byUsers(n, (i) => pool.query(i)),
    poolTransactions: (n) => byUsers(n, (i) => pool.transact(i)),
    async leave() {
      await pool?.close();
      pool = undefined;
    },
  };
}
