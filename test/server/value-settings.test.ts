// Settings of sessions and databases, and the time zone of the process, change no value: not those of the server's
// text, not its language, not a database without an encoding.

import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type AsyncConnection, connect, errors, tupleRow } from "../../src/index.ts";
import { samplesOf } from "../adapt/samples.ts";
import { defaultServer } from "../support/default-server.ts";
import { defaultMajor } from "../support/server.ts";
import { failureOf, shells } from "../support/shells.ts";

/** Every sample as a column; types that are read as text come in their own settings' text below. */
const columns = Object.entries(samplesOf(defaultMajor)).flatMap(([type, list]) =>
  list.map(([text, , value]) => [type === "char" ? '"char"' : type, text, value] as const),
);
const fields = columns.map(([type], index) => `($1::text[])[${index + 1}]::${type} as c${index}`);
const texts = columns.map(([, text]) => text);

async function readAll(conn: AsyncConnection<unknown[]>): Promise<unknown[]> {
  const [row] = await conn.query(`select ${fields.join()}`, [texts]);
  return row ?? [];
}

describe.each(shells)("$name shell", ({ connect: open }) => {
  test.each([
    ["the defaults", "timezone=UTC"],
    ["the time zone", "timezone=Asia/Kathmandu"],
    ["IntervalStyle", "intervalstyle=postgres_verbose"],
    ["IntervalStyle", "intervalstyle=sql_standard"],
    ["IntervalStyle", "intervalstyle=iso_8601"],
    ["bytea_output", "bytea_output=escape"],
    ["extra_float_digits", "extra_float_digits=3"],
    ["xmlbinary", "xmlbinary=hex"],
    ["standard_conforming_strings", "standard_conforming_strings=off"],
    ["array_nulls", "array_nulls=on"],
  ])("%s: %s", async (_what, setting) => {
    await using conn = await open({ rowFactory: tupleRow, options: `-c ${setting}` });
    const row = await readAll(conn);
    for (const [index, [type, text, value]] of columns.entries()) {
      expect([type, text, row[index]]).toStrictEqual([type, text, value]);
    }
  });

  test.each(["postgres", "postgres_verbose", "sql_standard", "iso_8601"])(
    "an interval as text in the style %s, and a string for one",
    async (style) => {
      await using conn = await open({ rowFactory: tupleRow, options: `-c intervalstyle=${style}` });
      const list = samplesOf(defaultMajor)["interval"] ?? [];
      for (const [text, , value] of list) {
        const typed = style === "sql_standard" ? String(value) : text;
        for (const binary of [true, false]) {
          expect(await conn.query("select $1::interval", [value], { binary })).toStrictEqual([
            [value],
          ]);
          expect(await conn.query("select $1::interval", [typed], { binary })).toStrictEqual([
            [value],
          ]);
        }
      }
    },
  );

  test("fewer digits of floats are what was asked for, where they are read as text", async () => {
    await using conn = await open({ rowFactory: tupleRow, options: "-c extra_float_digits=0" });
    const text = "select $1::float8, $1::float8::text::float8, point($1, 0), $2::float4";
    expect(await conn.query(text, [0.1 + 0.2, 0.3])).toEqual([
      [0.1 + 0.2, 0.3, "(0.30000000000000004,0)", 0.3],
    ]);
    expect(await conn.query("select $1::float4", [16777217], { binary: true })).toEqual([
      [16777216],
    ]);
    expect(await conn.query("select $1::float4", [16777217], { binary: false })).toEqual([
      [16777200],
    ]);
  });

  test("an instant as text in another DateStyle is refused, not guessed", async () => {
    await using conn = await open({ options: "-c datestyle=German" });
    const error = await failureOf(() =>
      conn.query("select $1::timestamptz as t", [new Date(0)], { binary: false }),
    );
    expect(error.message).toMatch(/set DateStyle to ISO/);
    expect(await conn.query("select $1::timestamptz as t", [new Date(0)])).toEqual([
      { t: new Date(0) },
    ]);
  });
});

describe("a database without an encoding", () => {
  const name = "values_sql_ascii";
  beforeAll(async () => {
    await using conn = await connect(defaultServer().conninfo());
    await conn.execute(
      `create database ${name} template template0 encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'`,
    );
  });
  afterAll(async () => {
    await using conn = await connect(defaultServer().conninfo());
    await conn.execute(`drop database ${name} with (force)`);
  });

  test("text in UTF-8 comes back, other bytes are an error, and bytea for who wants them", async () => {
    await using conn = await connect(defaultServer().conninfo({ dbname: name }), {
      rowFactory: tupleRow,
    });
    expect(await conn.query("select $1::text, $2::jsonb", ["żółw 🐘", { ż: "ó" }])).toEqual([
      ["żółw 🐘", { ż: "ó" }],
    ]);
    const foreign = "convert_from('\\xe9'::bytea, 'SQL_ASCII')";
    for (const options of [{}, { binary: true }, { binary: false }, { prepare: true }]) {
      const error = await failureOf(() => conn.query(`select ${foreign} as t`, [], options));
      expect(error).toBeInstanceOf(errors.CharacterNotInRepertoire);
    }
    expect(await conn.query(`select convert_to(${foreign}, 'SQL_ASCII')`)).toEqual([
      [Buffer.from([0xe9])],
    ]);
  });
});

describe("the time zone of the process", () => {
  const program = resolve(__dirname, "programs/values-in-zone.ts");
  const loader = resolve(__dirname, "../../scripts/load-typescript.js");

  /** What the program prints in a time zone: every sample read, and every sample sent, as text. */
  async function printedIn(zone: string): Promise<{ zone: string; values: unknown }> {
    const conninfo = JSON.stringify(defaultServer().conninfo());
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--require", loader, program, conninfo],
      {
        env: { ...process.env, TZ: zone },
        maxBuffer: 1 << 24,
      },
    );
    return JSON.parse(stdout) as { zone: string; values: unknown };
  }

  test("changes nothing but what a Date prints", async () => {
    const utc = await printedIn("UTC");
    for (const zone of ["Asia/Tokyo", "America/New_York"]) {
      const there = await printedIn(zone);
      expect(there.values).toEqual(utc.values);
      expect(there.zone).not.toBe(utc.zone);
    }
    expect((utc.values as unknown[]).length).toBeGreaterThan(200);
  });
});
