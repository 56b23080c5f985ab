// Connecting: what is said about where to, and what comes of it.

import { networkInterfaces } from "node:os";
import { inspect } from "node:util";
import { isNativeError } from "node:util/types";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { AsyncConnection, connect, errors, isRetryable } from "../../src/index.ts";
import { OperationalError, ProgrammingError } from "../../src/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { askOnce, newApplicationName } from "../support/sessions.ts";
import { failureOf, shells } from "../support/shells.ts";

const server = defaultServer();
const WHO = "select current_user || '@' || current_database()";
const DEAD_PORT = 1;

/** Hosts and ports of servers of which only the last one lives. */
const listOf = (...ports: readonly number[]): { host: string; port: string } => ({
  host: ports.map(() => "127.0.0.1").join(),
  port: ports.join(),
});

test("connect() is AsyncConnection.connect()", async () => {
  const conn = await connect(server.conninfo());
  expect(conn).toBeInstanceOf(AsyncConnection);
  await conn.close();
});

describe.each(shells)("$name: where to connect to", ({ Connection }) => {
  const { host, port } = server;

  test.each([
    { form: "a URI", conninfo: server.dsn() },
    { form: "keywords", conninfo: `host=${host} port=${port} user=postgres dbname=postgres` },
    { form: "an object", conninfo: server.conninfo() },
  ])("is said as $form", async ({ conninfo }) => {
    expect(await askOnce(Connection.connect(conninfo), WHO)).toBe("postgres@postgres");
  });

  test("the second argument wins over the string", async () => {
    const name = newApplicationName();
    const conn = await Connection.connect(
      server.dsn({ dbname: "no such database", application_name: "loser", port: DEAD_PORT }),
      { dbname: "template1", application_name: name, port },
    );
    expect(conn.info.dbname).toBe("template1");
    expect(await askOnce(conn, `${WHO} || ' ' || current_setting('application_name')`)).toBe(
      `postgres@template1 ${name}`,
    );
    const error = await failureOf(() =>
      Connection.connect(server.dsn(), { dbname: "no such database" }),
    );
    expect(error.message).toContain("no such database");
  });

  test.each([{ keyword: "application_name" }, { keyword: "fallback_application_name" }])(
    "$keyword is what pg_stat_activity shows",
    async ({ keyword }) => {
      const name = newApplicationName();
      const conn = await Connection.connect(server.conninfo({ [keyword]: name }));
      const shown = `select pid from pg_stat_activity where application_name = '${name}'`;
      expect(await server.administer(shown)).toEqual([[String(conn.info.backendPid)]]);
      expect(conn.info.parameterStatus("application_name")).toBe(name);
      await conn.close();
    },
  );

  test("options and settings reach the session", async () => {
    const conn = await Connection.connect(
      server.conninfo({ options: "-c work_mem=3MB -c search_path=one,\\ two" }),
    );
    expect(await conn.query("show work_mem")).toEqual([{ work_mem: "3MB" }]);
    expect(await conn.query("show search_path")).toEqual([{ search_path: "one, two" }]);
    expect(await conn.query("show client_encoding")).toEqual([{ client_encoding: "UTF8" }]);
    await conn.close();
  });

  const unix = process.platform === "win32" ? test.skip : test;
  unix("a unix socket, by its directory", async () => {
    const conn = await Connection.connect(server.conninfo({ host: server.socketDirectory }));
    expect(await conn.query("select inet_server_addr() as v")).toEqual([{ v: null }]);
    expect(conn.info.host).toBe(server.socketDirectory);
    expect(conn.info.encrypted).toBe(false);
    await conn.close();
  });

  unix("a unix socket, in a URI", async () => {
    const directory = encodeURIComponent(server.socketDirectory);
    const uri = `postgresql://postgres@${directory}:${server.port}/postgres`;
    expect(await askOnce(Connection.connect(uri), "select inet_server_addr()")).toBeNull();
  });

  test("a host with its address: the name is not resolved", async () => {
    const conn = await Connection.connect(
      server.conninfo({ host: "db.example.invalid", hostaddr: "127.0.0.1" }),
    );
    expect([conn.info.host, conn.info.hostaddr]).toEqual(["db.example.invalid", "127.0.0.1"]);
    await conn.close();
  });

  test("an address alone: it is what messages call the server", async () => {
    const { host: _, ...others } = server.conninfo({ hostaddr: "127.0.0.1" });
    const conn = await Connection.connect(others);
    expect(String(conn)).toContain(`at 127.0.0.1, port ${port}`);
    await conn.close();
  });
});

