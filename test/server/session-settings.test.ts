// Settings that a program changes under the driver's feet: what it reads stays right, or it says why not.

import { describe, expect, test } from "@jest/globals";
import { argsRow, kwargsRow, OperationalError, tupleRow } from "../../src/index.ts";
import { AsyncConnection, AsyncCursor, connect, Connection } from "../../src/index.ts";
import { Cursor, InterfaceError } from "../../src/index.ts";
import { failureOf, shells } from "../support/shells.ts";

describe.each(shells)("$name shell", ({ connect }) => {
  test("client_encoding can't be changed: text would be read as something else", async () => {
    const conn = await connect();
    const error = await failureOf(() => conn.execute("set client_encoding to 'LATIN1'"));
    expect(error).toBeInstanceOf(OperationalError);
    expect(error.message).toMatch(/client_encoding was set to LATIN1.*UTF8/);
    expect([conn.closed, conn.broken]).toEqual([true, true]);
    await conn.close();
  });

  test("client_encoding can be set to what it is", async () => {
    await using conn = await connect();
    await conn.execute("set client_encoding to 'UTF8'");
    expect(await conn.query("select chr(233) as e")).toEqual([{ e: "é" }]);
  });

  test.each(["German", "SQL, DMY", "Postgres, MDY", "ISO, YMD"])(
    "DateStyle %s changes no value, from the first execution on",
    async (style) => {
      await using conn = await connect();
      await conn.execute(`set DateStyle to '${style}'`);
      const text =
        "select '2024-02-03 04:05:06+00'::timestamptz as at, '2024-02-03'::date as day, '2024-02-03 04:05'::timestamp as ts";
      const expected = [
        { at: new Date("2024-02-03T04:05:06Z"), day: "2024-02-03", ts: "2024-02-03 04:05:00" },
      ];
      for (let run = 0; run < 8; run++) expect(await conn.query(text)).toEqual(expected);
    },
  );

  test("COPY is refused and leaves the connection usable, also when statements are to be closed", async () => {
    await using conn = await connect({ prepareThreshold: 0, preparedMax: 1 });
    await conn.execute("create temp table c (a int)");
    for (const options of [{ binary: true }, { prepare: true }]) {
      await conn.query("select $1::int as a", [1]);
      await conn.query("select $1::int as b", [1]);
      const error = await failureOf(() => conn.execute("copy c from stdin", [], options));
      expect(error.message).toMatch(/COPY/);
      expect(await conn.query("select 1 as n")).toEqual([{ n: 1 }]);
    }
  });

  test("a statement that fails while it runs is run once", async () => {
    await using conn = await connect();
    await conn.execute("create temp sequence s");
    const text = "select nextval('s'), $1::text::regclass::oid";
    await conn.query(text, ["pg_class"]);
    await failureOf(() => conn.query(text, ["nosuch"]));
    expect(await conn.query("select last_value::int as n from s")).toEqual([{ n: 2 }]);
  });

  test("preparedMax can be lowered to nothing at any time", async () => {
    await using conn = await connect({ prepareThreshold: 0 });
    const names = async (): Promise<unknown> =>
      conn.query("select count(*)::int as n from pg_prepared_statements", [], { prepare: false });
    for (const column of ["a", "b", "a", "b"]) await conn.query(`select $1::int as ${column}`, [1]);
    conn.preparedMax = 0;
    await conn.query("select $1::int as a", [1]);
    await conn.query("select $1::int as c", [1]);
    await conn.execute("begin");
    expect(await conn.query("select $1::int as a", [1])).toEqual([{ a: 1 }]);
    await conn.execute("rollback");
    expect(await names()).toEqual([{ n: 0 }]);
  });

  test("rows that a factory makes nothing of are rows all the same", async () => {
    await using conn = await connect();
    const text = "select n from generate_series(1, 5) n";
    const seen: unknown[] = [];
    const nothing = argsRow(() => undefined);
    for await (const row of await conn.execute(text, [], { rowFactory: nothing })) seen.push(row);
    expect(seen).toEqual([undefined, undefined, undefined, undefined, undefined]);
    const odd = kwargsRow(({ n }) => (n % 2 === 1 ? (n as number) : undefined));
    expect(await conn.query(text, [], { rowFactory: odd })).toEqual([
      1,
      undefined,
      3,
      undefined,
      5,
    ]);
  });

  test("a row factory belongs to the call that it was given to", async () => {
    await using conn = await connect();
    const cursor = conn.cursor();
    const first = cursor.execute("select 1 as x", [], { rowFactory: tupleRow as never });
    const second = cursor.execute("select 2 as x");
    await first;
    await second;
    expect(await cursor.fetchAll()).toEqual([{ x: 2 }]);
  });
});

describe("made the wrong way", () => {
  test.each([AsyncConnection, Connection, AsyncCursor, Cursor])(
    "%p says how it is made, and repeats nothing of what it was given",
    (Kind) => {
      const make = (): unknown => Reflect.construct(Kind, ["postgresql://u:secret@h/d"]);
      expect(make).toThrow(InterfaceError);
      expect(make).toThrow(/\.connect\(\)|conn\.cursor\(\)/);
      expect(make).not.toThrow(/secret/);
    },
  );

  test("an option among libpq's keywords is told its place", async () => {
    const error = await failureOf(() => connect({ connectTimeout: 300 } as object));
    expect(error.message).toMatch(/"connectTimeout".*second argument/);
  });
});
