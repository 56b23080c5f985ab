// How transaction blocks end, in both shells: by their user, with their session, by a statement, and again.

import { describe, expect, test } from "@jest/globals";
import { type AsyncTransaction, errors, OutOfOrderTransactionNesting } from "../../src/index.ts";
import { expectUsable, failureOf, shells, terminate } from "../support/shells.ts";
import { blockStage } from "./block-stage.ts";

describe.each(shells)("transaction blocks ($name)", (shell) => {
  const stage = blockStage(shell, `ends_${shell.name}`);
  const { table, insert, ids, block, chain } = stage;

  test("can't be used after its end", async () => {
    const tx = await block((one) => one);
    for (const wrong of [
      () => tx.execute("select 1"),
      () => tx.query("select 1"),
      () => tx.transaction(() => 1),
    ]) {
      const error = await failureOf(wrong);
      expect([error.constructor.name, error.message]).toEqual([
        "ProgrammingError",
        expect.stringContaining("has ended (committed)"),
      ]);
    }
  });

  test("ends with the server's reason when the session is killed inside", async () => {
    let tx: AsyncTransaction | undefined;
    const { backendPid } = stage.conn.info;
    const error = await failureOf(() =>
      block((one) => {
        tx = one;
        return chain(
          () => insert(1),
          () => stage.conn.execute(`select pg_terminate_backend(${backendPid})`),
        );
      }),
    );
    expect(error).toBeInstanceOf(errors.AdminShutdown);
    expect([tx?.status, stage.conn.broken]).toEqual(["failed", true]);
    expect(await ids()).toEqual([]);
  });

  test("does not pretend to have committed when the session ended meanwhile", async () => {
    const tx = await stage.conn.transaction();
    await tx.execute(`insert into ${table} values (1)`);
    await terminate(stage.conn.info.backendPid);
    const error = await failureOf(() => tx.commit());
    expect(error.message).toMatch(/the connection|terminating/);
    expect(tx.status).toBe("failed");
    expect(await ids()).toEqual([]);
  });

  test("notices that a statement ended its transaction", async () => {
    const error = await failureOf(() =>
      block(() =>
        chain(
          () => insert(1),
          () => stage.conn.execute("commit"),
        ),
      ),
    );
    expect(error.message).toMatch(/was ended by a statement inside its block/);
    await expectUsable(stage.conn);
  });

  describe("that their user ends", () => {
    test("commit only when told to", async () => {
      {
        await using tx = await stage.conn.transaction();
        await tx.execute(`insert into ${table} values (1)`);
        await tx.commit();
        expect(tx.status).toBe("committed");
      }
      {
        await using tx = await stage.conn.transaction();
        await stage.conn.execute(`insert into ${table} values (2)`);
        expect(tx.status).toBe("active");
      }
      {
        await using tx = await stage.conn.transaction();
        await stage.conn.execute(`insert into ${table} values (3)`);
        await tx.rollback();
      }
      expect(await ids()).toEqual([1]);
      await expectUsable(stage.conn);
    });

    test("nest", async () => {
      await using outer = await stage.conn.transaction();
      await insert(1);
      {
        await using inner = await stage.conn.transaction();
        await insert(2);
        expect(inner.savepointName).toBe("_mahout_2");
      }
      {
        await using inner = await outer.transaction();
        await insert(3);
        await inner.commit();
      }
      await outer.commit();
      expect(await ids()).toEqual([1, 3]);
    });

    test("are both rolled back when the outer ends first", async () => {
      const outer = await stage.conn.transaction();
      const inner = await stage.conn.transaction();
      await insert(1);
      const error = await failureOf(() => outer.commit());
      expect(error).toBeInstanceOf(OutOfOrderTransactionNesting);
      expect([outer.status, inner.status]).toEqual(["rolledBackWithError", "rolledBackWithError"]);
      expect((await failureOf(() => inner.commit())).message).toMatch(/has ended/);
      expect(await ids()).toEqual([]);
      await expectUsable(stage.conn);
    });

    test("can't be ended by their function's means, nor the other way round", async () => {
      const error = await failureOf(() => block((tx) => tx.commit()));
      expect(error.message).toMatch(/commits when the function returns/);
      const repeated = await failureOf(() => stage.conn.transaction({ retry: 3 }));
      expect(repeated.message).toMatch(/only a block with a function can be repeated/);
    });
  });

  test("repeat what failed for a passing reason, and only that", async () => {
    let calls = 0;
    const raise = (state: string): unknown =>
      stage.conn.execute(`do $$ begin raise sqlstate '${state}'; end $$`);
    const value = await block(
      () =>
        chain(
          () => insert(++calls),
          () => (calls < 3 ? raise("40001") : "done"),
        ),
      { retry: { limit: 5, minDelay: 1, maxDelay: 2 } },
    );
    expect([value, calls, await ids()]).toEqual(["done", 3, [3]]);
    calls = 0;
    const failed = await failureOf(() =>
      block(
        () =>
          chain(
            () => calls++,
            () => raise("40P01"),
          ),
        { retry: { limit: 2, minDelay: 1 } },
      ),
    );
    expect([failed, calls]).toEqual([expect.any(errors.DeadlockDetected), 3]);
    calls = 0;
    await failureOf(() =>
      block(
        () =>
          chain(
            () => calls++,
            () => raise("22012"),
          ),
        { retry: 5 },
      ),
    );
    expect(calls).toBe(1);
  });
});
