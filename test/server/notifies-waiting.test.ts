// notifies() while it waits: what wakes it, what ends it, and what else the connection does meanwhile.

import { getEventListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, test } from "@jest/globals";
import { AsyncConnection } from "../../src/index.ts";
import * as backend from "../support/backend-messages.ts";
import { listening, payloads } from "../support/notifications.ts";
import { defaultServer } from "../support/default-server.ts";
import { gate, ScriptedServer, sends, stays } from "../support/scripted-server.ts";
import { startServer } from "../support/server.ts";
import { greets } from "../support/hostile.ts";
import {
  administer,
  eventually,
  expectUsable,
  failureOf,
  shells,
  terminate,
} from "../support/shells.ts";

// A blocking thread can't send while it waits: the server does it, some time later, through a session
// whose promise the test awaits afterwards.
const agents: AsyncConnection[] = [];
afterAll(async () => {
  for (const agent of agents) await agent.close();
});

async function agent(): Promise<AsyncConnection> {
  const conn = await AsyncConnection.connect(defaultServer().conninfo());
  agents.push(conn);
  return conn;
}

/** Has the server run SQL after a while; returns once it waits, or has waited before anybody could look. */
async function later(text: string, seconds: number = 0.15): Promise<{ done: Promise<unknown> }> {
  const conn = await agent();
  let over = false;
  const done = conn.execute(`select pg_sleep(${seconds}); ${text}`).finally(() => (over = true));
  done.catch(() => {});
  const look = `select 1 from pg_stat_activity where pid = ${conn.info.backendPid} and wait_event = 'PgSleep'`;
  await eventually(async () => over || (await administer(look)).length === 1);
  return { done };
}

/** Stops the thread, and with it the event loop. */
const freeze = (milliseconds: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
};

describe.each(shells)("$name shell", ({ connect, Connection }) => {
  test("what comes later wakes it", async () => {
    await using conn = await connect();
    const channel = await listening(conn);
    const { done } = await later(`notify ${channel}, '1'; notify ${channel}, '2'`);
    expect(await payloads(conn, { stopAfter: 2 })).toEqual(["1", "2"]);
    await done;
    await expectUsable(conn);
  });

  test("it waits no longer than its time when nothing or something else comes", async () => {
    await using conn = await connect();
    const notices: unknown[] = [];
    conn.addNoticeHandler((diag) => notices.push(diag));
    await listening(conn);
    const start = performance.now();
    expect(await payloads(conn, 300)).toEqual([]);
    const took = performance.now() - start;
    expect(took).toBeGreaterThan(290);
    expect(took).toBeLessThan(2_000);
    await expectUsable(conn);
  });

  test("statements between two waits have their answers, and many quick ones, too", async () => {
    await using conn = await connect();
    const channel = await listening(conn);
    for (let round = 0; round < 5; round++) {
      // Enough of them that the blocking shell reads its socket itself by then.
      for (let n = 0; n < 60; n++) await conn.query("select 1");
      const { done } = await later(`notify ${channel}, 'round ${round}'`, 0.02);
      expect(await payloads(conn, { stopAfter: 1 })).toEqual([`round ${round}`]);
      await done;
    }
    await expectUsable(conn);
  });

  test("the server's reason ends one that waits", async () => {
    await using conn = await connect();
    await listening(conn);
    const { done } = await later(`select pg_terminate_backend(${conn.info.backendPid})`);
    const start = performance.now();
    const error = await failureOf(() => payloads(conn));
    expect(performance.now() - start).toBeLessThan(2_000);
    expect([error.name, error.sqlstate]).toEqual(["AdminShutdown", "57P01"]);
    expect(error.stack).toContain("notifies-waiting.test.ts");
    await done;
  });

  test("timeout 0 takes what the socket holds, though nobody has read it yet", async () => {
    const messages = ["1", "2"].map((payload) => backend.notificationResponse(7, "c", payload));
    await using server = await ScriptedServer.start([
      [...greets(), gate("send"), sends(...messages), stays()],
    ]);
    await using conn = await Connection.connect(server.conninfo());
    const nothing = await payloads(conn, 0);
    server.open("send");
    freeze(300);
    expect([nothing, await payloads(conn, 0)]).toEqual([[], ["1", "2"]]);
  });

  test("all of this works over TLS", async () => {
    await using server = await startServer({ tls: true });
    await using conn = await Connection.connect(server.conninfo({ sslmode: "require" }));
    await conn.execute("listen c");
    await server.administer("notify c, '1'");
    expect(await payloads(conn, { stopAfter: 1 })).toEqual(["1"]);
    await server.administer("notify c, '2'; notify c, '3'");
    // The session sends them before it answers.
    await conn.query("select 1");
    expect(await payloads(conn, 0)).toEqual(["2", "3"]);
    expect(await payloads(conn, 50)).toEqual([]);
    await expectUsable(conn);
    const { backendPid } = conn.info;
    await server.administer(`select pg_terminate_backend(${backendPid})`);
    expect((await failureOf(() => payloads(conn))).sqlstate).toBe("57P01");
  }, 60_000);

  test("a connection that is reset has an error that says so", async () => {
    await using server = await ScriptedServer.start([
      [
        ...greets(),
        gate("send"),
        sends(backend.notificationResponse(7, "c", "1")),
        { do: "close" },
      ],
    ]);
    await using conn = await Connection.connect(server.conninfo());
    server.open("send");
    const generator = conn.notifies();
    expect(await generator.next()).toMatchObject({ value: { payload: "1" } });
    const error = await failureOf(() => generator.next());
    expect([error.name, error.code]).toEqual(["OperationalError", "ERR_MAHOUT_CONNECTION_LOST"]);
    expect(conn.broken).toBe(true);
  });

  test("a handler may end it while it waits", async () => {
    await using conn = await connect();
    const channel = await listening(conn);
    const generator = conn.notifies();
    conn.addNotifyHandler(({ payload }) => {
      if (payload === "stop") void generator.return();
    });
    const { done } = await later(`notify ${channel}, 'go'; notify ${channel}, 'stop'`);
    const found: string[] = [];
    for await (const { payload } of generator) found.push(payload);
    expect(found.length).toBeLessThan(2);
    await done;
    await expectUsable(conn);
  });
});

