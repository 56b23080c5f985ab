// The workloads of connection pools. `with.connections` is the pool's size; all of its connections are open before
// anything is timed, and nothing closes them while others are.

import { accountFor, transactionSum } from "./accounts.mjs";

/** How many users there are at once. */
export const USERS = 200;

function accountSum(size) {
  let sum = 0;
  for (let i = 0; i < size; i++) sum += accountFor(i);
  return sum;
}

const users = (connections, suffix = "") => ({
  name: `pool-users${suffix}`,
  title: `pool: ${USERS} users on ${connections} connections, one query at a time each`,
  method: "poolUsers",
  size: 20 * USERS,
  cores: "all",
  with: { connections },
  expected: accountSum,
});

export const poolWorkloads = [
  {
    name: "pool-checkout",
    title: "pool: borrow a connection and return it",
    method: "poolLoans",
    size: 20_000,
    cores: "all",
    with: { connections: 10 },
    expected: (size) => size,
  },
  {
    name: "pool-waiters",
    title: "pool: 1,000 at once borrow one of 10 connections and return it",
    method: "poolWaiters",
    size: 1_000,
    calls: 20,
    hasFixedSize: true,
    cores: "all",
    with: { connections: 10 },
    expected: (size) => size,
  },
  {
    name: "pool-query",
    title: "pool: one query at a time",
    method: "poolQueries",
    size: 2_000,
    singles: 500,
    cores: "one",
    with: { connections: 10 },
    expected: accountSum,
  },
  users(10),
  users(2, "-2"),
  users(50, "-50"),
  {
    name: "pool-transactions",
    title: `pool: ${USERS} users on 10 connections, a small transaction at a time each`,
    method: "poolTransactions",
    size: 5 * USERS,
    cores: "all",
    before: ["truncate bench_entry"],
    with: { connections: 10 },
    expected: transactionSum,
    rowCount: (size) => 2 * size,
  },
];
