// What is read from a COPY's text, and how values become part of one.

import { describe, expect, test } from "@jest/globals";
import { readCopyStatement } from "../../src/core/copy-statement.ts";
import { typeOids } from "../../src/core/copy-types.ts";
import { adapters, DataError, ProgrammingError } from "../../src/index.ts";
import { literalOf } from "../../src/sql/literal.ts";
import { mergeLiterals } from "../../src/sql/merge.ts";
import { tokensOf } from "../../src/sql/tokens.ts";

describe("statements", () => {
  const table = { columns: null, query: null, special: null };
  const known: [text: string, found: object | null][] = [
    ["copy t from stdin", { ...table, table: '"t"' }],
    [
      '  COPY Public.T (A, "B c") TO STDOUT ;; ',
      { ...table, table: '"public"."t"', columns: ["a", "B c"] },
    ],
    ['copy "a""b" from stdin', { ...table, table: '"a""b"' }],
    ["/* x /* y */ */ copy -- z\n t from stdin", { ...table, table: '"t"' }],
    ["copy É from stdin", { ...table, table: '"É"' }],
    [
      "copy (select ')', $$)$$, (1)) to stdout",
      { ...table, table: null, query: "select ')', $$)$$, (1)" },
    ],
    ["copy t from stdin (format text)", { ...table, table: '"t"' }],
    ["copy t from stdin with (FORMAT 'binary', freeze true)", { ...table, table: '"t"' }],
    ["copy t from stdin (format csv, header)", { ...table, table: '"t"', special: "format csv" }],
    ["copy t from stdin (freeze, delimiter ',')", { ...table, table: '"t"', special: "delimiter" }],
    [
      "copy t from stdin (force_null (a, b), format text)",
      { ...table, table: '"t"', special: "force_null" },
    ],
    ["copy t from stdin with binary", { ...table, table: '"t"' }],
    ["copy t from stdin csv header", { ...table, table: '"t"', special: "csv" }],
    ["copy t from stdin with null as 'csv'", { ...table, table: '"t"', special: "null" }],
    ["copy t from stdin where csv > 1", { ...table, table: '"t"' }],
    ["copy t from stdin (format text) where n > 1", { ...table, table: '"t"' }],
    ["copy binary t from stdin", { ...table, table: '"t"' }],
    ["copy binary from stdin", null],
    ['copy U&"t" from stdin', { ...table, table: '"t"' }],
    [
      'copy U&"d\\0061t\\+000061".u&"a""\\\\b" (U&"c") from stdin csv',
      { ...table, table: '"data"."a""\\b"', columns: ["c"], special: "csv" },
    ],
    [
      `copy t (U&"d!0061" uescape '!', b) from stdin (format csv)`,
      { ...table, table: null, special: "format csv" },
    ],
    // What isn't understood isn't asked for, but its options count.
    ['copy U&"\\zz" from stdin csv', { ...table, table: null, special: "csv" }],
    ['copy U&"\\d83d" from stdin csv', { ...table, table: null, special: "csv" }],
    ['copy U&"\\d83d\\de00" from stdin csv', { ...table, table: '"\u{1f600}"', special: "csv" }],
    [
      `copy t (U&"a" uescape '+', b) from stdin (format csv)`,
      { ...table, table: null, special: "format csv" },
    ],
    ["copy t (a.b, c) to stdout (header)", { ...table, table: null, special: "header" }],
    ["copy t (a", null],
    ["copy t from 'x", null],
    ["copy t", null],
    ["copy", null],
  ];
  test.each(known)("%j", (text, found) => {
    expect(readCopyStatement(text, true)).toEqual(found);
  });

  test.each([
    ["select 1", "use execute()"],
    ["'copy' t from stdin", "use execute()"],
    ["copy t from stdin; drop table t", "not several"],
    ["copy t from '/x'", "run it with execute()"],
    ["copy t to program 'x'", "run it with execute()"],
  ])("%j is refused", (text, message) => {
    expect(() => readCopyStatement(text, true)).toThrow(message);
  });

  test("backslashes in strings, by the session's setting", () => {
    const text = "copy (select '\\') to stdout; --'";
    expect(readCopyStatement(text, true)?.query).toBe("select '\\'");
    expect(readCopyStatement(text, false)).toBeNull();
    expect(tokensOf("E'\\'' 'a'", true)?.length).toBe(2);
    expect(tokensOf("n'\\' b'1' x'f' u&'\\' U&\"d\" e''", true)?.length).toBe(6);
    expect(tokensOf("select 1 /* no end", true)).toBeNull();
    expect(tokensOf("$tag$ $other$ $tag$ a$1 $1", true)?.map(({ kind }) => kind)).toEqual([
      "string",
      "word",
      "parameter",
    ]);
  });
});

