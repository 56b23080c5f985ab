/**
 * Many rows in one statement: as a list of VALUES, or as one array for each column.
 *
 * A list of values has a parameter for each value, and so an end at 65,535 of them; its text depends on how
 * many rows there are, so it pays for a few rows, or for the same number of them again and again. Arrays
 * that `unnest()` puts side by side have a parameter for each column and one text for any number of rows,
 * but need the columns' types. Neither knows SQL beyond that: they give text to be put into a statement.
 */
import { DataError, ProgrammingError } from "../errors.ts";
import { MOST_PARAMETERS } from "../protocol/writer.ts";

/** A piece of SQL and the values for its placeholders. */
export interface MultiRow {
  /** The text; it holds no value. */
  readonly text: string;
  /** The values, in the placeholders' order. */
  readonly parameters: unknown[];
}

/** How a list of values is written. */
export interface ValuesListOptions {
  /** The number of the first placeholder: 1 by default, more where others go before. */
  readonly from?: number;
  /** A type for each column, e.g. `int4`, for where the server can't see it from an INSERT's target. */
  readonly types?: readonly string[];
}

/**
 * Writes rows as a list for VALUES: `($1, $2), ($3, $4)`.
 *
 * @throws ProgrammingError for no rows, rows of different lengths, `undefined`, and what is no type;
 * DataError for more values than a statement can have, which are 65,535.
 */
export function valuesList(
  rows: Iterable<readonly unknown[]>,
  options: ValuesListOptions = {},
): MultiRow {
  const { from = 1, types } = options;
  if (!Number.isInteger(from) || from < 1) {
    throw new ProgrammingError(`placeholders are counted from 1, not from ${String(from)}`);
  }
  const casts = types?.map((type) => `::${checkType(type)}`);
  const parameters: unknown[] = [];
  const texts: string[] = [];
  let number = from;
  const width = eachRow(rows, casts?.length ?? null, (row) => {
    const places: string[] = [];
    for (let column = 0; column < row.length; column++, number++) {
      places.push(`$${number}${casts?.[column] ?? ""}`);
      parameters.push(row[column]);
    }
    texts.push(`(${places.join(", ")})`);
    if (number - 1 > MOST_PARAMETERS) throw tooMany(row.length, from);
  });
  if (width === null) throw new ProgrammingError("a list of values needs at least one row");
  return { text: texts.join(", "), parameters };
}

/**
 * Turns rows into one array for each column, as `unnest()` takes them:
 * `insert into t select * from unnest($1::int4[], $2::text[])`.
 *
 * @throws ProgrammingError for no rows, rows of different lengths and `undefined`.
 */
export function columnsOf(rows: Iterable<readonly unknown[]>): unknown[][] {
  const columns: unknown[][] = [];
  const width = eachRow(rows, null, (row) => addTo(columns, row));
  if (width === null) throw new ProgrammingError("columns of no rows are unknown");
  return columns;
}

/**
 * Writes rows as a call of `unnest()`, a set of rows for FROM: `unnest($1::int4[], $2::text[])`.
 *
 * @param types the columns' types. Arrays are none for this: unnest takes arrays of arrays apart.
 * @throws ProgrammingError for rows that don't have a value for each type, `undefined`, and what is no type.
 */
export function unnestList(
  types: readonly string[],
  rows: Iterable<readonly unknown[]>,
  options: { readonly from?: number } = {},
): MultiRow {
  const { from = 1 } = options;
  if (!Number.isInteger(from) || from < 1) {
    throw new ProgrammingError(`placeholders are counted from 1, not from ${String(from)}`);
  }
  if (types.length === 0) throw new ProgrammingError("unnest needs at least one column");
  const places = types.map((type, column) => {
    if (checkType(type).endsWith("]")) {
      throw new ProgrammingError(
        `unnest takes arrays of arrays apart, so a column can't be ${type}; use valuesList or executeMany`,
      );
    }
    return `$${from + column}::${type}[]`;
  });
  const parameters: unknown[][] = types.map(() => []);
  eachRow(rows, types.length, (row) => addTo(parameters, row));
  return { text: `unnest(${places.join(", ")})`, parameters };
}

function addTo(columns: unknown[][], row: readonly unknown[]): void {
  for (let column = 0; column < row.length; column++) (columns[column] ??= []).push(row[column]);
}

/** Calls `take` for each row, checked; returns their width, null without any. */
function eachRow(
  rows: Iterable<readonly unknown[]>,
  expected: number | null,
  take: (row: readonly unknown[]) => void,
): number | null {
  if (typeof (rows as Partial<typeof rows> | null | undefined)?.[Symbol.iterator] !== "function") {
    throw new ProgrammingError("rows must be an iterable of arrays of values");
  }
  let width = expected;
  let index = 0;
  for (const row of rows) {
    if (!Array.isArray(row)) throw new ProgrammingError(`row ${index} is no array of values`);
    if (row.length === 0) throw new ProgrammingError(`row ${index} has no values`);
    width ??= row.length;
    if (row.length !== width) {
      throw new ProgrammingError(
        `row ${index} has ${row.length} value${row.length === 1 ? "" : "s"} where there should be ${width}`,
      );
    }
    for (let column = 0; column < width; column++) {
      if (row[column] === undefined) {
        throw new ProgrammingError(
          `row ${index}, value ${column} is undefined; pass null for SQL's NULL`,
        );
      }
    }
    take(row);
    index++;
  }
  return index === 0 ? null : width;
}

function tooMany(width: number, from: number): DataError {
  const room = Math.floor((MOST_PARAMETERS - from + 1) / width);
  return new DataError(
    `a statement takes at most ${MOST_PARAMETERS} parameters, which is enough for ${room} rows of ${width} values; use unnestList or executeMany`,
  );
}

/** A name or several words, each plain or quoted, with a schema, a modifier and dimensions. */
const WORD = '(?:[\\p{L}_][\\p{L}\\p{N}_$]*|"(?:[^"\\0]|"")+")';
const TYPE = new RegExp(
  `^${WORD}(?:\\.${WORD})?(?: ${WORD})*(?:\\(\\d+(?:, ?-?\\d+)?\\))?(?: ${WORD})*(?:\\[\\d*\\])*$`,
  "u",
);

/** A type is text of the statement, so it must be nothing but a type. */
function checkType(type: string): string {
  if (typeof type === "string" && TYPE.test(type)) return type;
  throw new ProgrammingError(`${JSON.stringify(type)} is no name of a type`);
}