describe("async shell", () => {
  const connect = (): Promise<AsyncConnection> =>
    AsyncConnection.connect(defaultServer().conninfo());

  test("statements of others run while it waits", async () => {
    await using conn = await connect();
    const channel = await listening(conn);
    const generator = conn.notifies();
    const next = generator.next();
    await expectUsable(conn);
    await conn.execute(`unlisten ${channel}; listen ${channel}_b`);
    await conn.execute(`notify ${channel}_b, 'x'`);
    expect(await next).toMatchObject({ value: { channel: `${channel}_b`, payload: "x" } });
    await generator.return();
  });

  test("several steps at once are served in order", async () => {
    await using conn = await connect();
    const channel = await listening(conn);
    const generator = conn.notifies({ stopAfter: 2 });
    const steps = [generator.next(), generator.next(), generator.next()];
    await conn.execute(`notify ${channel}, '1'; notify ${channel}, '2'; notify ${channel}, '3'`);
    expect(await Promise.all(steps)).toMatchObject([
      { value: { payload: "1" } },
      { value: { payload: "2" } },
      { done: true },
    ]);
    expect(await payloads(conn, 0)).toEqual(["3"]);
  });

  test("return() ends one that waits, at once", async () => {
    await using conn = await connect();
    await listening(conn);
    const generator = conn.notifies();
    const step = generator.next();
    await generator.return();
    expect(await step).toEqual({ done: true, value: undefined });
    expect(await payloads(conn, 0)).toEqual([]);
  });

  test("leaving an `await using` block ends it", async () => {
    await using conn = await connect();
    {
      await using generator = conn.notifies();
      void generator.next();
    }
    expect(await payloads(conn, 0)).toEqual([]);
  });

  test("a signal ends it quietly, keeps what was not given, and is listened to no longer", async () => {
    await using conn = await connect();
    const channel = await listening(conn);
    const stop = new AbortController();
    const { signal } = stop;
    const waiting = payloads(conn, { signal });
    await conn.execute(`notify ${channel}, '1'`);
    setTimeout(() => stop.abort(new Error("enough")), 30);
    expect(await waiting).toEqual(["1"]);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    await conn.execute(`notify ${channel}, '2'`);
    expect(await payloads(conn, { signal })).toEqual([]);
    expect(await payloads(conn, 0)).toEqual(["2"]);
  });

  test("a signal from the loop's body ends it before the next one", async () => {
    await using conn = await connect();
    const channel = await listening(conn);
    await conn.execute(`notify ${channel}, '1'; notify ${channel}, '2'`);
    const stop = new AbortController();
    const found: string[] = [];
    for await (const { payload } of conn.notifies({ signal: stop.signal })) {
      found.push(payload);
      stop.abort();
    }
    expect(found).toEqual(["1"]);
    expect(await payloads(conn, 0)).toEqual(["2"]);
  });

  test("what ended otherwise forgets its signal and its timer", async () => {
    await using conn = await connect();
    const { signal } = new AbortController();
    expect(await payloads(conn, { signal, timeout: 1 })).toEqual([]);
    const generator = conn.notifies({ signal, timeout: 60_000 });
    const step = generator.next();
    await generator.return();
    await step;
    const failing = failureOf(() => payloads(conn, { signal, timeout: 60_000 }));
    await terminate(conn.info.backendPid);
    expect((await failing).name).toBe("AdminShutdown");
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  test("close() ends one that waits, with an error", async () => {
    const conn = await connect();
    const waiting = failureOf(() => payloads(conn));
    await sleep(10);
    await conn.close();
    const error = await waiting;
    expect([error.name, error.code]).toEqual(["OperationalError", "ERR_MAHOUT_CONNECTION_CLOSED"]);
    expect([conn.closed, conn.broken]).toEqual([true, false]);
  });
});
