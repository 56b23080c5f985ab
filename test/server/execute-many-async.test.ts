// Items from an asynchronous source: taken as they come, and given up when nobody wants them any more.

import { describe, expect, test } from "@jest/globals";
import { type AsyncConnection, errors } from "../../src/index.ts";
import { eventually, expectUsable, failureOf, shells, terminate } from "../support/shells.ts";
import { countOf, INSERT, type Item, later, numbers, withTable } from "./many-items.ts";

describe("asynchronous items", () => {
  const connect = async (): Promise<AsyncConnection> => {
    const [shell] = shells;
    return await (shell as (typeof shells)[number]).connect();
  };

  test("are taken as they come", async () => {
    await using conn = await withTable(await connect());
    const cur = await conn.cursor().executeMany(INSERT, later(2_000));
    expect([cur.rowCount, await countOf(conn)]).toEqual([2_000, 2_000]);
    async function* none(): AsyncGenerator<Item> {}
    expect((await conn.cursor().executeMany("no SQL", none())).rowCount).toBe(0);
    await expectUsable(conn);
  });

  test("that end with an error", async () => {
    await using conn = await withTable(await connect());
    const mine = new Error("no more");
    const items = later(500, (n) => {
      if (n === 400) throw mine;
      return [n, ""];
    });
    expect(await failureOf(() => conn.cursor().executeMany(INSERT, items))).toBe(mine);
    expect(await countOf(conn)).toBe(0);
    await expectUsable(conn);
  });

  test("that are refused end without waiting for the source", async () => {
    await using conn = await withTable(await connect());
    let left = false;
    async function* items(): AsyncGenerator<Item> {
      try {
        yield [1, "a"];
        yield [1, "b"];
        await new Promise(() => {});
      } finally {
        left = true;
      }
    }
    const error = await failureOf(() => conn.cursor().executeMany(INSERT, items()));
    expect(error).toBeInstanceOf(errors.UniqueViolation);
    expect([error.index, left]).toEqual([1, false]);
    expect(await countOf(conn)).toBe(0);
    await expectUsable(conn);
  });

  test("are given up when the session ends", async () => {
    await using conn = await withTable(await connect());
    async function* items(): AsyncGenerator<Item> {
      yield [1, "a"];
      await new Promise(() => {});
    }
    const failure = failureOf(() => conn.cursor().executeMany(INSERT, items()));
    const text = `select query from pg_stat_activity where pid = ${conn.info.backendPid}`;
    await using other = await connect();
    await eventually(async () => (await other.query<{ query: string }>(text))[0]?.query === INSERT);
    await terminate(conn.info.backendPid);
    expect(await failure).toBeInstanceOf(errors.AdminShutdown);
  });

  test.each(["signal", "timeout"])("a %s ends the wait for an item", async (limit) => {
    await using conn = await withTable(await connect());
    let asked = false;
    let closed = false;
    const items: AsyncIterable<Item> = {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          if (asked) return await new Promise(() => {});
          asked = true;
          return { done: false, value: [1, "a"] };
        },
        return: async () => {
          closed = true;
          return { done: true, value: undefined };
        },
      }),
    };
    const stop = new AbortController();
    const options = limit === "signal" ? { signal: stop.signal } : { timeout: 200 };
    const failure = failureOf(() => conn.cursor().executeMany(INSERT, items, options));
    await eventually(() => asked);
    stop.abort();
    expect(await failure).toBeInstanceOf(errors.QueryCanceled);
    expect(closed).toBe(true);
    expect(await countOf(conn)).toBe(0);
    await expectUsable(conn);
  });

  test("a call that is withdrawn closes its source", async () => {
    await using conn = await withTable(await connect());
    const slow = conn.execute("select pg_sleep(0.3)");
    const items = numbers(3);
    const error = await failureOf(() => conn.cursor().executeMany(INSERT, items, { timeout: 50 }));
    expect(error.outcome).toBe("not sent");
    expect(items.next().done).toBe(true);
    await slow;
  });

  test("can't come from the connection that waits for them", async () => {
    await using conn = await withTable(await connect());
    async function* items(): AsyncGenerator<Item> {
      yield [1, "a"];
      for (const { n } of await conn.query("select 2 as n")) yield [n, "b"];
    }
    const error = await failureOf(() => conn.cursor().executeMany(INSERT, items()));
    expect(error.message).toContain("can't come from the connection");
    expect(await countOf(conn)).toBe(0);
    // From another one they can, and afterwards from this one as well.
    await using other = await connect();
    async function* allowed(): AsyncGenerator<Item> {
      for (const { n } of await other.query("select 2 as n")) yield [n, "b"];
    }
    await conn.cursor().executeMany(INSERT, allowed());
    expect(await countOf(conn)).toBe(1);
  });

  test("statements of other callers come after it", async () => {
    await using conn = await withTable(await connect());
    const many = conn.cursor().executeMany(INSERT, later(300));
    expect(await countOf(conn)).toBe(300);
    await many;
    const both = [
      conn.cursor().executeMany(
        INSERT,
        numbers(1_000, (n) => [n + 1_000, ""]),
      ),
      conn.cursor().executeMany(
        INSERT,
        numbers(1_000, (n) => [n + 1_500, ""]),
      ),
      conn.query("select 1 as one"),
    ];
    const [first, second, third] = await Promise.allSettled(both);
    expect(first?.status).toBe("fulfilled");
    expect(second).toMatchObject({ status: "rejected", reason: { index: 0 } });
    expect(third).toEqual({ status: "fulfilled", value: [{ one: 1 }] });
    expect(await countOf(conn)).toBe(1_300);
  });
});
