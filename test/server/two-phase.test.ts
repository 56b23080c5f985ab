// Two-phase transactions: what they send and keep, under which names, and who can end them.

import { describe, expect, test } from "@jest/globals";
import { errors, tupleRow, Xid } from "../../src/index.ts";
import { expectUsable, failureOf, shells, terminate } from "../support/shells.ts";
import { committed, insert, keepTwoPhaseTidy, newName, preparedNames, run } from "./two-phase.ts";

keepTwoPhaseTidy();

describe.each(shells)("$name shell", ({ connect }) => {
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
});
