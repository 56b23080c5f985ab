// What is measured: each workload with its SQL, its size and the values that every contender must
// return before it is timed. Tables are filled by formulas that JavaScript can repeat, so answers
// are compared with the truth and not only with each other.

import { ACCOUNTS, transactionSum } from "./accounts.mjs";
import { heavyWorkloads } from "./heavy-workloads.mjs";
import { mixedSetup } from "./mixed-values.mjs";
import { mixedWorkloads } from "./mixed-workloads.mjs";
import { poolWorkloads } from "./pool-workloads.mjs";
import { COUNT as NOTIFICATIONS, payloadOf } from "./replay.mjs";
import { asObject, rows, ROWS, sqlFor, valuesFor } from "./values.mjs";

/** Statements that the contenders run; the text is the same for all of them. */
export const statements = Object.freeze({
  one: "select $1::int4 as x",
  rows: "select id, name, score, created, active from bench_rows",
  wide: "select * from bench_wide where integer_1 = $1",
  hello: "select 1 as one",
  notify: "select pg_notify('bench_trip', $1)",
  read: "select id, balance from bench_account where id = $1",
  change: "update bench_account set balance = $2 where id = $1 returning balance",
  record: "insert into bench_entry (account, amount) values ($1, $2)",
  insert: "insert into bench_item (id, name, score) values ($1, $2, $3)",
  documentOut: "select doc from bench_document where id = $1",
  documentIn: "select jsonb_array_length($1::jsonb -> 'items') as n",
  arrayOut: "select list from bench_array where id = $1",
  arrayIn: "select ($1::int4[])[1000] as n",
  texts: "select id, body from bench_text",
  copyIn: "copy bench_target from stdin",
  copyInBinary: "copy bench_target from stdin (format binary)",
  copyOut: "copy bench_copy to stdout",
  copyOutBinary: "copy bench_copy to stdout (format binary)",
});

const WIDE_ROWS = 100;
const GROUPS = 10;

const groups = Array.from({ length: GROUPS }, (_, index) => index + 1);
const wideSql = groups.map((group) => {
  const k = `i * ${GROUPS} + ${group}`;
  const { text, float, time, flag } = sqlFor(k);
  const integer = group === 1 ? "i" : k;
  return [
    `(${integer})::int4 as integer_${group}, ${text} as text_${group}`,
    `${float}::float8 as float_${group}, ${time} as time_${group}, ${flag} as flag_${group}`,
  ].join(", ");
});
const narrow = sqlFor("i");

/** Makes the tables and the role that logs in with SCRAM. */
export const setup = [
  `create table bench_rows as select i::int4 as id, ${narrow.text} as name,
     ${narrow.float}::float8 as score, ${narrow.time} as created, ${narrow.flag} as active
   from generate_series(1, ${ROWS}) as i`,
  `create table bench_wide as select ${wideSql.join(", ")} from generate_series(1, ${WIDE_ROWS}) as i`,
  "alter table bench_wide add primary key (integer_1)",
  "vacuum (freeze, analyze) bench_rows",
  "vacuum (freeze, analyze) bench_wide",
  `create table bench_account as select i::int4 as id, 0::int4 as balance from generate_series(1, ${ACCOUNTS}) as i`,
  "alter table bench_account add primary key (id)",
  "create table bench_entry (account int4, amount int4)",
  ...mixedSetup,
  "create role scram login password 'elephant'",
];

/** The primary key of the wide row that is asked for at step i of a round. */
export const wideKey = (i) => (i % WIDE_ROWS) + 1;

function wideRow(size) {
  const id = wideKey(size - 1);
  const columns = groups.flatMap((group) => {
    const k = id * GROUPS + group;
    const { text, float, time, flag } = valuesFor(k);
    const values = [group === 1 ? id : k, text, float, time, flag];
    return ["integer", "text", "float", "time", "flag"].map((n, i) => [`${n}_${group}`, values[i]]);
  });
  return Object.fromEntries(columns);
}

