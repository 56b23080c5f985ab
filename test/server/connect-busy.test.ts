// Servers that are there and can't take us: full, starting, stopping, gone in between.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { AsyncConnection, errors, isRetryable, type MahoutError } from "../../src/index.ts";
import { giveToServer } from "../support/account.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { askOnce } from "../support/sessions.ts";
import { eventually, failureOf, shells } from "../support/shells.ts";

describe("a server with no room", () => {
  const ROOM = 5;
  let server: TestServer;
  let held: AsyncConnection[];

  beforeAll(async () => {
    const settings = { max_connections: String(ROOM), superuser_reserved_connections: "0" };
    const more = { max_wal_senders: "0", wal_level: "minimal", max_prepared_transactions: "0" };
    server = await startServer({ settings: { ...settings, ...more } });
    held = await Promise.all(
      Array.from({ length: ROOM }, () => AsyncConnection.connect(server.conninfo())),
    );
  });

  afterAll(async () => {
    await Promise.all(held.map((conn) => conn.close()));
    await server.stop();
  });

  describe.each(shells)("$name", ({ Connection }) => {
    test("says so, and takes us once somebody has left", async () => {
      const error = await failureOf(() => Connection.connect(server.conninfo()));
      expect(error).toBeInstanceOf(errors.TooManyConnections);
      expect(error.sqlstate).toBe("53300");
      expect(error.message).toBe("sorry, too many clients already");
      expect(isRetryable(error)).toBe(true);
      await held.pop()?.close();
      const conn = await connectWhenPossible(Connection, server);
      expect(await conn.query("select 1 as one")).toEqual([{ one: 1 }]);
      await conn.close();
      held.push(await connectWhenPossible(AsyncConnection, server));
    });

    test("says so for each of several hosts, and the error stays what it is", async () => {
      const { port } = server;
      const error = await failureOf(() =>
        Connection.connect(
          server.conninfo({ host: "127.0.0.1,localhost", port: `${port},${port}` }),
        ),
      );
      expect(error).toBeInstanceOf(errors.TooManyConnections);
      expect(error.message).toContain(
        `- localhost (127.0.0.1), port ${port}: sorry, too many clients already`,
      );
      expect(isRetryable(error)).toBe(true);
    });
  });
});

/** A session that has said goodbye keeps its place for a moment. */
async function connectWhenPossible(
  kind: typeof AsyncConnection,
  server: TestServer,
): Promise<AsyncConnection> {
  let conn: AsyncConnection | undefined;
  await eventually(async () => {
    try {
      conn = await kind.connect(server.conninfo());
    } catch (error) {
      if ((error as MahoutError).sqlstate !== "53300") throw error;
    }
    return conn;
  });
  return conn as AsyncConnection;
}

describe.each(shells)("$name: a server", ({ Connection }) => {
  const connectOnce = async (server: TestServer): Promise<unknown> => {
    try {
      return await askOnce(Connection.connect(server.conninfo()), "select 1");
    } catch (error) {
      return error;
    }
  };

  test("that is shutting down says so, until it is gone", async () => {
    await using server = await startServer();
    const last = await AsyncConnection.connect(server.conninfo());
    server.kill("SIGTERM");
    let outcome: unknown;
    // Until the signal has got through, it still lets us in.
    await eventually(async () => (outcome = await connectOnce(server)) !== 1);
    expect(outcome).toBeInstanceOf(errors.CannotConnectNow);
    expect(outcome).toMatchObject({
      sqlstate: "57P03",
      message: "the database system is shutting down",
    });
    expect(isRetryable(outcome)).toBe(true);
    expect(await last.query("select 1 as one")).toEqual([{ one: 1 }]);
    await last.close();
    await server.exited;
    expect(await connectOnce(server)).toMatchObject({ code: "ERR_MAHOUT_CONNECT" });
  });

  test("that is starting up says so, until it is ready", async () => {
    // Recovery lasts until the archive has nothing more to give, and the archive waits for us.
    const wait = "while [ ! -e ../archived ]; do sleep 0.02; done; false";
    await using server = await startServer({ settings: { restore_command: wait } });
    writeFileSync(join(server.dataDirectory, "recovery.signal"), "");
    giveToServer(join(server.dataDirectory, "recovery.signal"));
    const restarted = server.restart();
    let outcome: unknown;
    await eventually(async () => {
      outcome = await connectOnce(server);
      return /starting up|not yet accepting/.test((outcome as Error).message);
    });
    expect(outcome).toBeInstanceOf(errors.CannotConnectNow);
    expect(isRetryable(outcome)).toBe(true);
    writeFileSync(join(server.directory, "archived"), "");
    await restarted;
    expect(await connectOnce(server)).toBe(1);
  });

  test("that restarts: each failure says why, and a try succeeds at last", async () => {
    await using server = await startServer();
    const { pid } = server;
    let restarting = true;
    const restarted = server.restart().then(() => (restarting = false));
    const outcomes: unknown[] = [];
    while (restarting) {
      outcomes.push(await connectOnce(server));
      await sleep(2);
    }
    await restarted;
    expect(server.pid).not.toBe(pid);
    const failures = outcomes.filter((outcome) => outcome !== 1) as MahoutError[];
    expect(failures.length).toBeGreaterThan(0);
    // Not there, not ready, ended by the shutdown in the middle of it.
    const known = /^(?:ERR_MAHOUT_CONNECT|57P03|57P01|ERR_MAHOUT_CONNECTION_LOST)$/;
    expect(failures.filter(({ code }) => !known.test(code)).map(String)).toEqual([]);
    expect(await connectOnce(server)).toBe(1);
  });
});
