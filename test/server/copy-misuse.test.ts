// What programs do to a COPY, to executeMany() and to blocks by mistake, or by reusing what they own.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { AsyncConnection } from "../../src/index.ts";
import { expectUsable, failureOf, shells, terminate } from "../support/shells.ts";

describe.each(shells)("misuse ($name)", ({ name, connect }) => {
  let conn: AsyncConnection;
  beforeAll(async () => {
    conn = await connect();
    await conn.execute("create temp table misuse (s text)");
  });
  afterAll(async () => conn.close());
  const sync = name === "blocking";

  test("a buffer that is used again after write() was copied", async () => {
    await conn.execute("truncate misuse");
    const copy = await conn.cursor().copy("copy misuse from stdin");
    const buffer = Buffer.alloc(40_000);
    for (const letter of "abcd") {
      buffer.fill(letter);
      buffer[39_999] = 10;
      await copy.write(buffer);
    }
    await copy.finish();
    expect(
      await conn.query("select string_agg(left(s, 1), '' order by ctid) as x from misuse"),
    ).toEqual([{ x: "abcd" }]);
  });

  test("parameters of a COPY are in no error, and negative ones mean what they mean", async () => {
    const error = await failureOf(() =>
      conn.cursor().copy("copy (select 1/0, $1) to stdout", ["s3cret"], {}, () => undefined),
    );
    expect([error.sqlstate, error.statement]).toEqual(["22012", "copy (select 1/0, $1) to stdout"]);
    for (const [type, value] of [
      ["int2", -32_768],
      ["int8", -(2n ** 63n)],
      ["text", -5],
    ] as const) {
      const copy = await conn.cursor().copy(`copy (select $1::${type}) to stdout`, [value]);
      expect(String(await copy.read())).toBe(`${value}\n`);
      expect(await copy.read()).toBeUndefined();
      if (sync) (copy as unknown as Disposable)[Symbol.dispose]();
      else await copy[Symbol.asyncDispose]();
    }
    const nul = await failureOf(() =>
      conn.cursor().copy("copy misuse from stdin where s = $1", ["a\0"]),
    );
    expect(nul.message).toMatch(/NUL/);
    await expectUsable(conn);
  });

  test("rows are refused where the statement says csv, however its names are quoted", async () => {
    for (const text of [
      'copy misuse (U&"s") from stdin csv',
      'copy misuse (U&"\\0073") from stdin (format csv)',
      `copy misuse (U&"!0073" uescape '!') from stdin (format csv)`,
    ]) {
      const error = await failureOf(() =>
        conn.cursor().copy(text, [], {}, (copy) => copy.writeRow(["a,b"])),
      );
      expect(error.message).toContain("csv");
    }
    await conn.execute("truncate misuse");
    await conn
      .cursor()
      .copy('copy misuse (U&"\\0073") from stdin', (copy) => copy.writeRow(["a,b"]));
    expect(await conn.query("table misuse")).toEqual([{ s: "a,b" }]);
  });

  test("the items of executeMany() can't use the same connection", async () => {
    const items = function* (): Generator<number[]> {
      yield [1];
      if (sync) void conn.query("select 1");
    };
    const later = async function* (): AsyncGenerator<number[]> {
      yield [1];
      await conn.query("select 1");
    };
    const error = await failureOf(() =>
      conn.cursor().executeMany("select $1::int", sync ? items() : later()),
    );
    expect([error.code, error.message]).toEqual([
      "ERR_MAHOUT_BUSY",
      expect.stringContaining("items of executeMany()"),
    ]);
    await expectUsable(conn);
  });

  test("a function behind its options is refused", async () => {
    const wrong = conn as unknown as Record<string, (first: object, run: () => void) => unknown>;
    for (const block of ["transaction", "pipeline"]) {
      const error = await failureOf(() => wrong[block]?.call(conn, { timeout: 5 }, () => {}));
      expect(error.message).toBe(`${block}() takes its function first and options after it`);
    }
    await expectUsable(conn);
  });

  test.each<[given: unknown, shown: string]>([
    [Promise.resolve(1), "a promise"],
    ["select 1", '"select 1"'],
    [5, "5"],
  ])("%p in the place of a function opens no block that nobody would end", async (given, shown) => {
    const wrong = conn as unknown as Record<string, (first: unknown) => unknown>;
    for (const block of ["transaction", "pipeline"]) {
      const error = await failureOf(() => wrong[block]?.call(conn, given));
      expect(error.message).toBe(`${block}() takes a function or options, not ${shown}`);
    }
    await expectUsable(conn);
  });
});

describe("misuse of one shell", () => {
  const [async, blocking] = shells as [(typeof shells)[0], (typeof shells)[0]];

  test("a blocking pipeline refuses an asynchronous function, and a blocking block a signal", async () => {
    const conn = await blocking.connect();
    const late = await failureOf(() => conn.pipeline(async () => {}));
    expect(late.message).toMatch(/blocking pipeline returned a promise/);
    const signalled = await failureOf(() =>
      conn.transaction(() => 1, { signal: AbortSignal.abort() }),
    );
    expect(signalled.message).toMatch(/cannot be stopped by a signal/);
    await expectUsable(conn);
    await conn.close();
  });

  test("a source without an end hears of the server's error", async () => {
    const conn = await async.connect();
    await conn.execute("create temp table endless (n int)");
    const error = await failureOf(() =>
      conn.cursor().copy("copy endless from stdin", [], {}, async (copy) => {
        for (;;) await copy.write("not a number\n");
      }),
    );
    expect(error.sqlstate).toBe("22P02");
    await expectUsable(conn);
    await conn.close();
  });

  test.each(["terminated", "closed"])(
    "executeMany() ends when its connection is %s, whatever its source waits for",
    async (how) => {
      const conn = await async.connect();
      const running = failureOf(() =>
        conn.cursor().executeMany(
          "select $1::int",
          (async function* () {
            await new Promise(() => {});
            yield [1];
          })(),
        ),
      );
      await sleep(20);
      if (how === "terminated") await terminate(conn.info.backendPid);
      else await conn.close();
      expect((await running).message).toMatch(/terminating|closed/);
      await conn.close();
    },
  );
});
