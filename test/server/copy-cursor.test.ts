// COPY as something that a cursor does: its statement takes parameters, is part of a transaction, is followed by others,
// and is shown without its data.

import { describe, expect, test } from "@jest/globals";
import { expectUsable, failureOf, shells } from "../support/shells.ts";

describe.each(shells)("$name shell", ({ name, connect }) => {
  test("parameters become literals", async () => {
    await using conn = await connect();
    const cur = conn.cursor();
    for (const setting of ["on", "off"]) {
      await conn.execute(`set standard_conforming_strings = ${setting}`);
      const values = ["it's \\ $2 \n", -5, 7n, true, null, new Date(0), Buffer.from([0, 255]), NaN];
      await using copy = await cur.copy(
        `copy (select $1::text, 1 -$2, $3 + 0, $4, $5::text, $6, $7, $8, '$1', "$1" /* $9 */
          from (select 'x' as "$1") q) to stdout`,
        values,
      );
      expect(await copy.readRow()).toEqual([
        "it's \\ $2 \n",
        6,
        7,
        true,
        null,
        new Date(0),
        Buffer.from([0, 255]),
        NaN,
        "$1",
        "x",
      ]);
    }
    const few = await failureOf(() => cur.copy("copy (select $1, $2) to stdout", [1]));
    expect(few.message).toBe("the statement has 2 parameters, but 1 value was given");
    const odd = await failureOf(() => cur.copy("copy (select $1) to stdout", [undefined]));
    expect(odd.message).toContain("undefined");
    await expectUsable(conn);
  });

  test("a cursor can copy again, and execute", async () => {
    await using conn = await connect();
    await conn.execute("create temp table t (n int)");
    const cur = conn.cursor();
    for (let round = 1; round <= 3; round++) {
      await using copy = await cur.copy("copy t from stdin");
      await copy.write(`${round}\n`);
      await copy.finish();
      expect(cur.query).toBe("copy t from stdin");
      await cur.execute("select count(*)::int as n from t");
      expect(await cur.fetchOne()).toEqual({ n: round });
    }
  });

  test("with autocommit off it is part of the transaction", async () => {
    await using conn = await connect({ autocommit: false });
    await conn.execute("create temp table t (n int)");
    await conn.commit();
    const cur = conn.cursor();
    {
      await using copy = await cur.copy("copy t from stdin");
      expect(conn.info.transactionStatus).not.toBe("idle");
      await copy.writeRow([1]);
      await copy.finish();
    }
    await expectUsable(conn, "inTransaction");
    await conn.rollback();
    expect(await conn.query("table t")).toEqual([]);
    await conn.rollback();
  });

  test(`prints itself without data (${name})`, async () => {
    await using conn = await connect();
    const cur = conn.cursor();
    const copy = await cur.copy("copy (select 'secret') to stdout");
    expect(String(copy)).toMatch(/^<(Async)?Copy \[.*\]>$/);
    expect(String(copy)).not.toContain("secret");
    await copy.close();
    await copy.close();
  });
});
