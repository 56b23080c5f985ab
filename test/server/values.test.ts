// Values to a real server and back: what the samples say is what the server says, in both formats, and
// what we send is what the server understands.

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { BUILTIN_TYPES } from "../../src/adapt/oids.ts";
import { globalAdapters } from "../../src/adapt/builtins.ts";
import { type AsyncConnection } from "../../src/index.ts";
import { samplesOf } from "../adapt/samples.ts";
import { defaultMajor } from "../support/server.ts";
import { type Shell, shells } from "../support/shells.ts";

const samples = samplesOf(defaultMajor);

type Row = Record<string, unknown>;

// A block of its own, so that its connection is closed before the shells look for sessions that were left.
describe("values", () => {
  let conn: AsyncConnection;

  beforeAll(async () => {
    conn = await (shells[0] as Shell).connect();
    await conn.query("set timezone to 'UTC'");
  });

  afterAll(async () => {
    await conn.close();
  });

  /** As SQL spells it: "char" is another type than char. */
  const inSql = (type: string): string => (type === "char" ? '"char"' : type);

  async function valueOf(
    text: string,
    parameters: readonly unknown[],
    binary?: boolean,
  ): Promise<unknown> {
    const options = binary === undefined ? {} : { binary };
    const [row] = (await conn.query(text, parameters, options)) as Row[];
    return row?.v;
  }

  /** A value as it is sent: a string for json would be the document itself. */
  const isJsonString = (type: string, value: unknown): boolean =>
    type.startsWith("json") && typeof value === "string";

  describe.each(Object.keys(samples))("%s", (type) => {
    const list = samples[type] ?? [];

    test.each([undefined, false, true])(
      "is read as the samples say (binary: %p)",
      async (binary) => {
        for (const [text, , value] of list) {
          const read = await valueOf(`select $1::text::${inSql(type)} as v`, [text], binary);
          expect([text, read]).toStrictEqual([text, value]);
        }
      },
    );

    test("is understood as it was meant", async () => {
      for (const [text, , value] of list) {
        const sent = value === null || isJsonString(type, value) ? text : value;
        const read = await valueOf(`select $1::${inSql(type)} as v`, [sent]);
        expect([text, read]).toStrictEqual([text, value]);
        const same = await valueOf(
          `select $1::${inSql(type)}::text is not distinct from $2::text::${inSql(type)}::text as v`,
          [sent, text],
        );
        // JSON is spelled in more than one way, bounds are dropped, JSON's null in arrays becomes SQL's.
        if (!type.startsWith("json") && !text.startsWith("[2:3]"))
          expect([text, same]).toEqual([text, true]);
      }
    });

    test("goes to the server as text when given as string", async () => {
      for (const [text, , value] of list) {
        const read = await valueOf(`select $1::${inSql(type)} as v`, [text]);
        expect([text, read]).toStrictEqual([text, value]);
      }
    });
  });

  async function roundTrip(type: string, values: readonly unknown[]): Promise<void> {
    for (const binary of [true, false]) {
      expect(await valueOf(`select $1::${type}[] as v`, [values], binary)).toStrictEqual(values);
    }
  }

  const microseconds = fc.bigInt({ min: -(2n ** 62n) / 25n, max: 2n ** 62n });

  describe("any values", () => {
    const arbitraries: [type: string, values: fc.Arbitrary<unknown>][] = [
      ["int4", fc.integer()],
      ["int8", fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
      ["float8", fc.double()],
      [
        "text",
        fc.string({ unit: "grapheme", maxLength: 20 }).map((text) => text.replaceAll("\0", "")),
      ],
      ["bytea", fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes))],
      ["uuid", fc.uuid()],
      ["numeric", fc.bigInt().map(String)],
      ["timestamptz", fc.date({ min: new Date(Date.UTC(-4713, 10, 24)), noInvalidDate: true })],
      [
        "jsonb",
        fc
          .dictionary(fc.constantFrom("a", "b", "__proto__"), fc.integer())
          .map((value) => JSON.parse(JSON.stringify(value)) as unknown),
      ],
    ];

    test.each(arbitraries)("%s", async (type, values) => {
      for (const seed of [1, 2, 3])
        await roundTrip(type, fc.sample(values, { numRuns: 300, seed }));
    });

    test("a Date means the same to the server, before Christ and after the year 10000", async () => {
      const values = fc.sample(
        fc.date({ min: new Date(Date.UTC(-4713, 10, 24)), noInvalidDate: true }),
        { numRuns: 300, seed: 4 },
      );
      const rows = (await conn.query(
        "select (extract(epoch from t) * 1000)::int8 as ms from unnest($1::timestamptz[]) as t",
        [values],
      )) as Row[];
      expect(rows.map(({ ms }) => ms)).toEqual(values.map((value) => BigInt(value.getTime())));
    });

    test("timestamps to the microsecond", async () => {
      const micros = fc.sample(microseconds, { numRuns: 300, seed: 5 });
      const sql = (binary: boolean): Promise<unknown> =>
        valueOf(
          `select array_agg(timestamp '2000-01-01' + (m / 86400000000) * interval '1 day' +
          (m % 86400000000) * interval '1 microsecond' order by o) as v
          from unnest($1::int8[]) with ordinality as u(m, o)`,
          [micros],
          binary,
        );
      const [inBinary, inText] = [await sql(true), await sql(false)];
      expect(inBinary).toStrictEqual(inText);
      expect(inBinary).toHaveLength(300);
      expect(await valueOf("select $1::timestamp[] as v", [inText])).toStrictEqual(inText);
    });

    test("float4: what the server prints for the same bits", async () => {
      const float4 = globalAdapters.codec(700);
      const bits = fc.sample(fc.integer({ min: 0, max: 0xff7fffff }), { numRuns: 3000, seed: 6 });
      const powers = Array.from({ length: 255 }, (_, exponent) => exponent << 23);
      const fields = [...bits, ...powers].map((value) => {
        const field = Buffer.alloc(4);
        field.writeUInt32BE(value);
        return field;
      });
      const exact = fields
        .map((field) => field.readFloatBE(0))
        .filter((value) => Number.isFinite(value));
      const printed = (await valueOf(
        "select array_agg(f::float4::text order by o) as v from unnest($1::float8[]) with ordinality as u(f, o)",
        [exact],
      )) as string[];
      const read = fields
        .filter((field) => Number.isFinite(field.readFloatBE(0)))
        .map((field) => float4.loadBinary(field, 0, 4));
      expect(read).toStrictEqual(printed.map(Number));
    });
  });

  describe("settings of the session", () => {
    const instant = new Date("2024-07-02T03:04:05.678Z");

    test.each(["Asia/Kolkata", "America/St_Johns", "Pacific/Apia", "Europe/Amsterdam"])(
      "time zone %s makes no difference to an instant",
      async (zone) => {
        await conn.query("select set_config('timezone', $1, false)", [zone]);
        try {
          for (const binary of [true, false]) {
            expect(await valueOf("select $1::timestamptz as v", [instant], binary)).toEqual(
              instant,
            );
            // Offsets had seconds once.
            const old = new Date("1850-01-01T00:00:00Z");
            expect(await valueOf("select $1::timestamptz as v", [old], binary)).toEqual(old);
          }
          expect(await valueOf("select $1::timestamp as v", [instant])).toBe(
            "2024-07-02 03:04:05.678",
          );
          expect(await valueOf("select $1::date as v", [instant])).toBe("2024-07-02");
        } finally {
          await conn.query("set timezone to 'UTC'");
        }
      },
    );

    test.each(["SQL, DMY", "German", "Postgres, MDY"])(
      "DateStyle %s changes no value",
      async (style) => {
        await conn.query("select set_config('datestyle', $1, false)", [style]);
        try {
          expect(await valueOf("select $1::timestamptz as v", [instant])).toEqual(instant);
          expect(await valueOf("select $1::date as v", ["2024-07-02"])).toBe("2024-07-02");
          expect(await valueOf("select $1::timestamp as v", ["2024-07-02 03:04:05.5"])).toBe(
            "2024-07-02 03:04:05.5",
          );
          expect(await valueOf("select array[$1::date] as v", [instant])).toEqual(["2024-07-02"]);
        } finally {
          await conn.query("set datestyle to 'ISO, MDY'");
        }
      },
    );

    test("bytea_output changes no value", async () => {
      await conn.query("set bytea_output to 'escape'");
      try {
        const value = Buffer.from("\\\0'\xff abc", "latin1");
        for (const binary of [true, false]) {
          expect(await valueOf("select $1::bytea as v", [value], binary)).toEqual(value);
        }
      } finally {
        await conn.query("reset bytea_output");
      }
    });
  });

  describe("parameters are what the statement takes", () => {
    test.each<[what: string, sql: string, parameter: unknown, value: unknown]>([
      ["an array for an array", "select $1::int4[] as v", [1, null, 3], [1, null, 3]],
      ["an array for jsonb", "select $1::jsonb as v", [1, null, 3], [1, null, 3]],
      ["an object for json", "select $1::json->'a' as v", { a: [1] }, [1]],
      ["arrays in jsonb[]", "select $1::jsonb[] as v", [[1], [2, 3]], [[1], [2, 3]]],
      ["a number for text", "select $1::text as v", 42, "42"],
      ["a number for numeric", "select $1::numeric as v", 1e21, "1000000000000000000000"],
      ["a bigint for float8", "select $1::float8 as v", 3n, 3],
      ["a typed array", "select $1::float4[] as v", Float32Array.of(0.5, 2), [0.5, 2]],
      ["a word for an array", "select $1::int4[] as v", "{1,2}", [1, 2]],
      [
        "a date of a Date with time",
        "select $1::date as v",
        new Date("2024-01-01T23:59:00Z"),
        "2024-01-01",
      ],
      ["a list for any()", "select 2 = any($1::int8[]) as v", [1n, 2n], true],
      [
        "a word for a range",
        "select $1::tstzrange @> $2::timestamptz as v",
        "[2024-01-01,2025-01-01)",
        true,
      ],
    ])("%s", async (_what, sql, parameter, value) => {
      const parameters = sql.includes("$2") ? [parameter, new Date("2024-06-01")] : [parameter];
      expect(await valueOf(sql, parameters)).toStrictEqual(value);
    });

    test.each<[type: string, value: unknown, text: string]>([
      ["money", 12, "$12.00"],
      ["regclass", 1259, "pg_class"],
      ["regclass", 0, "-"],
    ])("%s is text", async (type, value, text) => {
      expect(await valueOf(`select $1::${type}::text as v`, [value])).toBe(text);
      expect(await valueOf(`select $1::${type} as v`, [value])).toBe(text);
    });
  });

  test("the table of built-in types is the server's", async () => {
    const rows = (await conn.query(
      `select typname::text as name, oid::int8::text as oid, typarray::int8::text as array_oid
       from pg_type where typnamespace = 'pg_catalog'::regnamespace`,
    )) as { name: string; oid: string; array_oid: string }[];
    const known = new Map(
      rows.map(({ name, oid, array_oid }) => [name, [Number(oid), Number(array_oid)]]),
    );
    for (const [name, oids] of BUILTIN_TYPES)
      expect([name, known.get(name)]).toEqual([name, [...oids]]);
  });
});