describe("types", () => {
  test("by name, in all spellings, and by oid", () => {
    const names = [
      "int4",
      "INTEGER",
      "double  precision",
      "timestamp with time zone",
      "varchar(10)",
      "numeric(8,2)[]",
      600,
      "jsonb[]",
    ];
    expect(typeOids(names, adapters)).toEqual([23, 23, 701, 1184, 1043, 1231, 600, 3807]);
  });

  test.each([["nope"], [""], [0], [1.5], [-1], [2 ** 32], [null], [undefined], ["constructor"]])(
    "%j is none",
    (type) => {
      expect(() => typeOids([type as string], adapters)).toThrow(ProgrammingError);
    },
  );
});

describe("literals", () => {
  const literals: [value: unknown, literal: string][] = [
    ["x", "'x'"],
    ["it's", "'it''s'"],
    ["a\\'b", "E'a\\\\''b'"],
    [1, "1"],
    [-1, "-1"],
    [-0, "'-0'::float8"],
    [1e21, "1e+21"],
    [NaN, "'NaN'::float8"],
    [-Infinity, "'-Infinity'::float8"],
    [-5n, "-5"],
    [true, "true"],
    [null, "NULL"],
    [new Date(0), "'1970-01-01 00:00:00+00'::timestamptz"],
    [Buffer.from([1]), "E'\\\\x01'::bytea"],
    [[1, "a'b"], "'{1,\"a''b\"}'"],
  ];
  test.each(literals)("%j", (value, literal) => {
    expect(literalOf(value, adapters)).toBe(literal);
  });

  test("what can't be one", () => {
    expect(() => literalOf(undefined, adapters)).toThrow(ProgrammingError);
    expect(() => literalOf({}, adapters)).toThrow(ProgrammingError);
    expect(() => literalOf(new Date(NaN), adapters)).toThrow(DataError);
  });

  test("go where the placeholders are, and nowhere else", () => {
    const context = { adapters, standardStrings: true };
    const text = `copy (select $2, '$1', "$1", $$ $1 $$, a$1, $1 /* $1 */ -- $1\n) to stdout`;
    expect(mergeLiterals(text, ["$2", -1], context)).toBe(
      `copy (select -1, '$1', "$1", $$ $1 $$, a$1, '$2' /* $1 */ -- $1\n) to stdout`,
    );
    // Beside a quote a string would go on, and beside U& it would be of another kind.
    expect(mergeLiterals("'x'$1'y' u&$1 1$1x ($1,$1)", ["z"], context)).toBe(
      "'x' 'z' 'y' u& 'z' 1 'z' x ('z','z')",
    );
    expect(mergeLiterals("copy t from 'no end", [], context)).toBe("copy t from 'no end");
    expect(() => mergeLiterals("select $1", [1, 2], context)).toThrow(
      "1 parameter, but 2 values were",
    );
    expect(() => mergeLiterals("select $1, $3", [1, 2], context)).toThrow("has 3 parameters");
    expect(() => mergeLiterals("select $0", [], context)).not.toThrow();
    expect(() => mergeLiterals("select 'no end $1", [1], context)).toThrow("has no end");
  });
});
