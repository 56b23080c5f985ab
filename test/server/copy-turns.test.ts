// A COPY or a stream has the connection to itself: statements of others come afterwards, in their order, and
// one that would wait for its own caller is refused.

import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import { type AsyncCopy, errors, ProgrammingError } from "../../src/index.ts";
import { eventually, expectUsable, failureOf, shells } from "../support/shells.ts";

const ENDLESS = "select generate_series(1, 1000000000) as n, repeat('x', 200) as s";

describe.each(shells)("$name shell", ({ connect }) => {
  test("a statement in the block of a COPY or in the loop of a stream is refused", async () => {
    await using conn = await connect();
    await conn.execute("create temp table t (n int)");
    const cur = conn.cursor();
    const uses: [name: string, use: () => unknown][] = [
      ["execute", () => conn.execute("select 1")],
      ["query", () => conn.query("select 1")],
      ["copy", () => conn.cursor().copy("copy t to stdout")],
      ["commit", () => conn.commit()],
      [
        "stream",
        async () => {
          for await (const row of conn.cursor().stream("select 1")) expect(row).toBeDefined();
        },
      ],
    ];
    const refused = async (what: string): Promise<void> => {
      for (const [, use] of uses) {
        const error = await failureOf(use);
        expect(error).toBeInstanceOf(ProgrammingError);
        expect([error.code, error.message]).toEqual([
          "ERR_MAHOUT_OCCUPIED",
          `the connection is in the middle of ${what}, whose block this was called from: it would wait for itself; leave the block first, or use another connection`,
        ]);
      }
    };
    {
      await using copy = await cur.copy("copy t from stdin");
      await refused("copy()");
      await copy.writeRow([1]);
      await copy.finish();
      // It is over, though its block isn't.
      await expectUsable(conn);
    }
    for await (const row of conn.cursor().stream(ENDLESS)) {
      await refused("stream()");
      if (row.n === 2) break;
    }
    await expectUsable(conn);
    expect(await conn.query("table t")).toEqual([{ n: 1 }]);
  });

  test("another connection's statements are not", async () => {
    await using conn = await connect();
    await using other = await connect();
    for await (const row of conn.cursor().stream("select generate_series(1, 3) as n")) {
      expect(await other.query("select $1::int as n", [row.n])).toEqual([row]);
    }
  });
});

