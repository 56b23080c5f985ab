// notifies() in both shells: what comes, in which order, when it ends, and what is left for the next one.
// Those that come while somebody waits, and what only one shell can do, are in notifies-waiting.test.ts.

import { describe, expect, test } from "@jest/globals";
import { type AsyncConnection, Notify, ProgrammingError } from "../../src/index.ts";
import { listening, newChannel, payloads } from "../support/notifications.ts";
import { administer, expectUsable, failureOf, shells, terminate } from "../support/shells.ts";

/** Has another session send these payloads, and returns when it has. */
const send = (channel: string, ...payloads: string[]): Promise<unknown> =>
  administer(payloads.map((payload) => `notify ${channel}, '${payload}'`).join("; "));

/** The same, and returns when the connection has them: its session sends them before it answers. */
async function deliver(conn: AsyncConnection, channel: string, ...sent: string[]): Promise<void> {
  await send(channel, ...sent);
  await conn.query("select 1");
}

describe.each(shells)("$name shell", ({ name, connect }) => {
  test("a notification has channel, payload and the sender's pid", async () => {
    await using conn = await connect();
    const channel = await listening(conn);
    await conn.execute(`notify ${channel}, 'hello'`);
    await conn.execute(`notify ${channel}`);
    const found: Notify[] = [];
    for await (const notify of conn.notifies(0)) found.push(notify);
    const pid = conn.info.backendPid;
    expect(found).toEqual([
      { channel, payload: "hello", pid },
      { channel, payload: "", pid },
    ]);
    expect(found[0]).toBeInstanceOf(Notify);
  });

  test("all that others sent is given in order, however it is limited", async () => {
    await using conn = await connect();
    const channel = await listening(conn);
    for (const limits of [0, 50, { timeout: 0 }, { stopAfter: 3 }]) {
      await deliver(conn, channel, "1", "2", "3");
      expect(await payloads(conn, limits)).toEqual(["1", "2", "3"]);
    }
  });

  test("what came with the answers of statements is kept and comes first", async () => {
    await using conn = await connect();
    const channel = await listening(conn);
    await deliver(conn, channel, "early");
    await deliver(conn, channel, "late");
    expect(await payloads(conn, 0)).toEqual(["early", "late"]);
  });

  test("stopAfter is exact, and the rest is left for the next one", async () => {
    await using conn = await connect();
    const channel = await listening(conn);
    await deliver(conn, channel, "1", "2", "3", "4", "5");
    expect(await payloads(conn, { stopAfter: 0 })).toEqual([]);
    expect(await payloads(conn, { stopAfter: 1 })).toEqual(["1"]);
    expect(await payloads(conn, { stopAfter: 2, timeout: 1_000 })).toEqual(["2", "3"]);
    expect(await payloads(conn, 0)).toEqual(["4", "5"]);
  });

  test("leaving the loop leaves the rest for the next one", async () => {
    await using conn = await connect();
    const channel = await listening(conn);
    await deliver(conn, channel, "1", "2", "3", "4");
    for await (const { payload } of conn.notifies()) {
      if (payload === "2") break;
    }
    const failing = async (): Promise<void> => {
      for await (const notify of conn.notifies()) throw new Error(notify.payload);
    };
    expect((await failureOf(failing)).message).toBe("3");
    expect(await payloads(conn, 0)).toEqual(["4"]);
  });

  test("return() from the body ends the loop; steps after it give nothing", async () => {
    await using conn = await connect();
    const channel = await listening(conn);
    await deliver(conn, channel, "hello", "stop", "more");
    const found: string[] = [];
    const generator = conn.notifies();
    for await (const { payload } of generator) {
      found.push(payload);
      if (payload === "stop") await generator.return();
    }
    expect(found).toEqual(["hello", "stop"]);
    expect(await generator.next()).toEqual({ done: true, value: undefined });
    expect(await payloads(conn, 0)).toEqual(["more"]);
  });

  test("throw() ends it with that error", async () => {
    await using conn = await connect();
    const channel = await listening(conn);
    await deliver(conn, channel, "1", "2");
    const generator = conn.notifies();
    await generator.next();
    expect((await failureOf(() => generator.throw(new Error("mine")))).message).toBe("mine");
    expect(await payloads(conn, 0)).toEqual(["2"]);
  });

  test("the time is counted from the first step, and bounds the wait", async () => {
    await using conn = await connect();
    const channel = await listening(conn);
    await deliver(conn, channel, "1");
    const generator = conn.notifies(150);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const start = performance.now();
    const found: string[] = [];
    for await (const { payload } of generator) found.push(payload);
    const took = performance.now() - start;
    expect(found).toEqual(["1"]);
    expect(took).toBeGreaterThan(140);
    expect(took).toBeLessThan(2_000);
  });

  test("what had arrived when the time was up is still given to a slow loop", async () => {
    await using conn = await connect();
    const channel = await listening(conn);
    await deliver(conn, channel, "1", "2", "3");
    const found: string[] = [];
    for await (const { payload } of conn.notifies(20)) {
      found.push(payload);
      await conn.query("select pg_sleep(0.05)");
    }
    expect(found).toEqual(["1", "2", "3"]);
  });

  test("statements, LISTEN and UNLISTEN work in the loop", async () => {
    await using conn = await connect();
    const [first, second] = [await listening(conn), newChannel()];
    await send(first, "1");
    const found: unknown[] = [];
    for await (const { channel, payload } of conn.notifies({ stopAfter: 3 })) {
      found.push([channel, payload, await conn.query("select $1::text as told", [payload])]);
      if (payload === "1") {
        await conn.execute(`listen ${second}`);
        await send(second, "2");
      } else if (payload === "2") {
        await conn.execute(`unlisten ${second}`);
        await send(second, "unheard");
        await send(first, "3");
      }
    }
    expect(found).toEqual([
      [first, "1", [{ told: "1" }]],
      [second, "2", [{ told: "2" }]],
      [first, "3", [{ told: "3" }]],
    ]);
    expect(await payloads(conn, 0)).toEqual([]);
  });

  test("what came before UNLISTEN is still given", async () => {
    await using conn = await connect();
    const channel = await listening(conn);
    await deliver(conn, channel, "1");
    await conn.execute(`unlisten ${channel}`);
    expect(await payloads(conn, 0)).toEqual(["1"]);
  });

  test("in a transaction nothing comes before its end", async () => {
    await using conn = await connect();
    const channel = await listening(conn);
    await conn.execute("begin");
    await deliver(conn, channel, "1");
    expect(await payloads(conn, 20)).toEqual([]);
    await conn.execute("commit");
    expect(await payloads(conn, 0)).toEqual(["1"]);
  });

  test("a second one is refused while the first one runs, at its first step", async () => {
    await using conn = await connect();
    const channel = await listening(conn);
    await deliver(conn, channel, "1", "2");
    const [first, second, third] = [conn.notifies(0), conn.notifies(0), conn.notifies(0)];
    await first.next();
    const error = await failureOf(() => second.next());
    expect(error).toBeInstanceOf(ProgrammingError);
    expect(error.message).toBe(
      "another notifies() of this connection has not ended; leave its loop or call its return() first",
    );
    expect(await second.next()).toEqual({ done: true, value: undefined });
    await first.return();
    expect(await third.next()).toMatchObject({ value: { payload: "2" } });
  });

  test.each<[what: string, limits: unknown, message: string]>([
    ["a negative timeout", -1, "timeout must be a number of milliseconds, not -1"],
    ["NaN", Number.NaN, "timeout must be a number of milliseconds, not NaN"],
    ["text", "5", 'timeout must be a number of milliseconds, not "5"'],
    ["null", null, "notifies() takes a number of milliseconds or options, not null"],
    ["an array", [1], "notifies() takes a number of milliseconds or options, not an array"],
    ["half a notification", { stopAfter: 1.5 }, "stopAfter must be a whole number, not 1.5"],
    ["fewer than none", { stopAfter: -1 }, "stopAfter must be a whole number, not -1"],
    ["stopAfter as text", { stopAfter: "1" }, "stopAfter must be a whole number, not 1"],
    ["no signal", { signal: 5 }, "signal must be an AbortSignal, not number"],
    [
      "an unknown name",
      { stop_after: 1 },
      'there is no option "stop_after" for notifies(); there are timeout, stopAfter, signal',
    ],
  ])("%s is refused by the call", async (_what, limits, message) => {
    await using conn = await connect();
    const error = await failureOf(() => void conn.notifies(limits as number));
    expect([error.name, error.message]).toEqual(["ProgrammingError", message]);
  });

  test("the server's reason comes after what had arrived, and to later ones as well", async () => {
    await using conn = await connect();
    const channel = await listening(conn);
    await deliver(conn, channel, "1", "2");
    const generator = conn.notifies();
    const found: unknown[] = [(await generator.next()).value];
    await terminate(conn.info.backendPid);
    const error = await failureOf(async () => {
      for await (const notify of generator) found.push(notify);
    });
    expect(found).toMatchObject([{ payload: "1" }, { payload: "2" }]);
    expect([error.name, error.sqlstate]).toEqual(["AdminShutdown", "57P01"]);
    expect(await generator.next()).toEqual({ done: true, value: undefined });
    const again = await failureOf(() => conn.notifies().next());
    expect(again.sqlstate).toBe("57P01");
    expect(again).not.toBe(error);
    expect([conn.closed, conn.broken]).toEqual([true, true]);
  });

  test("close() is an error of the loop, after what had arrived", async () => {
    const conn = await connect();
    const channel = await listening(conn);
    await deliver(conn, channel, "1", "2");
    const found: string[] = [];
    const error = await failureOf(async () => {
      for await (const { payload } of conn.notifies()) {
        found.push(payload);
        await conn.close();
      }
    });
    expect(found).toEqual(["1", "2"]);
    expect([error.name, error.code, error.message]).toEqual([
      "OperationalError",
      "ERR_MAHOUT_CONNECTION_CLOSED",
      "the connection was closed",
    ]);
  });

  test("names and payloads may be any text", async () => {
    await using conn = await connect();
    const channel = `${newChannel()} "Grüße" 🐘`;
    await conn.execute(`listen "${channel.replaceAll('"', '""')}"`);
    const payload = "ä'\n\"🐘" + "x".repeat(7_000);
    await conn.query("select pg_notify($1, $2)", [channel, payload]);
    expect(await (await conn.notifies(0).next()).value).toMatchObject({ channel, payload });
  });

  test("the connection is usable whatever became of its generators", async () => {
    await using conn = await connect();
    const channel = await listening(conn);
    await payloads(conn, 0);
    await payloads(conn, 30);
    await deliver(conn, channel, "1");
    const abandoned = conn.notifies();
    await abandoned.next();
    await expectUsable(conn);
  });

  if (name === "blocking") {
    test("a signal is refused: it fires from the event loop, which stands still", async () => {
      await using conn = await connect();
      const error = await failureOf(
        () => void conn.notifies({ signal: new AbortController().signal }),
      );
      expect(error).toBeInstanceOf(ProgrammingError);
      expect(error.message).toContain("use timeout");
    });
  }
});
