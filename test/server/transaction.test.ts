// Transaction blocks, in both shells: what they send, what they are worth, and how they end.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import {
  type AsyncConnection,
  type AsyncTransaction,
  errors,
  OutOfOrderTransactionNesting,
  ProgrammingError,
  Rollback,
} from "../../src/index.ts";
import { administer, expectUsable, failureOf, shells, terminate } from "../support/shells.ts";

describe.each(shells)("transaction blocks ($name)", ({ name, connect }) => {
  let conn: AsyncConnection;
  const table = `blocks_${name}`;
  beforeAll(async () => {
    await administer(`create table ${table} (id int, unique (id) deferrable initially deferred)`);
    conn = await connect();
  });
  afterAll(async () => {
    await conn.close();
    await administer(`drop table ${table}`);
  });
  beforeEach(async () => {
    await administer(`truncate ${table}`);
    if (conn.closed) conn = await connect();
  });

  const insert = (id: number): Promise<unknown> =>
    conn.execute(`insert into ${table} values ($1)`, [id]);
  const ids = async (): Promise<number[]> =>
    (await administer(`select id from ${table} order by id`)).map(([id]) => Number(id));
  const block = <T>(run: (tx: AsyncTransaction) => Promise<T> | T, options?: object): Promise<T> =>
    // A blocking block takes no promise: its function runs to the end before the block does.
    (conn.transaction as (run: unknown, options?: object) => Promise<T>).call(conn, run, options);
  // Both shells run the same plain functions; only in the asynchronous one they return promises.
  const chain = (...steps: (() => unknown)[]): unknown =>
    steps.reduce<unknown>(
      (before, step) => (before instanceof Promise ? before.then(() => step()) : step()),
      undefined,
    );

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
    await expectUsable(conn);
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
    await expectUsable(conn);
  });

  test("is not visible to others before it ends", async () => {
    let seen: unknown;
    await block(() =>
      chain(
        () => insert(1),
        () => (seen = conn.info.transactionStatus),
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
          () => conn.execute("select 1/0"),
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
          () => failureOfStep(() => conn.execute("select 1/0")),
        );
      }),
    );
    expect(error).toBeInstanceOf(errors.InFailedSqlTransaction);
    expect(tx?.status).toBe("rolledBackWithError");
    expect(await ids()).toEqual([]);
    await expectUsable(conn);
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
                () => failureOfStep(() => conn.execute("select 1/0")),
              ),
            ),
          ),
        () => outcome.push(conn.info.transactionStatus),
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
    await expectUsable(conn);
  });

  test("sends nothing when no statement came", async () => {
    const trace: string[] = [];
    conn.trace((line: string) => trace.push(line), {});
    await block((tx) => block(() => tx.status));
    conn.untrace();
    expect(trace).toEqual([]);
  });

  test("refuses commit and rollback inside", async () => {
    for (const wrong of [() => conn.commit(), () => conn.rollback()]) {
      const error = await failureOf(() => block(() => chain(() => insert(1), wrong)));
      expect(error).toBeInstanceOf(ProgrammingError);
      expect(error.message).toMatch(/can't be called inside a transaction block/);
    }
    expect(await ids()).toEqual([]);
  });

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

  test("has the characteristics that it or the connection asks for", async () => {
    const show = (): unknown =>
      conn.query(
        `select current_setting('transaction_isolation') as level,
          current_setting('transaction_read_only') as ro, current_setting('transaction_deferrable') as def`,
      );
    expect(
      await block(show, { isolationLevel: "serializable", readOnly: true, deferrable: true }),
    ).toEqual([{ level: "serializable", ro: "on", def: "on" }]);
    conn.isolationLevel = "repeatable read";
    conn.readOnly = true;
    expect(await block(show)).toEqual([{ level: "repeatable read", ro: "on", def: "off" }]);
    expect(await block(show, { readOnly: false })).toEqual([
      { level: "repeatable read", ro: "off", def: "off" },
    ]);
    conn.isolationLevel = null;
    conn.readOnly = null;
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
    await expectUsable(conn);
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
    await expectUsable(conn);
  });

  test("settings can't be changed inside", async () => {
    for (const setting of ["autocommit", "isolationLevel", "readOnly", "deferrable"] as const) {
      const error = await failureOf(() =>
        block(() =>
          chain(
            () => insert(1),
            () => {
              (conn as unknown as Record<string, unknown>)[setting] = null;
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

  test("ends with the server's reason when the session is killed inside", async () => {
    let tx: AsyncTransaction | undefined;
    const { backendPid } = conn.info;
    const error = await failureOf(() =>
      block((one) => {
        tx = one;
        return chain(
          () => insert(1),
          () => conn.execute(`select pg_terminate_backend(${backendPid})`),
        );
      }),
    );
    expect(error).toBeInstanceOf(errors.AdminShutdown);
    expect([tx?.status, conn.broken]).toEqual(["failed", true]);
    expect(await ids()).toEqual([]);
  });

  test("does not pretend to have committed when the session ended meanwhile", async () => {
    const tx = await conn.transaction();
    await tx.execute(`insert into ${table} values (1)`);
    await terminate(conn.info.backendPid);
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
          () => conn.execute("commit"),
        ),
      ),
    );
    expect(error.message).toMatch(/was ended by a statement inside its block/);
    await expectUsable(conn);
  });

  describe("that their user ends", () => {
    test("commit only when told to", async () => {
      {
        await using tx = await conn.transaction();
        await tx.execute(`insert into ${table} values (1)`);
        await tx.commit();
        expect(tx.status).toBe("committed");
      }
      {
        await using tx = await conn.transaction();
        await conn.execute(`insert into ${table} values (2)`);
        expect(tx.status).toBe("active");
      }
      {
        await using tx = await conn.transaction();
        await conn.execute(`insert into ${table} values (3)`);
        await tx.rollback();
      }
      expect(await ids()).toEqual([1]);
      await expectUsable(conn);
    });

    test("nest", async () => {
      await using outer = await conn.transaction();
      await insert(1);
      {
        await using inner = await conn.transaction();
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
      const outer = await conn.transaction();
      const inner = await conn.transaction();
      await insert(1);
      const error = await failureOf(() => outer.commit());
      expect(error).toBeInstanceOf(OutOfOrderTransactionNesting);
      expect([outer.status, inner.status]).toEqual(["rolledBackWithError", "rolledBackWithError"]);
      expect((await failureOf(() => inner.commit())).message).toMatch(/has ended/);
      expect(await ids()).toEqual([]);
      await expectUsable(conn);
    });

    test("can't be ended by their function's means, nor the other way round", async () => {
      const error = await failureOf(() => block((tx) => tx.commit()));
      expect(error.message).toMatch(/commits when the function returns/);
      const repeated = await failureOf(() => conn.transaction({ retry: 3 }));
      expect(repeated.message).toMatch(/only a block with a function can be repeated/);
    });
  });

  test("repeat what failed for a passing reason, and only that", async () => {
    let calls = 0;
    const raise = (state: string): unknown =>
      conn.execute(`do $$ begin raise sqlstate '${state}'; end $$`);
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
