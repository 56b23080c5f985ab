// Errors that the server answers with: their class, their fields, the statement without its parameters, and
// a stack that leads to whoever called.

import { inspect } from "node:util";
import { describe, expect, test } from "@jest/globals";
import {
  type AsyncConnection,
  DatabaseError,
  DataError,
  Diagnostic,
  errors,
  IntegrityError,
  MahoutError,
  OperationalError,
  ProgrammingError,
} from "../../src/index.ts";
import { failureOf, shells } from "../support/shells.ts";
import { stackOf } from "../support/stacks.ts";

const SECRET = "swordfish";

/** Ways to run a statement: each meets its errors at another message of the protocol. */
const ways: [way: string, options: object][] = [
  ["as it comes", {}],
  ["prepared", { prepare: true }],
  ["unprepared", { prepare: false }],
  ["in binary", { binary: true }],
];

describe.each(shells)("$name shell", ({ connect }) => {
  test.each<[text: string, name: keyof typeof errors, base: unknown]>([
    ["select nope", "UndefinedColumn", ProgrammingError],
    ["select * from nope", "UndefinedTable", ProgrammingError],
    ["selec 1", "SyntaxError", ProgrammingError],
    ["select 1/0", "DivisionByZero", DataError],
    ["select 'x'::int", "InvalidTextRepresentation", DataError],
    ["select 2147483647 + 1", "NumericValueOutOfRange", DataError],
    ["insert into t values (1), (1)", "UniqueViolation", IntegrityError],
    ["insert into t values (null)", "NotNullViolation", IntegrityError],
    ["insert into t values (-1)", "CheckViolation", IntegrityError],
    [
      "do $$ begin raise 'x' using errcode = '40001'; end $$",
      "SerializationFailure",
      OperationalError,
    ],
    ["do $$ begin raise 'x'; end $$", "RaiseException", ProgrammingError],
    ["commit prepared 'nope'", "UndefinedObject", ProgrammingError],
  ])("%s", async (text, name, base) => {
    await using conn = await connect();
    await conn.execute("create temp table t (n int primary key check (n > 0))");
    for (const [, options] of ways) {
      const error = await failureOf(() => conn.execute(text, [], options));
      expect(error).toBeInstanceOf(errors[name]);
      expect(error).toBeInstanceOf(base);
      expect(error).toBeInstanceOf(DatabaseError);
      expect(error).toBeInstanceOf(MahoutError);
      expect(error).toBeInstanceOf(Error);
      expect([error.name, error.statement]).toEqual([name, text]);
      expect([error.sqlstate, error.code]).toEqual([error.diag.sqlstate, error.diag.sqlstate]);
      expect(error.message.split("\n")[0]).toBe(error.diag.messagePrimary);
      expect(conn.info.transactionStatus).toBe("idle");
    }
  });

  test("an SQLSTATE that nobody knows is of its class's base", async () => {
    await using conn = await connect();
    const raise = (code: string) => `do $$ begin raise 'x' using errcode = '${code}'; end $$`;
    const error = await failureOf(() => conn.execute(raise("23XYZ")));
    expect([error.constructor, error.sqlstate]).toEqual([IntegrityError, "23XYZ"]);
    const other = await failureOf(() => conn.execute(raise("QQQQQ")));
    expect([other.constructor, other.sqlstate]).toEqual([DatabaseError, "QQQQQ"]);
  });

  test("all 18 fields", async () => {
    await using conn = await connect();
    const fields = Object.keys(new Diagnostic());
    expect(fields).toHaveLength(18);
    await conn.execute(`create function pg_temp.fail() returns int language plpgsql as $$ begin
      raise exception using message = 'm', detail = 'd', hint = 'h', errcode = '22012',
        schema = 's', table = 't', column = 'c', datatype = 'dt', constraint = 'cn'; end $$`);
    const { diag } = await failureOf(() => conn.query("select pg_temp.fail()"));
    expect(diag).toBeInstanceOf(Diagnostic);
    expect(diag).toMatchObject({
      severity: "ERROR",
      severityNonlocalized: "ERROR",
      sqlstate: "22012",
      messagePrimary: "m",
      messageDetail: "d",
      messageHint: "h",
      context: expect.stringContaining("PL/pgSQL function"),
      schemaName: "s",
      tableName: "t",
      columnName: "c",
      datatypeName: "dt",
      constraintName: "cn",
      sourceFile: "pl_exec.c",
      sourceLine: expect.stringMatching(/^\d+$/),
      sourceFunction: "exec_stmt_raise",
    });
    const position = await failureOf(() => conn.query("select 'é', nope"));
    expect(position.diag.statementPosition).toBe("13");
    await conn.execute(`create function pg_temp.inner() returns int language plpgsql as $$ begin
      execute 'select  nope'; end $$`);
    const inner = await failureOf(() => conn.query("select pg_temp.inner()"));
    expect(inner.diag).toMatchObject({
      internalQuery: "select  nope",
      internalPosition: "9",
      statementPosition: null,
    });
    const told = [diag, position.diag, inner.diag];
    for (const field of fields as (keyof Diagnostic)[]) {
      expect([field, told.some((one) => typeof one[field] === "string")]).toEqual([field, true]);
    }
  });

  test("a message in another language has a severity in English, too", async () => {
    await using conn = await connect();
    const { diag } = await failureOf(() => conn.query("select nope"));
    expect([diag.severity, diag.severityNonlocalized]).toEqual(["ERROR", "ERROR"]);
  });

  test.each(ways)("the statement is there, its parameters are not: %s", async (_way, options) => {
    await using conn = await connect();
    for (const text of ["select $1::text, 1/0", "select $1::text, nope", "select $1::text from"]) {
      for (let round = 0; round < 2; round++) {
        const error = await failureOf(() => conn.query(text, [SECRET], options));
        expect(error.statement).toBe(text);
        expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(SECRET);
        expect(JSON.stringify(error)).not.toContain(SECRET);
        expect(`${error.stack} ${String(error)}`).not.toContain(SECRET);
        expect(inspect(error)).toContain(text);
      }
    }
  });

  test.each(ways)("the stack leads to the caller: %s", async (_way, options) => {
    await using conn = await connect();
    async function innermostOfMine(text: string): Promise<unknown> {
      return await conn.execute(text, [], options);
    }
    async function outermostOfMine(text: string): Promise<unknown> {
      await Promise.resolve();
      return await innermostOfMine(text);
    }
    for (let round = 0; round < 3; round++) {
      const stack = await stackOf(() => outermostOfMine("select 1/0"));
      expect(stack).toMatch(/^DivisionByZero: division by zero\n/);
      expect(stack).toContain("innermostOfMine");
      expect(stack).toContain("outermostOfMine");
      expect(stack).toContain("server-errors.test.ts");
    }
  });

  test.each<[call: string, run: (conn: AsyncConnection) => unknown]>([
    ["execute", (conn) => conn.execute("select 1/0")],
    ["query", (conn) => conn.query("select 1/0")],
    ["query with parameters", (conn) => conn.query("select 1/$1::int", [0])],
    ["cursor.execute", (conn) => conn.cursor().execute("select 1/0")],
    ["execute with a timeout", (conn) => conn.execute("select 1/0", [], { timeout: 5_000 })],
    ["a refused value", (conn) => conn.query("select $1::int", ["x".repeat(3)])],
    ["a value of a wrong kind", (conn) => conn.query("select $1::int", [{}])],
    ["too many values", (conn) => conn.query("select $1::int", [1, 2])],
    ["undefined", (conn) => conn.query("select $1::int", [undefined])],
    ["COPY", (conn) => conn.query("copy (select 1) to stdout")],
  ])("the stack of %s leads to the caller", async (_call, run) => {
    await using conn = await connect();
    async function thisIsMine(): Promise<void> {
      await run(conn);
    }
    for (let round = 0; round < 3; round++) {
      expect(await stackOf(thisIsMine)).toContain("thisIsMine");
    }
  });

  test("the stack of a failed fetch leads to the caller", async () => {
    await using conn = await connect({ int8: "number" });
    const cur = await conn.execute("select 9007199254740993::int8 from generate_series(1, 2)");
    async function thisIsMine(): Promise<void> {
      await cur.fetchAll();
    }
    expect(await stackOf(thisIsMine)).toContain("thisIsMine");
  });

  test("each failure is an error of its own", async () => {
    await using conn = await connect();
    const failures = [];
    for (let round = 0; round < 4; round++) {
      failures.push(await failureOf(() => conn.query("select 1/0")));
    }
    expect(new Set(failures).size).toBe(4);
    expect(new Set(failures.map(({ diag }) => diag)).size).toBe(4);
  });

  test("an error ends its transaction, and nothing else", async () => {
    await using conn = await connect();
    await conn.execute("begin");
    await failureOf(() => conn.query("select $1::int / 0", [1]));
    const aborted = await failureOf(() => conn.query("select 1"));
    expect(aborted).toBeInstanceOf(errors.InFailedSqlTransaction);
    await conn.execute("rollback");
    expect(await conn.query("select 1 as n")).toEqual([{ n: 1 }]);
  });

  test("a long error is whole", async () => {
    await using conn = await connect();
    const word = "é".repeat(100_000);
    const text = `do $$ begin raise exception '${word}'; end $$`;
    const error = await failureOf(() => conn.execute(text));
    expect(error.message).toBe(word);
    expect(error.statement).toBe(text);
  });
});
