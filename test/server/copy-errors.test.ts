// COPY that goes wrong: bad input, errors of either side, blocks that are left early, limits. Afterwards the
// connection is usable, and each call has failed once, with the reason.

import { describe, expect, test } from "@jest/globals";
import { type AsyncConnection, errors, MahoutError, ProgrammingError } from "../../src/index.ts";
import { eventually, expectUsable, failureOf, shells } from "../support/shells.ts";

/** More than all buffers between here and the server hold. */
const ENDLESS = "copy (select repeat('x', 1000), generate_series(1, 1000000000)) to stdout";

async function newTable(conn: AsyncConnection): Promise<void> {
  await conn.execute("create temp table t (n int, s text)");
}

async function countOf(conn: AsyncConnection): Promise<unknown> {
  return (await conn.query("select count(*)::int as n from t"))[0]?.n;
}

describe.each(shells)("$name shell", ({ name, connect }) => {
  test.each([
    ["select 1", "use execute() for others"],
    ["insert into t values (1)", "use execute() for others"],
    ["", "use execute() for others"],
    ["copy t from stdin; select 1", "not several"],
    ["copy t from '/etc/hostname'", "run it with execute()"],
    ["copy t to program 'cat'", "run it with execute()"],
  ])("%j is refused before anything is sent", async (text, message) => {
    await using conn = await connect();
    await newTable(conn);
    const cur = conn.cursor();
    const error = await failureOf(() => cur.copy(text));
    expect(error).toBeInstanceOf(ProgrammingError);
    expect(error.message).toContain(message);
    await expectUsable(conn);
    expect(await countOf(conn)).toBe(0);
  });

  test("statements that the server refuses", async () => {
    await using conn = await connect();
    await newTable(conn);
    const cur = conn.cursor();
    const refused: [text: string, name: string][] = [
      ["copy nope from stdin", "UndefinedTable"],
      ["copy t (nope) from stdin", "UndefinedColumn"],
      ["copy (select 1 / 0) to stdout", "DivisionByZero"],
      ["copy (select nope) to stdout", "UndefinedColumn"],
      ["copy t from stdin (nope)", "SyntaxError"],
      ["copy (selec", "SyntaxError"],
    ];
    for (const [text, kind] of refused) {
      const error = await failureOf(() => cur.copy(text));
      expect([text, error.name, error.statement]).toEqual([text, kind, text]);
      expect([cur.rowCount, cur.statusMessage]).toEqual([-1, null]);
      await expectUsable(conn);
    }
    // What the question for the types ran into is told, not what came of it.
    await conn.execute("begin");
    const error = await failureOf(() => cur.copy("copy (select nope) to stdout"));
    expect(error).toBeInstanceOf(errors.UndefinedColumn);
    await expectUsable(conn, "inError");
    expect(await failureOf(() => cur.copy("copy t from stdin"))).toBeInstanceOf(
      errors.InFailedSqlTransaction,
    );
    await conn.execute("rollback");
    await expectUsable(conn);
  });

  test("several statements that only the server can tell apart", async () => {
    await using conn = await connect();
    await newTable(conn);
    const cur = conn.cursor();
    // A string that has no end here keeps the text from being understood.
    for (const text of ["copy t from stdin; copy t to stdout; copy t from stdin -- $$ '"]) {
      const error = await failureOf(() => cur.copy(text));
      expect(error).toBeInstanceOf(ProgrammingError);
      await expectUsable(conn);
    }
  });

  test("options and arguments that there aren't", async () => {
    await using conn = await connect();
    await newTable(conn);
    const cur = conn.cursor();
    const copy = cur.copy.bind(cur) as (...given: unknown[]) => unknown;
    const refused: [given: unknown[], message: string][] = [
      [["copy t from stdin", [], { nope: 1 }], 'no option "nope"'],
      [["copy t from stdin", { timeout: 1 }], "options come after"],
      [["copy t from stdin", [], {}, "x"], "takes a statement, parameters, options and a function"],
      [["copy t from stdin", [], { types: "int4" }], "must be an array"],
      [["copy t from stdin", [], { types: ["nope"] }], '"nope" is not the name of a type'],
      [["copy t from stdin", [], { types: [-1] }], "-1 is not the name of a type"],
      [["copy t from stdin", [], { timeout: -1 }], "timeout must be"],
      [[5], "must be a string"],
    ];
    for (const [given, message] of refused) {
      const error = await failureOf(() => copy(...given));
      expect(error).toBeInstanceOf(ProgrammingError);
      expect(error.message).toContain(message);
    }
    await using begun = await cur.copy("copy t from stdin", [], { types: ["int4"] });
    expect((await failureOf(() => begun.writeRow([1]))).message).toContain(
      "1 types were given for 2",
    );
    expect((await failureOf(() => begun.setTypes(["int4"]))).message).toContain("for 2 columns");
  });

  test("rows that are refused leave nothing behind", async () => {
    await using conn = await connect();
    await newTable(conn);
    const cur = conn.cursor();
    for (const format of ["text", "binary"]) {
      await using copy = await cur.copy(`copy t from stdin (format ${format})`);
      const refused: [row: unknown, message: string][] = [
        [[1], "the row has 1 value, but 2 columns are copied"],
        [[1, "x", 2], "the row has 3 values"],
        [[undefined, "x"], "undefined cannot be copied"],
        [[1.5, "x"], "column 1 (int4)"],
        [[1, { x: 1 }], "column 2 (text)"],
        [[1, "a\0b"], "column 2 (text): text with a NUL"],
        ["12", "must be an array"],
        [null, "must be an array"],
      ];
      for (const [row, message] of refused) {
        const error = await failureOf(() => copy.writeRow(row as unknown[]));
        expect(error).toBeInstanceOf(MahoutError);
        expect(error.message).toContain(message);
        await copy.writeRow([7, "kept"]);
      }
      expect((await failureOf(() => copy.write(5 as unknown as string))).message).toContain(
        "takes strings and bytes",
      );
      if (format === "binary") {
        expect((await failureOf(() => copy.write("x"))).message).toContain("takes bytes");
      }
      await copy.finish();
      expect(cur.rowCount).toBe(refused.length);
      expect((await failureOf(() => copy.writeRow([1, "x"]))).message).toContain("was finished");
    }
    expect(await conn.query("select distinct n, s from t")).toEqual([{ n: 7, s: "kept" }]);
  });

  test("the other direction's methods", async () => {
    await using conn = await connect();
    await newTable(conn);
    const cur = conn.cursor();
    {
      await using copy = await cur.copy("copy t from stdin");
      for (const use of [() => copy.read(), () => copy.readRow()])
        expect((await failureOf(use)).message).toContain("takes data");
    }
    await using copy = await cur.copy("copy t to stdout");
    for (const use of [() => copy.write("x"), () => copy.writeRow([1, "x"]), () => copy.finish()])
      expect((await failureOf(use)).message).toContain("gives data");
  });

  test("data that the server refuses", async () => {
    await using conn = await connect();
    await newTable(conn);
    const cur = conn.cursor();
    {
      await using copy = await cur.copy("copy t from stdin");
      await copy.write("1\tx\nnope\ty\n");
      const error = await failureOf(() => copy.finish());
      expect(error).toBeInstanceOf(errors.InvalidTextRepresentation);
      expect(error.diag.context).toContain("COPY t, line 2, column n");
      expect(error.statement).toBe("copy t from stdin");
      expect(copy.closed).toBe(true);
      // Nothing more comes of it, and it says why.
      expect(await failureOf(() => copy.write("2\tz\n"))).toBeInstanceOf(
        errors.InvalidTextRepresentation,
      );
    }
    await expectUsable(conn);
    // Early enough, it is the write that fails.
    await using copy = await cur.copy("copy t from stdin");
    const line = Buffer.from(`nope\t${"x".repeat(100_000)}\n`);
    const error = await failureOf(async () => {
      for (let round = 0; round < 10_000; round++) await copy.write(line);
    });
    expect(error).toBeInstanceOf(errors.InvalidTextRepresentation);
    await expectUsable(conn);
    expect(await countOf(conn)).toBe(0);
  });

  test("a block that throws: its error survives, and nothing was copied", async () => {
    await using conn = await connect();
    await newTable(conn);
    const cur = conn.cursor();
    const mine = new TypeError("it is mine \0 \ud800");
    for (const text of [
      "copy t from stdin",
      "copy t from stdin (format binary)",
      ENDLESS,
      "copy t to stdout",
    ]) {
      const error = await failureOf(() =>
        cur.copy(text, (copy) => {
          if (copy.direction === "in") void copy.writeRow([1, "x"]);
          throw mine;
        }),
      );
      expect(error).toBe(mine);
      await expectUsable(conn);
    }
    expect(await countOf(conn)).toBe(0);
    await conn.execute("begin");
    const failing = (): never => {
      throw mine;
    };
    expect(await failureOf(() => cur.copy("copy t from stdin", failing))).toBe(mine);
    await expectUsable(conn, "inError");
    await conn.execute("rollback");
  });

  test("a disposable one that is left: in without finish() copies nothing, out drops the rest", async () => {
    await using conn = await connect();
    await newTable(conn);
    const cur = conn.cursor();
    {
      await using copy = await cur.copy("copy t from stdin");
      await copy.writeRow([1, "x"]);
    }
    await expectUsable(conn);
    expect([await countOf(conn), cur.statusMessage]).toEqual([0, null]);
    for (const reads of [0, 1, 5]) {
      const began = Date.now();
      {
        await using copy = await cur.copy(ENDLESS);
        for (let read = 0; read < reads; read++) expect((await copy.readRow())?.[1]).toBe(read + 1);
      }
      expect(Date.now() - began).toBeLessThan(5_000);
      await expectUsable(conn);
    }
    // Leaving a loop is no end of the COPY: the rest can still be read.
    await conn.execute("insert into t select n, 'x' from generate_series(1, 10) n");
    await using copy = await cur.copy("copy t to stdout");
    for await (const row of copy.rows()) {
      expect(row[0]).toBe(1);
      break;
    }
    expect((await copy.readRow())?.[0]).toBe(2);
  });

  test("left early in a transaction, which the server says has failed or not", async () => {
    await using conn = await connect();
    await newTable(conn);
    await conn.execute("begin");
    const cur = conn.cursor();
    await cur.copy("copy (select 1) to stdout", () => 1);
    await expectUsable(conn, "inTransaction");
    await cur.copy(ENDLESS, () => 1);
    await expectUsable(conn, "inError");
    await conn.execute("rollback");
    await expectUsable(conn);
  });

  test("a timeout: while it copies, and while the program does", async () => {
    await using conn = await connect();
    await newTable(conn);
    const cur = conn.cursor();
    {
      await using copy = await cur.copy(ENDLESS, [], { timeout: 100 });
      const error = await failureOf(async () => {
        for await (const piece of copy) expect(piece.length).toBeGreaterThan(0);
      });
      expect(error).toBeInstanceOf(errors.QueryCanceled);
      expect(error.message).toContain("after its timeout of 100 ms");
    }
    await expectUsable(conn);
    {
      await using copy = await cur.copy("copy t from stdin", [], { timeout: 50 });
      const error = await failureOf(async () => {
        for (;;) await copy.writeRow([1, "x".repeat(1000)]);
      });
      expect(error).toBeInstanceOf(errors.QueryCanceled);
      expect(error.message).toContain("after its timeout of 50 ms");
    }
    await expectUsable(conn);
    {
      await using copy = await cur.copy("copy t from stdin", [], { timeout: 20 });
      const until = Date.now() + 60;
      await eventually(() => Date.now() > until);
      const error = await failureOf(() => copy.finish());
      expect(error).toBeInstanceOf(errors.QueryCanceled);
    }
    await expectUsable(conn);
    const late = await failureOf(() =>
      cur.copy("copy (select pg_sleep(60)) to stdout", [], { timeout: 50 }, (copy) => copy.read()),
    );
    expect(late).toBeInstanceOf(errors.QueryCanceled);
    await expectUsable(conn);
    expect(await countOf(conn)).toBe(0);
    await cur.copy("copy t from stdin", [], { timeout: 10_000 }, (copy) => copy.writeRow([1, "x"]));
    expect(await countOf(conn)).toBe(1);
  });

  test("on a closed cursor or connection, and in a pipeline", async () => {
    const conn = await connect();
    const cur = conn.cursor();
    const closed = conn.cursor();
    await closed.close();
    expect((await failureOf(() => closed.copy("copy t to stdout"))).name).toBe("InterfaceError");
    {
      await using pipeline = await conn.pipeline();
      expect(pipeline).toBeDefined();
      expect((await failureOf(() => cur.copy("copy t to stdout"))).name).toBe("NotSupportedError");
      const rows = async (): Promise<void> => {
        for await (const row of cur.stream("select 1")) expect(row).toBeDefined();
      };
      expect((await failureOf(rows)).name).toBe("NotSupportedError");
    }
    await expectUsable(conn);
    await conn.close();
    expect((await failureOf(() => cur.copy("copy t to stdout"))).message).toContain("is closed");
  });

  if (name === "blocking") {
    test("an asynchronous function is refused", async () => {
      await using conn = await connect();
      await newTable(conn);
      const error = await failureOf(() =>
        conn.cursor().copy("copy t from stdin", async (copy) => {
          await copy.writeRow([1, "x"]);
        }),
      );
      expect(error.message).toContain("nothing can be awaited here");
      await expectUsable(conn);
    });
  }
});
