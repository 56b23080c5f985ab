// Notices: who hears them and when, and that a handler can do no harm.

import { describe, expect, test } from "@jest/globals";
import { type AsyncConnection, type Diagnostic, ProgrammingError } from "../../src/index.ts";
import { failureOf, shells, warningsOf } from "../support/shells.ts";

const raise = (...words: string[]): string =>
  `do $$ begin ${words.map((word) => `raise notice '${word}';`).join(" ")} end $$`;

/** Adds a handler that collects messages. */
function listen(conn: AsyncConnection): string[] {
  const heard: string[] = [];
  conn.addNoticeHandler(({ messagePrimary }) => heard.push(messagePrimary ?? ""));
  return heard;
}

describe.each(shells)("$name shell", ({ name, connect }) => {
  test("a handler hears all notices of a statement, in order, before the statement ends", async () => {
    await using conn = await connect();
    const heard = listen(conn);
    await conn.execute(raise("one", "two", "three"));
    expect(heard).toEqual(["one", "two", "three"]);
    await conn.execute("select 1");
    expect(heard).toHaveLength(3);
  });

  test("a notice is a Diagnostic, and can be kept", async () => {
    await using conn = await connect();
    const kept: Diagnostic[] = [];
    conn.addNoticeHandler((diag) => kept.push(diag));
    await conn.execute("rollback");
    await conn.execute(
      `do $$ begin raise warning using message = 'w', detail = 'd', hint = 'h', errcode = '01007',
         schema = 's', table = 't', column = 'c', datatype = 'dt', constraint = 'cn'; end $$`,
    );
    await conn.execute("select 1");
    const [first, second] = kept;
    expect(first).toMatchObject({
      severity: "WARNING",
      sqlstate: "25P01",
      messagePrimary: "there is no transaction in progress",
      sourceFunction: expect.any(String),
    });
    expect(second).toMatchObject({
      severity: "WARNING",
      severityNonlocalized: "WARNING",
      sqlstate: "01007",
      messagePrimary: "w",
      messageDetail: "d",
      messageHint: "h",
      schemaName: "s",
      tableName: "t",
      columnName: "c",
      datatypeName: "dt",
      constraintName: "cn",
      context: expect.stringContaining("PL/pgSQL"),
    });
    expect(String(first)).toBe("WARNING: there is no transaction in progress");
    expect(Object.isFrozen(first)).toBe(true);
  });

  test("how many there are is the server's setting", async () => {
    await using conn = await connect();
    const heard = listen(conn);
    await conn.execute("set client_min_messages to warning");
    await conn.execute(raise("unheard"));
    expect(heard).toEqual([]);
    await conn.execute("set client_min_messages to debug1");
    await conn.execute("do $$ begin raise debug 'heard'; end $$");
    expect(heard).toEqual(["heard"]);
  });

  test("without a handler nothing happens", async () => {
    await using conn = await connect();
    expect(await warningsOf(() => conn.execute(raise("nobody")))).toEqual([]);
  });

  test("several handlers are called in the order in which they were added", async () => {
    await using conn = await connect();
    const calls: string[] = [];
    const handlers = ["a", "b", "c"].map((id) => (diag: Diagnostic) => {
      calls.push(`${id} ${diag.messagePrimary}`);
    });
    for (const handler of handlers) conn.addNoticeHandler(handler);
    await conn.execute(raise("1", "2"));
    expect(calls).toEqual(["a 1", "b 1", "c 1", "a 2", "b 2", "c 2"]);
  });

  test("one that was removed is not called any more; one added twice is removed once", async () => {
    await using conn = await connect();
    const calls: string[] = [];
    const handler = ({ messagePrimary }: Diagnostic) => calls.push(messagePrimary ?? "");
    conn.addNoticeHandler(handler);
    conn.addNoticeHandler(handler);
    await conn.execute(raise("1"));
    conn.removeNoticeHandler(handler);
    await conn.execute(raise("2"));
    conn.removeNoticeHandler(handler);
    await conn.execute(raise("3"));
    expect(calls).toEqual(["1", "1", "2"]);
  });

  test("handlers may be added and removed by handlers", async () => {
    await using conn = await connect();
    const calls: string[] = [];
    const late = () => calls.push("late");
    const once = () => {
      calls.push("once");
      conn.removeNoticeHandler(once);
      conn.addNoticeHandler(late);
    };
    conn.addNoticeHandler(once);
    conn.addNoticeHandler(() => calls.push("always"));
    await conn.execute(raise("1", "2"));
    expect(calls).toEqual(["once", "always", "always", "late"]);
  });

  test("removing one that isn't there is an error", async () => {
    await using conn = await connect();
    const error = await failureOf(() => conn.removeNoticeHandler(() => {}));
    expect(error).toBeInstanceOf(ProgrammingError);
    expect(error.message).toBe("this notice handler was not added to the connection");
  });

  test("what is no function is refused", async () => {
    await using conn = await connect();
    const error = await failureOf(() => conn.addNoticeHandler("log" as unknown as () => void));
    expect([error.name, error.message]).toEqual([
      "TypeError",
      "a notice handler must be a function",
    ]);
  });

  test.each<[what: string, thrown: unknown, shown: string]>([
    ["an error", new RangeError("mine"), "RangeError: mine"],
    ["no error", "just text", "just text"],
    ["nothing", undefined, "undefined"],
    ["what can't be shown", Object.create(null), "a value that cannot be shown"],
  ])("one that throws %s is reported, and disturbs nothing", async (_what, thrown, shown) => {
    await using conn = await connect();
    conn.addNoticeHandler(() => {
      throw thrown;
    });
    const heard = listen(conn);
    let rows: unknown;
    const warnings = await warningsOf(async () => {
      await conn.execute(raise("1", "2"));
      rows = await conn.query("select 1 as n");
    });
    expect([heard, rows]).toEqual([["1", "2"], [{ n: 1 }]]);
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toMatchObject({
      name: "MahoutWarning",
      code: "MAHOUT_NOTICE_HANDLER",
      message: `a notice handler threw: ${shown}`,
    });
    if (thrown instanceof Error)
      expect((warnings[0] as { detail?: string }).detail).toBe(thrown.stack);
  });

  test("one whose promise is rejected is reported, and disturbs nothing", async () => {
    await using conn = await connect();
    conn.addNoticeHandler(async () => {
      await new Promise(setImmediate);
      throw new Error("later");
    });
    const warnings = await warningsOf(async () => {
      await conn.execute(raise("1"));
      expect(await conn.query("select 1 as n")).toEqual([{ n: 1 }]);
      await new Promise(setImmediate);
      await new Promise(setImmediate);
    });
    expect(warnings).toMatchObject([{ message: "a notice handler threw: Error: later" }]);
  });

  test("handlers that are given when connecting hear what the start has to say", async () => {
    const heard: string[] = [];
    await using conn = await connect({
      options: "-c client_min_messages=debug5",
      noticeHandlers: [({ severity }) => heard.push(severity ?? "")],
    });
    expect(heard.length).toBeGreaterThan(0);
    expect(new Set(heard)).toEqual(new Set(["DEBUG"]));
    await conn.execute("set client_min_messages to notice");
    heard.length = 0;
    await conn.execute(raise("later"));
    expect(heard).toEqual(["NOTICE"]);
  });

  test("the list that was given when connecting stays the caller's", async () => {
    const heard: string[] = [];
    const handler = ({ messagePrimary }: Diagnostic) => heard.push(messagePrimary ?? "");
    const noticeHandlers = [handler];
    await using conn = await connect({ noticeHandlers });
    noticeHandlers.length = 0;
    await conn.execute(raise("1"));
    expect(heard).toEqual(["1"]);
    conn.removeNoticeHandler(handler);
    await conn.execute(raise("2"));
    expect(heard).toEqual(["1"]);
  });

  test("each connection has its own", async () => {
    await using one = await connect();
    await using other = await connect();
    const heard = listen(one);
    await other.execute(raise("other"));
    expect(heard).toEqual([]);
  });

  test("notices come before the error of the same statement", async () => {
    await using conn = await connect();
    const heard = listen(conn);
    const text = "do $$ begin raise notice 'n'; raise exception 'e'; end $$";
    expect((await failureOf(() => conn.execute(text))).message).toBe("e");
    expect(heard).toEqual(["n"]);
  });

  test("a handler may use another connection", async () => {
    await using conn = await connect();
    await using other = await connect();
    const answers: unknown[] = [];
    conn.addNoticeHandler(({ messagePrimary }) => {
      answers.push(other.query("select $1 as said", [messagePrimary]));
    });
    const warnings = await warningsOf(() => conn.execute(raise("1", "2")));
    expect(warnings).toEqual([]);
    expect(await Promise.all(answers)).toEqual([[{ said: "1" }], [{ said: "2" }]]);
  });

  test("a handler may cancel what runs", async () => {
    await using conn = await connect();
    const cancels: unknown[] = [];
    conn.addNoticeHandler(() => cancels.push(conn.cancel()));
    const text = "do $$ begin raise notice 'n'; perform pg_sleep(60); end $$";
    const error = await failureOf(() => conn.execute(text));
    expect([error.name, error.sqlstate]).toEqual(["QueryCanceled", "57014"]);
    await Promise.all(cancels);
    expect(await conn.query("select 1 as n")).toEqual([{ n: 1 }]);
  });

  if (name === "blocking") {
    test("a handler can't use its own connection, which is in the middle of something", async () => {
      await using conn = await connect();
      const failures: unknown[] = [];
      const tries: (() => unknown)[] = [
        () => conn.execute("select 1"),
        () => conn.query("select 1"),
        () => conn.close(),
      ];
      conn.addNoticeHandler(() => {
        for (const use of tries) {
          try {
            void use();
          } catch (error) {
            failures.push([(error as Error).name, (error as { code?: string }).code]);
          }
        }
      });
      const cur = await conn.execute(raise("1"));
      expect(cur.statusMessage).toBe("DO");
      const refused = ["OperationalError", "ERR_MAHOUT_BUSY"];
      expect(failures).toEqual([refused, refused, refused]);
      expect(await conn.query("select 1 as n")).toEqual([{ n: 1 }]);
      expect([conn.closed, conn.broken]).toEqual([false, false]);
    });
  } else {
    test("a handler may use its own connection: its statement waits for its turn", async () => {
      await using conn = await connect();
      const answers: unknown[] = [];
      conn.addNoticeHandler(({ messagePrimary }) => {
        answers.push(conn.query("select $1 as said", [messagePrimary]));
      });
      await conn.execute(raise("1", "2"));
      expect(await Promise.all(answers)).toEqual([[{ said: "1" }], [{ said: "2" }]]);
    });
  }
});
