// The workloads with very many rows or notifications. One round of them takes seconds, so there are
// fewer rounds than of others (`rounds` at most), and code is warm after a small part of one.
//
// `tables` are made when the workload begins; `before` is run before every round; what `after` gives must be its
// `expected` when a contender has been checked. `fresh` gives every contender a process that has done nothing
// else, so that its peak memory is the workload's.

import { tallyOf } from "./bulk.mjs";
import { heardAll, notifyingSql } from "./hearing.mjs";
import { ROWS, tallySql } from "./values.mjs";

const MANY = 10 * ROWS;
const LONG = 5;

const filled = [
  `create table if not exists bench_copy as
     select bench_rows.* from generate_series(1, ${MANY / ROWS}), bench_rows`,
  "vacuum (freeze, analyze) bench_copy",
];

/** A query of n rows; a plan that gives them as it finds them. */
export const streamText = (n) =>
  Array.from({ length: n / MANY }, () => "select * from bench_copy").join(" union all ");

/** Item i of executeMany(). */
export const itemFor = (i) => [i, `item number ${i}`, i / 8];

export const heavyWorkloads = [
  {
    name: "copy-in",
    title: "COPY 1,000,000 rows x 5 columns in",
    method: "copyIn",
    size: MANY,
    rounds: 7,
    cores: "all",
    tables: ["create table if not exists bench_target (like bench_rows)"],
    before: ["truncate bench_target"],
    expected: (size) => size,
    after: { sql: tallySql("bench_target"), expected: tallyOf },
  },
  {
    name: "copy-out",
    title: "COPY 1,000,000 rows x 5 columns out",
    method: "copyOut",
    size: MANY,
    hasFixedSize: true,
    rounds: 7,
    cores: "all",
    tables: filled,
    expected: tallyOf,
  },
  {
    name: "stream",
    title: "5,000,000 rows x 5 columns, one after the other",
    method: "stream",
    size: LONG * MANY,
    rounds: 3,
    fresh: true,
    cores: "all",
    tables: filled,
    expected: tallyOf,
  },
  {
    name: "execute-many",
    title: "100,000 inserts in one transaction",
    method: "insertMany",
    size: 100_000,
    rounds: 5,
    cores: "all",
    tables: ["create table if not exists bench_item (id int4, name text, score float8)"],
    before: ["truncate bench_item"],
    expected: (size) => size,
    after: {
      sql: `select count(*)::float8 as rows, sum(id * score)::float8 as sum,
              count(*) filter (where name = 'item number ' || id)::float8 as named from bench_item`,
      expected: (size) => ({
        rows: size,
        sum: Array.from({ length: size }, (_, i) => (i * i) / 8).reduce((a, b) => a + b, 0),
        named: size,
      }),
    },
  },
  ...[
    ["notify-burst", "hearBurst", 7, "that were waiting, to a handler"],
    ["notify-busy", "hearBusy", 5, "in transactions of 100, to a handler"],
    ["notify-busy-loop", "hearBusyLoop", 5, "in transactions of 100, in a loop where there is one"],
  ].map(([name, method, rounds, how]) => ({
    name,
    title: `200,000 notifications ${how}; and 2,000 queries`,
    method,
    size: 200_000,
    rounds,
    cores: "all",
    tables: notifyingSql,
    expected: heardAll,
  })),
];
