// COPY belongs to a block of its own. Run by execute() it is an error, whatever protocol is spoken and wherever
// it stands, and the connection is usable afterwards, for its own next statement and for those of others.

import { describe, expect, test } from "@jest/globals";
import { errors, ProgrammingError } from "../../src/index.ts";
import { expectUsable, failureOf, shells } from "../support/shells.ts";

const MESSAGE =
  "COPY cannot be run by execute(), which has no place for the data: use copy() of a cursor";

const copies: [text: string][] = [
  ["copy t from stdin"],
  ["copy t from stdin with (format binary)"],
  ["COPY t TO STDOUT"],
  ["copy (select generate_series(1, 20000)) to stdout"],
  ["copy (select 1 where false) to stdout"],
  ["/* a comment */ copy t from stdin"],
];

const ways: [way: string, options: object][] = [
  ["the simple protocol", {}],
  ["the extended protocol", { prepare: true }],
  ["binary results", { binary: true }],
];

describe.each(shells)("$name shell", ({ name, connect }) => {
  describe.each(ways)("%s", (_way, options) => {
    test.each(copies)("%s", async (text) => {
      await using conn = await connect();
      await conn.execute("create temp table t (n int)");
      await conn.execute("insert into t values (1)");
      for (let round = 0; round < 3; round++) {
        const error = await failureOf(() => conn.execute(text, [], options));
        expect(error).toBeInstanceOf(ProgrammingError);
        expect([error.message, error.statement]).toEqual([MESSAGE, text]);
        await expectUsable(conn);
      }
      expect(await conn.query("select n from t")).toEqual([{ n: 1 }]);
    });

    test("in a transaction: copying in fails it, copying out doesn't", async () => {
      await using conn = await connect();
      await conn.execute("create temp table t (n int)");
      await conn.execute("begin");
      expect((await failureOf(() => conn.execute("copy t to stdout", [], options))).message).toBe(
        MESSAGE,
      );
      await expectUsable(conn, "inTransaction");
      expect((await failureOf(() => conn.execute("copy t from stdin", [], options))).message).toBe(
        MESSAGE,
      );
      await expectUsable(conn, "inError");
      await conn.execute("rollback");
      await expectUsable(conn);
    });

    test("a COPY that fails by itself is told in the server's words", async () => {
      await using conn = await connect();
      const error = await failureOf(() => conn.execute("copy nope from stdin", [], options));
      expect(error).toBeInstanceOf(errors.UndefinedTable);
      await conn.execute("create temp table t (n int)");
      const late = await failureOf(() =>
        conn.execute(
          "copy (select 1 / (n - 5000) from generate_series(1, 9000) n) to stdout",
          [],
          options,
        ),
      );
      // It had begun: then it is both.
      expect([late.message, (late.cause as Error | undefined)?.name]).toEqual([
        MESSAGE,
        "DivisionByZero",
      ]);
      await expectUsable(conn);
    });

    test("with a timeout", async () => {
      await using conn = await connect();
      await conn.execute("create temp table t (n int)");
      for (const text of ["copy t from stdin", "copy t to stdout"]) {
        const error = await failureOf(() => conn.execute(text, [], { ...options, timeout: 5_000 }));
        expect(error.message).toBe(MESSAGE);
        await expectUsable(conn);
      }
    });
  });

  test.each([
    ["select 1; copy t from stdin; select 2"],
    ["select 1; copy t to stdout; select 2"],
    ["copy t to stdout; copy t to stdout"],
    ["copy t to stdout; copy t from stdin"],
    ["begin; copy t from stdin; commit"],
    ["begin; copy t to stdout; commit"],
  ])("among several statements: %s", async (text) => {
    await using conn = await connect();
    await conn.execute("create temp table t (n int)");
    await conn.execute("insert into t select generate_series(1, 100)");
    const error = await failureOf(() => conn.execute(text));
    expect([error.name, error.message]).toEqual(["ProgrammingError", MESSAGE]);
    if (conn.info.transactionStatus !== "idle") await conn.execute("rollback");
    await expectUsable(conn);
    expect(await conn.query("select count(*) as n from t")).toEqual([{ n: 100n }]);
  });

  test("from and to a file of the server is no such COPY", async () => {
    await using conn = await connect();
    await conn.execute("create temp table t (n text)");
    const cur = await conn.execute("copy t from program 'printf a'");
    expect([cur.statusMessage, cur.rowCount, cur.description]).toEqual(["COPY 1", 1, null]);
  });

  if (name === "async") {
    test("statements around it are those of others, and go on", async () => {
      await using conn = await connect();
      await conn.execute("create temp table t (n int)");
      const calls = Array.from({ length: 60 }, (_, n) => {
        if (n % 12 === 5) return conn.query("copy t from stdin");
        if (n % 12 === 9) return conn.query("copy t to stdout", [], { prepare: true });
        return n % 2 === 0
          ? conn.query("select $1::int as n", [n])
          : conn.query(`select ${n} as n`);
      });
      const outcomes = await Promise.allSettled(calls);
      for (const [n, outcome] of outcomes.entries()) {
        if (n % 12 === 5 || n % 12 === 9) {
          expect(outcome).toMatchObject({ status: "rejected", reason: { message: MESSAGE } });
        } else {
          expect(outcome).toEqual({ status: "fulfilled", value: [{ n }] });
        }
      }
      await expectUsable(conn);
    });
  }
});
