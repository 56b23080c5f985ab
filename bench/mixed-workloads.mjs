// The workloads of other statements than the shortest ones, and of other ways to the server (`via`).

import { mixedExpected, textRows } from "./mixed-values.mjs";
import { asObject, rows, ROWS } from "./values.mjs";

const sumTo = (size) => (size * (size + 1)) / 2;

const oneAtATime = {
  method: "oneAtATime",
  size: 3_000,
  singles: 500,
  cores: "one",
  expected: sumTo,
};

export const mixedWorkloads = [
  {
    name: "first",
    title: "one at a time, each text for the first time",
    method: "firstTimes",
    size: 2_000,
    singles: 500,
    cores: "one",
    expected: sumTo,
  },
  {
    name: "json-out",
    title: "JSON documents of 10 kB, read",
    method: "jsonOut",
    size: 500,
    singles: 300,
    cores: "all",
    expected: mixedExpected.jsonOut,
    rowCount: (size) => size,
  },
  {
    name: "json-in",
    title: "JSON documents of 10 kB, sent",
    method: "jsonIn",
    size: 500,
    singles: 300,
    cores: "all",
    expected: mixedExpected.jsonIn,
    rowCount: (size) => size,
  },
  {
    name: "array-out",
    title: "arrays of 1,000 int4, read",
    method: "arraysOut",
    size: 500,
    singles: 300,
    cores: "all",
    expected: mixedExpected.arraysOut,
    rowCount: (size) => size,
  },
  {
    name: "array-in",
    title: "arrays of 1,000 int4, sent",
    method: "arraysIn",
    size: 500,
    singles: 300,
    cores: "all",
    expected: mixedExpected.arraysIn,
    rowCount: (size) => size,
  },
  {
    name: "text",
    title: "100 rows with 10 kB of text each, not only ASCII",
    method: "longTexts",
    size: 1,
    calls: 30,
    cores: "all",
    expected: textRows,
    rowCount: () => textRows().length,
  },
  {
    ...oneAtATime,
    name: "socket",
    title: "one at a time, prepared, through a unix socket",
    via: "socket",
  },
  {
    ...oneAtATime,
    name: "tls",
    title: "one at a time, prepared, encrypted",
    via: "encrypted",
  },
  {
    name: "tls-objects",
    title: `${ROWS.toLocaleString("en-US")} rows x 5 columns to objects, encrypted`,
    via: "encrypted",
    method: "rowsToObjects",
    size: 1,
    cores: "all",
    expected: () => rows(asObject),
    rowCount: () => ROWS,
  },
];
