// Pieces of SQL, put together: the text that comes of them, and what is refused. No server is asked.

import { inspect } from "node:util";
import { describe, expect, test } from "@jest/globals";
import {
  Composed,
  Identifier,
  Literal,
  type MahoutError,
  Placeholder,
  ProgrammingError,
  sql,
  SQL,
} from "../../src/index.ts";

const one = 1;

/** The code of the error that is thrown. */
function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(ProgrammingError);
    return (error as MahoutError).code;
  }
  throw new Error("nothing was thrown");
}

describe("the tagged template", () => {
  const table: [piece: { asString(): string }, text: string][] = [
    [sql`select 1`, "select 1"],
    [sql`select ${one}, ${"x"}`, "select $1, $2"],
    [sql`select * from ${sql.identifier("public", 'a"b')}`, 'select * from "public"."a""b"'],
    [sql`a = ${1} and ${sql`b = ${2}`} and c = ${3}`, "a = $1 and b = $2 and c = $3"],
    [sql`in (${sql.join([1, 2, 3])})`, "in ($1, $2, $3)"],
    [sql`where ${sql.join([sql`a = ${1}`, sql`b`], " and ")}`, "where a = $1 and b"],
    [sql`where ${sql.join([], " and ")}`, "where "],
    [sql`values ${sql.join([sql`(${1})`, sql`(${2})`], sql` , `)}`, "values ($1) , ($2)"],
    [sql`order by ${sql.raw("a desc")}`, "order by a desc"],
    [sql`${1}`, "$1"],
    [sql`$a ${sql.placeholder("b")}`, "$a $b"],
    [sql`${sql.placeholder()}, ${sql.placeholder()}`, "$1, $2"],
    [sql`'$1' ${1}`, "'$1' $1"],
    // Literals keep their distance from what they could run into, and from nothing else.
    [sql`(${sql.literal("it's")},${sql.literal(null)})`, "('it''s',NULL)"],
    [sql`x-${sql.literal(-1)}`, "x- -1"],
    [sql`${sql.literal(-1)}::int2`, "(-1)::int2"],
    [sql`${sql.literal(1)}${sql.literal(2)}`, "1 2"],
    [sql`is${sql.literal("a\\b")}is`, "is E'a\\\\b' is"],
    [sql`'x'${sql.literal("y")}`, "'x' 'y'"],
    [sql`$$${sql.raw("x")}$$`, "$$x$$"],
  ];
  test.each(table)("%#", (piece, text) => {
    expect(piece.asString()).toBe(text);
  });

  test("the text depends on the shape alone", () => {
    const text = (id: unknown, names: string[]): string =>
      sql`select ${sql.join(names.map((name) => sql.identifier(name)))} where id = ${id}`.asString();
    expect(text(1, ["a", "b"])).toBe(text({ x: [2] }, ["a", "b"]));
    expect(text(null, ["a"])).toBe('select "a" where id = $1');
  });

  test("a piece where it would be something else is refused", () => {
    const evil = "; drop table t; --";
    const misplaced = [
      sql`select '${one}'`,
      sql`select 'a${one}b'`,
      sql`like '%${evil}%'`,
      sql`select "${sql.identifier("x")}"`,
      sql`select '${sql.literal(evil)}'`,
      sql`select ${1} -- ${2}`,
      sql`select 1 /* ${one} */`,
      sql`select -- ${sql.literal("\n drop table t")}`,
      sql`$$ ${one} $$`,
      sql`tab_${one}`,
      sql`select ${one}1`,
      sql`select 'a'\n${sql.literal("b")}`,
      sql`select ${sql.literal("a\\")}\n'b'`,
      sql`u&${sql.identifier("x")}`,
      sql`"a"${sql.identifier("x")}`,
      sql`select ${one} '`,
      sql`e${sql.literal("\\")}'`,
    ];
    for (const piece of misplaced) {
      expect(codeOf(() => piece.asString())).toBe("ERR_MAHOUT_SQL_MISPLACED");
    }
  });

  test("values beside other placeholders are refused", () => {
    expect(codeOf(() => sql`select $1, ${one}`.asString())).toBe("ERR_MAHOUT_PARAMETERS_MIXED");
    expect(codeOf(() => sql`select $a, ${one}`.asString())).toBe("ERR_MAHOUT_PARAMETERS_MIXED");
    const open = sql`select ${sql.placeholder()}, ${one}`;
    expect(codeOf(() => open.asString())).toBe("ERR_MAHOUT_PARAMETERS_MIXED");
  });

  test("what can't be meant as a value is refused", async () => {
    const refused: (() => unknown)[] = [
      () => sql`${undefined}`,
      () => sql`${Symbol("x")}`,
      () => sql`${() => 1}`,
      () => sql`${Promise.resolve(1)}`,
      () => sql`${[sql`a`, sql`b`]}`,
      () => sql.join([1], sql`${one}`),
      () => (sql as unknown as (text: string) => unknown)("select 1"),
      () => sql.literal(undefined),
    ];
    for (const run of refused) expect(codeOf(run)).toBe("ERR_MAHOUT_SQL_VALUES");
    expect(() => JSON.stringify({ a: sql`b` })).toThrow("put it into a sql template");
    for (const run of [
      () => sql.identifier(),
      () => sql.identifier(""),
      () => sql.identifier("a\0b"),
      () => sql.identifier("x".repeat(64)),
      () => sql.placeholder("a b"),
      () => sql.placeholder("1"),
      () => sql.raw(1 as unknown as string),
      () => sql.join([1], 2 as unknown as string),
      () => sql`\u{zz}`,
      () => sql.literal({}).asString(),
    ]) {
      expect(run).toThrow(ProgrammingError);
    }
  });
});

