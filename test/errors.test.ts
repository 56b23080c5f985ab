// The error tree: what an error carries, prints and is an instance of, also of a second copy of the package, and
// what becomes of what a server says.

import { inspect } from "node:util";
import { describe, expect, jest, test } from "@jest/globals";
import { Diagnostic, MahoutError, MahoutWarning, Rollback } from "../src/errors.ts";
import { errorFromDiagnostic, errors } from "../src/sqlstate.ts";
import { diagnostic } from "./support/diagnostic.ts";

describe("the tree", () => {
  test.each([
    ["MahoutError", "Error", "ERR_MAHOUT"],
    ["InterfaceError", "MahoutError", "ERR_MAHOUT_INTERFACE"],
    ["DatabaseError", "MahoutError", "ERR_MAHOUT_DATABASE"],
    ["DataError", "DatabaseError", "ERR_MAHOUT_DATA"],
    ["OperationalError", "DatabaseError", "ERR_MAHOUT_OPERATIONAL"],
    ["IntegrityError", "DatabaseError", "ERR_MAHOUT_INTEGRITY"],
    ["InternalError", "DatabaseError", "ERR_MAHOUT_INTERNAL"],
    ["ProgrammingError", "DatabaseError", "ERR_MAHOUT_PROGRAMMING"],
    ["NotSupportedError", "DatabaseError", "ERR_MAHOUT_NOT_SUPPORTED"],
    ["ConnectionTimeout", "OperationalError", "ERR_MAHOUT_CONNECTION_TIMEOUT"],
    ["CancellationTimeout", "OperationalError", "ERR_MAHOUT_CANCELLATION_TIMEOUT"],
    ["PipelineAborted", "OperationalError", "ERR_MAHOUT_PIPELINE_ABORTED"],
    ["ProtocolError", "OperationalError", "ERR_MAHOUT_PROTOCOL"],
    ["OutOfOrderTransactionNesting", "ProgrammingError", "ERR_MAHOUT_TRANSACTION_NESTING"],
  ] as const)("%s stands below %s", (name, base, code) => {
    const found = errors[name];
    const error = new found("message");
    expect((Object.getPrototypeOf(found) as { name: string }).name).toBe(base);
    expect(error).toMatchObject({
      name,
      message: "message",
      sqlstate: null,
      code,
      statement: null,
    });
    expect(error.diag).toEqual(new Diagnostic());
    expect(error.stack).toMatch(new RegExp(`^${name}: message\\n\\s+at .*errors\\.test`));
    expect("cause" in error).toBe(false);
    expect(Object.keys(error).sort()).toEqual(["code", "diag", "sqlstate", "statement"]);
  });

  test("an error carries what it was made with", () => {
    const diag = diagnostic({ S: "ERROR", C: "XY123", M: "no" });
    const cause = new Error("why");
    const error = new errors.DataError("no", { cause, diag, statement: "select 1", code: "MINE" });
    expect(error).toMatchObject({ sqlstate: "XY123", code: "MINE", statement: "select 1" });
    expect([error.diag, error.cause]).toEqual([diag, cause]);
  });

  test("the SQLSTATE of a class wins over that of the message", () => {
    const error = new errors.UniqueViolation("no", { diag: diagnostic({ C: "40001" }) });
    expect([error.sqlstate, error.diag.sqlstate]).toEqual(["23505", "40001"]);
  });

  test("Rollback is outside of it and names its transaction", () => {
    const transaction = {};
    expect(new Rollback(transaction).transaction).toBe(transaction);
    expect(new Rollback()).toMatchObject({ name: "Rollback", transaction: null });
    expect(new Rollback()).not.toBeInstanceOf(MahoutError);
    expect(new Rollback()).toBeInstanceOf(errors.Rollback);
    expect(MahoutWarning).toBe("MahoutWarning");
  });

  test("structuredClone keeps message, stack and cause", () => {
    const error = errorFromDiagnostic(diagnostic({ C: "23505", M: "taken" }), { cause: "why" });
    const clone = structuredClone(error) as Error;
    expect([clone.message, clone.stack, clone.cause]).toEqual(["taken", error.stack, "why"]);
    expect(Object.keys(clone)).toEqual([]);
  });
});

describe("Diagnostic", () => {
  const fields =
    "S severity, V severityNonlocalized, C sqlstate, M messagePrimary, D messageDetail, " +
    "H messageHint, P statementPosition, p internalPosition, q internalQuery, W context, " +
    "s schemaName, t tableName, c columnName, d datatypeName, n constraintName, F sourceFile, " +
    "L sourceLine, R sourceFunction";
  const letters = fields.split(", ").map((pair) => pair.split(" ") as [string, string]);

  test("has the 18 fields, each under its letter, and ignores other letters", () => {
    const sent = letters.map(([letter, field]): [string, string] => [letter, `the ${field}`]);
    const diag = Diagnostic.fromFields(new Map([...sent, ["Z", "unknown"]]));
    expect(Object.entries(diag)).toEqual(letters.map(([, field]) => [field, `the ${field}`]));
    expect(letters).toHaveLength(18);
  });

  test("fields that were not sent are null, and none can be changed", () => {
    const diag = diagnostic({ M: "only this" });
    expect(Object.values(diag).filter((value) => value === null)).toHaveLength(17);
    expect(Object.isFrozen(diag)).toBe(true);
  });

  test.each([
    [{ S: "ERROR", M: "no" }, "ERROR: no"],
    [{ M: "no" }, "no"],
    [{}, ""],
  ])("%j reads as %j", (fields: Record<string, string>, text) => {
    expect(String(diagnostic(fields))).toBe(text);
  });
});

