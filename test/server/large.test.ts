// Large things: values of 20 MB both ways, 100,000 rows, and rows that are cut anywhere by the network.

import { createHash, randomBytes } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { type RowFactory, tupleRow } from "../../src/index.ts";
import { shells } from "../support/shells.ts";

const MEGABYTE = 1024 * 1024;
const ROWS = 100_000;

/** A reader that stops would block its thread: then the statement ends with an error, and not the run. */
const timeout = 20_000;

const md5 = (value: string | Buffer): string => createHash("md5").update(value).digest("hex");

describe.each(shells)("$name shell", ({ connect }) => {
  // By itself the large way, in each format a smaller one: text of bytea is twice as long.
  const sizes: [megabytes: number, binary: boolean | undefined][] = [
    [20, undefined],
    [5, true],
    [5, false],
  ];

  test.each(sizes)("%d MB of text, there and back (binary: %p)", async (megabytes, binary) => {
    await using conn = await connect();
    const word = "zażółć gęślą jaźń 🐘 ";
    const text = word.repeat((megabytes * MEGABYTE) / Buffer.byteLength(word));
    const options = binary === undefined ? { timeout } : { timeout, binary };
    const sql = "select md5($1) as md5, $1 as back, octet_length($1) as length";
    const [row] = await conn.query(sql, [text], options);
    expect(row?.["md5"]).toBe(md5(text));
    expect(row?.["length"]).toBe(Buffer.byteLength(text));
    expect(row?.["back"] === text).toBe(true);
  });

  test.each(sizes)("%d MB of bytea, there and back (binary: %p)", async (megabytes, binary) => {
    await using conn = await connect();
    const bytes = randomBytes(megabytes * MEGABYTE);
    const options = binary === undefined ? { timeout } : { timeout, binary };
    const sql = "select md5($1::bytea) as md5, $1 as back";
    const [row] = await conn.query(sql, [bytes], options);
    expect(row?.["md5"]).toBe(md5(bytes));
    expect(bytes.equals(row?.["back"] as Buffer)).toBe(true);
  });

  test("a statement of 5 MB", async () => {
    await using conn = await connect();
    const word = "x".repeat(5 * 1024 * 1024);
    const [row] = await conn.query(`select '${word}' as word, length('${word}') as length`);
    expect([row?.["word"] === word, row?.["length"]]).toEqual([true, word.length]);
  });

  const columns =
    "n, 'row ' || n as name, n * 0.5::float8 as half, n % 2 = 0 as even, null::int as nothing";
  const text = `select ${columns} from generate_series(1, $1::int) as n`;
  const expected = (n: number): unknown[] => [n, `row ${n}`, n / 2, n % 2 === 0, null];

  test.each([true, false])("100,000 rows, all at once (binary: %p)", async (binary) => {
    await using conn = await connect();
    const rowFactory = tupleRow as RowFactory<unknown[]>;
    const tuples = await conn.query(text, [ROWS], { timeout, binary, rowFactory });
    expect(tuples).toHaveLength(ROWS);
    expect(
      tuples.every((row, index) => row[0] === index + 1 && row[1] === `row ${index + 1}`),
    ).toBe(true);
    for (const n of [1, 2, 399, 400, 401, 65_536, ROWS]) expect(tuples[n - 1]).toEqual(expected(n));
    const objects = await conn.query(text, [ROWS], { timeout, binary });
    expect(objects).toHaveLength(ROWS);
    const [n, name, half, even, nothing] = expected(77_777);
    expect(objects[77_776]).toEqual({ n, name, half, even, nothing });
    expect(objects.every((row, index) => row["n"] === index + 1)).toBe(true);
  });

  test("100,000 rows, one by one, in portions and by iteration", async () => {
    await using conn = await connect({ rowFactory: tupleRow as RowFactory<unknown[]> });
    const cur = await conn.execute(text, [ROWS]);
    let count = 0;
    for (; count < 1000; count++) expect((await cur.fetchOne())?.[0]).toBe(count + 1);
    for (; count < 50_000; count += 7000) {
      const rows = await cur.fetchMany(7000);
      expect([rows.length, rows[0]?.[0]]).toEqual([7000, count + 1]);
    }
    let wrong = 0;
    for await (const row of cur) if (row[0] !== ++count) wrong++;
    expect([count, wrong, cur.rowNumber]).toEqual([ROWS, 0, ROWS]);
  });

  test("results that fill every buffer again and again", async () => {
    await using conn = await connect();
    const sql = "select repeat('x', $1::int) as x from generate_series(1, $2)";
    for (let round = 0; round < 6; round++) {
      const rows = await conn.query(sql, [100_000 + round, 80], { timeout });
      expect(rows.map((row) => (row["x"] as string).length)).toEqual(
        Array(80).fill(100_000 + round),
      );
    }
  });

  test("rows of every length around the sizes of buffers", async () => {
    await using conn = await connect();
    const lengths = [16, 64, 256].flatMap((kilobytes) =>
      Array.from({ length: 41 }, (_, index) => kilobytes * 1024 - 30 + index),
    );
    const rows = await conn.query(
      "select n, repeat('x', n) as x from unnest($1::int[]) with ordinality as u(n, o) order by o",
      [lengths],
    );
    expect(rows.map((row) => [row["n"], (row["x"] as string).length])).toEqual(
      lengths.map((length) => [length, length]),
    );
  });

  test("many columns in many rows", async () => {
    await using conn = await connect({ rowFactory: tupleRow as RowFactory<unknown[]> });
    const many = Array.from({ length: 300 }, (_, index) => `n + ${index}`);
    const rows = await conn.query(
      `select ${many.join()} from generate_series(1, $1::int) n`,
      [1000],
    );
    expect(rows).toHaveLength(1000);
    for (const n of [1, 400, 401, 1000]) {
      expect(rows[n - 1]).toEqual(Array.from({ length: 300 }, (_, index) => n + index));
    }
  });
});
