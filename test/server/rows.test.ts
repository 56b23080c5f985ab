// What rows are made of: the row factories, where they can be given, and what int8 is read as.

import { describe, expect, test } from "@jest/globals";
import {
  AdaptersMap,
  argsRow,
  classRow,
  type DictRow,
  dictRow,
  kwargsRow,
  type RowColumn,
  type RowFactory,
  scalarRow,
  tupleRow,
} from "../../src/index.ts";
import { failureOf, shells } from "../support/shells.ts";

const TWO = "select n as id, 'name ' || n as name from generate_series(1, $1) as n";

class User {
  readonly id: number;
  readonly name: string;

  constructor({ id, name }: DictRow) {
    this.id = id as number;
    this.name = name as string;
  }

  get shown(): string {
    return `${this.id}: ${this.name}`;
  }
}

const factories: [name: string, factory: RowFactory<unknown>, first: unknown][] = [
  ["dictRow", dictRow, { id: 1, name: "name 1" }],
  ["tupleRow", tupleRow, [1, "name 1"]],
  ["scalarRow", scalarRow, 1],
  ["classRow", classRow(User), new User({ id: 1, name: "name 1" })],
  ["argsRow", argsRow((id: number, name: string) => `${name}/${id}`), "name 1/1"],
  ["kwargsRow", kwargsRow(({ id, name }) => [name, id]), ["name 1", 1]],
];

describe.each(shells)("$name shell", ({ connect }) => {
  describe.each(factories)("%s", (_name, rowFactory, first) => {
    test("given to one call", async () => {
      await using conn = await connect();
      expect(await conn.query(TWO, [2], { rowFactory })).toHaveLength(2);
      const [row] = await conn.query(TWO, [2], { rowFactory });
      expect(row).toStrictEqual(first);
      const cur = await conn.execute(TWO, [1], { rowFactory });
      expect(await cur.fetchOne()).toStrictEqual(first);
      // The next call is not concerned.
      expect(await conn.query(TWO, [1])).toStrictEqual([{ id: 1, name: "name 1" }]);
    });

    test("of a connection", async () => {
      await using conn = await connect({ rowFactory });
      expect(conn.rowFactory).toBe(rowFactory);
      expect((await conn.query(TWO, [1]))[0]).toStrictEqual(first);
      expect(await (await conn.execute(TWO, [1])).fetchOne()).toStrictEqual(first);
      const cur = conn.cursor();
      await cur.execute(TWO, [1]);
      for await (const row of cur) expect(row).toStrictEqual(first);
    });

    test("of a cursor", async () => {
      await using conn = await connect();
      const cur = conn.cursor({ rowFactory });
      expect(cur.rowFactory).toBe(rowFactory);
      await cur.execute(TWO, [3]);
      expect((await cur.fetchAll())[0]).toStrictEqual(first);
      expect(await conn.query(TWO, [1])).toStrictEqual([{ id: 1, name: "name 1" }]);
    });

    test("the same for many rows as for one", async () => {
      await using conn = await connect();
      const one = await conn.query(TWO, [1], { rowFactory });
      const many = await conn.query(TWO, [1000], { rowFactory });
      expect([many.length, many[0]]).toStrictEqual([1000, one[0]]);
    });
  });

  test("a connection's can be changed, for cursors made from then on", async () => {
    await using conn = await connect();
    const before = conn.cursor();
    conn.rowFactory = tupleRow as unknown as RowFactory<DictRow>;
    await before.execute("select 1 as n");
    expect(await before.fetchOne()).toEqual({ n: 1 });
    expect(await conn.query("select 1 as n")).toEqual([[1]]);
    expect(await (await conn.execute("select 1 as n")).fetchOne()).toEqual([1]);
  });

  test("a cursor's can be changed, for rows that were received but not fetched", async () => {
    await using conn = await connect();
    const cur = await conn.execute<unknown>(TWO, [4]);
    expect(await cur.fetchOne()).toEqual({ id: 1, name: "name 1" });
    cur.rowFactory = tupleRow;
    expect(await cur.fetchOne()).toEqual([2, "name 2"]);
    cur.rowFactory = scalarRow;
    expect(await cur.fetchAll()).toEqual([3, 4]);
  });

  test("one that was given to a call is not kept by the cursor", async () => {
    await using conn = await connect();
    const cur = conn.cursor<unknown>({ rowFactory: dictRow });
    await cur.execute("select 1 as n", [], { rowFactory: tupleRow });
    expect(cur.rowFactory).toBe(dictRow);
    expect(await cur.fetchOne()).toEqual([1]);
    await cur.execute("select 1 as n");
    expect(await cur.fetchOne()).toEqual({ n: 1 });
    await cur.execute("select 1 as n", [], { rowFactory: tupleRow });
    cur.rowFactory = scalarRow;
    expect(await cur.fetchOne()).toBe(1);
  });

  test("a factory is called with the columns of each result", async () => {
    await using conn = await connect();
    const calls: [string, number][][] = [];
    const rowFactory = (columns: readonly RowColumn[]) => {
      calls.push(columns.map(({ name, typeOid }) => [name, typeOid]));
      return (values: readonly unknown[]) => values.join();
    };
    const cur = await conn.execute("select 1 as a, 'x'::text as b; select true as c", [], {
      rowFactory,
    });
    expect(await cur.fetchAll()).toEqual(["1,x"]);
    cur.nextSet();
    expect(await cur.fetchAll()).toEqual(["true"]);
    expect(calls).toEqual([
      [
        ["a", 23],
        ["b", 25],
      ],
      [["c", 16]],
    ]);
  });

  test("scalarRow needs a column", async () => {
    await using conn = await connect();
    const error = await failureOf(() => conn.query("select", [], { rowFactory: scalarRow }));
    expect([error.name, error.message]).toEqual([
      "ProgrammingError",
      "scalarRow needs at least one column, the result has none",
    ]);
    expect(await conn.query("select 1 as n")).toEqual([{ n: 1 }]);
  });

  test("what a factory throws is thrown by the fetch, and the connection goes on", async () => {
    await using conn = await connect();
    const rowFactory = classRow(
      class Never {
        constructor() {
          throw new Error("never");
        }
      },
    );
    expect((await failureOf(() => conn.query("select 1", [], { rowFactory }))).message).toBe(
      "never",
    );
    const cur = await conn.execute("select 1 as n", [], { rowFactory });
    expect((await failureOf(() => cur.fetchOne())).message).toBe("never");
    expect((await failureOf(() => cur.fetchAll())).message).toBe("never");
    expect(await conn.query("select 1 as n")).toEqual([{ n: 1 }]);
  });

  test("rows are the caller's: changing one changes nothing else", async () => {
    await using conn = await connect();
    for (const rowFactory of [dictRow, tupleRow]) {
      const options = { rowFactory: rowFactory as RowFactory<DictRow> };
      const rows = await conn.query(
        "select 1 as a, 2 as b from generate_series(1, 2)",
        [],
        options,
      );
      for (const key of Object.keys(rows[0] as object)) delete (rows[0] as DictRow)[key];
      const untouched = rowFactory === dictRow ? { a: 1, b: 2 } : [1, 2];
      expect(rows[1]).toEqual(untouched);
      const cur = await conn.execute(
        "select 1 as a, 2 as b from generate_series(1, 2)",
        [],
        options,
      );
      expect(await cur.fetchOne()).toEqual(untouched);
    }
  });
});