const payloadLength = (size) =>
  Array.from({ length: size }, (_, n) => payloadOf(n).length).reduce((sum, one) => sum + one);
const sumTo = (size) => (size * (size + 1)) / 2;

/**
 * One entry per workload: a round calls the contender's method `calls` times with `size`, its number of operations.
 * `expected` is what the call returns, `rowCount` how many rows the server sends for it. `cores: "one"` keeps client
 * and server on one core (see README.md). `before` is SQL that is run before each round; `with` goes to the
 * contender; `singles` operations of each round are timed one by one, too; `via` is
 * a way to the server other than TCP without encryption: "socket" or "encrypted". Further members are those of
 * heavy-workloads.mjs.
 */
export const workloads = [
  {
    name: "one",
    title: "one at a time, prepared",
    method: "oneAtATime",
    size: 3_000,
    singles: 500,
    cores: "one",
    expected: sumTo,
  },
  {
    name: "one-free",
    title: "one at a time, prepared, any core",
    method: "oneAtATime",
    size: 1_500,
    singles: 500,
    cores: "all",
    expected: sumTo,
  },
  {
    name: "at-once",
    title: "1,000 at once on one connection",
    method: "atOnce",
    size: 1_000,
    calls: 10,
    cores: "all",
    hasFixedSize: true,
    expected: sumTo,
  },
  {
    name: "pipeline",
    title: "1,000 in a pipeline with one sync",
    method: "pipelined",
    size: 1_000,
    calls: 20,
    cores: "all",
    hasFixedSize: true,
    expected: sumTo,
  },
  {
    name: "transaction",
    title: "BEGIN, three prepared statements, COMMIT",
    method: "transactions",
    size: 1_000,
    singles: 300,
    cores: "one",
    before: ["truncate bench_entry"],
    expected: transactionSum,
    rowCount: (size) => 2 * size,
  },
  {
    name: "objects",
    title: "100,000 rows x 5 columns to objects",
    method: "rowsToObjects",
    size: 1,
    calls: 2,
    cores: "all",
    expected: () => rows(asObject),
    rowCount: () => ROWS,
  },
  {
    name: "arrays",
    title: "100,000 rows x 5 columns to arrays",
    method: "rowsToArrays",
    size: 1,
    calls: 2,
    cores: "all",
    expected: () => rows((...values) => values),
    rowCount: () => ROWS,
  },
  {
    name: "wide",
    title: "1 row x 50 columns, prepared",
    method: "wideRow",
    size: 1_000,
    singles: 300,
    cores: "one",
    expected: wideRow,
  },
  {
    name: "notify",
    title: "200,000 notifications, to a handler",
    method: "notifications",
    size: NOTIFICATIONS,
    cores: "all",
    expected: payloadLength,
  },
  {
    name: "notify-loop",
    title: "200,000 notifications, in a loop where there is one",
    method: "notificationLoop",
    size: NOTIFICATIONS,
    cores: "all",
    expected: payloadLength,
  },
  {
    name: "notify-trip",
    title: "notify and hear it on another connection, one after the other",
    method: "notifyTrips",
    size: 1_000,
    cores: "all",
    expected: (size) => size,
  },
  {
    name: "connect",
    title: "connect (trust), one query, close",
    method: "connectClose",
    size: 30,
    singles: 30,
    cores: "one",
    with: { user: "postgres" },
    expected: (size) => size,
  },
  {
    name: "connect-scram",
    title: "connect (SCRAM-SHA-256), one query, close",
    method: "connectClose",
    size: 30,
    singles: 30,
    cores: "one",
    with: { user: "scram", password: "elephant" },
    expected: (size) => size,
  },
  ...mixedWorkloads,
  ...poolWorkloads,
  ...heavyWorkloads,
];

/** A smaller copy of a workload, for a first look. */
export function quickened(workload) {
  const calls = Math.ceil((workload.calls ?? 1) / 3);
  const size = workload.hasFixedSize ? workload.size : Math.ceil(workload.size / 5);
  return { ...workload, calls, size };
}
