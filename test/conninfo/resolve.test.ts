// resolveConninfo beyond what libpq was asked: defaults, units, files at their usual places, and
// the shape of the result.

import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";

import type { ConninfoObject } from "../../src/conninfo/dict.ts";
import type { ConnectionParameters } from "../../src/conninfo/parameters.ts";
import { resolveConninfo } from "../../src/conninfo/resolve.ts";
import type { Environment } from "../../src/conninfo/settings.ts";
import { writeFiles } from "./recording.ts";

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "mahout-conninfo-"));
});
afterAll(() => rmSync(home, { recursive: true }));

function resolve(
  conninfo: string | ConninfoObject,
  environment: Environment = {},
): ConnectionParameters {
  return resolveConninfo(conninfo, undefined, { HOME: home, ...environment });
}

test("with nothing said, the defaults apply", () => {
  const { username } = userInfo();
  expect(resolveConninfo("host=h", undefined, { HOME: home })).toEqual({
    attempts: [{ host: "h", hostaddr: null, port: 5432, socketPath: null, password: null }],
    isPresentable: true,
    user: username,
    dbname: username,
    options: null,
    applicationName: null,
    fallbackApplicationName: null,
    replication: null,
    sslmode: "prefer",
    sslnegotiation: "postgres",
    sslrootcert: null,
    sslcert: null,
    sslkey: null,
    sslpassword: null,
    scramKeys: null,
    tls: null,
    oauth: { issuer: null, clientId: null, clientSecret: null, scope: null },
    sslcrl: null,
    sslcrldir: null,
    sslsni: true,
    sslcertmode: "allow",
    sslMinProtocolVersion: "TLSv1.2",
    sslMaxProtocolVersion: null,
    sslkeylogfile: null,
    fileOrigins: {},
    channelBinding: "prefer",
    requireAuth: null,
    connectTimeoutMs: null,
    keepalives: true,
    keepalivesIdleMs: null,
    tcpUserTimeoutMs: null,
    targetSessionAttrs: "any",
    loadBalanceHosts: "disable",
    minProtocolVersion: "3.0",
    maxProtocolVersion: "3.0",
    settings: { client_encoding: "UTF8" },
  });
});

describe("single values", () => {
  test.each<[ConninfoObject, Partial<ConnectionParameters>]>([
    [{ connect_timeout: 10 }, { connectTimeoutMs: 10_000 }],
    [{ connect_timeout: 1 }, { connectTimeoutMs: 2000 }],
    [{ connect_timeout: 2 }, { connectTimeoutMs: 2000 }],
    [{ connect_timeout: 0 }, { connectTimeoutMs: null }],
    [{ connect_timeout: -1 }, { connectTimeoutMs: null }],
    [{ connect_timeout: " +3 " }, { connectTimeoutMs: 3000 }],
    [{ connect_timeout: 2_147_483_647 }, { connectTimeoutMs: 2_147_483_647 }],
    [{ keepalives: 0 }, { keepalives: false }],
    [{ keepalives: false }, { keepalives: false }],
    [{ keepalives: true }, { keepalives: true }],
    [{ keepalives: 2 }, { keepalives: true }],
    [{ keepalives_idle: 30 }, { keepalivesIdleMs: 30_000 }],
    [{ keepalives_idle: 0 }, { keepalivesIdleMs: null }],
    [{ keepalives_idle: -5 }, { keepalivesIdleMs: null }],
    [{ tcp_user_timeout: 1500 }, { tcpUserTimeoutMs: 1500 }],
    [{ tcp_user_timeout: 0 }, { tcpUserTimeoutMs: null }],
    [{ sslsni: false }, { sslsni: false }],
    [{ sslsni: "" }, { sslsni: true }],
    [{ sslpassword: "s" }, { sslpassword: "s" }],
    [{ sslkeylogfile: "/k" }, { sslkeylogfile: "/k" }],
    [
      { sslcert: "/c", sslkey: "/k" },
      { sslcert: "/c", sslkey: "/k" },
    ],
    [
      { sslcert: "/c", sslkey: "/k", sslcertmode: "disable" },
      { sslcert: null, sslkey: null },
    ],
    [{ sslcertmode: "require" }, { sslcertmode: "require" }],
    [{ sslcrl: "/c" }, { sslcrl: "/c", sslcrldir: null }],
    [{ sslcrldir: "/d" }, { sslcrl: null, sslcrldir: "/d" }],
    [{ ssl_min_protocol_version: "tlsv1.3" }, { sslMinProtocolVersion: "TLSv1.3" }],
    [{ ssl_min_protocol_version: "" }, { sslMinProtocolVersion: null }],
    [{ ssl_max_protocol_version: "TLSV1.2" }, { sslMaxProtocolVersion: "TLSv1.2" }],
    [{ sslrootcert: "system" }, { sslrootcert: "system", sslmode: "verify-full" }],
    [{ min_protocol_version: "3.2" }, { minProtocolVersion: "3.2", maxProtocolVersion: "3.2" }],
    [{ max_protocol_version: "latest" }, { minProtocolVersion: "3.0", maxProtocolVersion: "3.2" }],
    [{ require_auth: "" }, { requireAuth: null }],
    [{ require_auth: "md5,none" }, { requireAuth: { allow: new Set(["md5", "none"] as const) } }],
    [
      { require_auth: "!md5,!password" },
      { requireAuth: { deny: new Set(["md5", "password"] as const) } },
    ],
    [{ application_name: "", fallback_application_name: "f" }, { applicationName: null }],
    [{ replication: "database" }, { replication: "database" }],
    [{ options: "-c geqo=off" }, { options: "-c geqo=off" }],
    [{ client_encoding: "utf-8" }, { settings: { client_encoding: "UTF8" } }],
    [{ client_encoding: "auto" }, { settings: { client_encoding: "UTF8" } }],
    [{ gssencmode: "prefer", krbsrvname: "x", sslcompression: 1 }, {}],
    [{ requirepeer: "postgres" }, {}],
  ])("%j", (conninfo, expected) => {
    expect(resolve({ host: "h", ...conninfo })).toMatchObject(expected);
  });
});

