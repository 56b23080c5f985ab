// Sources that give nothing more, and several readers of one COPY: nobody waits for ever, and no row is lost.

import { setTimeout as sleep } from "node:timers/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { describe, expect, test } from "@jest/globals";
import type { AsyncConnection, AsyncCopy } from "../../src/index.ts";
import { expectUsable, failureOf, shells, terminate } from "../support/shells.ts";

const [{ connect }] = shells as [(typeof shells)[0]];

/** A source that gives `first` and then waits for what never comes; tells whether it was asked to end. */
function silent<T>(...first: T[]): AsyncIterable<T> & { asked: boolean } {
  const source = {
    asked: false,
    [Symbol.asyncIterator](): AsyncIterator<T> {
      const given = first.values();
      return {
        next: async () => {
          const step = given.next();
          return step.done ? await new Promise<never>(() => {}) : step;
        },
        return: () => {
          source.asked = true;
          return new Promise<never>(() => {});
        },
      };
    },
  };
  return source;
}

/** What ends a COPY while its source is silent, and what its error says. */
const ENDS: [
  how: string,
  message: RegExp,
  end: (conn: AsyncConnection, copy: AsyncCopy) => unknown,
][] = [
  ["its timeout", /after its timeout of 200 ms/, () => {}],
  ["the server's refusal", /invalid input syntax/, () => {}],
  ["the end of the session", /terminating connection/, (conn) => terminate(conn.info.backendPid)],
  ["closing the connection", /closed/, (conn) => conn.close()],
  ["closing the COPY", /stopped|left/, (_conn, copy) => copy.close()],
];

const FEEDS: [
  name: string,
  feed: (copy: AsyncCopy, isBad: boolean) => readonly [unknown, Promise<void>],
][] = [
  [
    "from()",
    (copy, isBad) => {
      const source = silent(isBad ? `${"x".repeat(100_000)}\n` : "1\n");
      return [source, copy.from(source)];
    },
  ],
  [
    "writeRows()",
    (copy, isBad) => {
      const rows = Array.from({ length: isBad ? 100_000 : 1 }, () => [isBad ? "x" : 1]);
      const source = silent(...rows);
      return [source, copy.writeRows(source)];
    },
  ],
  [
    "a stream into writable()",
    (copy, isBad) => {
      const stream = new Readable({ read() {} });
      stream.push(isBad ? `${"x".repeat(100_000)}\n` : "1\n");
      const source = {
        get asked() {
          return stream.destroyed;
        },
      };
      return [source, pipeline(stream, copy.writable())];
    },
  ],
];

describe.each(FEEDS)("%s of a source that gives nothing more", (_name, feed) => {
  test.each(ENDS)("ends with %s", async (how, message, end) => {
    const conn = await connect();
    await conn.execute("create temp table fed (n int)");
    const limits = how === "its timeout" ? { timeout: 200 } : {};
    // Values are written as they look: the server is to refuse them.
    const copy = await conn
      .cursor()
      .copy("copy fed from stdin", [], { ...limits, types: ["text"] });
    const [source, fed] = feed(copy, how === "the server's refusal");
    const failure = failureOf(() => fed);
    await sleep(20);
    await end(conn, copy);
    expect((await failure).message).toMatch(message);
    expect(source).toMatchObject({ asked: true });
    await copy.close();
    if (!conn.closed) await expectUsable(conn);
    await conn.close();
  });
});

test("a signal ends from() in a block, and the block with it", async () => {
  await using conn = await connect();
  await conn.execute("create temp table fed (n int)");
  const signal = AbortSignal.timeout(50);
  const error = await failureOf(() =>
    conn.cursor().copy("copy fed from stdin", [], { signal }, (copy) => copy.from(silent("1\n"))),
  );
  expect(error.code).toBe("ERR_MAHOUT_ABORTED");
  await expectUsable(conn);
});

test("what a source throws is thrown, and one that ends is not asked to", async () => {
  await using conn = await connect();
  await conn.execute("create temp table fed (n int)");
  const mine = new Error("mine");
  const copied = conn.cursor().copy("copy fed from stdin", (copy) =>
    copy.writeRows(
      (async function* () {
        yield [1];
        throw mine;
      })(),
    ),
  );
  expect(await failureOf(() => copied)).toBe(mine);
  let asked = 0;
  const steps = [[1], [2]].values();
  const plain: AsyncIterable<number[]> = {
    [Symbol.asyncIterator]: () => ({
      next: async () => steps.next(),
      return: async () => ({ done: true, value: ++asked }),
    }),
  };
  await conn.cursor().copy("copy fed from stdin", (copy) => copy.writeRows(plain));
  expect([asked, await conn.query("table fed")]).toEqual([0, [{ n: 1 }, { n: 2 }]]);
});

test("a writable that nobody listens to has no error event when its COPY ends", async () => {
  await using conn = await connect();
  await conn.execute("create temp table fed (n int)");
  const copy = await conn.cursor().copy("copy fed from stdin", [], { timeout: 20 });
  const writable = copy.writable();
  writable.write("1\n");
  expect(
    (
      await failureOf(async () => {
        await sleep(60);
        await copy.finish();
      })
    ).code,
  ).toBe("ERR_MAHOUT_STATEMENT_TIMEOUT");
  await sleep(0);
  expect(writable.destroyed).toBe(true);
  await expectUsable(conn);
});

describe.each(shells)("several readers of one COPY, $name", ({ connect }) => {
  test.each(["text", "binary"])("share its rows, in %s", async (format) => {
    await using conn = await connect();
    const text = `copy (select generate_series(1, 20000)) to stdout (format ${format})`;
    await using copy = await conn.cursor().copy(text, [], { types: ["int4"] });
    const seen: unknown[] = [];
    const read = async (): Promise<void> => {
      for await (const [n] of copy.rows()) {
        seen.push(n);
        if (seen.length % 7 === 0) await Promise.resolve();
      }
    };
    const one = async (): Promise<void> => {
      for (let row = await copy.readRow(); row; row = await copy.readRow()) seen.push(row[0]);
    };
    await Promise.all([read(), read(), one()]);
    seen.sort((a, b) => Number(a) - Number(b));
    expect(seen).toEqual(Array.from({ length: 20_000 }, (_, index) => index + 1));
  });
});
