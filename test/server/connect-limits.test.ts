// How long connecting may take, and what is left of it when it ends early: nothing.

import { describe, expect, test } from "@jest/globals";
import { AsyncConnection, Connection, ConnectionTimeout } from "../../src/index.ts";
import { OperationalError, ProgrammingError } from "../../src/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { awaits, ScriptedServer, sends } from "../support/scripted-server.ts";
import { startServer } from "../support/server.ts";
import { newApplicationName, untilGone } from "../support/sessions.ts";
import { failureOf, shells } from "../support/shells.ts";

const SHORT = 200;

/** A server that accepts so many connections and never answers on any. */
const silence = (count: number = 1): Promise<ScriptedServer> =>
  ScriptedServer.start(Array.from({ length: count }, () => []));

describe.each(shells)("$name: a server that accepts and never answers", ({ Connection }) => {
  test("is given up after connectTimeout", async () => {
    await using silent = await silence();
    const begin = performance.now();
    const error = await failureOf(() =>
      Connection.connect(silent.conninfo(), { connectTimeout: SHORT }),
    );
    expect(error).toBeInstanceOf(ConnectionTimeout);
    expect(error.code).toBe("ERR_MAHOUT_CONNECTION_TIMEOUT");
    expect(error.message).toBe(`connecting took longer than ${SHORT} ms`);
    expect(performance.now() - begin).toBeGreaterThanOrEqual(SHORT - 5);
    await silent.closed();
  });

  test("is given up after libpq's connect_timeout, in seconds", async () => {
    await using silent = await silence();
    const begin = performance.now();
    const error = await failureOf(() =>
      Connection.connect(silent.conninfo({ connect_timeout: 2 })),
    );
    expect(error).toBeInstanceOf(ConnectionTimeout);
    expect(performance.now() - begin).toBeGreaterThanOrEqual(1_995);
    await silent.closed();
  });

  test("ends the whole connect, whichever hosts are left", async () => {
    await using silent = await silence();
    const live = defaultServer();
    const ports = `${silent.conninfo()["port"]},${live.port}`;
    const error = await failureOf(() =>
      Connection.connect(live.conninfo({ host: "127.0.0.1,127.0.0.1", port: ports }), {
        connectTimeout: SHORT,
      }),
    );
    expect(error).toBeInstanceOf(ConnectionTimeout);
    await silent.closed();
  });

  test("is told together with what failed before it", async () => {
    await using silent = await silence();
    const ports = `1,${silent.conninfo()["port"]}`;
    const error = await failureOf(() =>
      Connection.connect(silent.conninfo({ host: "127.0.0.1,127.0.0.1", port: ports }), {
        connectTimeout: SHORT,
      }),
    );
    expect(error).toBeInstanceOf(ConnectionTimeout);
    expect(error.message).toContain(`connecting took longer than ${SHORT} ms; before that:`);
    expect(error.message).toMatch(/- 127\.0\.0\.1, port 1: .*ECONNREFUSED/);
    await silent.closed();
  });

  test("is given up at once when there is no time at all", async () => {
    await using silent = await silence();
    const error = await failureOf(() =>
      Connection.connect(silent.conninfo(), { connectTimeout: 0 }),
    );
    expect(error).toBeInstanceOf(ConnectionTimeout);
    await silent.closed(0);
  });

  test("is given up in the middle of a TLS handshake, too", async () => {
    await using silent = await ScriptedServer.start([[awaits("ssl"), sends("S")]]);
    const error = await failureOf(() =>
      Connection.connect(silent.conninfo({ sslmode: "require" }), { connectTimeout: SHORT }),
    );
    expect(error).toBeInstanceOf(ConnectionTimeout);
    await silent.closed();
  });

  test.each([-1, Number.NaN, "5"])("connectTimeout can't be %p", async (value) => {
    const error = await failureOf(() =>
      Connection.connect(defaultServer().conninfo(), { connectTimeout: value as number }),
    );
    expect(error).toBeInstanceOf(ProgrammingError);
    expect(error.message).toContain("connectTimeout must be a number of milliseconds");
  });
});

describe("async: a signal", () => {
  test("that has fired already opens nothing", async () => {
    await using silent = await silence();
    const signal = AbortSignal.abort("enough");
    const error = await failureOf(() => AsyncConnection.connect(silent.conninfo(), { signal }));
    expect(error).toBeInstanceOf(OperationalError);
    expect(error).toMatchObject({ code: "ERR_MAHOUT_ABORTED", cause: "enough" });
    expect(error.message).toBe("connecting was aborted by its signal");
    expect(silent.connections).toEqual([]);
  });

  test("that fires ends the connect, whichever hosts are left", async () => {
    await using silent = await silence(2);
    const port = silent.conninfo()["port"];
    const controller = new AbortController();
    const failure = failureOf(() =>
      AsyncConnection.connect(
        silent.conninfo({ host: "127.0.0.1,127.0.0.1", port: `${port},${port}` }),
        { signal: controller.signal },
      ),
    );
    await silent.received("startup");
    const reason = new Error("changed my mind");
    controller.abort(reason);
    const error = await failure;
    expect(error).toMatchObject({ code: "ERR_MAHOUT_ABORTED", cause: reason });
    await silent.closed();
    expect(silent.connections).toHaveLength(1);
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
    // The shared server has other guests.
    await using server = await startServer();
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
