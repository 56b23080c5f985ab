// The table of bad-input.test.ts: what can't be sent, and what is said about it.

import { DataError, MahoutError, ProgrammingError } from "../../src/index.ts";

/** One thing that can't be sent, and the error that says so. */
export interface Bad {
  readonly what: string;
  readonly text?: string;
  readonly parameters?: unknown;
  readonly kind: unknown;
  readonly message: string | RegExp;
}

const circular: unknown[] = [];
circular.push(circular);

/** What can't be sent. */
export const bad: readonly Bad[] = [
  {
    what: "fewer parameters than placeholders",
    text: "select $1::int, $2::int",
    parameters: [1],
    kind: ProgrammingError,
    message: "the statement has 2 parameters, but 1 value was given",
  },
  {
    what: "more parameters than placeholders",
    text: "select $1::int",
    parameters: [1, 2],
    kind: ProgrammingError,
    message: "the statement has 1 parameter, but 2 values were given",
  },
  {
    what: "parameters where there are no placeholders",
    text: "select 1",
    parameters: [1],
    kind: ProgrammingError,
    message: "the statement has 0 parameters, but 1 value was given",
  },
  {
    what: "undefined",
    text: "select $1::int, $2::int",
    parameters: [1, undefined],
    kind: ProgrammingError,
    message: "parameter $2 is undefined; pass null for SQL's NULL",
  },
  {
    what: "a hole in the array",
    text: "select $1::int, $2::int",
    // eslint-disable-next-line eslint/no-sparse-arrays -- it is what is tried
    parameters: [, 1],
    kind: ProgrammingError,
    message: "parameter $1 is undefined; pass null for SQL's NULL",
  },
  {
    what: "undefined in an array",
    text: "select $1::int[]",
    parameters: [[1, undefined]],
    kind: DataError,
    message: /^parameter \$1 \(int4\[\]\): .*undefined/,
  },
  {
    what: "a Date that is none",
    text: "select $1::timestamptz",
    parameters: [new Date(NaN)],
    kind: DataError,
    message: /^parameter \$1 \(timestamptz\): .*invalid Date/,
  },
  {
    what: "a Date that is none, where the type isn't known",
    text: "select $1::information_schema.cardinal_number",
    parameters: [new Date(NaN)],
    kind: DataError,
    message: /invalid Date/,
  },
  {
    what: "NUL in a text",
    text: "select $1::text",
    parameters: ["a\0b"],
    kind: DataError,
    message: /^parameter \$1 \(text\): .*NUL/,
  },
  {
    what: "NUL in an element of an array",
    text: "select $1::text[]",
    parameters: [["ok", "a\0b"]],
    kind: DataError,
    message: /^parameter \$1 \(text\[\]\): .*NUL/,
  },
  {
    what: "NUL in json",
    text: "select $1::json",
    parameters: ['"a\0b"'],
    kind: DataError,
    message: /^parameter \$1 \(json\): .*NUL/,
  },
  {
    what: "half of a surrogate pair",
    text: "select $1::text",
    parameters: ["a\ud83d"],
    kind: DataError,
    message: /^parameter \$1 \(text\): .*surrogate/,
  },
  {
    what: "the other half of a surrogate pair",
    text: "select $1::text, $2::text",
    parameters: ["fine \ud83d\ude00", "\ude00b"],
    kind: DataError,
    message: /^parameter \$2 \(text\): .*surrogate/,
  },
  {
    what: "NUL in the statement",
    text: "select 'a\0b'",
    kind: MahoutError,
    message: /NUL/,
  },
  {
    what: "NUL in a statement with parameters",
    text: "select $1::int -- \0",
    parameters: [1],
    kind: MahoutError,
    message: /NUL/,
  },
  {
    what: "half of a surrogate pair in the statement",
    text: "select 'a\ud83d'",
    kind: MahoutError,
    message: /surrogate/,
  },
  {
    what: "70,000 parameters",
    text: `select ${Array.from({ length: 70_000 }, (_, index) => `$${index + 1}`).join()}`,
    parameters: Array<number>(70_000).fill(1),
    kind: DataError,
    message: /^a statement takes at most 65535 parameters, 70000 were given; pass an array/,
  },
  {
    what: "a fraction for an integer",
    text: "select $1::int4",
    parameters: [1.5],
    kind: DataError,
    message: "parameter $1 (int4): 1.5 is not an integer, int4 takes whole numbers",
  },
  {
    what: "a number out of range",
    text: "select $1::int2",
    parameters: [40_000],
    kind: DataError,
    message: /^parameter \$1 \(int2\): 40000 is out of range for int2/,
  },
  {
    what: "an object for a number",
    text: "select $1::int4",
    parameters: [{ valueOf: () => 1 }],
    kind: ProgrammingError,
    message: /^parameter \$1 \(int4\): int4 takes a number, a bigint or a string, not an object/,
  },
  {
    what: "an array that holds itself",
    text: "select $1::int4[]",
    parameters: [circular],
    kind: MahoutError,
    message: /^parameter \$1 \(int4\[\]\): /,
  },
  {
    what: "arrays of different lengths",
    text: "select $1::int4[]",
    parameters: [[[1, 2], [3]]],
    kind: DataError,
    message: /^parameter \$1 \(int4\[\]\): /,
  },
  {
    what: "a function",
    text: "select $1::text",
    parameters: [() => 1],
    kind: ProgrammingError,
    message: /^parameter \$1 \(text\): .*not a function/,
  },
  {
    what: "a symbol",
    text: "select $1::text",
    parameters: [Symbol("s")],
    kind: ProgrammingError,
    message: /^parameter \$1 \(text\): .*not a symbol/,
  },
  ...[undefined, null, 42, {}, ["select 1"], Buffer.from("select 1")].map((text) => ({
    what: `a statement that is ${text === null ? "null" : typeof text}`,
    text: text as unknown as string,
    kind: ProgrammingError,
    message: /^a statement must be a string or made with sql, not (undefined|null|number|object)$/,
  })),
  ...[{ id: 1 }, "1", 1, new Set([1]), new Map(), true].map((parameters) => ({
    what: `parameters that are ${Object.prototype.toString.call(parameters)}`,
    text: "select $1::int",
    parameters,
    kind: ProgrammingError,
    message:
      /^parameters must be an array of values for \$1, .* or an object|^the statement has no placeholder like \$name/,
  })),
];
