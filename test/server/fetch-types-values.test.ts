// Values of the types of a database, which were made known when connecting: read and written as what they are, by
// each way that there is to run a query.

import { describe, expect, test } from "@jest/globals";
import { type AsyncConnection, Multirange, Range } from "../../src/index.ts";
import { fetchTypesStage, knowingTypes } from "./fetch-types-stage.ts";

const { shells } = fetchTypesStage();

/** Values as SQL and as JavaScript. */
const VALUES: readonly [sql: string, type: string, value: unknown][] = [
  [`'{sad,""}'::mood[]`, "mood[]", ["sad", ""]],
  [`'b'::"Far Away"."Mood ""x"""`, `"Far Away"."Mood ""x"""`, "b"],
  ["(1, null)::app.point2", "app.point2", { x: 1, y: null }],
  ["array[(1, 2), null]::app.point2[]", "app.point2[]", [{ x: 1, y: 2 }, null]],
  [
    `('Ada', 'sad', 3, (1, 2), '2024-01-02Z', '{a,null}', '{1,2}')::app.person`,
    "app.person",
    {
      name: "Ada",
      feels: "sad",
      age: 3,
      at: { x: 1, y: 2 },
      seen: new Date("2024-01-02T00:00:00Z"),
      tags: ["a", null],
      grid: [1, 2],
    },
  ],
  [
    `(array[('Ada', null, null, null, null, null, null)]::app.person[], '{sad}', 'A')::family`,
    "family",
    {
      people: [
        { name: "Ada", feels: null, age: null, at: null, seen: null, tags: null, grid: null },
      ],
      moods: ["sad"],
      far: "A",
    },
  ],
  [
    `array[('x', null, null, null, null, null, null)]::parent[]`,
    "parent[]",
    [{ name: "x", feels: null, age: null, at: null, seen: null, tags: null, grid: null }],
  ],
  ["'{1,2}'::positive[]", "positive[]", [1, 2]],
  ["'[1.5,2)'::floats", "floats", new Range(1.5, 2)],
  ["'{[1.5,2)}'::manyfloats", "manyfloats", new Multirange([new Range(1.5, 2)])],
  [
    `'[sad,"it''s \\"fine\\""]'::"Far Away".moods`,
    `"Far Away".moods`,
    new Range("sad", `it's "fine"`, "[]"),
  ],
  [
    `('p', 1)::"__proto__"`,
    `"__proto__"`,
    Object.fromEntries([
      ["__proto__", "p"],
      ["constructor", 1],
    ]),
  ],
  ["row()::nothing", "nothing", {}],
  ["(1, 'one', (1, 2))::items", "items", { id: 1, label: "one", size: { x: 1, y: 2 } }],
  ["'a=>1,b=>NULL'::hstore", "hstore", { a: "1", b: null }],
  [`array['a=>1'::hstore]`, "hstore[]", [{ a: "1" }]],
  ["'{Aa,Bb}'::citext[]", "citext[]", ["Aa", "Bb"]],
  ["array['a']::information_schema.sql_identifier[]", "information_schema.sql_identifier[]", ["a"]],
];

async function allOf<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

/** What a query for one value gives, by each way that there is to run it. */
async function readings(conn: AsyncConnection, sql: string): Promise<Map<string, unknown>> {
  const text = `select ${sql} as v`;
  const found = new Map<string, unknown>();
  for (const binary of [undefined, true, false]) {
    const options = binary === undefined ? {} : { binary };
    found.set(`binary ${binary}`, (await conn.query(text, [], options))[0]?.v);
    for (const again of [1, 2, 3]) {
      const [row] = await conn.query(text, [], { ...options, prepare: true });
      found.set(`prepared ${binary} ${again}`, row?.v);
    }
    const rows = await allOf(conn.cursor().stream(text, [], options));
    found.set(`stream ${binary}`, rows[0]?.v);
  }
  {
    await using _ = await conn.pipeline();
    const cursor = await conn.execute(text);
    found.set("pipeline", (await cursor.fetchOne())?.v);
  }
  const tx = await conn.transaction();
  for (const binary of [true, false]) {
    const cur = await conn.cursor("c").execute(text, [], { binary });
    found.set(`server cursor ${binary}`, (await cur.fetchOne())?.v);
    await cur.close();
  }
  await tx.commit();
  for (const format of ["text", "binary"]) {
    const [type] = await conn.query(`select pg_typeof(${sql})::oid as oid`);
    const copied: unknown[] = [];
    {
      await using copy = await conn.cursor().copy(`copy (${text}) to stdout (format ${format})`);
      copy.setTypes([type?.oid as number]);
      for await (const row of copy.rows()) copied.push(row);
    }
    found.set(`copy ${format}`, (copied[0] as unknown[])[0]);
  }
  return found;
}

describe.each(shells)("in the $name shell", (each) => {
  const connectTo = knowingTypes(each);

  describe("when connecting", () => {
    test.each(VALUES)("%s is read as its type however it is run", async (sql, _type, value) => {
      await using conn = await connectTo();
      for (const [how, read] of await readings(conn, sql)) {
        // Compared with an array around it, as jest takes a property named constructor for a constructor.
        expect([how, JSON.stringify([read]), read]).toEqual([how, JSON.stringify([value]), value]);
      }
    });

    test.each(VALUES)("%s is written as its type", async (sql, type, value) => {
      await using conn = await connectTo();
      const text = `select ${sql}::text as sql, $1::${type}::text as js, $1::${type} as v`;
      for (const binary of [undefined, true, false]) {
        const options = binary === undefined ? {} : { binary };
        const [row] = await conn.query(text, [value], options);
        expect(row?.js).toBe(row?.sql);
        expect(JSON.stringify(row?.v)).toBe(JSON.stringify(value));
      }
      await conn.execute(`create temp table copied (v ${type})`);
      // The server reads a name by different rules in binary, so it is written as text only.
      const formats = type.includes("sql_identifier") ? ["text", "text"] : ["text", "binary"];
      for (const format of formats) {
        await conn
          .cursor()
          .copy(`copy copied from stdin (format ${format})`, (copy) => copy.writeRows([[value]]));
      }
      await conn.cursor().executeMany("insert into copied values ($1)", [[value], [value]]);
      const stored = await conn.query(`select v::text as js, ${sql}::text as sql from copied`);
      expect(stored).toHaveLength(4);
      for (const row of stored) expect(row.js).toBe(row.sql);
    });
  });
});
