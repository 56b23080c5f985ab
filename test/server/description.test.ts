// What a cursor tells of its columns, against what the server's format_type() says of them.

import { describe, expect, test } from "@jest/globals";
import { shells } from "../support/shells.ts";

type Described = [
  type: string,
  display: string,
  internalSize: number | null,
  displaySize?: number | null,
  precision?: number | null,
  scale?: number | null,
];

// What the columns of these types say, in the order of Described.
const TYPES: readonly Described[] = [
  ["int4", "int4", 4],
  ["int8", "int8", 8],
  ["bool", "bool", 1],
  ["text", "text", null],
  ["uuid", "uuid", 16],
  ["jsonb", "jsonb", null],
  ["varchar(10)", "varchar(10)", null, 10],
  ["varchar", "varchar", null],
  ["char(3)", "bpchar(3)", null, 3],
  ["varchar(10)[]", "varchar(10)[]", null, 10],
  ["numeric", "numeric", null],
  ["numeric(8,2)", "numeric(8,2)", null, null, 8, 2],
  ["numeric(5)", "numeric(5,0)", null, null, 5, 0],
  ["numeric(1000,500)", "numeric(1000,500)", null, null, 1000, 500],
  ["numeric(8,2)[]", "numeric(8,2)[]", null, null, 8, 2],
  ["timestamptz", "timestamptz", 8],
  ["timestamptz(3)", "timestamptz(3)", 8, null, 3],
  ["timestamp(0)", "timestamp(0)", 8, null, 0],
  ["time(2)", "time(2)", 8, null, 2],
  ["timetz(6)", "timetz(6)", 12, null, 6],
  ["timestamp(3)[]", "timestamp(3)[]", null, null, 3],
  ["int4[]", "int4[]", null],
];

describe.each(shells)("$name shell", ({ connect }) => {
  test.each([{}, { binary: true }, { prepare: true }])("of types %p", async (options) => {
    await using conn = await connect();
    const columns = TYPES.map(([type], index) => `null::${type} as c${index}`);
    const cur = await conn.execute(`select ${columns.join()}`, [], options);
    const oids = await conn.query(
      "select t::regtype::oid as oid from unnest($1::text[]) with ordinality u(t, n) order by n",
      [TYPES.map(([type]) => type.replace(/\([\d,]+\)/, ""))],
    );
    const description = cur.description ?? [];
    expect(description).toHaveLength(TYPES.length);
    for (const [index, expected] of TYPES.entries()) {
      const column = description[index];
      const [type, display, internal, size = null, precision = null, scale = null] = expected;
      expect({
        type,
        name: column?.name,
        typeCode: column?.typeCode,
        typeDisplay: column?.typeDisplay,
        internalSize: column?.internalSize,
        displaySize: column?.displaySize,
        precision: column?.precision,
        scale: column?.scale,
      }).toEqual({
        type,
        name: `c${index}`,
        typeCode: oids[index]?.["oid"],
        typeDisplay: display,
        internalSize: internal,
        displaySize: size,
        precision,
        scale,
      });
    }
  });

  test("a negative scale, which PostgreSQL 15 and newer have", async () => {
    await using conn = await connect();
    if (conn.info.serverVersion < 150_000) return;
    const { description } = await conn.execute("select 12345::numeric(3,-2) as n");
    expect(description?.[0]?.typeDisplay).toBe("numeric(3,-2)");
    expect([description?.[0]?.precision, description?.[0]?.scale]).toEqual([3, -2]);
  });

  test("bit types, whose names are not registered, by their oid", async () => {
    await using conn = await connect();
    const { description } = await conn.execute("select B'101'::bit(3) as b");
    expect([description?.[0]?.typeCode, description?.[0]?.internalSize]).toEqual([1560, null]);
  });

  test("where a column comes from", async () => {
    await using conn = await connect();
    await conn.execute("create temp table t (a int, b text)");
    const [{ oid }] = (await conn.query("select 't'::regclass::oid as oid")) as [{ oid: number }];
    const { description } = await conn.execute("select b, a, a + 1 as c from t");
    expect(description?.map(({ tableOid, tableColumn }) => [tableOid, tableColumn])).toEqual([
      [oid, 2],
      [oid, 1],
      [0, 0],
    ]);
  });

  test("in which format the values came", async () => {
    await using conn = await connect();
    // By itself what pays: int4 in binary, numeric in text.
    const cur = await conn.execute("select $1::int4 as n, 1.5 as d", [1]);
    expect(cur.description?.map(({ format }) => format)).toEqual(["binary", "text"]);
    await cur.execute("select 1 as n", [], { binary: true });
    expect(cur.description?.[0]?.format).toBe("binary");
    await cur.execute("select 1 as n", [], { binary: false });
    expect(cur.description?.[0]?.format).toBe("text");
  });

  test("stays after the rows were fetched, and after the connection was closed", async () => {
    const conn = await connect();
    const cur = await conn.execute("select 1 as n");
    await cur.fetchAll();
    await conn.close();
    expect(cur.description?.map(({ name }) => name)).toEqual(["n"]);
  });

  test("is null without columns to describe", async () => {
    await using conn = await connect();
    expect(conn.cursor().description).toBeNull();
    expect((await conn.execute("begin")).description).toBeNull();
  });

  test("can't be changed by who reads it", async () => {
    await using conn = await connect();
    const { description } = await conn.execute("select 1 as n");
    expect(Object.isFrozen(description)).toBe(true);
  });
});