describe.each(shells)("$name: a password that was not encoded in a URI", ({ Connection }) => {
  const { host, port } = server;

  test.each([
    [`postgresql://postgres:x@${host}:${port}/xyzzy@h/app`, "InvalidCatalogName", "3D000"],
    [`postgresql://${host}:${DEAD_PORT}/xyzzy@h/app`, "OperationalError", "ERR_MAHOUT_CONNECT"],
    ["postgresql://ada:pa@xyzzy.invalid/frotz@h", "OperationalError", "ERR_MAHOUT_CONNECT"],
    ["postgresql://ada:pa@xyzzy.invalid,frotz/plugh@h", "OperationalError", "ERR_MAHOUT_CONNECT"],
  ])("is not shown, whatever %s comes to", async (uri, name, code) => {
    const error = await failureOf(() => Connection.connect(uri, { sslmode: "disable" }));
    expect(error).toMatchObject({ name, code });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/xyzzy|frotz|plugh|ada|pa@/);
    expect(error.message).toMatch(/^no connection could be made \(.*write "@" in them as %40/);
  });

  test('is no reason to hide anything where there is an "@" in the query only', async () => {
    const uri = `postgresql://postgres:x@${host}:${port}/xyzzy?application_name=a@b`;
    const error = await failureOf(() => Connection.connect(uri));
    expect(error.message).toContain('database "xyzzy" does not exist');
  });
});

test("nobody who says no application_name has one", async () => {
  for (const { Connection } of shells) {
    const conn = await Connection.connect(server.conninfo());
    expect(await askOnce(conn, "select current_setting('application_name')")).toBe("");
  }
});

