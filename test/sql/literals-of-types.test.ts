// Literals of every type: the server reads each as the value that it is sent as, whatever stands beside it, and no
// text gets out of its quotes.

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { type AsyncConnection, tupleRow } from "../../src/index.ts";
import { Float8, FullTransactionId, Int2, Int4, Int8 } from "../../src/index.ts";
import { Interval, Numeric, Oid, TransactionId } from "../../src/index.ts";
import { globalAdapters } from "../../src/adapt/builtins.ts";
import { literalOf } from "../../src/sql/literal.ts";
import { arbitraries, isReadBy } from "../adapt/arbitraries.ts";
import { codecOf } from "../adapt/forms.ts";
import { seed, seeded } from "../support/seed.ts";
import { defaultMajor } from "../support/server.ts";
import { type Shell, shells } from "../support/shells.ts";

// A block of its own, so that its connection is closed before the shells look for sessions that were left.
describe("a literal", () => {
  let conn: AsyncConnection<unknown[]>;

  beforeAll(async () => {
    conn = await (shells[0] as Shell).connect({
      options: "-c timezone=UTC",
      rowFactory: tupleRow,
    });
  });

  afterAll(async () => {
    await conn.close();
  });

  describe.each(["on", "off"])("with standard_conforming_strings %s", (setting) => {
    beforeAll(async () => {
      await conn.query(
        `set standard_conforming_strings = ${setting}; set escape_string_warning = off`,
      );
    });

    test.each(Object.keys(arbitraries))("%s", async (type) => {
      const codec = codecOf(type);
      const sql = type === "char" ? '"char"' : type;
      const drawn = (arbitraries[type] as fc.Arbitrary<unknown>).filter(isReadBy(defaultMajor));
      const values = fc.sample(drawn, { numRuns: 30, seed });
      await seeded(async () => {
        const literals = values.map((value) => literalOf(value, globalAdapters, codec));
        const list = literalOf([...values, null], globalAdapters, codecOf(`${type}[]`));
        const [row] = await conn.query(
          `select array[${literals.join()}, null]::${sql}[], ${list}::${sql}[]`,
          [],
          { binary: true },
        );
        expect(row).toStrictEqual([
          [...values, null],
          [...values, null],
        ]);
      });
    });
  });

  test.each<[value: unknown, type: string, sum: string]>([
    [new Int2(-5), "smallint", "-6"],
    [new Int4(-1), "integer", "-2"],
    [new Int8(-(2n ** 62n)), "bigint", "-4611686018427387905"],
    [new Numeric("-1.50"), "numeric", "-2.50"],
    [new Float8(-0.5), "double precision", "-1.5"],
    [new Oid(7), "oid", "6"],
  ])("%p keeps its type, also after a minus", async (value, type, sum) => {
    const literal = literalOf(value, globalAdapters);
    const one = type === "oid" ? "- 1" : "-1";
    const [row] = await conn.query(
      `select pg_typeof(${literal})::text, (${literal}${type === "oid" ? "::int8" : ""} ${one})::text`,
    );
    expect(row).toEqual([type, sum]);
  });

  test.each<[value: unknown, type: string]>([
    [new TransactionId(4294967295), "xid"],
    [new FullTransactionId(2n ** 64n - 1n), "xid8"],
  ])("%p keeps its type", async (value, type) => {
    const literal = literalOf(value, globalAdapters);
    const [row] = await conn.query(`select pg_typeof(${literal})::text, (${literal})::text`);
    expect(row).toEqual([type, String(value)]);
  });

  test("an interval is one", async () => {
    const literal = literalOf(new Interval(1, -1, -1), globalAdapters);
    expect(await conn.query(`select ${literal}, pg_typeof(${literal})::text`)).toEqual([
      [new Interval(1, -1, -1), "interval"],
    ]);
  });
});
