// Two-phase transactions: what may be done when, what the server keeps, and who can end it.

import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { type AsyncConnection, errors, ProgrammingError, tupleRow, Xid } from "../../src/index.ts";
import { startServer } from "../support/server.ts";
import { administer, expectUsable, failureOf, shells, terminate } from "../support/shells.ts";

const TABLE = "two_phase";
/** Names of this run: what is prepared is seen by the whole server. */
const run = randomBytes(4).toString("hex");
let serial = 0;
const newName = (): string => `${run}-${serial++}`;

/** The names of this run's transactions that the server keeps. */
async function preparedNames(): Promise<string[]> {
  const rows = await administer("select gid from pg_prepared_xacts order by prepared");
  return rows
    .map(([name]) => name as string)
    .filter((name) => Xid.fromString(name).gtrid.startsWith(run));
}

/** The numbers that were committed under a name. */
async function committed(name: string): Promise<number[]> {
  const rows = await administer(`select n from ${TABLE} where name = '${name}' order by n`);
  return rows.map(([n]) => Number(n));
}

const insert = (conn: AsyncConnection<unknown>, name: string, n = 1): Promise<unknown> =>
  conn.execute(`insert into ${TABLE} values ($1, $2)`, [name, n]);

beforeAll(async () => {
  await administer(`create table ${TABLE} (name text, n int)`);
});

afterEach(async () => {
  const left = await preparedNames();
  for (const name of left) await administer(`rollback prepared '${name}'`);
  expect(left).toEqual([]);
});

afterAll(async () => {
  await administer(`drop table ${TABLE}`);
});

