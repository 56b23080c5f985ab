// How long connecting may take, and what is left of it when it ends early: nothing.

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { AsyncConnection, Connection, ConnectionTimeout } from "../../src/index.ts";
import { type MahoutError, OperationalError } from "../../src/index.ts";
import { type Peer, startPeer } from "../support/connect-peer.ts";
import { defaultServer } from "../support/default-server.ts";
import { newApplicationName, untilGone } from "../support/sessions.ts";
import { eventually, failureOf, shells } from "../support/shells.ts";

const SHORT = 200;

let silent: Peer;

beforeAll(async () => {
  silent = await startPeer();
});

afterAll(async () => {
  await silent[Symbol.asyncDispose]();
});

/** Where nobody ever answers. */
const nowhere = (): { host: string; port: number; user: string } => ({
  host: "127.0.0.1",
  port: silent.port,
  user: "nobody",
});

describe.each(shells)("$name: a server that accepts and never answers", ({ Connection }) => {
  test("is given up after connectTimeout", async () => {
    const begin = performance.now();
    const error = await failureOf(() => Connection.connect(nowhere(), { connectTimeout: SHORT }));
    expect(error).toBeInstanceOf(ConnectionTimeout);
    expect(error.code).toBe("ERR_MAHOUT_CONNECTION_TIMEOUT");
    expect(error.message).toBe(`connecting took longer than ${SHORT} ms`);
    expect(performance.now() - begin).toBeGreaterThanOrEqual(SHORT - 5);
    await eventually(() => silent.open() === 0);
  });

  test("ends the whole connect, whichever hosts are left", async () => {
    const live = defaultServer();
    const error = await failureOf(() =>
      Connection.connect(
        live.conninfo({ host: "127.0.0.1,127.0.0.1", port: `${silent.port},${live.port}` }),
        { connectTimeout: SHORT },
      ),
    );
    expect(error).toBeInstanceOf(ConnectionTimeout);
    await eventually(() => silent.open() === 0);
  });

  test("is told apart from what failed before it", async () => {
    const hosts = { host: "127.0.0.1,127.0.0.1", port: `1,${silent.port}`, user: "nobody" };
    const error = await failureOf(() => Connection.connect(hosts, { connectTimeout: SHORT }));
    expect(error).toBeInstanceOf(ConnectionTimeout);
    expect(error.message).toContain(`connecting took longer than ${SHORT} ms`);
    expect(error.message).toContain("127.0.0.1, port 1: ");
    expect(error.message).toContain("ECONNREFUSED");
  });

  test("is given up at once when there is no time at all", async () => {
    const error = await failureOf(() => Connection.connect(nowhere(), { connectTimeout: 0 }));
    expect(error).toBeInstanceOf(ConnectionTimeout);
    await eventually(() => silent.open() === 0);
  });

  test("can leave the deadline to a TLS handshake that never ends", async () => {
    await using peer = await startPeer((socket) => {
      socket.once("data", () => socket.write("S"));
    });
    const error = await failureOf(() =>
      Connection.connect({ ...nowhere(), port: peer.port }, { connectTimeout: SHORT }),
    );
    expect(error).toBeInstanceOf(ConnectionTimeout);
    await eventually(() => peer.accepted() === 1 && peer.open() === 0);
  });

  test.each([-1, Number.NaN, "5"])("connectTimeout can't be %p", async (value) => {
    const error = await failureOf(() =>
      Connection.connect(nowhere(), { connectTimeout: value as number }),
    );
    expect(error.message).toContain("connectTimeout must be a number of milliseconds");
  });
});