test("variables that libpq turns into settings of the session do so", () => {
  const environment = { PGDATESTYLE: "ISO", PGTZ: "UTC", PGGEQO: "default" };
  expect(resolve("host=h", environment).settings).toEqual({
    client_encoding: "UTF8",
    datestyle: "ISO",
    timezone: "UTC",
  });
});

test("explicit options win over the string, that over service, environment and defaults", () => {
  const service = "[s]\nuser=service\ndbname=service\napplication_name=service\noptions=service\n";
  writeFiles(home, { "order.conf": service });
  const found = resolveConninfo(
    "service=s host=string user=string dbname=string application_name=string",
    { user: "options", dbname: "options", application_name: null },
    {
      HOME: home,
      PGSERVICEFILE: join(home, "order.conf"),
      PGUSER: "environment",
      PGHOST: "environment",
      PGOPTIONS: "environment",
      PGPORT: "6000",
    },
  );
  expect(found).toMatchObject({
    user: "options",
    dbname: "options",
    applicationName: "string",
    options: "service",
    attempts: [{ host: "string", port: 6000 }],
  });
});

test("process.env is the environment unless another is given", () => {
  const before = process.env["PGAPPNAME"];
  process.env["PGAPPNAME"] = "from-process";
  try {
    expect(resolveConninfo("host=h").applicationName).toBe("from-process");
    expect(resolve("host=h").applicationName).toBeNull();
  } finally {
    if (before === undefined) delete process.env["PGAPPNAME"];
    else process.env["PGAPPNAME"] = before;
  }
});

describe("the default host", () => {
  const port = 40_000 + (process.pid % 20_000);

  test("is localhost where no server listens on a socket", () => {
    expect(resolve({ port }).attempts).toEqual([
      { host: "localhost", hostaddr: null, port, socketPath: null, password: null },
    ]);
  });

  test("is localhost where a file only has the name of a socket", () => {
    const name = `.s.PGSQL.${port + 1}`;
    writeFiles("/tmp", { [name]: "" });
    try {
      expect(resolve({ port: port + 1 }).attempts).toMatchObject([{ host: "localhost" }]);
    } finally {
      rmSync(join("/tmp", name));
    }
  });

  test("is a usual socket directory in which one listens, for each empty place of a list", async () => {
    const socketPath = `/tmp/.s.PGSQL.${port}`;
    const server = createServer();
    await new Promise<void>((listening) => server.listen(socketPath, listening));
    try {
      writeFiles(home, { "default.pass": `localhost:${port}:*:*:found\n` });
      const passfile = join(home, "default.pass");
      const endpoint = { host: "/tmp", hostaddr: null, port, socketPath, password: "found" };
      expect(resolve({ port, passfile }).attempts).toEqual([endpoint]);
      expect(resolve({ port, passfile, host: "a," }).attempts).toMatchObject([
        { host: "a" },
        endpoint,
      ]);
    } finally {
      await new Promise((closed) => server.close(closed));
    }
  });
});