describe("errorFromDiagnostic", () => {
  test.each([
    ["08999", "OperationalError"],
    ["0A999", "NotSupportedError"],
    ["22999", "DataError"],
    ["23999", "IntegrityError"],
    ["42999", "ProgrammingError"],
    ["XX999", "InternalError"],
    ["72999", "DatabaseError"],
    ["FZ999", "OperationalError"],
    ["HZ999", "OperationalError"],
    ["PZ999", "ProgrammingError"],
    ["XZ999", "InternalError"],
    ["01000", "DatabaseError"],
    ["99999", "DatabaseError"],
    ["", "DatabaseError"],
  ] as const)("the unknown code %j gives %s", (code, base) => {
    const error = errorFromDiagnostic(diagnostic({ C: code, M: "no" }));
    expect(error.constructor).toBe(errors[base]);
    expect([error.sqlstate, error.code, error.message]).toEqual([code, code, "no"]);
  });

  test.each([
    [{ M: "a" }, "a"],
    [{ M: "a", D: "b", H: "c", P: "7", W: "d" }, "a\nDETAIL:  b\nHINT:  c"],
    [{ M: "a", H: "c" }, "a\nHINT:  c"],
    [{}, "the server reported an error without a message"],
  ])("%j is told as %j", (fields: Record<string, string>, message) => {
    const options = { statement: "select 1", cause: "why" };
    const error = errorFromDiagnostic(diagnostic(fields), options);
    expect(error).toMatchObject({
      message,
      sqlstate: null,
      code: "ERR_MAHOUT_DATABASE",
      ...options,
    });
  });
});

describe("a second copy of the package", () => {
  const copy: { errors?: typeof errors; Diagnostic?: typeof Diagnostic } = {};
  jest.isolateModules(() => {
    const file = "../src/sqlstate.ts";
    Object.assign(copy, jest.requireActual<object>(file));
  });
  const other = copy.errors as typeof errors;

  const shared = Object.keys(errors).filter((name) => name !== "lookup") as "DataError"[];
  test.each(shared)("%s is an instance of what it is in the first", (name) => {
    expect(other[name]).not.toBe(errors[name]);
    const error = new other[name]("message");
    const own = new errors[name]("message");
    const kinship = (of: object) => shared.filter((each) => of instanceof errors[each]);
    expect(kinship(error)).toContain(name);
    expect(kinship(error)).toEqual(kinship(own));
  });

  test("a user's class is only itself, whatever its name", () => {
    const mine = (base: typeof errors.DataError) => class UniqueViolation extends base {};
    const first = new (mine(errors.DataError))("message");
    const second = new (mine(other.DataError))("message");
    expect(first instanceof errors.UniqueViolation).toBe(false);
    expect(second instanceof errors.DataError).toBe(true);
    expect(second instanceof first.constructor).toBe(false);
    expect([first.name, first.code]).toEqual(["UniqueViolation", "ERR_MAHOUT_DATA"]);
  });

  test.each([null, undefined, 1, "text", {}, Object.create(null), () => 1, new Error("plain")])(
    "%p is no instance of anything of ours",
    (value: unknown) => {
      expect(value instanceof MahoutError || value instanceof Rollback).toBe(false);
    },
  );
});

describe("inspect", () => {
  const diag = diagnostic({ S: "ERROR", C: "23505", M: "taken", D: "Key (id)=(1).", n: "t_pkey" });

  test("prints the stack and the fields that are set", () => {
    const error = errorFromDiagnostic(diag, { statement: "insert into t values ($1)" });
    const [head, fields = ""] = inspect(error).split(" {\n", 2);
    expect(head).toBe(error.stack);
    for (const line of [
      "code: '23505'",
      "sqlstate: '23505'",
      "statement: 'insert into t values ($1)'",
    ]) {
      expect(fields).toContain(`  ${line},`);
    }
    expect(inspect(error.diag)).toBe(
      "Diagnostic {\n  severity: 'ERROR',\n  sqlstate: '23505',\n  messagePrimary: 'taken',\n" +
        "  messageDetail: 'Key (id)=(1).',\n  constraintName: 't_pkey'\n}",
    );
    expect(inspect(error)).not.toContain("null");
    expect(inspect({ error })).toContain("constraintName: 't_pkey'");
  });

  test("prints the cause as Node does", () => {
    const cause = new errors.InterfaceError("why");
    const error = errorFromDiagnostic(diag, { cause });
    expect(inspect(error)).toContain("  [cause]: InterfaceError: why\n");
    expect(inspect(error)).toContain("\n    code: 'ERR_MAHOUT_INTERFACE'\n  }\n}");
  });

  test("prints a client-side error with its code alone, and subclasses with their own fields", () => {
    class Mine extends errors.ProtocolError {
      readonly extra = 7;
    }
    const [, fields] = inspect(new Mine("odd")).split(/ (?=\{\n)/);
    expect(fields).toBe("{\n  code: 'ERR_MAHOUT_PROTOCOL',\n  extra: 7\n}");
    expect(inspect(new Mine("odd"))).toMatch(/^Mine: odd\n/);
  });
});
