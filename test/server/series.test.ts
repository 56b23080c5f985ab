// Series of statements that share a Sync, and blocks around them, when something goes wrong in between.

import { describe, expect, test } from "@jest/globals";
import { errors } from "../../src/index.ts";
import { administer, expectUsable, failureOf, shells } from "../support/shells.ts";
import { end, tablesOfSeries } from "./series-tables.ts";

const ids = tablesOfSeries("series");

describe.each(shells)("a series ($name)", ({ connect }) => {
  test("that fails at its Sync fails as a whole, and the connection lives", async () => {
    const conn = await connect();
    const p = await conn.pipeline();
    for (let copy = 0; copy < 2; copy++) await conn.execute("insert into series_late values (1)");
    const error = await failureOf(() => p.sync());
    expect([error.constructor, error.index]).toEqual([errors.UniqueViolation, undefined]);
    await conn.execute("insert into series values (1)");
    await end(p);
    expect(await ids()).toEqual([1]);
    await expectUsable(conn);
    await conn.close();
  });

  test("whose value is refused behind a BEGIN leaves no transaction open", async () => {
    const conn = await connect();
    const p = await conn.pipeline();
    const tx = await conn.transaction();
    await failureOf(() => tx.execute("insert into series values ($1::int)", [{}]));
    await tx.rollback();
    await end(p);
    await conn.execute("insert into series values (1)");
    expect([conn.info.transactionStatus, await ids()]).toEqual(["idle", [1]]);
    await conn.close();
  });

  test("goes on after a COMMIT in its text as before it: with a transaction", async () => {
    const conn = await connect({ autocommit: false });
    const p = await conn.pipeline();
    await conn.execute("insert into series values (1)");
    await conn.execute("/* by hand */ commit");
    await conn.execute("insert into series values (2)");
    await end(p);
    await conn.rollback();
    expect(await ids()).toEqual([1]);
    await conn.close();
  });

  test.each(["commit", "rollback", "prepare transaction 'series'"])(
    "whose block was ended by %s says so, though its last answers have not come",
    async (word) => {
      await using conn = await connect();
      const p = await conn.pipeline();
      for (let round = 1; round <= 2; round++) {
        const tx = await conn.transaction();
        await conn.execute("insert into series values ($1)", [round]);
        await conn.execute(word);
        if (word.startsWith("prepare")) await conn.execute("rollback prepared 'series'");
        await p.sync();
        await conn.execute("select 1");
        const error = await failureOf(() => tx.commit());
        expect(error.message).toMatch(/was ended by a statement inside its block/);
        expect(tx.status).toBe("failed");
        await conn.transaction(() => conn.execute("insert into series values (9)") as never);
        await administer("delete from series where id = 9");
      }
      await end(p);
      expect(await ids()).toEqual(word === "commit" ? [1, 2] : []);
      await expectUsable(conn);
    },
  );

  test("knows of its transaction while answers are there and no Sync was", async () => {
    const conn = await connect({ autocommit: false });
    const notices: unknown[] = [];
    conn.addNoticeHandler((diag) => notices.push(diag.messagePrimary));
    const p = await conn.pipeline();
    for (let id = 0; id < 3; id++)
      await conn.query("insert into series values ($1) returning id", [id]);
    const error = await failureOf(() => {
      conn.autocommit = true;
    });
    expect([notices, error.message]).toEqual([[], expect.stringContaining("can't be changed now")]);
    await end(p);
    await conn.rollback();
    expect(await ids()).toEqual([]);
    await conn.close();
  });

  test("whose block was rolled back by a statement in it is not committed", async () => {
    const conn = await connect();
    const p = await conn.pipeline();
    const tx = await conn.transaction();
    await conn.execute("insert into series values (1)");
    await conn.execute("rollback");
    const error = await failureOf(() => tx.commit());
    expect([error.message, tx.status]).toEqual([
      expect.stringContaining("was ended by a statement inside its block"),
      "failed",
    ]);
    await end(p);
    await conn.close();
  });

  test("with a transaction fails with the error of that, and not with an older one", async () => {
    const conn = await connect();
    const p = await conn.pipeline();
    await conn.execute("select 1/0");
    const tx = await conn.transaction();
    await conn.execute("insert into series values ('x')");
    expect(await failureOf(() => tx.commit())).toBeInstanceOf(errors.InvalidTextRepresentation);
    expect(await failureOf(() => end(p))).toBeInstanceOf(errors.DivisionByZero);
    await conn.close();
  });

  test("learns that a prepared statement is stale", async () => {
    const conn = await connect({ prepareThreshold: 0 });
    await administer("create table series_stale (a int)");
    const p = await conn.pipeline();
    await conn.query("select * from series_stale");
    await conn.query("select * from series_stale");
    await p.sync();
    await administer("alter table series_stale add b int");
    await failureOf(() => conn.query("select * from series_stale"));
    await failureOf(() => p.sync());
    expect(await conn.query("select * from series_stale")).toEqual([]);
    await end(p);
    await conn.close();
    await administer("drop table series_stale");
  });

  test("that is skipped closes later what it should have closed", async () => {
    const conn = await connect({ prepareThreshold: null });
    const known = "select $1::int as known";
    for (let round = 0; round < 4; round++) {
      conn.preparedMax = 100;
      await conn.query(`select $1::int as q${round}`, [1], { prepare: true });
      await conn.query(known, [1], { prepare: false });
      await failureOf(() => conn.query("select 1/0"));
      conn.preparedMax = 2;
      const p = await conn.pipeline();
      await conn.execute("select 1/0");
      await conn.execute(known, [1], { prepare: false });
      await failureOf(() => end(p));
    }
    await conn.query(known, [1], { prepare: false });
    const left = await conn.query("select statement from pg_prepared_statements");
    expect(left.length).toBeLessThanOrEqual(2);
    await conn.close();
  });

  test("a repeated statement takes its block's BEGIN along, whole", async () => {
    await administer("create table series_altered (a int)");
    const conn = await connect({ autocommit: false, prepareThreshold: 0 });
    for (let run = 0; run < 3; run++) await conn.query("select * from series_altered");
    await conn.commit();
    await administer("alter table series_altered add b int");
    const tx = await conn.transaction({ isolationLevel: "serializable", savepointName: "sp" });
    await conn.query("select * from series_altered");
    expect(await conn.query("show transaction_isolation")).toEqual([
      { transaction_isolation: "serializable" },
    ]);
    await tx.commit();
    await conn.close();
    await administer("drop table series_altered");
  });
});
