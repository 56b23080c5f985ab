// Transaction blocks, in both shells: what they send, what they are worth, and what holds in them.

import { describe, expect, test } from "@jest/globals";
import { type AsyncTransaction, errors, ProgrammingError, Rollback } from "../../src/index.ts";
import { expectUsable, failureOf, shells } from "../support/shells.ts";
import { blockStage } from "./block-stage.ts";

describe.each(shells)("transaction blocks ($name)", (shell) => {
  const stage = blockStage(shell, `blocks_${shell.name}`);
  const { insert, ids, block, chain } = stage;

  test("commits what its function did, and gives what that returns", async () => {
    expect(
      await block(() =>
        chain(
          () => insert(1),
          () => insert(2),
          () => "done",
        ),
      ),
    ).toBe("done");
    expect(await ids()).toEqual([1, 2]);
    await expectUsable(stage.conn);
  });

  test("rolls back when its function throws, with that very error", async () => {
    const error = new Error("mine");
    const thrown = await failureOf(() =>
      block(() =>
        chain(
          () => insert(1),
          () => {
            throw error;
          },
        ),
      ),
    );
    expect(thrown).toBe(error);
    expect(await ids()).toEqual([]);
    await expectUsable(stage.conn);
  });

  test("is not visible to others before it ends", async () => {
    let seen: unknown;
    await block(() =>
      chain(
        () => insert(1),
        () => (seen = stage.conn.info.transactionStatus),
      ),
    );
    expect(seen).toBe("inTransaction");
  });

  test("is a savepoint inside of another", async () => {
    await block(() =>
      chain(
        () => insert(1),
        () =>
          failureOfStep(() =>
            block(() =>
              chain(
                () => insert(2),
                () => {
                  throw new Error("inner");
                },
              ),
            ),
          ),
        () => block(() => insert(3)),
      ),
    );
    expect(await ids()).toEqual([1, 3]);
  });

  // Runs a step that fails, in whichever way its shell fails.
  function failureOfStep(step: () => unknown): unknown {
    try {
      const value = step();
      return value instanceof Promise ? value.then(undefined, (error: unknown) => error) : value;
    } catch (error) {
      return error;
    }
  }

  test("ends at a Rollback, which is not passed on", async () => {
    const value = await block(() =>
      chain(
        () => insert(1),
        () => {
          throw new Rollback();
        },
      ),
    );
    expect(value).toBeUndefined();
    expect(await ids()).toEqual([]);
  });

  test("is left by a Rollback that names an outer block", async () => {
    const states: string[] = [];
    await block((outer) =>
      chain(
        () => insert(1),
        () =>
          failureOfStep(() =>
            block((inner) => {
              states.push(inner.status);
              return chain(
                () => insert(2),
                () => {
                  throw new Rollback(outer);
                },
              );
            }),
          ),
        // What came out of the inner block would be swallowed here; pass it on.
        () => {
          throw new Rollback(outer);
        },
      ),
    );
    expect(await ids()).toEqual([]);
    expect(states).toEqual(["active"]);
  });

  test("tells its state", async () => {
    const kept = await block<unknown>((tx) =>
      chain(
        () => insert(1),
        () => tx,
      ),
    );
    const { status, savepointName } = kept as AsyncTransaction;
    expect([status, savepointName, String(kept)]).toEqual([
      "committed",
      null,
      expect.stringMatching(/^<(Async)?Transaction \[committed\]>$/),
    ]);
    let tx: AsyncTransaction | undefined;
    await block((one) => {
      tx = one;
      throw new Rollback();
    });
    expect(tx?.status).toBe("rolledBackExplicitly");
    await failureOf(() =>
      block((one) => {
        tx = one;
        return chain(
          () => insert(1),
          () => stage.conn.execute("select 1/0"),
        );
      }),
    );
    expect(tx?.status).toBe("rolledBackWithError");
    const forced = await block<unknown>(
      (one) =>
        chain(
          () => insert(4),
          () => one,
        ),
      { forceRollback: true },
    );
    expect((forced as AsyncTransaction).status).toBe("rolledBackExplicitly");
    expect(await ids()).toEqual([1]);
  });

  test("fails when a statement in it did and nobody passed that on", async () => {
    let tx: AsyncTransaction | undefined;
    const error = await failureOf(() =>
      block((one) => {
        tx = one;
        return chain(
          () => insert(1),
          () => failureOfStep(() => stage.conn.execute("select 1/0")),
        );
      }),
    );
    expect(error).toBeInstanceOf(errors.InFailedSqlTransaction);
    expect(tx?.status).toBe("rolledBackWithError");
    expect(await ids()).toEqual([]);
    await expectUsable(stage.conn);
  });

  test("inside of another fails alone", async () => {
    const outcome: unknown[] = [];
    await block(() =>
      chain(
        () => insert(2),
        () =>
          failureOfStep(() =>
            block(() =>
              chain(
                () => insert(3),
                () => failureOfStep(() => stage.conn.execute("select 1/0")),
              ),
            ),
          ),
        () => outcome.push(stage.conn.info.transactionStatus),
        () => insert(4),
      ),
    );
    expect(outcome).toEqual(["inTransaction"]);
    expect(await ids()).toEqual([2, 4]);
  });

  test("gives the error of its COMMIT, and says that it was rolled back", async () => {
    let tx: AsyncTransaction | undefined;
    const error = await failureOf(() =>
      block((one) => {
        tx = one;
        return chain(
          () => insert(1),
          () => insert(1),
        );
      }),
    );
    expect(error).toBeInstanceOf(errors.UniqueViolation);
    expect(tx?.status).toBe("rolledBackWithError");
    expect(await ids()).toEqual([]);
    await expectUsable(stage.conn);
  });

  test("sends nothing when no statement came", async () => {
    const trace: string[] = [];
    stage.conn.trace((line: string) => trace.push(line), {});
    await block((tx) => block(() => tx.status));
    stage.conn.untrace();
    expect(trace).toEqual([]);
  });

  test("refuses commit and rollback inside", async () => {
    for (const wrong of [() => stage.conn.commit(), () => stage.conn.rollback()]) {
      const error = await failureOf(() => block(() => chain(() => insert(1), wrong)));
      expect(error).toBeInstanceOf(ProgrammingError);
      expect(error.message).toMatch(/can't be called inside a transaction block/);
    }
    expect(await ids()).toEqual([]);
  });

  test("has the characteristics that it or the connection asks for", async () => {
    const show = (): unknown =>
      stage.conn.query(
        `select current_setting('transaction_isolation') as level,
          current_setting('transaction_read_only') as ro, current_setting('transaction_deferrable') as def`,
      );
    expect(
      await block(show, { isolationLevel: "serializable", readOnly: true, deferrable: true }),
    ).toEqual([{ level: "serializable", ro: "on", def: "on" }]);
    stage.conn.isolationLevel = "repeatable read";
    stage.conn.readOnly = true;
    expect(await block(show)).toEqual([{ level: "repeatable read", ro: "on", def: "off" }]);
    expect(await block(show, { readOnly: false })).toEqual([
      { level: "repeatable read", ro: "off", def: "off" },
    ]);
    stage.conn.isolationLevel = null;
    stage.conn.readOnly = null;
    expect(await block(show)).toEqual([{ level: "read committed", ro: "off", def: "off" }]);
    const inner = await failureOf(() =>
      block(() =>
        chain(
          () => insert(1),
          () => block(() => 1, { readOnly: true }),
        ),
      ),
    );
    expect(inner.message).toMatch(/chosen by the outermost block/);
    await expectUsable(stage.conn);
  });

  test.each([
    [{ isolationLevel: "snapshot" }, /isolationLevel must be one of .* not "snapshot"/],
    [{ readOnly: 1 }, /readOnly must be one of true, false or null, not 1/],
    [{ savepointName: "" }, /savepoint's name must have between 1 and 63 bytes/],
    [{ savepointName: "x".repeat(64) }, /between 1 and 63 bytes/],
    [{ timeout: -1 }, /timeout must be a number of milliseconds, not -1/],
    [{ retry: -1 }, /retry must be a whole number/],
    [{ retires: 3 }, /there is no option "retires" for a transaction/],
  ])("refuses %j", async (options, message) => {
    const error = await failureOf(() => block(() => 1, options));
    expect([error.constructor.name, error.message]).toEqual([
      "ProgrammingError",
      expect.stringMatching(message),
    ]);
    await expectUsable(stage.conn);
  });

  test("settings can't be changed inside", async () => {
    for (const setting of ["autocommit", "isolationLevel", "readOnly", "deferrable"] as const) {
      const error = await failureOf(() =>
        block(() =>
          chain(
            () => insert(1),
            () => {
              (stage.conn as unknown as Record<string, unknown>)[setting] = null;
            },
          ),
        ),
      );
      expect(error.message).toMatch(new RegExp(`^${setting} can't be changed now`));
    }
  });

  test("names savepoints exactly, quotes and all", async () => {
    const hostile = 'a"; drop table x; --';
    await block(() =>
      chain(
        () => insert(1),
        () =>
          block(
            (tx) =>
              chain(
                () => insert(2),
                () => expect(tx.savepointName).toBe(hostile),
              ),
            { savepointName: hostile },
          ),
      ),
    );
    expect(await ids()).toEqual([1, 2]);
    await block(
      (tx) =>
        chain(
          () => insert(3),
          () => expect(tx.savepointName).toBe("outer"),
        ),
      {
        savepointName: "outer",
      },
    );
    expect(await ids()).toEqual([1, 2, 3]);
  });
});
