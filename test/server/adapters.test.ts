// Adapters on their three levels, in both shells: for the program, for a connection, for a cursor.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { globalAdapters } from "../../src/adapt/builtins.ts";
import {
  AdaptersMap,
  type AsyncConnection,
  type AsyncCursor,
  DataError,
  DomainInfo,
  EnumInfo,
  ProgrammingError,
  Range,
} from "../../src/index.ts";
import { failureOf, type Shell, shells } from "../support/shells.ts";

class Money {
  readonly cents: bigint;

  constructor(cents: bigint) {
    this.cents = cents;
  }
}
const dumpMoney = ({ cents }: Money): string => `${cents / 100n}.${cents % 100n}`;

class Price {
  readonly amount: number;

  constructor(amount: number) {
    this.amount = amount;
  }
}

const loadAs =
  (word: string) =>
  (bytes: Buffer, start: number, end: number): string =>
    `${word} ${bytes.toString("latin1", start, end)}`;

describe.each(shells)("in the $name shell", ({ connect }: Shell) => {
  let conn: AsyncConnection;
  const before = new AdaptersMap(globalAdapters);

  beforeAll(async () => {
    conn = await connect();
  });

  afterEach(async () => {
    globalAdapters.assume(before);
    await conn.close();
    conn = await connect();
  });

  afterAll(async () => {
    await conn.close();
  });

  const numberOf = async (from: { query: AsyncConnection["query"] }): Promise<unknown> =>
    (await from.query("select 5::int4 as v where $1::bool", [true]))[0]?.v;

  test("a change for the program is for connections that are made later", async () => {
    globalAdapters.registerLoader("int4", loadAs("global"));
    expect(await numberOf(conn)).toBe(5);
    const later = await connect();
    expect(await numberOf(later)).toBe("global 5");
    await later.close();
  });

  test("adapters given to connect() are inherited instead of the program's", async () => {
    const own = new AdaptersMap(globalAdapters);
    own.registerLoader("int4", loadAs("given"));
    const other = await connect({ adapters: own });
    expect(await numberOf(other)).toBe("given 5");
    other.adapters.registerLoader("int4", loadAs("changed"));
    expect(own.codec(23).loadText(Buffer.from("5"), 0, 1)).toBe("given 5");
    await other.close();
  });

  test("a change for a connection is for it and for cursors that are made later", async () => {
    const early = conn.cursor();
    conn.adapters.registerLoader("int4", loadAs("conn"));
    const late = conn.cursor();
    conn.adapters.registerLoader("int4", loadAs("later"));
    const seen: unknown[] = [await numberOf(conn)];
    for (const cursor of [early, late, conn.cursor()]) {
      await cursor.execute("select 5::int4 as v where $1::bool", [true]);
      seen.push((await cursor.fetchOne())?.v);
    }
    expect(seen).toEqual(["later 5", 5, "conn 5", "later 5"]);
    const other = await connect();
    expect(await numberOf(other)).toBe(5);
    await other.close();
  });

  test("a change for a cursor is for nobody else", async () => {
    const one = conn.cursor();
    const other = conn.cursor();
    one.adapters.registerLoader("int4", loadAs("cursor"));
    one.adapters.registerDumper(Money, dumpMoney);
    for (const cursor of [one, other])
      await cursor.execute("select 5::int4 as v", [], { prepare: true });
    expect([await one.fetchOne(), await other.fetchOne()]).toEqual([{ v: "cursor 5" }, { v: 5 }]);
    expect(await numberOf(conn)).toBe(5);
    const text = "select $1::numeric as v";
    await one.execute(text, [new Money(1234n)]);
    expect(await one.fetchOne()).toEqual({ v: "12.34" });
    const error = await failureOf(() => other.execute(text, [new Money(1n)]));
    expect(error.message).toContain("adapters.registerDumper");
  });

  test("rows that were received are read by what is registered when they are fetched", async () => {
    const cursor = conn.cursor();
    await cursor.execute("select n::int4 as v from generate_series(1, 2) n");
    expect(await cursor.fetchOne()).toEqual({ v: 1 });
    cursor.adapters.registerLoader("int4", loadAs("now"));
    expect(await cursor.fetchOne()).toEqual({ v: "now 2" });
  });

  test.each(["numeric", "text", "int4", "timestamptz", "point", "int4[]", "uuid", "bytea"])(
    "an instance of a class that nobody registered names the remedy (%s)",
    async (type) => {
      const parameter = type.endsWith("[]") ? [new Money(1n)] : new Money(1n);
      const error = await failureOf(() => conn.query(`select $1::${type} as v`, [parameter]));
      expect(error).toBeInstanceOf(ProgrammingError);
      expect(error.message).toMatch(/parameter \$1 .*a Money.*adapters\.registerDumper/);
    },
  );

  test("a class is registered once for parameters, arrays and COPY", async () => {
    conn.adapters.registerDumper(Money, dumpMoney);
    expect(
      await conn.query("select $1::numeric as a, $2::numeric[] as b, $3::text as c", [
        new Money(150n),
        [new Money(299n), null],
        new Money(2525n),
      ]),
    ).toEqual([{ a: "1.50", b: ["2.99", null], c: "25.25" }]);
    await conn.execute("create temp table prices (price numeric)");
    for (const format of ["text", "binary"]) {
      await conn
        .cursor()
        .copy(`copy prices from stdin (format ${format})`, (copy) =>
          copy.writeRow([new Money(333n)]),
        );
    }
    expect(await conn.query("select price::text from prices")).toEqual([
      { price: "3.33" },
      { price: "3.33" },
    ]);
  });

  test("a dumper is applied once, also to what goes into a domain", async () => {
    conn.adapters.registerDumper(Date, (date) => new Date(date.getTime() + 1000));
    await conn.execute("create domain pg_temp.moment as timestamptz");
    await conn.execute("create domain pg_temp.moments as timestamptz[]");
    for (const name of ["pg_temp.moment", "pg_temp.moments"])
      (await DomainInfo.fetch(conn, name)).register(conn);
    const given = new Date(0);
    const later = new Date(1000);
    expect(
      await conn.query(
        "select $1::pg_temp.moment as one, $2::pg_temp.moment[] as list, $3::pg_temp.moments as over",
        [given, [given], [given]],
      ),
    ).toEqual([{ one: later, list: [later], over: [later] }]);
  });

  test("a dumper is told the type of the element, not that of the array around it", async () => {
    const types: string[] = [];
    conn.adapters.registerDumper(Money, (money, { name }) => {
      types.push(name);
      return dumpMoney(money);
    });
    const price = new Money(150n);
    const range = new Range(price, null);
    await conn.query("select $1::numeric, $2::numeric[], $3::numrange, $4::numrange[]", [
      price,
      [[price]],
      range,
      [range],
    ]);
    expect(types).toEqual(["numeric", "numeric", "numeric", "numeric"]);
  });

  test("what is inside of JSON is for JSON.stringify, in arrays of JSON as well", async () => {
    conn.adapters.registerDumper(Price, ({ amount }) => `"dumped ${amount}"`);
    const price = new Price(5);
    expect(
      await conn.query("select $1::jsonb as a, $2::jsonb[] as b", [[price], [[price]]]),
    ).toEqual([{ a: [{ amount: 5 }], b: [[{ amount: 5 }]] }]);
  });

  test("a class that extends Array has its dumper", async () => {
    class Vector extends Array<number> {}
    const vector = Vector.from([1, 2.5]);
    conn.adapters.registerDumper(Object, () => "an object");
    expect(await conn.query("select $1::float8[] as v", [vector])).toEqual([{ v: [1, 2.5] }]);
    conn.adapters.registerDumper(Vector, (numbers) => `[${numbers.join()}]`);
    expect(
      await conn.query("select $1::text as v, $2::text[] as list, $3::float8[] as plain", [
        vector,
        [vector],
        [1, 2.5],
      ]),
    ).toEqual([{ v: "[1,2.5]", list: ["[1,2.5]"], plain: [1, 2.5] }]);
  });

  test("an array that contains itself is refused whatever is registered", async () => {
    conn.adapters.registerDumper(Money, dumpMoney);
    const endless: unknown[] = [];
    endless.push(endless);
    const error = await failureOf(() => conn.query("select $1::int[]", [endless]));
    expect(error).toBeInstanceOf(DataError);
    expect(error.message).toMatch(/^parameter \$1 \(int4\[\]\): .*at most 6 levels/);
  });

  test("the description names types as the adapters at hand do", async () => {
    await conn.execute("create type pg_temp.mood as enum ('ok')");
    const text = "select 'ok'::pg_temp.mood as mood where $1::bool";
    const shown = async (cursor: AsyncCursor): Promise<string | undefined> => {
      await cursor.execute(text, [true], { prepare: true });
      return cursor.description?.[0]?.typeDisplay;
    };
    const info = await EnumInfo.fetch(conn, "pg_temp.mood");
    const cursor = conn.cursor();
    expect(await shown(cursor)).toBe(String(info.oid));
    info.register(cursor);
    expect(cursor.description?.[0]?.typeDisplay).toMatch(/mood$/);
    expect(await shown(cursor)).toMatch(/mood$/);
    expect(await shown(conn.cursor())).toBe(String(info.oid));
    info.register(conn);
    expect(await shown(conn.cursor())).toMatch(/mood$/);
  });
});
