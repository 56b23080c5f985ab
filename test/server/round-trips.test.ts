// Any value of every type goes to the server and comes back, in text and binary, alone, in arrays and through
// COPY, and the server reads our text as the same value that it reads in our binary form.

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { type AsyncConnection, connect, tupleRow } from "../../src/index.ts";
import { arbitraries, isReadBy } from "../adapt/arbitraries.ts";
import { codecOf, loadText } from "../adapt/forms.ts";
import { defaultServer } from "../support/default-server.ts";
import { seed, seeded } from "../support/seed.ts";
import { defaultMajor } from "../support/server.ts";

const COUNT = 60;

let conn: AsyncConnection<unknown[]>;

beforeAll(async () => {
  conn = await connect(defaultServer().conninfo(), {
    options: "-c timezone=UTC",
    rowFactory: tupleRow,
  });
});

afterAll(async () => {
  await conn.close();
});

/** Types that can't be sent in binary, and so can't be copied in it. */
const TEXT_ONLY = new Set(["regtype", "regclass", "regrole"]);
const types = Object.keys(arbitraries);

/** Arrays with NULLs, of one dimension and of two. */
function arraysOf(type: string, values: readonly unknown[]): unknown[] {
  const half = values.length / 2;
  // Lists within a list are values of a vector, and of nothing else.
  if (type === "int2vector" || type === "oidvector") return [[], [null], [...values, null]];
  return [[], [null], [...values, null], [values.slice(0, half), values.slice(half)]];
}

describe.each(types)("%s", (type) => {
  const codec = codecOf(type);
  const sql = type === "char" ? '"char"' : type;
  const drawn = arbitraries[type] as fc.Arbitrary<unknown>;
  const values = fc.sample(drawn.filter(isReadBy(defaultMajor)), { numRuns: COUNT, seed });

  test("comes back in both formats, alone and in arrays", async () => {
    await seeded(async () => {
      for (const binary of [true, false]) {
        for (const array of arraysOf(type, values)) {
          const [row] = await conn.query(`select $1::${sql}[]`, [array], { binary });
          expect(row).toStrictEqual([array]);
        }
        const places = values.map((_, index) => `$${index + 1}::${sql}`);
        const [row] = await conn.query(`select ${places.join()}`, values, { binary });
        expect(row).toStrictEqual(values);
      }
    });
  });

  test("is the same to the server in text and in binary, and to us in its text", async () => {
    await seeded(async () => {
      const texts = values.map((value) => codec.dumpText(value));
      // Not ::text, which is a function of its own for some types.
      const rows = await conn.query(
        `select format('%s', given), format('%s', spelled::${sql})
           from unnest($1::${sql}[], $2::text[]) with ordinality as u(given, spelled, place) order by place`,
        [values, texts],
      );
      for (const [index, [given, spelled]] of rows.entries()) {
        expect(spelled).toBe(given);
        expect(loadText(codec, given as string)).toStrictEqual(values[index]);
      }
      expect(rows).toHaveLength(COUNT);
    });
  });

  test.each(["text", "binary"])("goes through COPY in %s", async (format) => {
    if (format === "binary" && TEXT_ONLY.has(type)) return;
    await seeded(async () => {
      await conn.execute(
        `drop table if exists trips; create temp table trips (v ${sql}, a ${sql}[], n serial)`,
      );
      const rows = [...values, null].map((value) => [value, value === null ? null : [value, null]]);
      const cursor = conn.cursor();
      await cursor.copy(`copy trips (v, a) from stdin (format ${format})`, async (copy) => {
        for (const row of rows) await copy.writeRow(row);
      });
      const found: unknown[] = [];
      await cursor.copy(
        `copy (select v, a from trips order by n) to stdout (format ${format})`,
        async (copy) => {
          for await (const row of copy.rows()) found.push(row);
        },
      );
      expect(found).toStrictEqual(rows);
      // What came in by COPY is what comes in by parameters.
      const [same] = await conn.query(
        `select array_agg(format('%s', v)) = array_agg(format('%s', a[1])) from trips`,
      );
      expect(same).toEqual([true]);
    });
  });
});