describe.each(shells)("$name: a peer that is no PostgreSQL server", ({ Connection }) => {
  const connectTo = (peer: Peer, sslmode: string): Promise<MahoutError> =>
    failureOf(() => Connection.connect({ ...nowhere(), port: peer.port, sslmode }));

  test.each(["disable", "prefer", "require"])(
    "closes at once (sslmode %s): the error says so",
    async (sslmode) => {
      await using peer = await startPeer((socket) => {
        socket.end();
      });
      const error = await connectTo(peer, sslmode);
      expect(error).toBeInstanceOf(OperationalError);
      expect(error.message).toMatch(
        /closed the connection unexpectedly|connection to the server was lost|ECONNRESET/,
      );
      await eventually(() => peer.open() === 0);
    },
  );

  test.each(["disable", "prefer", "require"])(
    "speaks another protocol (sslmode %s): the error says so",
    async (sslmode) => {
      await using peer = await startPeer((socket) => {
        socket.once("data", () => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"));
      });
      const error = await connectTo(peer, sslmode);
      expect(error).toBeInstanceOf(OperationalError);
      expect(error.message).toMatch(/impossible length|more than its answer|is it PostgreSQL/);
      await eventually(() => peer.open() === 0);
    },
  );
});

describe("async: a signal", () => {
  const connectWith = (signal: AbortSignal, more: object = {}): Promise<MahoutError> =>
    failureOf(() => AsyncConnection.connect({ ...nowhere(), ...more }, { signal }));

  test("that has fired already opens nothing", async () => {
    const accepted = silent.accepted();
    const error = await connectWith(AbortSignal.abort("enough"));
    expect(error).toBeInstanceOf(OperationalError);
    expect(error.message).toBe("connecting was aborted by its signal");
    expect(error.cause).toBe("enough");
    expect(silent.accepted()).toBe(accepted);
  });

  test("that fires ends the connect, whichever hosts are left", async () => {
    const controller = new AbortController();
    const before = silent.accepted();
    const failure = connectWith(controller.signal, { host: "127.0.0.1,127.0.0.1" });
    await eventually(() => silent.accepted() === before + 1);
    const reason = new Error("changed my mind");
    controller.abort(reason);
    const error = await failure;
    expect(error.message).toBe("connecting was aborted by its signal");
    expect(error.cause).toBe(reason);
    await eventually(() => silent.open() === 0);
    expect(silent.accepted()).toBe(before + 1);
  });

  test("is not listened to after the connect", async () => {
    const controller = new AbortController();
    const conn = await AsyncConnection.connect(defaultServer().conninfo(), {
      signal: controller.signal,
    });
    controller.abort();
    expect(await conn.query("select 1 as one")).toEqual([{ one: 1 }]);
    await conn.close();
  });
});

describe.each(shells)("$name: nothing stays behind", ({ Connection }) => {
  test.each([
    { what: "a refused connect", more: { dbname: "no such database" } },
    { what: "a refused role", more: { user: "no such role" } },
  ])("on the server after $what", async ({ more }) => {
    const server = defaultServer();
    const name = newApplicationName();
    const target = server.conninfo({ application_name: name, ...more });
    for (let round = 0; round < 5; round++) await failureOf(() => Connection.connect(target));
    await untilGone(server, name);
  });

  test("on the server after close()", async () => {
    const server = defaultServer();
    const name = newApplicationName();
    const conn = await Connection.connect(server.conninfo({ application_name: name }));
    await conn.query("select 1");
    await conn.close();
    expect(conn.closed).toBe(true);
    await untilGone(server, name);
  });

  test("after 50 connects at once", async () => {
    const server = defaultServer();
    const name = newApplicationName();
    const target = server.conninfo({ application_name: name });
    const all = await Promise.all(Array.from({ length: 50 }, () => Connection.connect(target)));
    const pids = new Set(all.map((conn) => conn.info.backendPid));
    expect(pids.size).toBe(50);
    const rows = await Promise.all(all.map((conn) => conn.query("select pg_backend_pid() as pid")));
    expect(rows.map(([row]) => row?.["pid"])).toEqual(all.map((conn) => conn.info.backendPid));
    await Promise.all(all.map((conn) => conn.close()));
    await untilGone(server, name);
  });
});

/** How many worker threads this process has. */
function workers(): number {
  const report = process.report.getReport() as unknown as { workers: unknown[] };
  return report.workers.length;
}

test("100 blocking connects in turn share one worker", () => {
  const server = defaultServer();
  const before = workers();
  Connection.connect(server.conninfo()).close();
  const first = workers();
  expect(first).toBeGreaterThanOrEqual(1);
  expect(first - before).toBeLessThanOrEqual(1);
  for (let round = 0; round < 100; round++) {
    const conn = Connection.connect(server.conninfo());
    expect(conn.query("select 1 as one")).toEqual([{ one: 1 }]);
    conn.close();
  }
  expect(workers()).toBe(first);
});
