// Where the server can't tell a parameter's type, a wrapper says it; where it can, nothing changes.

import { describe, expect, test } from "@jest/globals";
import {
  BoundedArray,
  Float8,
  FullTransactionId,
  Int4,
  Int8,
  Numeric,
  Oid,
  TransactionId,
  tupleRow,
} from "../../src/index.ts";
import { failureOf, shells } from "../support/shells.ts";

const TYPES = "select pg_typeof($1)::text, pg_typeof($2)::text, $1, $2";

describe.each(shells)("$name shell", ({ connect }) => {
  test("a type that is said is the parameter's, with or without preparing", async () => {
    await using conn = await connect({ rowFactory: tupleRow });
    for (const prepare of [undefined, false, true, undefined, undefined]) {
      const how = prepare === undefined ? {} : { prepare };
      expect(await conn.query(TYPES, [new Int8(5), new Numeric("1.0")], how)).toEqual([
        ["bigint", "numeric", 5n, "1.0"],
      ]);
      // The same text with other types is another statement.
      expect(await conn.query(TYPES, [new Oid(5), new Float8(1)], how)).toEqual([
        ["oid", "double precision", 5, 1],
      ]);
      expect(
        await conn.query("select jsonb_build_array($1, $2)", [new Int4(1), new Int8(2)], how),
      ).toEqual([[[1, 2]]]);
    }
  });

  test("without one, the server decides or says that it can't", async () => {
    await using conn = await connect({ rowFactory: tupleRow });
    expect(await conn.query("select $1", [5])).toEqual([["5"]]);
    const error = await failureOf(() => conn.query("select jsonb_build_array($1)", [5]));
    expect(error.sqlstate).toBe("42P18");
    expect(
      await conn.query("select $1::text, $2::numeric[]", [new Int4(5), [new Int4(5)]]),
    ).toEqual([["5", ["5"]]]);
  });

  test("a transaction's number is said by SQL or by its wrapper", async () => {
    await using conn = await connect({ rowFactory: tupleRow });
    for (const options of [{}, { binary: true }, { binary: false }]) {
      const text = "select pg_typeof($1::xid)::text, pg_typeof($2::xid8)::text, $1::xid, $2::xid8";
      const [row] = await conn.query(text, [4_294_967_295, 2n ** 40n], options);
      expect(row).toEqual(["xid", "xid8", 4_294_967_295, 2n ** 40n]);
      const values = [new TransactionId(4_294_967_295), new FullTransactionId(2n ** 40n)];
      expect(await conn.query(TYPES, values, options)).toEqual([row]);
    }
    const error = await failureOf(() => conn.query("select $1::xid", [2 ** 32]));
    expect(error.message).toMatch(/^parameter \$1 \(xid\)/);
  });

  test("in pipelines, streams, cursors on the server and executions of many items", async () => {
    await using conn = await connect({ rowFactory: tupleRow });
    {
      await using pipeline = await conn.pipeline();
      const cursor = await conn.execute("select pg_typeof($1)::text", [new Int8(1)]);
      await pipeline.sync();
      expect(await cursor.fetchAll()).toEqual([["bigint"]]);
    }
    const streamed: unknown[] = [];
    for await (const row of conn.cursor().stream("select pg_typeof($1)::text", [new Int4(1)]))
      streamed.push(row);
    expect(streamed).toEqual([["integer"]]);
    await conn.execute("begin");
    const cursor = conn.cursor("c");
    await cursor.execute("select pg_typeof($1)::text", [new Int4(1)]);
    expect(await cursor.fetchAll()).toEqual([["integer"]]);
    await cursor.close();
    await conn.execute("commit");
    await conn.execute("create temp table t (v jsonb)");
    await conn
      .cursor()
      .executeMany("insert into t values (jsonb_build_array($1))", [[new Int4(1)], [new Int4(2)]]);
    expect(await conn.query("select v from t order by v")).toEqual([[[1]], [[2]]]);
  });

  test("lower bounds are kept on request, and sent", async () => {
    await using conn = await connect({ rowFactory: tupleRow });
    for (const oid of [23, 25, 3802]) {
      conn.adapters.register({ ...conn.adapters.codec(oid), keepsBounds: true });
    }
    const text = `select '[5:6]={7,8}'::int[], '{{1,2}}'::int[], '[0:0][-1:0]={{a,b}}'::text[], '{}'::int[],
      '[3:3]={"[1, 2]"}'::jsonb[]`;
    const expected = [
      new BoundedArray([7, 8], [5]),
      new BoundedArray([[1, 2]], [1, 1]),
      new BoundedArray([["a", "b"]], [0, -1]),
      new BoundedArray([], []),
      new BoundedArray([[1, 2]], [3]),
    ];
    for (const binary of [true, false]) {
      const [row] = await conn.query(text, [], { binary });
      expect(row).toStrictEqual(expected);
    }
    const echo =
      "select $1::int[]::text, $2::int[]::text, $3::text[]::text, $4::int[]::text, $5::jsonb[]::text";
    expect(await conn.query(echo, expected)).toEqual([
      ["[5:6]={7,8}", "{{1,2}}", "[0:0][-1:0]={{a,b}}", "{}", '[3:3]={"[1, 2]"}'],
    ]);
    // As text, where an element has no binary form that is known here.
    expect(await conn.query("select $1::int[]::text", [new BoundedArray(["7", "8"], [5])])).toEqual(
      [["[5:6]={7,8}"]],
    );
  });

  test.each<[parameter: unknown, message: string]>([
    [
      [1, 2 ** 31],
      "parameter $1 (int4[]): element [1]: 2147483648 is out of range for int4 (-2147483648 to 2147483647)",
    ],
    [
      [[1], [1.5]],
      "parameter $1 (int4[]): element [1][0]: 1.5 is not an integer, int4 takes whole numbers",
    ],
    [
      [1, true],
      "parameter $1 (int4[]): element [1]: int4 takes a number, a bigint or a string, not a boolean",
    ],
    [
      [1, {}],
      "parameter $1 (int4[]): element [1]: int4 takes a number, a bigint or a string, not an object",
    ],
    [
      [[1, 2], [3]],
      "parameter $1 (int4[]): int4[] takes nested arrays of equal length; [1] has 1 elements instead of 2",
    ],
    [[1, [2]], "parameter $1 (int4[]): int4[] takes nested arrays of equal depth; [1] is an array"],
    [[1, undefined], "parameter $1 (int4[]): int4[] got undefined at [1]; use null for NULL"],
    [5, "parameter $1 (int4[]): int4[] takes an array or a string of its text form, not a number"],
    [
      new BoundedArray([1], [1, 2]),
      "parameter $1 (int4[]): int4[] got 2 lower bounds for 1 dimensions",
    ],
    [
      new BoundedArray([1, 2], [2147483647]),
      "parameter $1 (int4[]): int4[] takes elements with numbers up to 2147483647",
    ],
  ])(
    "%p is refused before it is sent, with parameter, type and limit",
    async (parameter, message) => {
      await using conn = await connect();
      for (let round = 0; round < 2; round++) {
        const error = await failureOf(() => conn.query("select $1::int[]", [parameter]));
        expect(error.message).toContain(message);
        expect(await conn.query("select $1::int[] as a", [[1]])).toEqual([{ a: [1] }]);
      }
    },
  );
});
