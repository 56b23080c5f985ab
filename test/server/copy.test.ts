// COPY in both directions and formats: what goes in comes out, as data and as rows, and the cursor tells of it.

import { describe, expect, test } from "@jest/globals";
import { expectUsable, failureOf, shells } from "../support/shells.ts";

const formats = ["text", "binary"] as const;

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

describe.each(shells)("$name shell", ({ connect }) => {
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