describe.each(shells)("$name shell", ({ connect, Connection: Kind }) => {
  describe.each([true, false])("autocommit %s", (autocommit) => {
    test("prepared and committed", async () => {
      await using conn = await connect({ autocommit });
      const name = newName();
      const xid = conn.xid(7, name, "branch");
      await conn.tpcBegin(xid);
      await insert(conn, name, 1);
      await insert(conn, name, 2);
      expect(conn.info.transactionStatus).toBe("inTransaction");
      await conn.tpcPrepare();
      expect(conn.info.transactionStatus).toBe("idle");
      expect(await preparedNames()).toEqual([String(xid)]);
      expect(await committed(name)).toEqual([]);
      await conn.tpcCommit();
      expect(await preparedNames()).toEqual([]);
      expect(await committed(name)).toEqual([1, 2]);
      await conn.query("select 1");
      expect(conn.info.transactionStatus).toBe(autocommit ? "idle" : "inTransaction");
    });

    test("prepared and rolled back", async () => {
      await using conn = await connect({ autocommit });
      const name = newName();
      await conn.tpcBegin(name);
      await insert(conn, name);
      await conn.tpcPrepare();
      expect(await preparedNames()).toEqual([name]);
      await conn.tpcRollback();
      expect(await preparedNames()).toEqual([]);
      expect(await committed(name)).toEqual([]);
      expect(conn.info.transactionStatus).toBe("idle");
    });

    test("ended in one phase", async () => {
      await using conn = await connect({ autocommit });
      const name = newName();
      for (const end of ["tpcCommit", "tpcRollback", "tpcCommit"] as const) {
        await conn.tpcBegin(name);
        await insert(conn, name);
        await conn[end]();
        expect(conn.info.transactionStatus).toBe("idle");
      }
      expect(await committed(name)).toEqual([1, 1]);
    });

    test("ended by its name, from another connection", async () => {
      const names = [newName(), newName()] as const;
      for (const name of names) {
        await using conn = await connect({ autocommit });
        await conn.tpcBegin(name);
        await insert(conn, name);
        await conn.tpcPrepare();
      }
      expect(await preparedNames()).toEqual(names);
      await using conn = await connect({ autocommit });
      await conn.tpcCommit(names[0]);
      await conn.tpcRollback(Xid.fromString(names[1]));
      expect(conn.info.transactionStatus).toBe("idle");
      expect(await preparedNames()).toEqual([]);
      expect([await committed(names[0]), await committed(names[1])]).toEqual([[1], []]);
    });
  });

  test("without a statement nothing is sent but what has to be", async () => {
    await using conn = await connect();
    const lines: string[] = [];
    conn.trace((line) => lines.push(line), { regress: true });
    await conn.tpcBegin(newName());
    await conn.tpcCommit();
    await conn.tpcBegin(newName());
    await conn.tpcRollback();
    expect(lines).toEqual([]);
    const name = newName();
    await conn.tpcBegin(name);
    await conn.tpcPrepare();
    expect(await preparedNames()).toEqual([name]);
    await conn.tpcRollback();
    await expectUsable(conn);
  });

  test("BEGIN travels with the first statement, as the connection's transactions are", async () => {
    await using conn = await connect({ isolationLevel: "serializable" });
    const lines: string[] = [];
    await conn.tpcBegin(newName());
    conn.trace((line) => lines.push(line), { regress: true });
    const [row] = await conn.query("show transaction_isolation", [], { rowFactory: tupleRow });
    conn.untrace();
    expect(row).toEqual(["serializable"]);
    expect(lines.filter((line) => line.includes("\tReadyForQuery"))).toHaveLength(1);
    await conn.tpcRollback();
  });

  test("names of any kind, and they come back as they were", async () => {
    await using conn = await connect();
    const names = [
      conn.xid(2 ** 31 - 1, run, "it's \\ \"\u00e9\ud83d\ude00"),
      conn.xid(0, run, ""),
      Xid.fromString(`${run} it's \\ "\u00e9\ud83d\ude00`),
    ];
    for (const strings of ["on", "off"]) {
      await conn.execute(`set standard_conforming_strings = ${strings}`);
      for (const xid of names) {
        await conn.tpcBegin(xid);
        await conn.execute("select 1");
        await conn.tpcPrepare();
        expect(await preparedNames()).toEqual([String(xid)]);
        await conn.tpcCommit();
      }
    }
    expect(await preparedNames()).toEqual([]);
  });

  test("what is prepared can be found again, by whom, when and where", async () => {
    const before = Date.now();
    const joined = Xid.fromParts(42, newName(), "b");
    const plain = newName();
    for (const xid of [joined, plain]) {
      await using conn = await connect();
      await conn.tpcBegin(xid);
      await conn.tpcPrepare();
    }
    // Neither the session's settings nor the program's adapters decide how it is read.
    await using conn = await connect({ autocommit: false, options: "-c datestyle=German" });
    const found = (await conn.tpcRecover()).filter(({ gtrid }) => gtrid.startsWith(run));
    expect(conn.info.transactionStatus).toBe("idle");
    expect(found).toMatchObject([
      { formatId: 42, gtrid: joined.gtrid, bqual: "b", owner: "postgres", database: "postgres" },
      { formatId: null, gtrid: plain, bqual: null, owner: "postgres", database: "postgres" },
    ]);
    for (const xid of found) {
      expect(xid).toBeInstanceOf(Xid);
      expect(xid.prepared?.getTime()).toBeGreaterThanOrEqual(before - 1000);
      expect(xid.prepared?.getTime()).toBeLessThanOrEqual(Date.now() + 1000);
      await conn.tpcRollback(xid);
    }
    expect(await preparedNames()).toEqual([]);
  });

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

  test("in a pipeline", async () => {
    await using conn = await connect();
    const [first, second, bad] = [newName(), newName(), newName()] as const;
    await using pipeline = await conn.pipeline();
    await conn.execute("select 1");
    await conn.tpcBegin(first);
    await insert(conn, first);
    await conn.tpcPrepare();
    expect((await conn.tpcRecover()).map(String)).toContain(first);
    await conn.tpcCommit();
    await conn.tpcBegin(second);
    await insert(conn, second);
    await conn.tpcCommit();
    expect([await committed(first), await committed(second)]).toEqual([[1], [1]]);
    await conn.tpcBegin(bad);
    const failed = conn.cursor();
    await failed.execute("select nonsense");
    expect(await failureOf(() => conn.tpcPrepare())).toBeInstanceOf(errors.InFailedSqlTransaction);
    expect(await failureOf(() => pipeline.sync())).toMatchObject({ sqlstate: "42703" });
    expect(conn.info.transactionStatus).toBe("idle");
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
    const role = `${run.replace(/^/, "r")}_${serial++}`;
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

  test("what was prepared outlives its session, what was not dies with it", async () => {
    const [kept, lost] = [newName(), newName()] as const;
    await using first = await connect();
    await first.tpcBegin(kept);
    await insert(first, kept);
    await first.tpcPrepare();
    await terminate(first.info.backendPid);
    await using second = await connect();
    await second.tpcBegin(lost);
    await insert(second, lost);
    await terminate(second.info.backendPid);
    for (const conn of [first, second]) {
      expect(await failureOf(() => conn.tpcCommit())).toMatchObject({
        code: expect.stringMatching(/ERR_MAHOUT_CONNECTION_CLOSED|57P01/),
      });
      expect(conn.broken).toBe(true);
    }
    expect(await preparedNames()).toEqual([kept]);
    await using third = await connect();
    await third.tpcCommit(kept);
    expect([await committed(kept), await committed(lost)]).toEqual([[1], []]);
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
