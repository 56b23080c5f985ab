// What the program does in the middle of a statement that is one exchange: in what turns its values into bytes,
// and bytes into values, and after it has closed the connection.

import { AsyncLocalStorage } from "node:async_hooks";
import { describe, expect, test } from "@jest/globals";
import type { AsyncConnection, RowFactory } from "../../src/index.ts";
import { failureOf, shells } from "../support/shells.ts";

const JSONB = "select $1::jsonb as a";
const SERIES = "select i as a from generate_series(1, $1::int4) i";
const ONE = "select 1 as a";

describe.each(shells)("in the middle of one exchange, in the $name shell", (shell) => {
  const isAsync = shell.name === "async";

  /** Has the statements prepared, so that whoever runs them next needs no more than an exchange. */
  async function prepared(...texts: string[]): Promise<AsyncConnection> {
    const conn = await shell.connect();
    for (const text of texts) await conn.query(text, text === ONE ? [] : [1], { prepare: true });
    return conn;
  }

  if (isAsync) {
    test.each([
      ["a prepared statement", JSONB, [2], [{ a: 2 }]],
      ["an unknown statement", "select 3 as a", [], [{ a: 3 }]],
    ])("%s that a value's toJSON() calls comes after", async (_, text, values, rows) => {
      await using conn = await prepared(JSONB);
      for (const fails of [false, true]) {
        const inner: Promise<unknown>[] = [];
        const value = {
          toJSON(): number {
            inner.push(conn.query(text, values));
            if (fails) throw new RangeError("no such value");
            return 1;
          },
        };
        const outer = conn.query(JSONB, [value]);
        if (fails) expect((await failureOf(() => outer)).message).toContain("no such value");
        else expect(await outer).toEqual([{ a: 1 }]);
        for (const one of inner) expect(await one).toEqual(rows);
        expect(inner.length).toBeGreaterThan(0);
        expect(await conn.query(JSONB, [4])).toEqual([{ a: 4 }]);
      }
    });

    test("whoever runs a statement on a connection that is being closed learns that it was not sent", async () => {
      for (const run of ["query", "execute"] as const) {
        await using conn = await prepared(JSONB);
        const closing = conn.close();
        const error = await failureOf(() => conn[run](JSONB, [1]));
        expect(error).toMatchObject({
          code: "ERR_MAHOUT_CONNECTION_CLOSED",
          message: "the connection is closed",
          outcome: "not sent",
        });
        await closing;
      }
    });
  }

  test.each([null, undefined, 0, ""])("a loader may throw %p", async (thrown) => {
    await using conn = await shell.connect();
    conn.adapters.registerLoader(
      "int4",
      (bytes, start) => {
        const value = bytes.readInt32BE(start);
        // oxlint-disable-next-line only-throw-error
        if (value === 3) throw thrown;
        return value;
      },
      1,
    );
    const told: unknown[] = [];
    for (let turn = 0; turn < 2; turn++) {
      try {
        told.push(await conn.query(SERIES, [5], { prepare: true }));
      } catch (error) {
        told.push({ error });
      }
    }
    expect(told).toEqual([{ error: thrown }, { error: thrown }]);
  });

  test("loaders and factories of the program's run where they are called for", async () => {
    await using conn = await prepared(ONE);
    const context = new AsyncLocalStorage<string>();
    const seen = new Set<unknown>();
    const inner: unknown[] = [];
    const look = (): void => {
      seen.add(context.getStore());
      // The connection has nothing under way any more.
      inner.push(conn.query(ONE));
    };
    const factory: RowFactory<unknown> = () => (row) => {
      look();
      return row[0];
    };
    conn.adapters.registerLoader("text", (bytes, start, end) => {
      look();
      return bytes.toString("utf8", start, end);
    });
    await context.run("here", async () => {
      for (let turn = 0; turn < 8; turn++) {
        await conn.query("select 'x' as x", [], { prepare: true });
        await conn.query("select $1::int4 as a", [1], { prepare: true, rowFactory: factory });
      }
    });
    expect([...seen]).toEqual(["here"]);
    expect(await Promise.all(inner)).toEqual(Array.from({ length: 16 }, () => [{ a: 1 }]));
  });

  test("what is refused in a pipeline says which statement it was", async () => {
    await using conn = await prepared(JSONB);
    await using pipeline = await conn.pipeline();
    const refused = [];
    if (isAsync) void pipeline.query(JSONB, [1]);
    else await pipeline.query(JSONB, [1]);
    refused.push(await failureOf(() => pipeline.query(JSONB, [undefined])));
    refused.push(await failureOf(() => pipeline.query("select 1 / $1::int4", [0])));
    expect(refused).toMatchObject([{ index: 1 }, { index: 2 }]);
    await failureOf(() => pipeline.sync());
  });
});
