// The options that choose what types are read as: at connect, inherited by cursors, wrong ones refused.

import { describe, expect, test } from "@jest/globals";
import { Temporal } from "temporal-polyfill";
import { int8AsString, Json, ProgrammingError, type TypeOptions } from "../../src/index.ts";
import { failureOf, shells } from "../support/shells.ts";

const TEXT =
  "select $1::int8 as n, $2::timestamptz as t, $3::jsonb as j, array[$1::int8] as ns, array[$2::timestamptz] as ts";
const AT = Temporal.Instant.from("2024-01-02T03:04:05.678901Z");

describe.each(shells)("$name shell", ({ connect }) => {
  test.each<[what: string, options: TypeOptions, n: unknown, t: unknown]>([
    ["the defaults", {}, 7n, new Date("2024-01-02T03:04:05.678Z")],
    [
      "the defaults by name",
      { int8: "bigint", timestamptz: "date" },
      7n,
      new Date("2024-01-02T03:04:05.678Z"),
    ],
    [
      "numbers and strings",
      { int8: "number", timestamptz: "string" },
      7,
      "2024-01-02 03:04:05.678901+00",
    ],
    [
      "strings and Temporal",
      { int8: "string", timestamptz: "temporal", temporal: Temporal },
      "7",
      AT,
    ],
  ])("%s", async (_what, options, n, t) => {
    await using conn = await connect(options);
    for (const how of [{}, { binary: true }, { binary: false }, { prepare: true }]) {
      const [row] = await conn.query(TEXT, [7n, AT, {}], how);
      expect(String((row as { t: unknown }).t)).toBe(String(t));
      expect(row).toEqual({ n, t, j: {}, ns: [n], ts: [t] });
    }
  });

  test("int8 as number raises where it would not be exact, and the connection goes on", async () => {
    await using conn = await connect({ int8: "number" });
    const error = await failureOf(() =>
      conn.query("select 2::int8 ^ 53 - 1 + 2::int8 as n, 9007199254740993 as m"),
    );
    expect(error.message).toMatch(/9007199254740993 is too large to be exact as a number/);
    expect(await conn.query("select 1::int8 as n")).toEqual([{ n: 1 }]);
  });

  test("json with functions of the program's own, wrappers with theirs", async () => {
    const parse = (text: string): unknown =>
      JSON.parse(text, (_key, value: unknown) =>
        typeof value === "string" ? `<${value}>` : value,
      );
    const stringify = (value: unknown): string =>
      JSON.stringify(value, (_key, inner: unknown) =>
        typeof inner === "bigint" ? Number(inner) : inner,
      );
    await using conn = await connect({ json: { parse, stringify } });
    const given = [
      { a: 1n },
      { b: "x" },
      new Json({ c: 2n }),
      new Json(1, { stringify: () => '"own"' }),
    ];
    for (let round = 0; round < 3; round++) {
      expect(
        await conn.query(
          "select $1::json as a, $2::jsonb as b, $3::jsonb as c, $4::json as d",
          given,
        ),
      ).toEqual([{ a: { a: 1 }, b: { b: "<x>" }, c: { c: 2 }, d: "<own>" }]);
    }
    const [row] = await conn.query("select array[$1::jsonb] as list", [{ a: "y" }]);
    expect(row).toEqual({ list: [{ a: "<y>" }] });
  });

  test("cursors inherit what their connection has, and can have their own", async () => {
    await using conn = await connect({ int8: "number" });
    const cursor = conn.cursor();
    cursor.adapters.register(int8AsString);
    await cursor.execute("select $1::int8 as n", [5]);
    expect(await cursor.fetchAll()).toEqual([{ n: "5" }]);
    expect(await conn.query("select $1::int8 as n", [5])).toEqual([{ n: 5 }]);
  });

  test.each<[options: object, message: string]>([
    [{ int8: "float" }, 'int8 can be read as "bigint", "number" or "string", not as "float"'],
    [{ int8: "toString" }, 'int8 can be read as "bigint", "number" or "string", not as "toString"'],
    [
      { timestamptz: Date },
      'timestamptz can be read as "date", "string" or "temporal", not as function',
    ],
    [{ json: JSON.parse }, "json takes { parse, stringify }"],
    [{ json: { parse: 1 } }, "json takes { parse, stringify }"],
    [{ json: null }, "json takes { parse, stringify }"],
  ])("%p is refused", async (options, message) => {
    const error = await failureOf(() => connect(options));
    expect(error).toBeInstanceOf(ProgrammingError);
    expect(error.message).toContain(message);
  });
});
