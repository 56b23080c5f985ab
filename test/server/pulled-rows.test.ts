// The iterators of streams and of a COPY's rows behave as the engine's generators do, however they are called.

import { describe, expect, test } from "@jest/globals";
import type { AsyncConnection, AsyncCopy } from "../../src/index.ts";
import { errors } from "../../src/index.ts";
import { expectUsable, failureOf, shells } from "../support/shells.ts";

const connect = shells[0]!.connect as () => Promise<AsyncConnection>;
const OVER = { done: true, value: undefined };

type Rows = AsyncGenerator<unknown, void, undefined>;

/** Iterates `query` in each way; `close` ends what is around the iterator. */
const ways: [
  name: string,
  begin: (conn: AsyncConnection, query: string) => Promise<{ rows: Rows; close: () => unknown }>,
][] = [
  [
    "stream()",
    async (conn, query) => {
      const rows = conn.cursor().stream(query, [], { rowFactory: () => (values) => [...values] });
      return { rows, close: () => rows.return() };
    },
  ],
  [
    "copy.rows()",
    async (conn, query) => {
      const copy = (await conn.cursor().copy(`copy (${query}) to stdout`)) as AsyncCopy;
      return { rows: copy.rows(), close: () => copy.close() };
    },
  ],
];

const THREE = "select generate_series(1, 3) as n";

describe.each(ways)("%s", (_name, begin) => {
  test("calls that aren't awaited are served in their order", async () => {
    await using conn = await connect();
    const { rows, close } = await begin(conn, THREE);
    const steps = [rows.next(), rows.next(), rows.next(), rows.next(), rows.next()];
    expect(await Promise.all(steps)).toEqual([
      { done: false, value: [1] },
      { done: false, value: [2] },
      { done: false, value: [3] },
      OVER,
      OVER,
    ]);
    await close();
    await expectUsable(conn);
  });

  test("each row is an array of its own, and each step an object of its own", async () => {
    await using conn = await connect();
    const { rows, close } = await begin(conn, THREE);
    const [first, second] = [await rows.next(), await rows.next()];
    expect([first, second]).toEqual([
      { done: false, value: [1] },
      { done: false, value: [2] },
    ]);
    await close();
  });

  test("return() waits for the steps before it, and ends it for those after it", async () => {
    await using conn = await connect();
    const { rows, close } = await begin(conn, THREE);
    const order: unknown[] = [];
    await Promise.all(
      [rows.next(), rows.return(), rows.next(), rows.next()].map((step) =>
        step.then(({ value }) => order.push(value)),
      ),
    );
    expect(order).toEqual([[1], undefined, undefined, undefined]);
    expect(await rows.next()).toEqual(OVER);
    await close();
    await expectUsable(conn);
  });

  test("return() before the first step lets nothing begin", async () => {
    await using conn = await connect();
    const { rows, close } = await begin(conn, THREE);
    expect(await rows.return()).toEqual(OVER);
    expect(await rows.next()).toEqual(OVER);
    await close();
    await expectUsable(conn);
  });

  test("throw() fails with its error and ends it", async () => {
    await using conn = await connect();
    const { rows, close } = await begin(conn, THREE);
    await rows.next();
    const error = new Error("why");
    await expect(rows.throw(error)).rejects.toBe(error);
    expect(await rows.next()).toEqual(OVER);
    await close();
    await expectUsable(conn);
  });

  test("an error comes once, in its place, from where the row was asked for", async () => {
    await using conn = await connect();
    const { rows, close } = await begin(
      conn,
      "select 1 / (3 - n) as n from generate_series(1, 5) n",
    );
    const found: unknown[] = [];
    const error = await failureOf(async () => {
      for await (const row of rows) found.push(row);
    });
    expect(found).toEqual([[0], [1]]);
    expect(error).toBeInstanceOf(errors.DivisionByZero);
    expect(error.stack).toContain("pulled-rows.test");
    expect(await rows.next()).toEqual(OVER);
    await close();
    await expectUsable(conn);
  });

  test("a value that can't be read is an error of its row, after which there are none", async () => {
    await using conn = await connect();
    conn.adapters.register({
      ...conn.adapters.codec(23),
      loadText: fussy,
      loadBinary: (bytes, start) => fussy(bytes, start, start + 4),
    });
    const { rows, close } = await begin(conn, THREE);
    expect(await rows.next()).toEqual({ done: false, value: [1] });
    expect((await failureOf(() => rows.next())).message).toContain("not this one");
    expect(await rows.next()).toEqual(OVER);
    await close();
  });
});

/** Reads 1, in either format. */
function fussy(bytes: Buffer, _start: number, end: number): number {
  if ((bytes[end - 1] as number) % 0x30 === 1) return 1;
  throw new Error("not this one");
}
