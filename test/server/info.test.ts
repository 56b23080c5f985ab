// What a connection tells of itself: info, its descriptor, and how it is printed.

import { fstatSync, readlinkSync } from "node:fs";
import { inspect } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { conninfoToDict } from "../../src/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { administer, failureOf, shells } from "../support/shells.ts";

const SECRET = "open-sesame";

describe.each(shells)("$name shell", ({ name, connect, Connection }) => {
  test("info: where the connection goes and who it is", async () => {
    await using conn = await connect({ application_name: "info test", options: "-c work_mem=1MB" });
    const { host, port } = defaultServer();
    const { info } = conn;
    expect(info).toBe(conn.info);
    expect([info.vendor, info.host, info.port]).toEqual(["PostgreSQL", host, port]);
    expect([info.hostaddr, info.dbname, info.user]).toEqual([null, "postgres", "postgres"]);
    expect([info.options, info.encrypted, info.status]).toEqual(["-c work_mem=1MB", false, "ok"]);
    expect([info.errorMessage, info.encoding]).toEqual(["", "UTF8"]);
    const [row] = await conn.query(
      "select pg_backend_pid() as pid, current_setting('server_version_num')::int as version",
    );
    expect(row).toEqual({ pid: info.backendPid, version: info.serverVersion });
    expect(Math.floor(info.serverVersion / 10_000)).toBe(defaultServer().major);
    expect(info.fullProtocolVersion).toBeGreaterThanOrEqual(30_000);
  });

  test("info: parameters that the server reports, as they are now", async () => {
    await using conn = await connect({ application_name: "info test" });
    const { info } = conn;
    expect(info.parameterStatus("application_name")).toBe("info test");
    expect(info.parameterStatus("is_superuser")).toBe("on");
    expect(info.parameterStatus("work_mem")).toBeNull();
    await conn.execute("set timezone to 'Asia/Kolkata'; set application_name to 'other'");
    expect([info.timezone, info.parameterStatus("application_name")]).toEqual([
      "Asia/Kolkata",
      "other",
    ]);
  });

  test("info: where the session stands", async () => {
    await using conn = await connect();
    const { info } = conn;
    expect(info.transactionStatus).toBe("idle");
    await conn.execute("begin");
    expect(info.transactionStatus).toBe("inTransaction");
    await failureOf(() => conn.execute("select 1/0"));
    expect(info.transactionStatus).toBe("inError");
    await conn.execute("rollback");
    expect(info.transactionStatus).toBe("idle");
    const statuses: string[] = [];
    conn.addNoticeHandler(() => statuses.push(info.transactionStatus));
    await conn.execute("do $$ begin raise notice 'x'; end $$");
    expect(statuses).toEqual(["active"]);
    await conn.close();
    expect([info.transactionStatus, info.status]).toEqual(["unknown", "bad"]);
  });

  test("info: the parameters given, without the password, good to connect again", async () => {
    const given = { ...defaultServer().conninfo(), password: SECRET, application_name: "it's me" };
    await using conn = await Connection.connect(given);
    const parameters = conn.info.getParameters();
    const { port } = defaultServer();
    expect(parameters).toMatchObject({ port: String(port), application_name: "it's me" });
    expect(parameters).not.toHaveProperty("password");
    expect(conninfoToDict(conn.info.dsn)).toEqual(parameters);
    await using again = await Connection.connect(conn.info.dsn);
    expect(again.info.parameterStatus("application_name")).toBe("it's me");
  });

  test("a unix socket is its directory", async () => {
    const { socketDirectory, port } = defaultServer();
    await using conn = await connect({ host: socketDirectory });
    expect([conn.info.host, conn.info.port]).toEqual([socketDirectory, port]);
    expect(inspect(conn)).toContain(`at ${socketDirectory}/.s.PGSQL.${port}`);
  });

  test("fileno is the descriptor of the socket", async () => {
    await using conn = await connect();
    await using other = await connect();
    const descriptor = conn.fileno();
    expect(fstatSync(descriptor).isSocket()).toBe(true);
    expect(fstatSync(other.fileno()).ino).not.toBe(fstatSync(descriptor).ino);
    expect([conn.fileno(), await conn.query("select 1 as n")]).toEqual([descriptor, [{ n: 1 }]]);
    if (process.platform !== "linux") return;
    // The kernel's table of TCP connections knows which one it is, and the server its other end.
    const { readFileSync } = await import("node:fs");
    const inode = /\d+/.exec(readlinkSync(`/proc/self/fd/${descriptor}`))?.[0];
    const line = readFileSync("/proc/self/net/tcp", "latin1")
      .split("\n")
      .find((one) => one.trim().split(/\s+/)[9] === inode);
    const [, local = ""] = line?.trim().split(/\s+/) ?? [];
    const rows = await administer(
      `select client_port from pg_stat_activity where pid = ${conn.info.backendPid}`,
    );
    expect(Number.parseInt(local.split(":")[1] ?? "", 16)).toBe(Number(rows[0]?.[0]));
  });

  test("inspect shows the state", async () => {
    const conn = await connect();
    const kind = name === "async" ? "AsyncConnection" : "Connection";
    const { host, port } = defaultServer();
    const shown = (state: string): string =>
      `<${kind} [${state}] (user=postgres database=postgres at ${host}, port ${port})>`;
    expect(inspect(conn)).toBe(shown("idle"));
    expect(`${String(conn)}`).toBe(shown("idle"));
    await conn.execute("begin");
    expect(inspect(conn)).toBe(shown("inTransaction"));
    await failureOf(() => conn.execute("select nope"));
    expect(inspect(conn)).toBe(shown("inError"));
    await conn.close();
    expect(inspect(conn)).toBe(shown("closed"));
  });

  test("inspect shows that a connection is broken", async () => {
    await using conn = await connect();
    await failureOf(() => conn.execute("select pg_terminate_backend(pg_backend_pid())"));
    expect(inspect(conn)).toMatch(/^<\w+ \[broken\] /);
  });

  test("inspect shows what a cursor did", async () => {
    await using conn = await connect();
    const kind = name === "async" ? "AsyncCursor" : "Cursor";
    const cur = conn.cursor();
    expect(inspect(cur)).toBe(`<${kind} [no result] of ${inspect(conn)}>`);
    await cur.execute("select generate_series(1, 3)");
    expect(inspect(cur)).toBe(`<${kind} [SELECT 3] of ${inspect(conn)}>`);
    await cur.execute("");
    expect(inspect(cur)).toBe(`<${kind} [empty] of ${inspect(conn)}>`);
    await cur.close();
    expect(String(cur)).toBe(`<${kind} [closed] of ${inspect(conn)}>`);
  });

  test("nothing shows the password", async () => {
    await using conn = await connect({ password: SECRET, sslpassword: SECRET });
    const cur = await conn.execute("select 1");
    const error = await failureOf(() => conn.execute("select nope"));
    const { core } = conn;
    for (const thing of [conn, cur, conn.info, core, core.session, error, conn.disconnected]) {
      expect(inspect(thing, { depth: 20, showHidden: true, getters: true })).not.toContain(SECRET);
    }
    expect(JSON.stringify([conn.info, conn.info.getParameters(), error])).not.toContain(SECRET);
    expect(conn.info.dsn).not.toContain(SECRET);
  });
});
