// COPY in both directions and formats: what goes in comes out, as data and as rows, and the cursor tells of it.

import { describe, expect, test } from "@jest/globals";
import { Json, ProgrammingError } from "../../src/index.ts";
import { samplesOf } from "../adapt/samples.ts";
import { defaultMajor } from "../support/server.ts";
import { expectUsable, failureOf, shells } from "../support/shells.ts";

const formats: ["text" | "binary"][] = [["text"], ["binary"]];

/** Types whose empty value the server sends in binary and doesn't take. */
const UNTAKEN = new Set(["int2vector", "oidvector", "tsquery"]);

/** Text with everything that the text format escapes, and what looks like its own marks. */
const AWKWARD = [
  "\b\f\n\r\t\v\\",
  "\\N",
  "\\.",
  "",
  " ",
  "tab\tand\\tab",
  "Zoë 🐘",
  "x".repeat(100),
  `${"\\".repeat(70)}\n`,
  "\u0001\u007f\u0080",
];

describe.each(shells)("$name shell", ({ name, connect }) => {
  describe.each(formats)("%s", (format) => {
    test("rows in and out, with the server's types", async () => {
      await using conn = await connect();
      await conn.execute("create temp table t (n int, s text, d timestamptz, j jsonb, a int[])");
      const cur = conn.cursor();
      const rows = [
        [1, "a\tb", new Date(1e12), { x: [1] }, [1, null, 3]],
        [-2, null, null, [1, 2], []],
        [null, "", null, null, null],
      ];
      {
        await using copy = await cur.copy(`copy t from stdin (format ${format})`);
        expect([copy.direction, copy.format, copy.columnCount]).toEqual(["in", format, 5]);
        expect(copy.closed).toBe(false);
        for (const row of rows) await copy.writeRow(row);
        await copy.finish();
        expect(copy.closed).toBe(true);
        // Once more does nothing.
        await copy.finish();
      }
      expect([cur.rowCount, cur.statusMessage, cur.description]).toEqual([3, "COPY 3", null]);

      const found: unknown[] = [];
      {
        await using copy = await cur.copy(`copy t to stdout (format ${format})`);
        expect([copy.direction, copy.format, copy.columnCount]).toEqual(["out", format, 5]);
        for await (const row of copy.rows()) found.push(row);
        expect(await copy.readRow()).toBeUndefined();
        expect(await copy.read()).toBeUndefined();
      }
      expect(found).toEqual(rows);
      expect([cur.rowCount, cur.statusMessage]).toEqual([3, "COPY 3"]);
      await expectUsable(conn);
    });

    test("a function for a block: finished when it returns", async () => {
      await using conn = await connect();
      await conn.execute("create temp table t (n int)");
      const cur = conn.cursor();
      const rows = Array.from({ length: 3 }, (_, n) => [n]);
      await cur.copy(`copy t from stdin (format ${format})`, (copy) => copy.writeRows(rows));
      expect(cur.rowCount).toBe(3);
      const first = await cur.copy(`copy t to stdout (format ${format})`, (copy) => copy.direction);
      expect(first).toBe("out");
      await expectUsable(conn);
    });

    test("raw data out is raw data in", async () => {
      await using conn = await connect();
      await conn.execute("create temp table t (n int, s text)");
      await conn.execute(
        "insert into t select n, repeat('x', n % 50) from generate_series(1, 20000) n",
      );
      const pieces: Buffer[] = [];
      const cur = conn.cursor();
      {
        await using copy = await cur.copy(`copy t to stdout (format ${format})`);
        for await (const piece of copy) pieces.push(piece);
      }
      await conn.execute("create temp table u (like t)");
      {
        await using copy = await cur.copy(`copy u from stdin (format ${format})`);
        const all = Buffer.concat(pieces);
        // Cut anywhere, and in all sizes.
        for (let at = 0, size = 1; at < all.length; at += size, size = (size * 7) % 200_003) {
          await copy.write(all.subarray(at, at + size));
        }
        await copy.finish();
      }
      expect(cur.rowCount).toBe(20_000);
      expect(await conn.query("select count(*) as n from (table t except table u) x")).toEqual([
        { n: 0n },
      ]);
    });

    test("nothing at all", async () => {
      await using conn = await connect();
      await conn.execute("create temp table t (n int)");
      const cur = conn.cursor();
      {
        await using copy = await cur.copy(`copy t from stdin (format ${format})`);
        await copy.finish();
      }
      expect([cur.rowCount, cur.statusMessage]).toEqual([0, "COPY 0"]);
      {
        await using copy = await cur.copy(`copy t to stdout (format ${format})`);
        expect(await copy.readRow()).toBeUndefined();
      }
      expect(cur.rowCount).toBe(0);
      await expectUsable(conn);
    });

    test("a table without columns", async () => {
      await using conn = await connect();
      await conn.execute("create temp table t ()");
      const cur = conn.cursor();
      {
        await using copy = await cur.copy(`copy t from stdin (format ${format})`);
        await copy.writeRow([]);
        await copy.writeRow([]);
        await copy.finish();
      }
      expect(cur.rowCount).toBe(2);
      await using copy = await cur.copy(`copy t to stdout (format ${format})`);
      expect([await copy.readRow(), await copy.readRow(), await copy.readRow()]).toEqual([
        [],
        [],
        undefined,
      ]);
    });

    test("awkward text", async () => {
      await using conn = await connect();
      await conn.execute("create temp table t (n int, s text)");
      const rows = AWKWARD.map((text, n) => [n, text]);
      const cur = conn.cursor();
      {
        await using copy = await cur.copy(`copy t from stdin (format ${format})`);
        for (const row of rows) await copy.writeRow(row);
        await copy.finish();
      }
      expect((await conn.query("select s from t order by n")).map(({ s }) => s)).toEqual(AWKWARD);
      await using copy = await cur.copy(`copy t to stdout (format ${format})`);
      for (const row of rows) expect(await copy.readRow()).toEqual(row);
      expect(await copy.readRow()).toBeUndefined();
    });

    test("rows longer than any buffer", async () => {
      await using conn = await connect();
      await conn.execute("create temp table t (s text, b bytea)");
      const row = ["é".repeat(1_500_000), Buffer.alloc(2_000_000, 7)];
      const cur = conn.cursor();
      {
        await using copy = await cur.copy(`copy t from stdin (format ${format})`);
        for (let round = 0; round < 3; round++) await copy.writeRow(row);
        await copy.finish();
      }
      await using copy = await cur.copy(`copy t to stdout (format ${format})`);
      for (let round = 0; round < 3; round++) {
        const [s, b] = (await copy.readRow()) ?? [];
        expect([s === row[0], Buffer.compare(b, row[1] as Buffer)]).toEqual([true, 0]);
      }
      expect(await copy.readRow()).toBeUndefined();
    });

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
    for (const [format] of formats) {
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
    for (const [format] of formats) {
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

  test("parameters become literals", async () => {
    await using conn = await connect();
    const cur = conn.cursor();
    for (const setting of ["on", "off"]) {
      await conn.execute(`set standard_conforming_strings = ${setting}`);
      const values = ["it's \\ $2 \n", -5, 7n, true, null, new Date(0), Buffer.from([0, 255]), NaN];
      await using copy = await cur.copy(
        `copy (select $1::text, 1 -$2, $3 + 0, $4, $5::text, $6, $7, $8, '$1', "$1" /* $9 */
          from (select 'x' as "$1") q) to stdout`,
        values,
      );
      expect(await copy.readRow()).toEqual([
        "it's \\ $2 \n",
        6,
        7,
        true,
        null,
        new Date(0),
        Buffer.from([0, 255]),
        NaN,
        "$1",
        "x",
      ]);
    }
    const few = await failureOf(() => cur.copy("copy (select $1, $2) to stdout", [1]));
    expect(few.message).toBe("the statement has 2 parameters, but 1 value was given");
    const odd = await failureOf(() => cur.copy("copy (select $1) to stdout", [undefined]));
    expect(odd.message).toContain("undefined");
    await expectUsable(conn);
  });

  test("csv goes through as it is, and has no rows", async () => {
    await using conn = await connect();
    await conn.execute("create temp table t (n int, s text)");
    const cur = conn.cursor();
    {
      await using copy = await cur.copy("copy t from stdin with (format csv, header)");
      await copy.write('n,s\n1,"a,b"\n');
      const error = await failureOf(() => copy.writeRow([1, "x"]));
      expect(error.message).toContain("format csv");
      await copy.write(Buffer.from("2,\n"));
      await copy.finish();
    }
    const pieces: Buffer[] = [];
    {
      await using copy = await cur.copy("copy t to stdout csv header");
      expect((await failureOf(() => copy.readRow())).message).toContain("says csv");
      for await (const piece of copy) pieces.push(piece);
    }
    expect(Buffer.concat(pieces).toString()).toBe('n,s\n1,"a,b"\n2,\n');
    // Outside csv there are headers since PostgreSQL 15.
    const header = conn.info.serverVersion >= 150_000 ? ["header"] : [];
    for (const option of ["delimiter '|'", "null ''", ...header]) {
      await using copy = await cur.copy(`copy t to stdout (${option})`);
      const error = await failureOf(() => copy.readRow());
      expect(error.message).toContain(option.split(" ")[0]);
    }
    await expectUsable(conn);
  });

  test("a cursor can copy again, and execute", async () => {
    await using conn = await connect();
    await conn.execute("create temp table t (n int)");
    const cur = conn.cursor();
    for (let round = 1; round <= 3; round++) {
      await using copy = await cur.copy("copy t from stdin");
      await copy.write(`${round}\n`);
      await copy.finish();
      expect(cur.query).toBe("copy t from stdin");
      await cur.execute("select count(*)::int as n from t");
      expect(await cur.fetchOne()).toEqual({ n: round });
    }
  });

  test("with autocommit off it is part of the transaction", async () => {
    await using conn = await connect({ autocommit: false });
    await conn.execute("create temp table t (n int)");
    await conn.commit();
    const cur = conn.cursor();
    {
      await using copy = await cur.copy("copy t from stdin");
      expect(conn.info.transactionStatus).not.toBe("idle");
      await copy.writeRow([1]);
      await copy.finish();
    }
    await expectUsable(conn, "inTransaction");
    await conn.rollback();
    expect(await conn.query("table t")).toEqual([]);
    await conn.rollback();
  });

  test(`prints itself without data (${name})`, async () => {
    await using conn = await connect();
    const cur = conn.cursor();
    const copy = await cur.copy("copy (select 'secret') to stdout");
    expect(String(copy)).toMatch(/^<(Async)?Copy \[.*\]>$/);
    expect(String(copy)).not.toContain("secret");
    await copy.close();
    await copy.close();
  });
});

test("data and rows in turn: nothing that was given is written over", async () => {
  const { connect } = shells[0]!;
  await using conn = await connect();
  const query = "select n, repeat(chr(97 + n % 26), 100) from generate_series(1, 30000) n";
  await using copy = await conn.cursor().copy(`copy (${query}) to stdout`);
  const pieces: [piece: Buffer, was: string][] = [];
  const numbers: number[] = [];
  for (let more = true; more;) {
    const row = await copy.readRow();
    if (row) numbers.push(row[0]);
    const piece = await copy.read();
    if (piece) pieces.push([piece, piece.toString()]);
    more = row !== undefined || piece !== undefined;
  }
  for (const [piece, was] of pieces) {
    expect(piece.toString() === was).toBe(true);
    for (const line of was.split("\n")) if (line) numbers.push(Number(line.split("\t")[0]));
  }
  expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 30_000 }, (_, n) => n + 1));
});
