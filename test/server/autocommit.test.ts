// Implicit transactions, as `autocommit: false` makes them, in both shells.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { type AsyncConnection, errors } from "../../src/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { administer, eventually, expectUsable, failureOf } from "../support/shells.ts";
import { shells, terminate } from "../support/shells.ts";

describe.each(shells)("autocommit off ($name)", ({ name, connect, Connection }) => {
  let conn: AsyncConnection;
  const table = `implicit_${name}`;
  beforeAll(() => administer(`create table ${table} (id int)`));
  afterAll(() => administer(`drop table ${table}`));
  beforeEach(async () => {
    await administer(`truncate ${table}`);
    conn = await connect({ autocommit: false });
  });
  afterEach(async () => conn.close());

  const ids = async (): Promise<number[]> =>
    (await administer(`select id from ${table} order by id`)).map(([id]) => Number(id));

  test.each([
    ["plain text", () => conn.execute(`insert into ${table} values (1)`)],
    ["parameters", () => conn.execute(`insert into ${table} values ($1)`, [1])],
    ["several statements", () => conn.execute(`select 1; insert into ${table} values (1)`)],
    [
      "a prepared statement",
      () => conn.execute(`insert into ${table} values ($1)`, [1], { prepare: true }),
    ],
    [
      "results in binary",
      () => conn.execute(`insert into ${table} values (1)`, [], { binary: true }),
    ],
    ["a limit", () => conn.execute(`insert into ${table} values (1)`, [], { timeout: 5_000 })],
  ])("begins a transaction with %s, and commit() ends it", async (_kind, insert) => {
    for (let round = 1; round <= 3; round++) {
      expect(conn.info.transactionStatus).toBe("idle");
      await insert();
      expect(conn.info.transactionStatus).toBe("inTransaction");
      expect(await ids()).toHaveLength(round - 1);
      await conn.commit();
      expect(await ids()).toHaveLength(round);
    }
    await insert();
    await conn.rollback();
    expect(await ids()).toHaveLength(3);
    expect(conn.info.transactionStatus).toBe("idle");
  });

  test("sends BEGIN together with the first statement", async () => {
    const lines: string[] = [];
    conn.trace((line: string) => void lines.push(line));
    await conn.execute(`insert into ${table} values ($1)`, [1], { prepare: true });
    await conn.commit();
    lines.length = 0;
    await conn.execute(`insert into ${table} values ($1)`, [1], { prepare: true });
    conn.untrace();
    const directions = lines.map((line) => /\b([FB])\b/.exec(line)?.[1]).join("");
    expect(directions).toMatch(/^F+B+$/);
    expect(lines.join("\n")).toMatch(/BEGIN/);
    expect(lines.filter((line) => /Sync/.test(line))).toHaveLength(1);
  });

  test("commit and rollback have nothing to do outside of a transaction", async () => {
    await conn.commit();
    await conn.rollback();
    await expectUsable(conn);
  });

  test("a commit that became a rollback is an error", async () => {
    await conn.execute(`insert into ${table} values (1)`);
    await failureOf(() => conn.execute("select 1/0"));
    expect(conn.info.transactionStatus).toBe("inError");
    const error = await failureOf(() => conn.commit());
    expect(error).toBeInstanceOf(errors.InFailedSqlTransaction);
    expect(conn.info.transactionStatus).toBe("idle");
    expect(await ids()).toEqual([]);
  });

  test("a failed first statement leaves a failed transaction, and rollback() a usable connection", async () => {
    const error = await failureOf(() => conn.execute("select nothing from nowhere"));
    expect(error).toBeInstanceOf(errors.UndefinedTable);
    expect(conn.info.transactionStatus).toBe("inError");
    await conn.rollback();
    await expectUsable(conn, "idle");
  });

  test("a block in a failed transaction is refused by the server, and its function not called", async () => {
    await failureOf(() => conn.execute("select 1/0"));
    let called = false;
    const error = await failureOf(() =>
      conn.transaction(() => {
        called = true;
      }),
    );
    expect([error.sqlstate, called]).toEqual(["25P02", false]);
    await conn.rollback();
    await expectUsable(conn, "idle");
  });

  test("commit fails on a connection that is gone", async () => {
    await terminate(conn.info.backendPid);
    // Without a transaction nothing is sent, so only who has heard of the end can tell.
    await eventually(() => conn.closed);
    expect((await failureOf(() => conn.commit())).message).toMatch(/the connection|terminat/);
    expect((await failureOf(() => conn.rollback())).message).toMatch(/the connection|terminat/);
  });

  test("a block is the transaction when none is open, and a savepoint otherwise", async () => {
    {
      await using tx = await conn.transaction();
      await conn.execute(`insert into ${table} values (1)`);
      await tx.commit();
    }
    expect([await ids(), conn.info.transactionStatus]).toEqual([[1], "idle"]);
    await conn.execute(`insert into ${table} values (2)`);
    {
      await using tx = await conn.transaction();
      await conn.execute(`insert into ${table} values (3)`);
      await tx.commit();
    }
    expect([await ids(), conn.info.transactionStatus]).toEqual([[1], "inTransaction"]);
    await conn.commit();
    expect(await ids()).toEqual([1, 2, 3]);
  });

  test("can be turned on and off between transactions only", async () => {
    conn.autocommit = true;
    await conn.execute(`insert into ${table} values (1)`);
    expect(await ids()).toEqual([1]);
    conn.autocommit = false;
    await conn.execute(`insert into ${table} values (2)`);
    const error = await failureOf(() => {
      conn.autocommit = true;
    });
    expect(error.message).toMatch(/autocommit can't be changed now/);
    await conn.rollback();
    expect(await ids()).toEqual([1]);
  });

  test("a statement whose table was altered is run again, BEGIN and all", async () => {
    await conn.execute(`insert into ${table} values (7)`);
    await conn.query(`select * from ${table}`, [], { prepare: true });
    await conn.commit();
    await administer(`alter table ${table} add column more int`);
    expect(await conn.query(`select * from ${table}`, [], { prepare: true })).toEqual([
      { id: 7, more: null },
    ]);
    expect(conn.info.transactionStatus).toBe("inTransaction");
    await conn.rollback();
    await administer(`alter table ${table} drop column more`);
  });

  test("with() commits what its function left open, and rolls back when it throws", async () => {
    const target = defaultServer().conninfo();
    const use = async (fails: boolean): Promise<unknown> =>
      Connection.with(
        target,
        ((one: AsyncConnection) => {
          const ran = one.execute(`insert into ${table} values (${fails ? 1 : 2})`);
          const after = (): unknown => {
            if (fails) throw new Error("mine");
            return 0;
          };
          return (ran as unknown) instanceof Promise ? ran.then(after) : after();
        }) as never,
        { autocommit: false },
      );
    expect(String(await failureOf(() => use(true)))).toBe("Error: mine");
    expect(await use(false)).toBe(0);
    expect(await ids()).toEqual([2]);
  });
});