describe("psycopg's names", () => {
  test("are the same objects", () => {
    expect(sql`x`).toBeInstanceOf(Composed);
    expect(sql.identifier("x")).toBeInstanceOf(Identifier);
    expect(sql.literal(1)).toBeInstanceOf(Literal);
    expect(sql.placeholder()).toBeInstanceOf(Placeholder);
    expect(sql.raw("x")).toBeInstanceOf(SQL);
    expect(sql.identifier("a", "b").parts).toEqual(["a", "b"]);
    expect([...sql`a${1}`]).toHaveLength(3);
  });

  const table: [made: { asString(): string }, text: string][] = [
    [
      new SQL("select {} from {}").format(new Identifier("a"), new Identifier("t")),
      'select "a" from "t"',
    ],
    [new SQL("{1} {0} {1}").format(1, "x"), "'x' 1 'x'"],
    [new SQL("{a} {b} {a}").format({ a: 1, b: new SQL("b") }), "1 b 1"],
    [new SQL("{0} {a}").format(1, { a: 2 }), "1 2"],
    [new SQL("{{}} {}").format("x"), "{} 'x'"],
    [
      new SQL("({})").format(new SQL(", ").join([new Placeholder(), new Placeholder("x")])),
      "($1, $x)",
    ],
    [new SQL(", ").join([1, new Identifier("a")]), '1, "a"'],
    [new Composed([new SQL("a"), 1]), "a 1"],
    [new Composed([new SQL("a"), new SQL("b")]).join(", "), "a, b"],
  ];
  test.each(table)("%#", (made, text) => {
    expect(made.asString()).toBe(text);
  });

  test("format() is strict", () => {
    const format = (text: string, ...given: unknown[]) => new SQL(text).format(...given);
    expect(() => format("{}")).toThrow("nothing was given for {0}");
    expect(() => format("{a}", 1)).toThrow("nothing was given for {a}");
    expect(() => format("{toString}", {})).toThrow("nothing was given");
    expect(() => format("{} {0}", 1)).toThrow("can't be used in one text");
    expect(() => format("x", 1)).toThrow("no place for argument 0");
    expect(() => format("{a}", { a: 1, b: 2 })).toThrow("no place {b}");
    expect(() => format("{", 1)).toThrow("doubled");
  });

  test("show no value", () => {
    const secret = "hunter2";
    for (const piece of [sql`a ${secret}`, sql.literal(secret)]) {
      expect(`${piece.toString()} ${inspect(piece, { depth: 9, showHidden: true })}`).not.toContain(
        secret,
      );
    }
  });
});
