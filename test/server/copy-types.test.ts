// The types of what is copied: every one that is registered, those of columns and of queries, those that the program
// names, and what becomes of values whose types nobody knows.

import { describe, expect, test } from "@jest/globals";
import { Json, ProgrammingError } from "../../src/index.ts";
import { samplesOf } from "../adapt/samples.ts";
import { defaultMajor } from "../support/server.ts";
import { failureOf, shells } from "../support/shells.ts";

const formats = ["text", "binary"] as const;

/** Types whose empty value the server sends in binary and doesn't take. */
const UNTAKEN = new Set(["int2vector", "oidvector", "tsquery"]);

describe.each(shells)("$name shell", ({ connect }) => {
  describe.each(formats)("%s", (format) => {
    test("every registered type", async () => {
      await using conn = await connect();
      const known = samplesOf(defaultMajor);
      const names = Object.keys(known).filter((type) => type !== "unknown" && type !== "char");
      const cur = conn.cursor();
      for (const type of names) {
        const values = (known[type] ?? [])
          .filter(([text]) => !(format === "binary" && text === "" && UNTAKEN.has(type)))
          .map(([, , value]) => value);
        // A string is the text of a json value; as the value itself it has to be said.
        const inArray = (value: unknown): unknown => (type.endsWith("[]") ? value : [value, null]);
        const given = /^jsonb?$/.test(type) ? values.map((value) => new Json(value)) : values;
        await conn.execute(
          `drop table if exists t; create temp table t (v ${type}, a ${type.replace("[]", "")}[])`,
        );
        {
          await using copy = await cur.copy(`copy t from stdin (format ${format})`);
          for (const value of given) await copy.writeRow([value, inArray(value)]);
          await copy.finish();
        }
        const found: unknown[] = [];
        await using copy = await cur.copy(`copy t to stdout (format ${format})`);
        for await (const row of copy.rows()) found.push(row);
        expect([type, found]).toEqual([type, values.map((value) => [value, inArray(value)])]);
      }
    });
  });

  test("columns that are listed, quoted, generated, or of a domain", async () => {
    await using conn = await connect();
    await conn.execute(`
      create temp table "T x" (id int, "A ""b" jsonb, twice int generated always as (id * 2) stored, n bigint);
      create domain pg_temp.small as int check (value < 100);
      create domain pg_temp.smaller as pg_temp.small;
      create temp table d (v pg_temp.smaller, dropped text, w text[]);
      alter table d drop column dropped`);
    const cur = conn.cursor();
    for (const format of formats) {
      const copied: [text: string, row: unknown[]][] = [
        [`copy "T x" from stdin (format ${format})`, [1, [1], 5n]],
        [`copy pg_temp."T x" ("A ""b", ID) from stdin with (format '${format}')`, [[2, 3], 4]],
        [`COPY d FROM STDIN (FORMAT ${format})`, [7, ["x"]]],
      ];
      for (const [text, row] of copied) {
        await using copy = await cur.copy(text);
        await copy.writeRow(row);
        await copy.finish();
      }
    }
    expect(await conn.query(`select * from "T x" limit 2`)).toEqual([
      { id: 1, 'A "b': [1], twice: 2, n: 5n },
      { id: 4, 'A "b': [2, 3], twice: 8, n: null },
    ]);
    expect(await conn.query("table d")).toEqual([
      { v: 7, w: ["x"] },
      { v: 7, w: ["x"] },
    ]);
  });

  test("a query's rows have its types", async () => {
    await using conn = await connect();
    const cur = conn.cursor();
    for (const format of formats) {
      await using copy = await cur.copy(
        `copy (select 1 as a, 2::bigint, '{"x": 1}'::jsonb, 'it''s (not) $1') to stdout (format ${format})`,
      );
      expect(await copy.readRow()).toEqual([1, 2n, { x: 1 }, "it's (not) $1"]);
    }
  });

  test("types that the program names", async () => {
    await using conn = await connect();
    await conn.execute("create temp table t (n int8, s text)");
    const cur = conn.cursor();
    {
      await using copy = await cur.copy("copy t from stdin (format binary)", [], {
        types: ["bigint", 25],
      });
      await copy.writeRow([5n, "five"]);
      await copy.finish();
    }
    await using copy = await cur.copy("copy t to stdout (format binary)");
    copy.setTypes(["bytea", "varchar(10)"]);
    const eight = Buffer.from([0, 0, 0, 0, 0, 0, 0, 5]);
    expect(await copy.readRow()).toEqual([eight, "five"]);
    expect((await failureOf(() => copy.setTypes(["int8", "text"]))).message).toContain(
      "before the first row",
    );
  });

  test("types that nobody knows", async () => {
    await using conn = await connect();
    await conn.execute("create temp table t (n int, s text)");
    const cur = conn.cursor();
    // A comment between the words, and names with escapes, are the server's to understand.
    const unknown = `U&"t" uescape '!'`;
    {
      await using copy = await cur.copy(`copy ${unknown} from stdin`);
      await copy.writeRow([1, "x"]);
      await copy.writeRow(["2", true]);
      await copy.finish();
    }
    expect(await conn.query("table t")).toEqual([
      { n: 1, s: "x" },
      { n: 2, s: "true" },
    ]);
    {
      await using copy = await cur.copy(`copy ${unknown} from stdin (format binary)`);
      const error = await failureOf(() => copy.writeRow([1, "x"]));
      expect(error).toBeInstanceOf(ProgrammingError);
      expect(error.message).toContain("setTypes()");
      copy.setTypes(["integer", "text"]);
      await copy.writeRow([3, "y"]);
      await copy.finish();
    }
    const text = await cur.copy(`copy ${unknown} to stdout`);
    expect(await text.readRow()).toEqual(["1", "x"]);
    await text.close();
    await using binary = await cur.copy(`copy ${unknown} to stdout (format binary)`);
    expect(await binary.readRow()).toEqual([Buffer.from([0, 0, 0, 1]), Buffer.from("x")]);
  });
});
