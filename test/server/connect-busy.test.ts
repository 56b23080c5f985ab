// Servers that are there and can't take us: full, starting, stopping, gone in between.

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { AsyncConnection, errors, isRetryable, type MahoutError } from "../../src/index.ts";
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
      expect(error.message).toContain(`- localhost, port ${port}: sorry, too many clients already`);
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
  let server: TestServer;

  beforeAll(async () => {
    server = await startServer();
  });

  afterAll(async () => {
    await server.stop("immediate");
  });

  const connectOnce = (): Promise<MahoutError> =>
    failureOf(() => askOnce(Connection.connect(server.conninfo()), "select 1"));

  test("that is shutting down says so, until it is gone", async () => {
    const last = await AsyncConnection.connect(server.conninfo());
    server.kill("SIGTERM");
    let error: MahoutError | undefined;
    await eventually(async () => {
      // Until the signal has got through it still lets us in.
      error = await connectOnce().catch(() => undefined);
      return error;
    });
    expect(error).toBeInstanceOf(errors.CannotConnectNow);
    expect(error?.sqlstate).toBe("57P03");
    expect(error?.message).toBe("the database system is shutting down");
    expect(isRetryable(error)).toBe(true);
    expect(await last.query("select 1 as one")).toEqual([{ one: 1 }]);
    await last.close();
    await server.exited;
    const refused = await connectOnce();
    expect(refused.message).toContain("ECONNREFUSED");
    await server.start();
  });

  test("that is starting up says so, until it is ready", async () => {
    const go = join(server.directory, "go");
    await server.stop().catch(() => undefined);
    server = await startServer();
    writeFileSync(join(server.dataDirectory, "recovery.signal"), "");
    const command = `while [ ! -e ${go.replace(server.directory, "..")} ]; do sleep 0.02; done; false`;
    const restarted = server.restart({ settings: { restore_command: command } });
    let error: MahoutError | undefined;
    await eventually(async () => {
      error = await connectOnce().catch(() => undefined);
      return error?.sqlstate === "57P03" && !error.message.includes("shutting down");
    });
    expect(error).toBeInstanceOf(errors.CannotConnectNow);
    expect(error?.message.split("\n")[0]).toMatch(
      /^the database system is (?:starting up|not yet accepting connections)$/,
    );
    expect(isRetryable(error)).toBe(true);
    writeFileSync(join(server.directory, "go"), "");
    await restarted;
    expect(existsSync(join(server.dataDirectory, "recovery.signal"))).toBe(false);
    expect(await askOnce(Connection.connect(server.conninfo()), "select 1")).toBe(1);
  });

  test("that restarts: each failure can be retried, and one try succeeds", async () => {
    const { pid } = server;
    const restarted = server.restart();
    const reasons: MahoutError[] = [];
    const name = "select pg_postmaster_start_time()::text";
    await eventually(async () => {
      try {
        await askOnce(Connection.connect(server.conninfo()), name);
        return server.log().split("ready to accept connections").length > reasons.length;
      } catch (error) {
        reasons.push(error as MahoutError);
        return false;
      }
    });
    await restarted;
    expect(server.pid).not.toBe(pid);
    expect(reasons.filter((error) => !isRetryable(error)).map(({ message }) => message)).toEqual(
      [],
    );
  });
});
