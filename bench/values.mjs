// The values of the five columns that all tables of the bench are made of, by the row's number: once
// in SQL, for the server to fill its tables, and once here, for comparing what comes back.

const SINCE = Date.parse("2020-01-01T00:00:00Z");
/** Milliseconds from one row's time to the next. */
const STEP = 1_001;

/** How many rows bench_rows has. */
export const ROWS = 100_000;

/** SQL expressions of the columns for `k`, which is SQL too. */
export const sqlFor = (k) => ({
  text: `'row number ' || ${k}`,
  float: `sqrt(${k})`,
  time: `timestamptz '2020-01-01 00:00:00+00' + (${k}) * interval '${STEP / 1_000} seconds'`,
  flag: `(${k}) % 3 = 0`,
});

/** The columns' values for the number k. */
export const valuesFor = (k) => ({
  text: `row number ${k}`,
  float: Math.sqrt(k),
  time: new Date(SINCE + k * STEP),
  flag: k % 3 === 0,
});

/** A row of those values as an object. */
export const asObject = (id, name, score, created, active) => ({
  id,
  name,
  score,
  created,
  active,
});

/** All rows of bench_rows, in the given shape. */
export function rows(shape) {
  return Array.from({ length: ROWS }, (_, index) => {
    const { text, float, time, flag } = valuesFor(index + 1);
    return shape(index + 1, text, float, time, flag);
  });
}

/** Adds up rows, each column for itself, to numbers that don't depend on the rows' order. */
export class Tally {
  rows = 0;
  ids = 0;
  letters = 0;
  squares = 0;
  moments = 0;
  flags = 0;

  add(id, name, score, created, active) {
    this.rows++;
    this.ids += id;
    this.letters += name.length;
    this.squares += Math.round(score * score);
    this.moments += (created.getTime() - SINCE) / STEP;
    if (active) this.flags++;
  }
}

/** What a Tally of a table's rows must be, computed by the server. */
export const tallySql = (table) => `select count(*)::float8 as rows, sum(id)::float8 as ids,
  sum(length(name))::float8 as letters, sum(round(score * score))::float8 as squares,
  sum(round(extract(epoch from created - timestamptz '2020-01-01 00:00:00+00')
    * 1000 / ${STEP}))::float8 as moments, (count(*) filter (where active))::float8 as flags
  from ${table}`;
