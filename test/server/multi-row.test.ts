// Many rows in one statement, as the server sees them: what is inserted is what was given, and what can't be
// is refused with the row's number before anything is asked.

import { describe, expect, test } from "@jest/globals";
import {
  columnsOf,
  DataError,
  ProgrammingError,
  tupleRow,
  unnestList,
  valuesList,
} from "../../src/index.ts";
import { expectUsable, failureOf, shells } from "../support/shells.ts";

const ROWS = [
  [1, "one", true],
  [2, null, false],
  [3, "th'r\"ee\\", null],
];

function* many(count: number): Generator<unknown[]> {
  for (let n = 0; n < count; n++) yield [n, `word ${n}`, n % 2 === 0];
}

describe.each(shells)("$name shell", ({ connect }) => {
  const withTable = async () => {
    const conn = await connect({ rowFactory: tupleRow });
    await conn.execute("create temp table t (n int, word text, flag bool)");
    return conn;
  };

  test("valuesList inserts rows", async () => {
    await using conn = await withTable();
    const { text, parameters } = valuesList(ROWS);
    expect(text).toBe("($1, $2, $3), ($4, $5, $6), ($7, $8, $9)");
    await conn.execute(`insert into t values ${text}`, parameters);
    expect(await conn.query("select * from t order by n")).toEqual(ROWS);
  });

  test("valuesList goes behind other parameters, with types", async () => {
    await using conn = await withTable();
    await conn.execute("insert into t values (1, 'a', null), (2, 'b', null), (3, 'c', null)");
    const list = valuesList(
      [
        [1, "x"],
        [3, "y"],
      ],
      { from: 2, types: ["int4", "varchar(10)"] },
    );
    expect(list.text).toBe("($2::int4, $3::varchar(10)), ($4::int4, $5::varchar(10))");
    const text = `update t set word = $1 || v.w from (values ${list.text}) v (n, w) where t.n = v.n`;
    const cur = await conn.execute(text, ["new ", ...list.parameters]);
    expect(cur.rowCount).toBe(2);
    expect(await conn.query("select word from t order by n")).toEqual([
      ["new x"],
      ["b"],
      ["new y"],
    ]);
  });

  test("valuesList up to the last parameter that a statement takes", async () => {
    await using conn = await withTable();
    const { text, parameters } = valuesList(many(21_845));
    expect(parameters).toHaveLength(65_535);
    const cur = await conn.execute(`insert into t values ${text}`, parameters);
    expect(cur.rowCount).toBe(21_845);
    await expectUsable(conn);
  });

  test("columnsOf gives what unnest takes", async () => {
    await using conn = await withTable();
    const text = "insert into t select * from unnest($1::int4[], $2::text[], $3::bool[])";
    await conn.execute(text, columnsOf(ROWS));
    expect(await conn.query("select * from t order by n")).toEqual(ROWS);
    await conn.execute("truncate t");
    const cur = await conn.execute(text, columnsOf(many(100_000)));
    expect(cur.rowCount).toBe(100_000);
  });

  test("unnestList writes the call, for no rows as well", async () => {
    await using conn = await withTable();
    const types = ["int4", "text", "bool"];
    const { text, parameters } = unnestList(types, ROWS);
    expect(text).toBe("unnest($1::int4[], $2::text[], $3::bool[])");
    await conn.execute(`insert into t select * from ${text}`, parameters);
    expect(await conn.query("select * from t order by n")).toEqual(ROWS);
    const none = unnestList(types, [], { from: 2 });
    expect(none.text).toBe("unnest($2::int4[], $3::text[], $4::bool[])");
    expect(
      await conn.query(`select $1::int, * from ${none.text}`, [1, ...none.parameters]),
    ).toEqual([]);
  });

  test("types of many forms", async () => {
    await using conn = await withTable();
    const types = [
      "double precision",
      "timestamp(3) with time zone",
      "numeric(10, 2)",
      "pg_catalog.int4",
      '"char"',
      "bit varying(5)",
    ];
    const row = [1.5, new Date(0), "2.50", 7, "c", "101"];
    const { text, parameters } = unnestList(types, [row]);
    expect(await conn.query(`select * from ${text}`, parameters)).toEqual([row]);
    const list = valuesList([[[1, 2]]], { types: ["int4[]"] });
    expect(await conn.query(`values ${list.text}`, list.parameters)).toEqual([[[1, 2]]]);
  });
});

describe("refused", () => {
  const bad: [what: string, rows: unknown, message: RegExp][] = [
    ["no rows", null, /^rows must be an iterable/],
    ["a number", 5, /^rows must be an iterable/],
    ["a row that is none", [[1], "ab"], /^row 1 is no array/],
    ["an empty row", [[]], /^row 0 has no values/],
    ["a shorter row", [[1, 2], [1]], /^row 1 has 1 value where there should be 2/],
    ["a longer row", [[1], [1, 2]], /^row 1 has 2 values where there should be 1/],
    ["undefined", [[1], [undefined]], /^row 1, value 0 is undefined/],
    ["a hole", [[1], Object.assign([], { length: 1 })], /^row 1, value 0 is undefined/],
  ];
  test.each(bad)("%s", async (_, rows, message) => {
    for (const make of [valuesList, columnsOf, (some: never) => unnestList(["int4"], some)]) {
      const error = await failureOf(() => make(rows as never));
      expect(error).toBeInstanceOf(ProgrammingError);
      // What unnestList expects is given by its types.
      if (make.length > 1 || make === columnsOf) expect(error.message).toMatch(message);
    }
  });

  test("nothing at all", async () => {
    for (const make of [valuesList, columnsOf]) {
      expect(await failureOf(() => make([]))).toBeInstanceOf(ProgrammingError);
    }
    expect(await failureOf(() => unnestList([], []))).toBeInstanceOf(ProgrammingError);
    expect(await failureOf(() => valuesList(ROWS, { types: ["int4"] }))).toBeInstanceOf(
      ProgrammingError,
    );
  });

  test("more parameters than a statement takes", async () => {
    const error = await failureOf(() => valuesList(many(Infinity)));
    expect(error).toBeInstanceOf(DataError);
    expect(error.message).toContain("65535 parameters, which is enough for 21845 rows of 3 values");
    expect((await failureOf(() => valuesList(many(21_845), { from: 2 }))).message).toContain(
      "21844",
    );
  });

  test.each([0, -1, 1.5, NaN, "1"])("counting from %p", async (from) => {
    const options = { from: from as number };
    expect(await failureOf(() => valuesList(ROWS, options))).toBeInstanceOf(ProgrammingError);
    expect(await failureOf(() => unnestList(["int4"], [[1]], options))).toBeInstanceOf(
      ProgrammingError,
    );
  });

  test.each([
    "",
    "int4; drop table t",
    "int4)--",
    "int4[]) from x",
    'a"b',
    "1",
    "int4/**/",
    "a.b.c",
    null,
    "(1)",
    " int4",
  ])("the type %j", async (type) => {
    const error = await failureOf(() => valuesList([[1]], { types: [type as string] }));
    expect(error).toBeInstanceOf(ProgrammingError);
    expect(error.message).toBe(`${JSON.stringify(type)} is no name of a type`);
  });

  test("columns that unnest would take apart", async () => {
    const error = await failureOf(() => unnestList(["int4[]"], [[[1]]]));
    expect(error.message).toContain("takes arrays of arrays apart");
  });
});
