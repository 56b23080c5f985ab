// Columns of the same name: the last one stays where rows are built by names, or it is an error on request,
// inherited from the connection by the cursor and from the cursor by the call.

import { describe, expect, test } from "@jest/globals";
import {
  argsRow,
  type AsyncConnection,
  classRow,
  ConnectionPool,
  dictRow,
  kwargsRow,
  ProgrammingError,
  type RowFactory,
  scalarRow,
  tupleRow,
} from "../../src/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { expectUsable, failureOf, shells } from "../support/shells.ts";

const twice = "select 1 as id, 2 as other, $1::int as id";
const once = "select 1 as id, $1::int as other";

class Thing {
  readonly id: number;

  constructor({ id }: { id: number }) {
    this.id = id;
  }
}

const byName: readonly [string, RowFactory<unknown>, unknown][] = [
  ["dictRow", dictRow, { id: 3, other: 2 }],
  ["classRow", classRow(Thing), new Thing({ id: 3 })],
  ["kwargsRow", kwargsRow((row) => row.id as number), 3],
  [
    "an own one",
    (columns) => (values) => columns.map(({ name }, at) => [name, values[at]]),
    [
      ["id", 1],
      ["other", 2],
      ["id", 3],
    ],
  ],
];
const byPlace: readonly [string, RowFactory<unknown>, unknown][] = [
  ["tupleRow", tupleRow, [1, 2, 3]],
  ["scalarRow", scalarRow, 1],
  ["argsRow", argsRow((...values: number[]) => values.length), 3],
];

describe.each(shells)("$name shell", ({ connect }) => {
  const refused = async (run: () => unknown): Promise<void> => {
    const error = await failureOf(run);
    expect(error).toBeInstanceOf(ProgrammingError);
    expect(error.code).toBe("ERR_MAHOUT_DUPLICATE_COLUMNS");
    expect(error.message).toContain('several columns named "id"');
  };

  test.each(byName)("%s keeps the last, or refuses", async (_name, rowFactory, row) => {
    await using conn = await connect({ rowFactory });
    const strict = { duplicateColumns: "error" } as const;
    expect(await conn.query(twice, [3])).toEqual([row]);
    await refused(() => conn.query(twice, [3], strict));
    await refused(async () => (await conn.execute(twice, [3], strict)).fetchAll());
    await refused(async () => {
      for await (const found of conn.cursor().stream(twice, [3], strict)) void found;
    });
    expect(await conn.query(twice, [3])).toEqual([row]);
    expect(await conn.query(once, [3], strict)).toHaveLength(1);
    await expectUsable(conn);
  });

  test.each(byPlace)("%s has no trouble with them", async (_name, rowFactory, row) => {
    await using conn = await connect({ rowFactory, duplicateColumns: "error" });
    expect(await conn.query(twice, [3])).toEqual([row]);
  });

  test("is inherited: connection, cursor, call", async () => {
    await using conn = await connect({ duplicateColumns: "error" });
    expect(conn.duplicateColumns).toBe("error");
    await refused(() => conn.query(twice, [3]));
    expect(await conn.query(twice, [3], { duplicateColumns: "last" })).toEqual([
      { id: 3, other: 2 },
    ]);
    const cursor = await conn.cursor().execute(twice, [3]);
    expect(cursor.rowCount).toBe(1);
    await refused(() => cursor.fetchOne());
    // As with the row factory: a change applies to what was not fetched.
    cursor.duplicateColumns = "last";
    expect(await cursor.fetchOne()).toEqual({ id: 3, other: 2 });
    const lax = conn.cursor({ duplicateColumns: "last" });
    expect(await (await lax.execute(twice, [4])).fetchAll()).toEqual([{ id: 4, other: 2 }]);
    await lax.execute(twice, [4], { duplicateColumns: "error" });
    await refused(() => lax.fetchAll());
    lax.rowFactory = tupleRow;
    expect(await lax.fetchAll()).toEqual([[1, 2, 4]]);
    conn.duplicateColumns = "last";
    expect(await conn.query(twice, [3])).toEqual([{ id: 3, other: 2 }]);
    // The same name from a text without parameters, where rows come in the simple protocol.
    await refused(() => conn.query("select 1 as id, 2 as id", [], { duplicateColumns: "error" }));
  });

  test("server cursors and executeMany()", async () => {
    await using conn = await connect();
    await using tx = await conn.transaction();
    await using server = conn.cursor("strict", { duplicateColumns: "error" });
    await server.execute(twice, [3]);
    await refused(() => server.fetchOne());
    server.duplicateColumns = "last";
    await server.execute(twice, [3]);
    expect(await server.fetchAll()).toEqual([{ id: 3, other: 2 }]);
    const cursor = conn.cursor();
    await cursor.executeMany(twice, [[1]], { returning: true, duplicateColumns: "error" });
    await refused(() => cursor.fetchAll());
    expect(tx.status).toBe("active");
  });

  test("only two policies are known", async () => {
    const policy = "first" as "last";
    expect((await failureOf(() => connect({ duplicateColumns: policy }))).message).toContain(
      'duplicateColumns is "last" or "error", not "first"',
    );
    await using conn = await connect();
    for (const run of [
      () => conn.query(once, [1], { duplicateColumns: policy }),
      () => conn.cursor({ duplicateColumns: policy }),
      () => conn.cursor().stream(once, [1], { duplicateColumns: policy }).next(),
      () => (conn.duplicateColumns = policy),
    ]) {
      expect(await failureOf(run)).toBeInstanceOf(ProgrammingError);
    }
  });
});

test("a pool gives connections back with the policy that they were made with", async () => {
  await using pool = new ConnectionPool<Record<string, unknown>, AsyncConnection>(
    defaultServer().conninfo(),
    { maxSize: 1 },
  );
  await pool.connection((conn) => {
    conn.duplicateColumns = "error";
  });
  expect(await pool.query(twice, [3])).toEqual([{ id: 3, other: 2 }]);
});
