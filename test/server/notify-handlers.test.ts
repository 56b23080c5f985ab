// Notify handlers: who hears what and when, that they can do no harm, and what is kept where nobody listens.

import { describe, expect, test } from "@jest/globals";
import { type AsyncConnection, Notify, ProgrammingError } from "../../src/index.ts";
import { listening, payloads } from "../support/notifications.ts";
import { administer, eventually, expectUsable } from "../support/shells.ts";
import { failureOf, shells, warningsOf } from "../support/shells.ts";

/** Notifications to the connection itself: they come with the answer. */
const notify = (channel: string, ...payloads: string[]): string =>
  payloads.map((payload) => `notify ${channel}, '${payload}'`).join("; ");

/** Adds a handler that collects payloads. */
function collect(conn: AsyncConnection): string[] {
  const heard: string[] = [];
  conn.addNotifyHandler(({ payload }) => heard.push(payload));
  return heard;
}

describe.each(shells)("$name shell", ({ name, connect, Connection }) => {
  test("a handler gets each notification, before the statement that it came with has ended", async () => {
    await using conn = await connect();
    const channel = await listening(conn);
    const heard: Notify[] = [];
    conn.addNotifyHandler((one) => heard.push(one));
    await conn.execute(notify(channel, "1", "2"));
    const pid = conn.info.backendPid;
    expect(heard).toEqual([
      { channel, payload: "1", pid },
      { channel, payload: "2", pid },
    ]);
    expect(heard[0]).toBeInstanceOf(Notify);
  });

  test("a notification of somebody else comes with the next statement at the latest", async () => {
    await using conn = await connect();
    const channel = await listening(conn);
    const heard = collect(conn);
    await administer(notify(channel, "hey"));
    expect(await conn.query("select 1 as n")).toEqual([{ n: 1 }]);
    expect(heard).toEqual(["hey"]);
  });

  test("several are called in order; one that was removed is not", async () => {
    await using conn = await connect();
    const channel = await listening(conn);
    const calls: string[] = [];
    const [first, second] = ["a", "b"].map((id) => ({ payload }: Notify): void => {
      calls.push(id + payload);
    }) as [(one: Notify) => void, (one: Notify) => void];
    conn.addNotifyHandler(first);
    conn.addNotifyHandler(second);
    await conn.execute(notify(channel, "1", "2"));
    conn.removeNotifyHandler(first);
    await conn.execute(notify(channel, "3"));
    expect(calls).toEqual(["a1", "b1", "a2", "b2", "b3"]);
    const error = await failureOf(() => conn.removeNotifyHandler(first));
    expect(error).toBeInstanceOf(ProgrammingError);
    expect(error.message).toBe("this notify handler was not added to the connection");
  });

  test("handlers may be given when connecting; the list stays the caller's", async () => {
    const heard: string[] = [];
    const notifyHandlers = [({ payload }: Notify) => heard.push(payload)];
    await using conn = await connect({ notifyHandlers });
    notifyHandlers.length = 0;
    const channel = await listening(conn);
    await conn.execute(notify(channel, "1"));
    expect(heard).toEqual(["1"]);
  });

  test("what is no function is refused", async () => {
    await using conn = await connect();
    const message = "a notify handler must be a function";
    const handler = "log" as unknown as () => void;
    expect((await failureOf(() => conn.addNotifyHandler(handler))).message).toBe(message);
    const given = await failureOf(() => connect({ notifyHandlers: [handler] }));
    expect(given.message).toBe(message);
  });

  test("one that throws, now or later, is reported and disturbs nothing", async () => {
    await using conn = await connect();
    const channel = await listening(conn);
    conn.addNotifyHandler(() => {
      throw new RangeError("mine");
    });
    conn.addNotifyHandler(async () => {
      await new Promise(setImmediate);
      throw new Error("later");
    });
    const heard = collect(conn);
    let rows: unknown;
    const warnings = await warningsOf(async () => {
      rows = await conn.query(`${notify(channel, "1")}; select 1 as n`);
      for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
    });
    expect([heard, rows]).toEqual([["1"], [{ n: 1 }]]);
    expect(warnings).toMatchObject([
      {
        name: "MahoutWarning",
        code: "MAHOUT_NOTIFY_HANDLER",
        message: "a notify handler threw: RangeError: mine",
      },
      { message: "a notify handler threw: Error: later" },
    ]);
    await expectUsable(conn);
  });

  test("with a handler nothing is kept for a generator", async () => {
    await using conn = await connect();
    const channel = await listening(conn);
    await conn.execute(notify(channel, "kept"));
    const heard = collect(conn);
    await conn.execute(notify(channel, "heard"));
    expect(heard).toEqual(["heard"]);
    expect(await payloads(conn, 0)).toEqual(["kept"]);
    expect(conn.notificationsDropped).toBe(0);
  });

  test("while a generator runs, both get each of them", async () => {
    await using conn = await connect();
    const channel = await listening(conn);
    await conn.execute(notify(channel, "1"));
    const heard = collect(conn);
    const found: string[] = [];
    for await (const { payload } of conn.notifies({ stopAfter: 3 })) {
      found.push(payload);
      if (payload === "1") await conn.execute(notify(channel, "2", "3", "4"));
    }
    expect([found, heard]).toEqual([
      ["1", "2", "3"],
      ["2", "3", "4"],
    ]);
    expect(await payloads(conn, 0)).toEqual(["4"]);
  });

  test("the backlog is bounded; what it drops are the oldest, counted, with one warning", async () => {
    await using conn = await connect({ notifyBacklog: 3 });
    const channel = await listening(conn);
    const warnings = await warningsOf(async () => {
      await conn.execute(notify(channel, "1", "2", "3"));
      expect(conn.notificationsDropped).toBe(0);
      await conn.execute(notify(channel, "4", "5"));
      expect(conn.notificationsDropped).toBe(2);
      await conn.execute(notify(channel, "6"));
    });
    expect(await payloads(conn, 0)).toEqual(["4", "5", "6"]);
    expect(conn.notificationsDropped).toBe(3);
    expect(warnings).toMatchObject([
      {
        name: "MahoutWarning",
        code: "MAHOUT_NOTIFICATIONS_DROPPED",
        message:
          "a connection received notifications that nobody takes; it keeps 3, and drops older ones from now on",
      },
    ]);
  });

  test("by default ten thousand are kept", async () => {
    await using conn = await connect();
    const channel = await listening(conn);
    const warnings = await warningsOf(() =>
      conn.execute("select pg_notify($1, n::text) from generate_series(1, 10005) n", [channel]),
    );
    const found = await payloads(conn, 0);
    expect([found.length, found[0], found.at(-1)]).toEqual([10_000, "6", "10005"]);
    expect([conn.notificationsDropped, warnings.length]).toEqual([5, 1]);
  });

  test("a generator that runs is not bound by the backlog, and what it leaves isn't thrown away", async () => {
    await using conn = await connect({ notifyBacklog: 2 });
    const channel = await listening(conn);
    await conn.execute(notify(channel, "0"));
    for await (const _ of conn.notifies({ stopAfter: 1 })) {
      await conn.execute(notify(channel, "1", "2", "3", "4"));
    }
    expect(await payloads(conn, 0)).toEqual(["1", "2", "3", "4"]);
    expect(conn.notificationsDropped).toBe(0);
  });

  test("without a backlog nothing is kept, which is counted but no reason to warn", async () => {
    await using conn = await connect({ notifyBacklog: 0 });
    const channel = await listening(conn);
    expect(await warningsOf(() => conn.execute(notify(channel, "1", "2")))).toEqual([]);
    expect(await payloads(conn, 0)).toEqual([]);
    expect(conn.notificationsDropped).toBe(2);
  });

  test.each([-1, 1.5, Number.NaN, "5"])("a backlog of %p is refused", async (notifyBacklog) => {
    const refused = { notifyBacklog } as { notifyBacklog: number };
    const error = await failureOf(() => Connection.connect("host=localhost", refused));
    expect([error.name, error.message]).toEqual([
      "ProgrammingError",
      `notifyBacklog must be a whole number or Infinity, not ${notifyBacklog}`,
    ]);
  });

  if (name === "blocking") {
    test("a handler is called when the connection is used, and can't use it itself", async () => {
      await using conn = await connect();
      const channel = await listening(conn);
      const failures: unknown[] = [];
      const tries: (() => unknown)[] = [
        () => conn.query("select 1"),
        () => conn.notifies(0).next(),
      ];
      conn.addNotifyHandler(() => {
        for (const use of tries) {
          try {
            void use();
          } catch (error) {
            failures.push((error as { code?: string }).code);
          }
        }
      });
      await conn.execute(notify(channel, "1"));
      expect(failures).toEqual(["ERR_MAHOUT_BUSY", "ERR_MAHOUT_BUSY"]);
      await expectUsable(conn);
    });
  } else {
    test("a handler is called at once, though the connection is idle", async () => {
      await using conn = await connect();
      const channel = await listening(conn);
      const heard = collect(conn);
      await administer(notify(channel, "hey"));
      await eventually(() => heard.length > 0);
      expect(heard).toEqual(["hey"]);
    });

    test("a handler may use its own connection: its statement waits for its turn", async () => {
      await using conn = await connect();
      const channel = await listening(conn);
      const answers: unknown[] = [];
      conn.addNotifyHandler(({ payload }) => {
        answers.push(conn.query("select $1::text as said", [payload]));
      });
      await conn.execute(notify(channel, "1", "2"));
      expect(await Promise.all(answers)).toEqual([[{ said: "1" }], [{ said: "2" }]]);
    });
  }
});