describe("places", () => {
  test.each<[ConninfoObject, readonly object[]]>([
    [{ host: "@abstract" }, [{ host: "@abstract", socketPath: "@abstract/.s.PGSQL.5432" }]],
    [{ host: "/d", port: 1 }, [{ host: "/d", port: 1, socketPath: "/d/.s.PGSQL.1" }]],
    [{ hostaddr: "::1" }, [{ host: "", hostaddr: "::1", socketPath: null }]],
    [{ hostaddr: "fe80::1%eth0" }, [{ hostaddr: "fe80::1%eth0" }]],
    [{ host: "name", hostaddr: "10.0.0.1" }, [{ host: "name", hostaddr: "10.0.0.1" }]],
    [{ host: "/d", hostaddr: "10.0.0.1" }, [{ hostaddr: "10.0.0.1", socketPath: null }]],
    [
      { host: "a,b,/c", port: "1,,3" },
      [
        { host: "a", port: 1 },
        { host: "b", port: 5432 },
        { host: "/c", port: 3, socketPath: "/c/.s.PGSQL.3" },
      ],
    ],
  ])("%j", (conninfo, expected) => {
    expect(resolve(conninfo).attempts).toMatchObject(expected);
  });

  test("each has the password that the password file has for it", () => {
    writeFiles(home, { "lists.pass": "a:1:app:ada:one\nb:*:app:ada:two\n10.0.0.3:3:*:*:three\n" });
    const { attempts } = resolve({
      host: "a,b,,d",
      hostaddr: ",,10.0.0.3,10.0.0.4",
      port: "1,2,3,4",
      user: "ada",
      dbname: "app",
      passfile: join(home, "lists.pass"),
    });
    expect(attempts.map(({ password }) => password)).toEqual(["one", "two", "three", null]);
  });
});

test.each([
  ["postgresql://ada:pa@ss/word@h/app", false],
  ["postgresql://ada:12/word@h/app", false],
  ["postgresql://ada:pa@@sock/app", false],
  ["postgresql://ada:pw@h/a@b", false],
  ["postgresql://ada:pw@h/app", true],
  ["postgresql://ada:p%40w@h/a%40b", true],
  ["postgresql://ada:pw@h/app?application_name=a@b", true],
  ["postgresql://h/app?user=ada@corp", true],
  ["host=h dbname=a@b", true],
])("what was connected to with %s can be shown: %s", (conninfo, isPresentable) => {
  expect(resolve(conninfo).isPresentable).toBe(isPresentable);
});

describe("the result", () => {
  const secrets = { password: "s3cret-a", sslpassword: "s3cret-b", sslkey: "s3cret-c" };

  test("shows no secret when it is printed or turned into JSON", () => {
    const parameters = resolve({ host: "a,b", user: "ada", ...secrets });
    for (const shown of [
      inspect(parameters, { depth: 9 }),
      inspect(parameters.attempts[0]),
      inspect({ parameters }, { depth: 9, showHidden: true }),
      JSON.stringify(parameters),
      JSON.stringify(parameters.attempts),
    ]) {
      expect(shown).not.toContain("s3cret");
      expect(shown).toContain("[hidden]");
    }
    expect(inspect(parameters)).toContain("ada");
    expect(inspect(resolve("host=h"))).not.toContain("[hidden]");
  });

  test("is frozen, and survives the way to a worker thread", () => {
    const parameters = resolve({ host: "h", require_auth: "md5", ...secrets });
    expect(Object.isFrozen(parameters)).toBe(true);
    expect(Object.isFrozen(parameters.attempts)).toBe(true);
    expect(Object.isFrozen(parameters.attempts[0])).toBe(true);
    expect(structuredClone(parameters)).toMatchObject({
      attempts: [{ host: "h", password: "s3cret-a" }],
      sslpassword: "s3cret-b",
    });
  });
});
