// The protocol trace of real sessions, in both shells: the same text for the same statements, from
// the first message on where that is asked for, and nothing secret in it.

import { Writable } from "node:stream";
import { describe, expect, test } from "@jest/globals";
import { type AsyncConnection, ProgrammingError, type TraceSink } from "../../src/index.ts";
import { startServer } from "../support/server.ts";
import { expectUsable, failureOf, shells, warningsOf } from "../support/shells.ts";

const SECRET = "hunter2";
const COMPARABLE = { regress: true } as const;

/** A trace of what `run` does. */
async function traceOf(
  conn: AsyncConnection,
  run: () => unknown,
  options: Parameters<AsyncConnection["trace"]>[1] = COMPARABLE,
): Promise<string[]> {
  const lines: string[] = [];
  conn.trace((line) => lines.push(line), options);
  await run();
  conn.untrace();
  return lines;
}

describe.each(shells)("$name shell", ({ connect, Connection: Kind }) => {
  test("a simple query", async () => {
    await using conn = await connect();
    expect(await traceOf(conn, () => conn.query("select 1 as n, null as nothing"))).toEqual([
      'F\t35\tQuery\t "select 1 as n, null as nothing"',
      'B\t52\tRowDescription\t 2 "n" 0 0 23 4 -1 0 "nothing" 0 0 25 -1 -1 0',
      "B\t15\tDataRow\t 2 1 -1",
      'B\t13\tCommandComplete\t "SELECT 1"',
      "B\t5\tReadyForQuery\t I",
    ]);
  });

  test("a statement from its description to its name, in the same words each time", async () => {
    const traces: string[][] = [];
    for (let time = 0; time < 2; time++) {
      await using conn = await connect({ prepareThreshold: 1 });
      const lines = await traceOf(conn, async () => {
        for (let turn = 0; turn < 3; turn++) await conn.query("select $1::int4 as n", [7]);
      });
      traces.push(lines);
    }
    expect(traces[1]).toEqual(traces[0]);
    expect(traces[0]).toEqual([
      'F\t28\tParse\t "" "select $1::int4 as n" 0',
      'F\t6\tDescribe\t S ""',
      "F\t4\tFlush",
      "B\t4\tParseComplete",
      "B\t10\tParameterDescription\t 1 23",
      'B\t26\tRowDescription\t 1 "n" 0 0 23 4 -1 0',
      expect.stringMatching(/^F\t\d+\tBind\t "" "" 1 1 1 4 1 1$/),
      'F\t9\tExecute\t "" 0',
      "F\t4\tSync",
      "B\t4\tBindComplete",
      "B\t14\tDataRow\t 1 4",
      'B\t13\tCommandComplete\t "SELECT 1"',
      "B\t5\tReadyForQuery\t I",
      'F\t50\tParse\t "_mahout_NNNN_0" "select $1::int4 as n" 1 23',
      expect.stringMatching(/^F\t\d+\tBind\t "" "_mahout_NNNN_0" 1 1 1 4 1 1$/),
      'F\t6\tDescribe\t P ""',
      'F\t9\tExecute\t "" 0',
      "F\t4\tSync",
      "B\t4\tParseComplete",
      "B\t4\tBindComplete",
      'B\t26\tRowDescription\t 1 "n" 0 0 23 4 -1 1',
      "B\t14\tDataRow\t 1 4",
      'B\t13\tCommandComplete\t "SELECT 1"',
      "B\t5\tReadyForQuery\t I",
      expect.stringMatching(/^F\t\d+\tBind\t "" "_mahout_NNNN_0" 1 1 1 4 1 1$/),
      'F\t9\tExecute\t "" 0',
      "F\t4\tSync",
      "B\t4\tBindComplete",
      "B\t14\tDataRow\t 1 4",
      'B\t13\tCommandComplete\t "SELECT 1"',
      "B\t5\tReadyForQuery\t I",
    ]);
  });

  test("an error, without what differs between servers", async () => {
    await using conn = await connect();
    const lines = await traceOf(conn, () => failureOf(() => conn.query("select nonsense")));
    expect(lines).toEqual([
      'F\t20\tQuery\t "select nonsense"',
      'B\tNNNN\tErrorResponse\t S "ERROR" V "ERROR" C "42703" M "column \\"nonsense\\" does not exist"' +
        ' P "8" F "SSSS" L "SSSS" R "SSSS"',
      "B\t5\tReadyForQuery\t I",
    ]);
  });

  test("values are lengths unless they are asked for", async () => {
    await using conn = await connect();
    const run = (): unknown => conn.query("select $1::text as found", [SECRET]);
    expect((await traceOf(conn, run)).join("\n")).not.toContain(SECRET);
    const shown = await traceOf(conn, run, { regress: true, values: true });
    expect(shown.filter((line) => line.includes(SECRET))).toEqual([
      expect.stringMatching(/^F\t\d+\tBind\t "" "" 1 [01] 1 7 'hunter2' /),
      "B\t17\tDataRow\t 1 7 'hunter2'",
    ]);
  });

  test("rows of any number and size are a line each", async () => {
    await using conn = await connect();
    const text = "select repeat('x', 10000) from generate_series(1, 500)";
    const rows = (await traceOf(conn, () => conn.query(text))).filter((line) =>
      line.includes("DataRow"),
    );
    expect(rows).toHaveLength(500);
    expect(new Set(rows)).toEqual(new Set(["B\t10010\tDataRow\t 1 10000"]));
  });

  test("COPY data are lengths, however they are cut", async () => {
    await using conn = await connect();
    await conn.execute("create temp table copied (t text)");
    const value = SECRET.repeat(150_000);
    const lines = await traceOf(conn, async () => {
      await conn.cursor().copy("copy copied from stdin", (copy) => copy.writeRow([value]));
      await using copy = await conn.cursor().copy("copy copied to stdout");
      for await (const row of copy.rows()) expect(row).toEqual([value]);
    });
    expect(lines.join("\n")).not.toContain(SECRET);
    const lengthsOf = (direction: string): number[] =>
      lines
        .map((line) => line.split("\t"))
        .filter(([from, , name]) => from === direction && name === "CopyData")
        .map(([, length]) => Number(length) - 4);
    const sum = (lengths: readonly number[]): number => lengths.reduce((a, b) => a + b, 0);
    expect(sum(lengthsOf("F"))).toBe(value.length + 1);
    expect(lengthsOf("B")).toEqual([value.length + 1]);
    expect(lines.filter((line) => line.includes("\tCopyDone"))).toEqual([
      "F\t4\tCopyDone",
      "B\t4\tCopyDone",
    ]);
  });

  test("times begin the lines, unless they are not wanted", async () => {
    await using conn = await connect();
    const timed = await traceOf(conn, () => conn.query("select 1"), {});
    for (const line of timed)
      expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\t[FB]\t/);
    const untimed = await traceOf(conn, () => conn.query("select 1"), { timestamps: false });
    for (const line of untimed) expect(line).toMatch(/^[FB]\t/);
  });

  test("a stream gets lines with their ends; untrace() ends it, as often as one likes", async () => {
    await using conn = await connect();
    let written = "";
    const sink = new Writable({
      write(chunk: Buffer, _encoding, done) {
        written += chunk.toString();
        done();
      },
    });
    conn.trace(sink, COMPARABLE);
    await conn.query("select 1");
    conn.untrace();
    conn.untrace();
    await conn.query("select 2");
    expect(written.startsWith('F\t13\tQuery\t "select 1"\n')).toBe(true);
    expect(written.endsWith("B\t5\tReadyForQuery\t I\n")).toBe(true);
    expect(written).not.toContain("select 2");
  });

  test("another trace takes the place of the first", async () => {
    await using conn = await connect();
    const lines: string[] = [];
    conn.trace((line) => lines.push(`first ${line}`), COMPARABLE);
    await conn.query("select 1");
    conn.trace((line) => lines.push(`second ${line}`), COMPARABLE);
    await conn.query("select 2");
    expect(lines.filter((line) => line.includes("\tQuery\t"))).toEqual([
      'first F\t13\tQuery\t "select 1"',
      'second F\t13\tQuery\t "select 2"',
    ]);
  });

  test("the goodbye is traced", async () => {
    const conn = await connect();
    const lines = await traceOf(conn, () => conn.close());
    expect(lines).toEqual(["F\t4\tTerminate"]);
    expect(await failureOf(() => conn.trace(() => {}))).toMatchObject({
      code: "ERR_MAHOUT_CONNECTION_CLOSED",
    });
    conn.untrace();
  });

  test("from the first message on", async () => {
    const lines: string[] = [];
    const sink: TraceSink = (line) => lines.push(line);
    await using conn = await connect({
      trace: { sink, regress: true },
      application_name: "app",
      sslmode: "disable",
    });
    expect(lines[0]).toMatch(
      /^F\t\d+\tStartupMessage\t 3\.[02] "user" "postgres" "database" "postgres" "application_name" "app"/,
    );
    expect(lines.slice(1, 2)).toEqual(["B\t8\tAuthenticationOk"]);
    expect(lines).toContain('B\tNNNN\tParameterStatus\t "server_version" "SSSS"');
    expect(lines.slice(-2)).toEqual([
      "B\tNNNN\tBackendKeyData\t NNNN (key)",
      "B\t5\tReadyForQuery\t I",
    ]);
    await conn.query("select 1");
    expect(lines.slice(-1)).toEqual(["B\t5\tReadyForQuery\t I"]);
    expect(lines).toContain('F\t13\tQuery\t "select 1"');
  });

  test("a sink that throws is reported, and ends the trace and nothing else", async () => {
    await using conn = await connect();
    let calls = 0;
    const warnings = await warningsOf(async () => {
      conn.trace(() => {
        calls++;
        throw new Error("disk full");
      });
      await expectUsable(conn);
    });
    expect(calls).toBe(1);
    expect(warnings).toMatchObject(
      [{ name: "MahoutWarning", code: "MAHOUT_TRACE_SINK", message: /disk full/ }].map(
        (warning) => ({ ...warning, message: expect.stringMatching(warning.message) }),
      ),
    );
  });

  test("a sink whose promise is rejected is reported as well", async () => {
    await using conn = await connect();
    const warnings = await warningsOf(async () => {
      conn.trace(async () => {
        throw new Error("disk full");
      });
      await expectUsable(conn);
    });
    expect(warnings).toHaveLength(1);
  });

  const refused: [what: string, sink: unknown, options: object | undefined][] = [
    ["nothing", undefined, undefined],
    ["null", null, undefined],
    ["a string", "trace.log", undefined],
    ["an object that can't be written to", {}, undefined],
    ["an unknown option", () => {}, { flags: 1 }],
  ];
  test.each(refused)("%s is refused", async (_what, sink, options) => {
    await using conn = await connect();
    const error = await failureOf(() => conn.trace(sink as TraceSink, options));
    expect(error).toBeInstanceOf(ProgrammingError);
    if (sink !== undefined) {
      const trace = options === undefined ? sink : { sink, ...options };
      expect(await failureOf(() => connect({ trace: trace as TraceSink }))).toBeInstanceOf(
        ProgrammingError,
      );
    }
    await expectUsable(conn);
  });

  test("no password is shown, and none of SCRAM's words, encrypted or not", async () => {
    await using server = await startServer({
      tls: true,
      hba: ["host all ada 127.0.0.1/32 scram-sha-256", "host all bob 127.0.0.1/32 password"],
    });
    const admin = await Kind.connect(server.conninfo());
    await admin.execute(`create role ada login password '${SECRET}'`);
    await admin.execute(`create role bob login password '${SECRET}'`);
    await admin.close();
    const tracesOf = async (user: string, sslmode: string): Promise<string[]> => {
      const lines: string[] = [];
      const conninfo = server.conninfo({ user, password: SECRET, sslmode });
      const trace = { sink: (line: string) => lines.push(line), regress: true, values: true };
      await (await Kind.connect(conninfo, { trace })).close();
      return lines;
    };
    const names = (lines: readonly string[]): string[] =>
      lines
        .map((line) => line.split("\t")[2] as string)
        .filter((name) => name !== "ParameterStatus" && name !== "NegotiateProtocolVersion");
    const scram = await tracesOf("ada", "disable");
    const end = ["AuthenticationOk", "BackendKeyData", "ReadyForQuery", "Terminate"];
    expect(names(scram)).toEqual([
      "StartupMessage",
      "AuthenticationSASL",
      "SASLInitialResponse",
      "AuthenticationSASLContinue",
      "SASLResponse",
      "AuthenticationSASLFinal",
      ...end,
    ]);
    const plain = await tracesOf("bob", "require");
    expect(names(plain)).toEqual([
      "SSLRequest",
      "SSLResponse",
      "StartupMessage",
      "AuthenticationCleartextPassword",
      "PasswordMessage",
      ...end,
    ]);
    const all = [...scram, ...plain].join("\n");
    expect(all).not.toContain(SECRET);
    expect(all).not.toMatch(/[,"' ][rspviecn]=/);
  });
});
