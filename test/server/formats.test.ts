// Text or binary is a matter of speed: whatever is asked for, the values are the same, in both shells, for
// one row and for many, for every built-in type, with a codec or without one.

import { describe, expect, test } from "@jest/globals";
import { globalAdapters } from "../../src/adapt/builtins.ts";
import { BUILTIN_TYPES } from "../../src/adapt/oids.ts";
import { type AsyncConnection, type RowFactory, tupleRow } from "../../src/index.ts";
import { samplesOf } from "../adapt/samples.ts";
import { defaultMajor } from "../support/server.ts";
import { shells } from "../support/shells.ts";

/** Values of types that are read from text alone, or have no codec: they are as the server prints them. */
const TEXTS: Readonly<Record<string, readonly string[]>> = {
  money: ["$12.50", "-$92,233,720,368,547,758.08"],
  regclass: ["pg_class"],
  regcollation: ['"C"'],
  regconfig: ["english"],
  regdictionary: ["simple"],
  regnamespace: ["pg_catalog"],
  regoper: ["||/"],
  regoperator: ["*(integer,integer)"],
  regproc: ["now"],
  regprocedure: ["sin(double precision)"],
  regrole: ["pg_monitor"],
  regtype: ["integer", "timestamp with time zone"],
  "regtype[]": ["{integer,NULL}"],
  "money[]": ['{"$1,000.00",NULL}'],
  refcursor: ["portal"],
};

/** What can't be made of text, or not without objects of a database, or says less in text than in binary. */
const UNTRIED = new Set(
  "aclitem cstring gtsvector pg_brin_bloom_summary pg_brin_minmax_multi_summary pg_dependencies".split(
    " ",
  ),
);
for (const type of "pg_mcv_list pg_ndistinct pg_node_tree record unknown void".split(" "))
  UNTRIED.add(type);

/** Every sample as a column: its type in SQL, its text, and its value. */
const columns = [
  ...Object.entries(samplesOf(defaultMajor)).flatMap(([type, list]) =>
    list.map(([text, , value]) => [type === "char" ? '"char"' : type, text, value] as const),
  ),
  ...Object.entries(TEXTS).flatMap(([type, list]) =>
    list.map((text) => [type, text, arrayOf(type, text)] as const),
  ),
];

function arrayOf(type: string, text: string): unknown {
  if (!type.endsWith("[]")) return text;
  return type === "money[]" ? ["$1,000.00", null] : ["integer", null];
}

const formats: [what: string, options: { binary?: boolean }][] = [
  ["by itself", {}],
  ["binary", { binary: true }],
  ["text", { binary: false }],
];

test("no built-in type that has values is left out", () => {
  const tried = new Set(columns.map(([type]) => type.replaceAll('"', "").replace("[]", "")));
  const untried = [...BUILTIN_TYPES.keys()].filter((name) => !tried.has(name));
  for (const name of untried) {
    const [oid] = BUILTIN_TYPES.get(name) as readonly [number, number];
    // What has a codec must have been tried, if a column can have the type.
    expect([name, !UNTRIED.has(name) && globalAdapters.knows(oid)]).toEqual([name, false]);
  }
});

describe.each(shells)("$name shell", ({ connect }) => {
  const fields = columns.map(([type], index) => `($1::text[])[${index + 1}]::${type} as c${index}`);
  const texts = columns.map(([, text]) => text);
  const values = columns.map(([, , value]) => value);

  const select = async (
    conn: AsyncConnection,
    rows: number,
    options: { binary?: boolean; prepare?: boolean },
  ): Promise<unknown[]> =>
    await conn.query(`select ${fields.join()} from generate_series(1, $2)`, [texts, rows], {
      rowFactory: tupleRow as RowFactory<unknown>,
      ...options,
    });

  test.each(formats)("%s: every value of every type", async (_what, options) => {
    await using conn = await connect({ options: "-c timezone=UTC" });
    const [row] = await select(conn, 1, options);
    for (const [index, [type, text]] of columns.entries()) {
      expect([type, text, (row as unknown[])[index]]).toStrictEqual([type, text, values[index]]);
    }
    expect(await select(conn, 1, { ...options, prepare: true })).toStrictEqual([row]);
  });

  test.each(formats)("%s: the same in many rows", async (_what, options) => {
    await using conn = await connect({ options: "-c timezone=UTC" });
    const rows = await select(conn, 401, options);
    expect(rows).toHaveLength(401);
    for (const index of [0, 399, 400]) expect(rows[index]).toStrictEqual(values);
  });

  test.each(formats)("%s: without parameters, the first time and later", async (_what, options) => {
    await using conn = await connect({ options: "-c timezone=UTC" });
    const quoted = columns.map(([type, text]) => `'${text.replaceAll("'", "''")}'::text::${type}`);
    for (let round = 0; round < 3; round++) {
      const [row] = await conn.query(`select ${quoted.join()}`, [], {
        rowFactory: tupleRow as RowFactory<unknown>,
        ...options,
      });
      expect(row).toStrictEqual(values);
    }
  });

  test.each(formats)("%s: every value can be sent", async (_what, options) => {
    await using conn = await connect({ options: "-c timezone=UTC" });
    const places = columns.map(([type], index) => `$${index + 1}::${type} as c${index}`);
    // A string for json is the document itself, and null is SQL's NULL.
    const sent = columns.map(([type, text, value]) =>
      type.startsWith("json") && (value === null || typeof value === "string") ? text : value,
    );
    const given = { rowFactory: tupleRow as RowFactory<unknown>, ...options };
    for (let round = 0; round < 3; round++) {
      const [row] = await conn.query(`select ${places.join()}`, sent, given);
      expect(row).toStrictEqual(values);
    }
  });

  test.each(formats)("%s: NULL in every type", async (_what, options) => {
    await using conn = await connect();
    const nulls = columns.map(([type], index) => `null::${type} as c${index}`);
    const rowFactory = tupleRow as RowFactory<unknown>;
    for (const count of [1, 401]) {
      const text = `select ${nulls.join()} from generate_series(1, $1)`;
      const rows = await conn.query(text, [count], { rowFactory, ...options });
      expect(rows.at(-1)).toStrictEqual(columns.map(() => null));
    }
  });

  test.each(formats)("%s: a type that was given a loader of its text", async (_what, options) => {
    await using conn = await connect();
    const load = (bytes: Buffer, start: number, end: number): string =>
      `<${bytes.toString("utf8", start, end)}>`;
    conn.adapters.registerLoader(2206, load);
    for (let round = 0; round < 3; round++) {
      const rows = await conn.query("select 'int4'::regtype as t, $1::int as n", [7], options);
      expect(rows).toEqual([{ t: "<integer>", n: 7 }]);
    }
  });

  test.each(formats)(
    "%s: a built-in type that was given another loader",
    async (_what, options) => {
      await using conn = await connect();
      conn.adapters.registerLoader(23, (bytes, start, end) => bytes.toString("utf8", start, end));
      conn.adapters.registerLoader(21, (bytes, start) => bytes.readInt16BE(start) * 10, 1);
      const rows = await conn.query("select $1::int4 as a, $1::int4::int2 as b", [7], options);
      expect(rows).toEqual([{ a: "7", b: options.binary === false ? 7 : 70 }]);
    },
  );
});
