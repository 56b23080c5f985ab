// Two-phase transactions: what may not be done when, and what the server refuses.

import { describe, expect, test } from "@jest/globals";
import { errors, ProgrammingError } from "../../src/index.ts";
import { startServer } from "../support/server.ts";
import { administer, expectUsable, failureOf, shells } from "../support/shells.ts";
import { committed, insert, keepTwoPhaseTidy, newName, preparedNames, TABLE } from "./two-phase.ts";

keepTwoPhaseTidy();

describe.each(shells)("$name shell", ({ connect, Connection: Kind }) => {
  test("once it is prepared no statement runs before it is ended", async () => {
    await using conn = await connect();
    const name = newName();
    await conn.tpcBegin(name);
    await insert(conn, name);
    await conn.tpcPrepare();
    const refused: (() => unknown)[] = [
      () => conn.execute("select 1"),
      () => conn.query("select $1::int", [1]),
      () => conn.cursor().execute("select 1"),
      () => conn.cursor().executeMany("select $1::int", [[1], [2]]),
      () => conn.cursor().copy(`copy ${TABLE} from stdin`, (copy) => copy.writeRow([name, 2])),
      () => conn.cursor().copy(`copy ${TABLE} to stdout`, () => {}),
      async () => {
        for await (const row of conn.cursor().stream("select 1 as n")) expect(row).toBe("refused");
      },
      () => conn.cursor("named").execute("select 1"),
      async () => {
        await using pipeline = await conn.pipeline();
        await conn.execute("select 1");
        await pipeline.sync();
      },
      () => conn.transaction(() => {}),
      () => conn.commit(),
      () => conn.rollback(),
      () => conn.tpcBegin(newName()),
      () => conn.tpcPrepare(),
      () => conn.tpcCommit(name),
      () => conn.tpcRollback(name),
    ];
    for (const attempt of refused) {
      const error = await failureOf(attempt);
      expect(error).toBeInstanceOf(ProgrammingError);
      expect(error.message).toMatch(/two-phase|prepared/);
    }
    expect((await conn.tpcRecover()).map(String)).toContain(name);
    await conn.tpcCommit();
    expect(await committed(name)).toEqual([1]);
    await expectUsable(conn);
  });

  test("blocks, commit() and rollback() have no place in it", async () => {
    await using conn = await connect();
    const name = newName();
    await conn.tpcBegin(name);
    await insert(conn, name);
    for (const attempt of [
      () => conn.transaction(() => {}),
      () => conn.commit(),
      () => conn.rollback(),
      () => conn.tpcBegin(newName()),
      () => conn.tpcCommit(newName()),
      () => conn.tpcRollback(newName()),
    ]) {
      expect(await failureOf(attempt)).toMatchObject({
        name: "ProgrammingError",
        message: expect.stringMatching(/two-phase/),
      });
    }
    expect(conn.info.transactionStatus).toBe("inTransaction");
    await conn.tpcCommit();
    expect(await committed(name)).toEqual([1]);
    await conn.transaction(() => insert(conn, name, 2));
    expect(await committed(name)).toEqual([1, 2]);
  });

  test("it has no place in other transactions", async () => {
    await using conn = await connect();
    const attempts = [
      () => conn.tpcBegin(newName()),
      () => conn.tpcCommit(newName()),
      () => conn.tpcRollback(newName()),
    ];
    const expectRefused = async (): Promise<void> => {
      for (const attempt of attempts) {
        expect(await failureOf(attempt)).toMatchObject({
          name: "ProgrammingError",
          message: expect.stringMatching(/inside a transaction/),
        });
      }
    };
    const block = await conn.transaction();
    await expectRefused();
    await conn.execute("select 1");
    await expectRefused();
    await block.rollback();
    await conn.execute("begin");
    await expectRefused();
    await conn.execute("rollback");
    await using other = await connect({ autocommit: false });
    await other.execute("select 1");
    expect((await failureOf(() => other.tpcBegin(newName()))).message).toMatch(/inside/);
    await other.rollback();
    await other.tpcBegin(newName());
    await other.tpcRollback();
  });

  test("without one there is nothing to prepare or end", async () => {
    await using conn = await connect();
    for (const attempt of [
      () => conn.tpcPrepare(),
      () => conn.tpcCommit(),
      () => conn.tpcRollback(),
    ]) {
      expect(await failureOf(attempt)).toMatchObject({
        name: "ProgrammingError",
        message: expect.stringMatching(/tpcBegin/),
      });
    }
    await expectUsable(conn);
  });

  test.each(["tpcPrepare", "tpcCommit"] as const)(
    "%s of one in which a statement failed says that it was rolled back",
    async (end) => {
      await using conn = await connect();
      const name = newName();
      await conn.tpcBegin(name);
      await insert(conn, name);
      await failureOf(() => conn.execute("select nonsense"));
      expect(conn.info.transactionStatus).toBe("inError");
      expect(await failureOf(() => conn[end]())).toBeInstanceOf(errors.InFailedSqlTransaction);
      expect([await preparedNames(), await committed(name)]).toEqual([[], []]);
      await expectUsable(conn);
      await conn.tpcBegin(name);
      await conn.tpcRollback();
    },
  );

  test.each(["tpcPrepare", "tpcCommit"] as const)(
    "%s of one that a statement ended says so",
    async (end) => {
      await using conn = await connect();
      const name = newName();
      await conn.tpcBegin(name);
      await insert(conn, name, 1);
      await conn.execute("commit");
      await insert(conn, name, 2);
      expect(await failureOf(() => conn[end]())).toMatchObject({
        name: "ProgrammingError",
        message: expect.stringMatching(/was ended by a statement/),
      });
      expect(await preparedNames()).toEqual([]);
      await expectUsable(conn);
      await conn.transaction(() => insert(conn, name, 3));
    },
  );

  test("a name that is taken: the second is rolled back, the first is kept", async () => {
    await using first = await connect();
    await using second = await connect();
    const name = newName();
    for (const conn of [first, second]) {
      await conn.tpcBegin(name);
      await insert(conn, name);
    }
    await first.tpcPrepare();
    expect(await failureOf(() => second.tpcPrepare())).toBeInstanceOf(errors.DuplicateObject);
    await expectUsable(second);
    await first.tpcCommit();
    expect(await committed(name)).toEqual([1]);
  });

  test("one that somebody else has ended is told, and over", async () => {
    await using conn = await connect();
    await using other = await connect();
    const name = newName();
    await conn.tpcBegin(name);
    await conn.tpcPrepare();
    await other.tpcRollback(name);
    expect(await failureOf(() => conn.tpcCommit())).toBeInstanceOf(errors.UndefinedObject);
    await expectUsable(conn);
    expect(await failureOf(() => conn.tpcCommit(name))).toBeInstanceOf(errors.UndefinedObject);
    await expectUsable(conn);
  });

  test("what the server refuses can be tried again", async () => {
    const role = `r${newName().replace("-", "_")}`;
    await administer(`create role ${role} login`);
    try {
      await using conn = await connect();
      const name = newName();
      await conn.tpcBegin(name);
      await insert(conn, name);
      await conn.tpcPrepare();
      await using stranger = await connect({ user: role });
      expect(await failureOf(() => stranger.tpcCommit(name))).toMatchObject({ sqlstate: "42501" });
      expect(await preparedNames()).toEqual([name]);
      await expectUsable(stranger);
      await conn.tpcCommit();
      expect(await committed(name)).toEqual([1]);
    } finally {
      await administer(`drop role ${role}`);
    }
  });

  test("bad names are refused before anything is begun", async () => {
    await using conn = await connect();
    for (const name of ["", "x".repeat(200), "a\0", null, 7]) {
      await failureOf(() => conn.tpcBegin(name as string));
      await failureOf(() => conn.tpcCommit((name ?? 7) as string));
    }
    await failureOf(() => conn.xid(-1, "a", "b"));
    const block = await conn.transaction();
    await block.commit();
    await expectUsable(conn);
  });

  test("a server that keeps no transactions says so, and rolls back", async () => {
    await using server = await startServer({ settings: { max_prepared_transactions: "0" } });
    await using conn = await Kind.connect(server.conninfo());
    await conn.tpcBegin("x");
    await conn.execute("create table t (n int)");
    expect(await failureOf(() => conn.tpcPrepare())).toMatchObject({
      name: "ObjectNotInPrerequisiteState",
      message: expect.stringMatching(/prepared transactions are disabled/),
    });
    expect(await conn.query("select to_regclass('t') as found")).toEqual([{ found: null }]);
    expect(await conn.tpcRecover()).toEqual([]);
    await expectUsable(conn);
  });
});
