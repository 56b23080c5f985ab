// Blocks of several asynchronous contexts on one connection: they take turns, and never end up inside each other.
import { AsyncResource } from "node:async_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { type AsyncConnection, AsyncConnection as Kind } from "../../src/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { administer, expectUsable, failureOf } from "../support/shells.ts";

describe("blocks of several contexts", () => {
  let conn: AsyncConnection;
  beforeAll(async () => {
    await administer("create table turns (id int)");
    conn = await Kind.connect(defaultServer().conninfo());
  });
  afterAll(async () => {
    await conn.close();
    await administer("drop table turns");
  });
  beforeEach(() => administer("truncate turns"));
  const ids = async (): Promise<number[]> =>
    (await administer("select id from turns order by id")).map(([id]) => Number(id));

  test("take turns: one that fails takes nothing of the others with it", async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 40 }, (_, id) =>
        conn.transaction(async (tx) => {
          expect(tx.savepointName).toBeNull();
          await conn.execute("insert into turns values ($1)", [id]);
          await sleep(id % 3);
          await conn.transaction(async (inner) => {
            expect(inner.savepointName).toBe("_mahout_2");
            await conn.execute("insert into turns values ($1)", [id + 100]);
          });
          if (id % 2 === 0) throw new Error(`no ${id}`);
        }),
      ),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(
      Array.from({ length: 40 }, (_, id) => (id % 2 === 0 ? "rejected" : "fulfilled")),
    );
    const odd = Array.from({ length: 20 }, (_, index) => index * 2 + 1);
    expect(await ids()).toEqual([...odd, ...odd.map((id) => id + 100)]);
    await expectUsable(conn);
  });

  test("siblings inside of one block are savepoints that take turns, too", async () => {
    await conn.transaction(async () => {
      const outcomes = await Promise.allSettled(
        [1, 2, 3, 4].map((id) =>
          conn.transaction(async () => {
            await conn.execute("insert into turns values ($1)", [id]);
            await sleep(2);
            if (id === 2) throw new Error("two");
          }),
        ),
      );
      expect(outcomes.map(({ status }) => status)).toEqual([
        "fulfilled",
        "rejected",
        "fulfilled",
        "fulfilled",
      ]);
    });
    expect(await ids()).toEqual([1, 3, 4]);
  });

  test("that their users end take turns as well", async () => {
    const order: string[] = [];
    const user = async (name: string): Promise<void> => {
      await using tx = await conn.transaction();
      order.push(`${name} in`);
      await sleep(3);
      await conn.execute("select 1");
      order.push(`${name} out`);
      await tx.commit();
    };
    await Promise.all([user("a"), user("b"), user("c")]);
    expect(order).toEqual(["a in", "a out", "b in", "b out", "c in", "c out"]);
  });

  test("a statement of another context waits for no block: it shares the transaction", async () => {
    let seen: unknown;
    let tell: () => void = () => {};
    const inside = new Promise<void>((resolve) => (tell = resolve));
    const other = inside.then(async () => {
      seen = await conn.query("select count(*)::int as n from turns");
    });
    await conn.transaction(async () => {
      await conn.execute("insert into turns values (1)");
      tell();
      await other;
    });
    expect(seen).toEqual([{ n: 1 }]);
  });

  test("the wait for a turn can be ended, which begins nothing", async () => {
    const abort = new AbortController();
    await conn.transaction(async () => {
      await conn.execute("insert into turns values (1)");
      const late = detached(() => conn.transaction(() => 1, { timeout: 20 }));
      expect((await late).message).toMatch(/timeout of 20 ms passed while the block waited/);
      const stopped = detached(() => conn.transaction(() => 1, { signal: abort.signal }));
      abort.abort(new Error("enough"));
      const error = await stopped;
      expect([error.message, error.cause, error.outcome]).toEqual([
        expect.stringMatching(/signal was aborted while the block waited/),
        new Error("enough"),
        "not sent",
      ]);
      expect(
        (await detached(() => conn.transaction(() => 1, { signal: AbortSignal.abort() }))).message,
      ).toMatch(/nothing was begun/);
    });
    expect(await ids()).toEqual([1]);
    await expectUsable(conn);
  });

  test("a block's end is never withdrawn: its time counts from when it is sent", async () => {
    let slow: Promise<unknown> = Promise.resolve();
    await conn.transaction(
      async () => {
        await conn.execute("insert into turns values (1)");
        slow = conn.execute("select pg_sleep(0.3)");
      },
      { timeout: 100 },
    );
    await slow;
    expect(await ids()).toEqual([1]);
    await expectUsable(conn);
  });

  test("the connection's end reaches everybody who waits", async () => {
    const own = await Kind.connect(defaultServer().conninfo());
    const all = Promise.allSettled(
      [1, 2, 3].map(() =>
        own.transaction(async () => {
          await own.execute("select pg_terminate_backend(pg_backend_pid())");
        }),
      ),
    );
    const outcomes = await all;
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(own.broken).toBe(true);
    await own.close();
  });
});

/** Runs something that fails in a context that is inside of no block, whatever the caller's is. */
const detached: (run: () => unknown) => ReturnType<typeof failureOf> = AsyncResource.bind(
  (run: () => unknown) => failureOf(run),
);