const BIG = "9007199254740993";

describe.each(shells)("int8 in the $name shell", ({ connect }) => {
  const texts = [
    "select $1::int8 as n, array[$1::int8, null] as list",
    "select count(*) as n, array_agg(count(*)) over () as list from generate_series(1, $1::int)",
  ];

  test.each<[int8: "bigint" | "number" | "string" | undefined, three: unknown]>([
    [undefined, 3n],
    ["bigint", 3n],
    ["number", 3],
    ["string", "3"],
  ])("%p", async (int8, three) => {
    await using conn = await connect(int8 === undefined ? {} : { int8 });
    for (const binary of [undefined, true, false]) {
      const options = binary === undefined ? {} : { binary };
      for (const [index, text] of texts.entries()) {
        const [row] = await conn.query(text, [3], options);
        expect(row).toEqual({ n: three, list: index === 0 ? [three, null] : [three] });
      }
    }
  });

  test("number raises on a value that a number can't hold", async () => {
    await using conn = await connect({ int8: "number" });
    for (const binary of [true, false]) {
      const error = await failureOf(() => conn.query("select $1::int8 as n", [BIG], { binary }));
      expect([error.name, error.message]).toEqual([
        "DataError",
        `the int8 ${BIG} is too large to be exact as a number; read int8 as bigint or string`,
      ]);
    }
    const safe = Number.MAX_SAFE_INTEGER;
    expect(await conn.query("select $1::int8 as n", [safe])).toEqual([{ n: safe }]);
  });

  test("string and bigint hold every value", async () => {
    await using asString = await connect({ int8: "string" });
    await using asBigint = await connect();
    expect(await asString.query("select $1::int8 as n", [BIG])).toEqual([{ n: BIG }]);
    expect(await asBigint.query("select $1::int8 as n", [BIG])).toEqual([{ n: BigInt(BIG) }]);
  });

  test("an option of one connection is none of another", async () => {
    await using one = await connect({ int8: "number" });
    await using other = await connect();
    expect(await one.query("select 1::int8 as n")).toEqual([{ n: 1 }]);
    expect(await other.query("select 1::int8 as n")).toEqual([{ n: 1n }]);
  });

  test("adapters are inherited downwards, and what is changed stays where it was changed", async () => {
    const adapters = new AdaptersMap();
    await using conn = await connect();
    const cur = conn.cursor();
    cur.adapters.registerLoader(
      23,
      (bytes, start, end) => `<${bytes.toString("utf8", start, end)}>`,
    );
    await cur.execute("select 7 as n");
    expect(await cur.fetchOne()).toEqual({ n: "<7>" });
    expect(await conn.query("select 7 as n")).toEqual([{ n: 7 }]);
    conn.adapters.registerLoader(23, () => "conn's");
    expect(await conn.query("select 7 as n")).toEqual([{ n: "conn's" }]);
    await cur.execute("select 7 as n");
    expect(await cur.fetchOne()).toEqual({ n: "<7>" });
    await using plain = await connect({ adapters });
    expect(await plain.query("select 7 as n")).toEqual([{ n: "7" }]);
  });
});
