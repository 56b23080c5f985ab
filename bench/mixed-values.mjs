// Documents, arrays and long texts: what their tables are filled with, and what comes back of them.

/** How many of each there are. */
const COUNT = 100;

const ITEMS = 88;
const ELEMENTS = 1_000;
const PIECE = "Grüße aus Zürich: 価格 42 €, naïve façade – ";
/** So often it makes 10 kB. */
const PIECES = Math.ceil(10_000 / Buffer.byteLength(PIECE));

/** Which of them is asked for at step i of a round. */
export const mixedKey = (i) => (i % COUNT) + 1;

/** Document k, of 10 kB; its keys are in jsonb's order, so that it reads the same when it comes back. */
const documentOf = (k) => ({
  id: k,
  name: `document ${k}`,
  items: Array.from({ length: ITEMS }, (_, i) => ({
    id: i,
    note: `item ${i} of document ${k}, größer`,
    tags: ["new", "reduced", `shelf ${i % 7}`],
    price: i + 0.25,
  })),
});

const arrayOf = (k) => Array.from({ length: ELEMENTS }, (_, i) => k * ELEMENTS + i + 1);

const keys = Array.from({ length: COUNT }, (_, index) => index + 1);

/** What is sent: document k and array k are made once. */
export const documents = new Map(keys.map((k) => [k, documentOf(k)]));
export const arrays = new Map(keys.map((k) => [k, arrayOf(k)]));

/** The rows of bench_text. */
export const textRows = () => keys.map((id) => ({ id, body: `${PIECE.repeat(PIECES)}${id}` }));

/** Makes the tables. */
export const mixedSetup = [
  "create table bench_document (id int4 primary key, doc jsonb not null)",
  `insert into bench_document values ${keys
    .map((k) => `(${k}, '${JSON.stringify(documents.get(k))}')`)
    .join(", ")}`,
  `create table bench_array as select k::int4 as id,
     array(select (k * ${ELEMENTS} + i)::int4 from generate_series(1, ${ELEMENTS}) as i) as list
   from generate_series(1, ${COUNT}) as k`,
  "alter table bench_array add primary key (id)",
  `create table bench_text as select k::int4 as id, repeat('${PIECE}', ${PIECES}) || k as body
   from generate_series(1, ${COUNT}) as k`,
  ...["document", "array", "text"].map((table) => `vacuum (freeze, analyze) bench_${table}`),
];

const sumOver = (size, valueOf) => {
  let sum = 0;
  for (let i = 0; i < size; i++) sum += valueOf(mixedKey(i));
  return sum;
};
const total = (list) => list.reduce((sum, element) => sum + element);

/** What the methods of contenders/mixed.mjs give. */
export const mixedExpected = {
  jsonOut: (size) => ({
    sum: sumOver(size, (k) => k),
    last: documents.get(mixedKey(size - 1)),
  }),
  jsonIn: (size) => size * ITEMS,
  arraysOut: (size) => sumOver(size, (k) => total(arrays.get(k))),
  arraysIn: (size) => sumOver(size, (k) => arrays.get(k).at(-1)),
};

let textCount = 0;
/** A statement that this process has never made before. */
export const neverSeen = () => `select $1::int4 as x -- ${++textCount}`;