describe("asynchronous callers", () => {
  const [asynchronous] = shells;
  const connect = asynchronous!.connect;

  test("wait behind a COPY, in their order", async () => {
    await using conn = await connect();
    await conn.execute("create temp table t (n int)");
    const order: string[] = [];
    const note = (what: string) => (): void => void order.push(what);
    let release!: () => void;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const before = conn.query("select pg_sleep(0.02)").then(note("before"));
    const copied = conn
      .cursor()
      .copy("copy t from stdin", async (copy) => {
        order.push("begun");
        await copy.writeRow([1]);
        await gate;
        await copy.writeRow([2]);
      })
      .then(note("copied"));
    const first = conn.query("select count(*)::int as n from t").then((rows) => {
      order.push("first");
      return rows;
    });
    const second = conn.cursor().copy("copy t to stdout", async (copy) => {
      order.push("second");
      return copy.readRow();
    });
    const third = conn.query("select 1 / 0").catch(note("third"));
    await eventually(() => order.includes("begun"));
    await sleep(20);
    expect(order).toEqual(["before", "begun"]);
    release();
    await Promise.all([before, copied, third]);
    expect(await first).toEqual([{ n: 2 }]);
    expect(await second).toEqual([1]);
    expect(order).toEqual(["before", "begun", "copied", "first", "second", "third"]);
    await expectUsable(conn);
  });

  test("wait behind a stream, and behind the drain of one that was left", async () => {
    await using conn = await connect();
    const streaming = (async () => {
      for await (const row of conn.cursor().stream(ENDLESS)) if (row.n === 1000) return "left";
      return "over";
    })();
    const [left, rows] = await Promise.all([streaming, conn.query("select 7 as n")]);
    expect([left, rows]).toEqual(["left", [{ n: 7 }]]);
    await expectUsable(conn);
  });

  test("a task of the block that belongs to another context just waits", async () => {
    await using conn = await connect();
    await conn.execute("create temp table t (n int)");
    let later!: Promise<unknown>;
    const trigger: { fire?: () => void } = {};
    const other = new Promise<void>((resolve) => (trigger.fire = resolve)).then(() => {
      later = conn.query("select count(*)::int as n from t");
    });
    await conn.cursor().copy("copy t from stdin", async (copy) => {
      trigger.fire?.();
      await other;
      await copy.writeRow([1]);
    });
    expect(await later).toEqual([{ n: 1 }]);
  });

  test("a signal: in line, before, and in the middle", async () => {
    await using conn = await connect();
    await conn.execute("create temp table t (n int, s text)");
    const cur = conn.cursor();
    const aborted = AbortSignal.abort(new Error("why"));
    const before = await failureOf(() => cur.copy("copy t from stdin", [], { signal: aborted }));
    expect([before.name, before.outcome]).toEqual(["QueryCanceled", "not sent"]);
    await expectUsable(conn);

    const busy = conn.query("select pg_sleep(0.2)");
    const waiting = await failureOf(() =>
      conn.cursor().copy("copy t from stdin", [], { signal: AbortSignal.timeout(10) }, () => 1),
    );
    expect([waiting.name, waiting.outcome]).toEqual(["QueryCanceled", "not sent"]);
    await busy;
    await expectUsable(conn);

    for (const text of ["copy t from stdin", `copy (${ENDLESS}) to stdout`]) {
      const controller = new AbortController();
      const failed = conn.cursor().copy(text, [], { signal: controller.signal }, async (copy) => {
        setTimeout(() => controller.abort(new Error("enough")), 20);
        for (;;) {
          if (copy.direction === "in") await copy.writeRow([1, "x".repeat(100)]);
          else await copy.read();
          await sleep(0);
        }
      });
      const error = await failureOf(() => failed);
      expect(error).toBeInstanceOf(errors.QueryCanceled);
      expect(error.message).toContain("by its signal");
      expect((error.cause as Error).message).toBe("enough");
      await expectUsable(conn);
    }

    const controller = new AbortController();
    const error = await failureOf(async () => {
      for await (const row of conn.cursor().stream(ENDLESS, [], { signal: controller.signal }))
        if (row.n === 5) controller.abort(new Error("enough"));
    });
    expect(error).toBeInstanceOf(errors.QueryCanceled);
    await expectUsable(conn);
  });

  test("a block that is stopped while it does something else frees the connection at once", async () => {
    await using conn = await connect();
    await conn.execute("create temp table t (n int)");
    let release!: () => void;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const copied = conn.cursor().copy("copy t from stdin", [], { timeout: 20 }, () => gate);
    copied.catch(() => {});
    expect(await conn.query("select 1 as n")).toEqual([{ n: 1 }]);
    release();
    expect(await failureOf(() => copied)).toBeInstanceOf(errors.QueryCanceled);
  });

  test("whoever waits for it can have a limit, whose error names it", async () => {
    await using conn = await connect();
    const helper = async (): Promise<AsyncCopy> => {
      await conn.query("select 1");
      return await conn.cursor().copy("copy (select 1) to stdout");
    };
    await using copy = await helper();
    const error = await failureOf(() => conn.query("select 2", [], { timeout: 20 }));
    expect([error.code, error.message]).toEqual([
      "ERR_MAHOUT_STATEMENT_TIMEOUT",
      "the statement was withdrawn after its timeout of 20 ms: it was waiting for copy() to end, which has the connection to itself, and was not sent",
    ]);
    expect(await copy.readRow()).toEqual([1]);
    await copy.close();
    await expectUsable(conn);
  });

  test("conn.cancel() ends it", async () => {
    await using conn = await connect();
    const error = await failureOf(() =>
      conn.cursor().copy(`copy (${ENDLESS}) to stdout`, async (copy) => {
        await conn.cancel();
        for await (const piece of copy) expect(piece.length).toBeGreaterThan(0);
      }),
    );
    expect(error).toBeInstanceOf(errors.QueryCanceled);
    await expectUsable(conn);
  });
});