describe.each(shells)("$name: what can't be connected to", ({ Connection }) => {
  test.each([
    {
      what: "the database",
      wrong: { dbname: "no such database" },
      kind: errors.InvalidCatalogName,
      sqlstate: "3D000",
      message: 'database "no such database" does not exist',
    },
    {
      what: "the user",
      wrong: { user: "no such role" },
      kind: errors.InvalidAuthorizationSpecification,
      sqlstate: "28000",
      message: 'role "no such role" does not exist',
    },
    {
      what: "a setting",
      wrong: { options: "-c work_mem=much" },
      kind: errors.InvalidParameterValue,
      sqlstate: "22023",
      message: 'invalid value for parameter "work_mem": "much"',
    },
  ])("$what is wrong: the server's own error", async ({ wrong, kind, sqlstate, message }) => {
    const error = await failureOf(() => Connection.connect(server.conninfo(wrong)));
    expect(error).toBeInstanceOf(kind);
    expect(error.sqlstate).toBe(sqlstate);
    expect(error.message).toBe(message);
    expect(error.diag.severity).toBe("FATAL");
    expect(isRetryable(error)).toBe(false);
  });

  test.each([
    {
      what: "port",
      wrong: { port: DEAD_PORT },
      code: "ECONNREFUSED",
      message: /"127\.0\.0\.1", port 1 failed: .*ECONNREFUSED.*is the server running there\?/,
    },
    {
      what: "host",
      wrong: { host: "no-such-host.invalid" },
      code: /ENOTFOUND|EAI_AGAIN/,
      message: /the host "no-such-host\.invalid" can't be found: getaddrinfo/,
    },
    {
      what: "socket directory",
      wrong: { host: "/no/such/directory" },
      code: "ENOENT",
      message: /"\/no\/such\/directory\/\.s\.PGSQL\.\d+" failed: .*ENOENT/,
    },
  ])("the $what is wrong: the error names it", async ({ wrong, code, message }) => {
    const error = await failureOf(() => Connection.connect(server.conninfo(wrong)));
    expect(error).toBeInstanceOf(OperationalError);
    expect(error.code).toBe("ERR_MAHOUT_CONNECT");
    expect(error.message).toMatch(message);
    expect(isNativeError(error.cause)).toBe(true);
    expect((error.cause as { code: string }).code).toMatch(code);
    expect(isRetryable(error)).toBe(true);
  });

  test("an unknown keyword is refused before anything is opened", async () => {
    const error = await failureOf(() =>
      Connection.connect({ ...server.conninfo(), databse: "x" } as object),
    );
    expect(error).toBeInstanceOf(ProgrammingError);
    expect(error.message).toContain("databse");
  });

  test.each(["user", "dbname", "application_name", "options"])(
    "a NUL in %s is refused: it would say more than it seems to",
    async (keyword) => {
      const target = server.conninfo({ [keyword]: "x\0superuser\0on" });
      const error = await failureOf(() => Connection.connect(target));
      expect(error).toBeInstanceOf(ProgrammingError);
      expect(error.message).toContain("NUL");
    },
  );

  test("the error has the caller's stack", async () => {
    const { stackTraceLimit } = Error;
    try {
      // Node's own limit; jest has raised it.
      Error.stackTraceLimit = 10;
      for (const wrong of [{ port: DEAD_PORT }, { dbname: "no such database" }]) {
        const error = await failureOf(() => Connection.connect(server.conninfo(wrong)));
        expect(error.stack).toContain("connect.test.ts");
      }
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  });
});

describe.each(shells)("$name: several hosts", ({ Connection }) => {
  test("the first that lives is taken", async () => {
    const conn = await Connection.connect(
      server.conninfo(listOf(DEAD_PORT, 2, server.port, DEAD_PORT)),
    );
    expect([conn.info.host, conn.info.port]).toEqual(["127.0.0.1", server.port]);
    await conn.close();
  });

  test("when all are dead, the error lists every attempt", async () => {
    const error = await failureOf(() => Connection.connect(server.conninfo(listOf(1, 2, 3))));
    expect(error).toBeInstanceOf(OperationalError);
    expect(error.code).toBe("ERR_MAHOUT_CONNECT");
    for (const port of [1, 2, 3]) {
      expect(error.message).toContain(`- 127.0.0.1, port ${port}: `);
    }
    expect(error.message.match(/ECONNREFUSED/g)).toHaveLength(3);
    expect(isRetryable(error)).toBe(true);
  });

  test.each([
    { what: "a wrong database", wrong: { dbname: "no such database" }, sqlstate: "3D000" },
    { what: "a wrong role", wrong: { user: "no such role" }, sqlstate: "28000" },
  ])("$what after a dead host is not hidden by it", async ({ wrong, sqlstate }) => {
    const target = server.conninfo({ ...listOf(DEAD_PORT, server.port), ...wrong });
    const error = await failureOf(() => Connection.connect(target));
    expect(error.message).toMatch(/no such (?:database|role)/);
    expect([sqlstate, null]).toContain(error.sqlstate);
  });

  test("what all of them say alike keeps its class", async () => {
    const target = { ...listOf(server.port, server.port), user: "no such role" };
    const error = await failureOf(() => Connection.connect(server.conninfo(target)));
    expect(error).toBeInstanceOf(errors.InvalidAuthorizationSpecification);
    expect(error.diag.messagePrimary).toContain("no such role");
    expect(isRetryable(error)).toBe(false);
  });
});

const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === "::1"),
);

// Containers often have no IPv6.
(hasIpv6 ? describe : describe.skip)("a server on both loopback addresses", () => {
  let both: TestServer;

  beforeAll(async () => {
    both = await startServer({ settings: { listen_addresses: "127.0.0.1,::1" } });
  });

  afterAll(async () => {
    await both.stop();
  });

  describe.each(shells)("$name", ({ Connection }) => {
    const ADDRESS = "select host(inet_server_addr())";

    test("is reached by its IPv6 address", async () => {
      expect(await askOnce(Connection.connect(both.conninfo({ host: "::1" })), ADDRESS)).toBe(
        "::1",
      );
      const uri = `postgresql://postgres@[::1]:${both.port}/postgres`;
      expect(await askOnce(Connection.connect(uri), ADDRESS)).toBe("::1");
    });

    test("is reached by name, over whichever address answers", async () => {
      const conn = Connection.connect(both.conninfo({ host: "localhost" }));
      expect(["::1", "127.0.0.1"]).toContain(await askOnce(conn, ADDRESS));
    });
  });
});
