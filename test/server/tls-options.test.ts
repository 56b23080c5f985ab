// The option tls: certificates from elsewhere than files, verified unless told otherwise, said once.

import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { AsyncConnection, Connection as Blocking, ProgrammingError } from "../../src/index.ts";
import type { TlsOptions } from "../../src/index.ts";
import type { Conninfo } from "../support/address.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { askOnce } from "../support/sessions.ts";
import { failureOf, shells } from "../support/shells.ts";

let server: TestServer;
const WHO = "select client_dn from pg_stat_ssl where pid = pg_backend_pid()";

beforeAll(async () => {
  server = await startServer({
    tls: true,
    hba: ["hostssl all certified 127.0.0.1/32 trust clientcert=verify-full"],
  });
  await server.administer("create role certified login");
});

afterAll(async () => {
  await server.stop();
});

const read = (name: "ca" | "untrustedCa" | "cert" | "key" | "encryptedKey"): Buffer =>
  readFileSync(server.tls?.[name] ?? "");
const certified = (): Conninfo => server.conninfo({ user: "certified" });

describe.each(shells)("$name: the option tls", ({ Connection }) => {
  test("verifies the server, unless sslmode says otherwise", async () => {
    const ca = read("ca");
    await using conn = await Connection.connect(server.conninfo(), { tls: { ca } });
    expect(conn.info.encrypted).toBe(true);
    const bad = { code: "ERR_MAHOUT_TLS" };
    const stranger = { tls: { ca: read("untrustedCa") } };
    expect(await failureOf(() => Connection.connect(server.conninfo(), stranger))).toMatchObject(
      bad,
    );
    expect(await failureOf(() => Connection.connect(server.conninfo(), { tls: {} }))).toMatchObject(
      bad,
    );
    const elsewhere = server.conninfo({ host: "db.example.com", hostaddr: "127.0.0.1" });
    expect(await failureOf(() => Connection.connect(elsewhere, { tls: { ca } }))).toMatchObject(
      bad,
    );
    for (const sslmode of ["require", "verify-ca"]) {
      await (await Connection.connect(elsewhere, { tls: { ca }, sslmode })).close();
    }
    // Whom to trust was said, and counts in every mode; nobody said it here.
    const trusting = { ...stranger, sslmode: "require" };
    expect(await failureOf(() => Connection.connect(elsewhere, trusting))).toMatchObject(bad);
    await (await Connection.connect(elsewhere, { tls: {}, sslmode: "require" })).close();
  });

  test("the name can be another one", async () => {
    const elsewhere = server.conninfo({ host: "db.example.com", hostaddr: "127.0.0.1" });
    const tls = { ca: read("ca"), servername: "localhost" };
    await (await Connection.connect(elsewhere, { tls })).close();
    const wrong = { tls: { ...tls, servername: "db.example.com" } };
    const error = await failureOf(() => Connection.connect(server.conninfo(), wrong));
    expect(error.message).toContain("db.example.com");
  });

  test("shows a certificate, also for a cancel request", async () => {
    for (const more of [
      { key: read("key") },
      { key: read("encryptedKey").toString(), passphrase: "secret" },
    ]) {
      const tls: TlsOptions = { ca: [read("ca")], cert: read("cert"), ...more };
      await using conn = await Connection.connect(certified(), { tls, sslcertmode: "require" });
      expect((await conn.query(WHO))[0]).toEqual({ client_dn: "/CN=certified" });
      await conn.cancel();
      expect(inspect(conn, { depth: 9, showHidden: true })).not.toMatch(/PRIVATE KEY|secret/);
    }
  });

  test.each<readonly [TlsOptions, object, RegExp]>([
    [
      { ca: "x" },
      { sslrootcert: "/ca" },
      /^sslrootcert "\/ca", from the connection options, contradicts the option tls\.ca/,
    ],
    [{ cert: "x" }, { sslcert: "/c" }, /tls\.cert/],
    [{ key: "x" }, { sslkey: "/k" }, /tls\.key/],
    [{ pfx: "x" }, { sslkey: "/k" }, /tls\.pfx/],
    [
      { passphrase: "x" },
      { sslpassword: "hush" },
      /^sslpassword, from the connection options, contradicts/,
    ],
    [{ crl: "x" }, { sslcrldir: "/d" }, /tls\.crl/],
    [{ minVersion: "TLSv1.3" }, { ssl_min_protocol_version: "TLSv1.2" }, /tls\.minVersion/],
    [{ maxVersion: "TLSv1.3" }, { ssl_max_protocol_version: "TLSv1.2" }, /tls\.maxVersion/],
    [{ servername: "x" }, { sslsni: "0" }, /tls\.servername/],
    [{ cert: "x" }, { sslcertmode: "disable" }, /tls\.cert/],
    [
      {},
      { sslmode: "disable" },
      /^sslmode "disable".*needs sslmode require, verify-ca or verify-full/,
    ],
    [{}, { sslmode: "prefer" }, /option tls/],
    [{ secureContext: createSecureContext(), ca: "x" }, {}, /tls\.(secureContext|ca)/],
    [{ rejectUnauthorized: false } as object, {}, /no "rejectUnauthorized": sslmode says/],
    [{ cer: "x" } as object, {}, /no "cer": it may have ca, cert,/],
    ["x" as unknown as object, {}, /must be an object/],
  ])("%j and %j: said twice, or not at all", async (tls, keywords, says) => {
    const options = { tls, ...keywords };
    const error = await failureOf(() => Connection.connect("host=127.0.0.1", options));
    expect(error).toBeInstanceOf(ProgrammingError);
    expect(error.message).toMatch(says);
    expect(error.message).not.toContain("hush");
  });

  test("contradicts the environment as well", async () => {
    process.env["PGSSLROOTCERT"] = "/elsewhere";
    try {
      const options = { tls: { ca: read("ca") } };
      const error = await failureOf(() => Connection.connect(server.conninfo(), options));
      expect(error.message).toContain("from environment variable PGSSLROOTCERT, contradicts");
    } finally {
      delete process.env["PGSSLROOTCERT"];
    }
  });
});

test("async: a SecureContext, and a look at the certificate", async () => {
  const material = { ca: read("ca"), cert: read("cert"), key: read("key") };
  const secureContext = createSecureContext(material);
  expect(await askOnce(AsyncConnection.connect(certified(), { tls: { secureContext } }), WHO)).toBe(
    "/CN=certified",
  );
  const stranger = createSecureContext({ ca: read("untrustedCa") });
  for (const sslmode of ["require", "verify-full"]) {
    const options = { tls: { secureContext: stranger }, sslmode };
    const error = await failureOf(() => AsyncConnection.connect(server.conninfo(), options));
    expect(error).toMatchObject({ code: "ERR_MAHOUT_TLS" });
  }
  const seen: string[] = [];
  const checkServerIdentity = (host: string): Error | undefined => {
    seen.push(host);
    return seen.length > 1 ? new Error("not this one") : undefined;
  };
  const options = { tls: { ca: read("ca"), checkServerIdentity } };
  await (await AsyncConnection.connect(server.conninfo(), options)).close();
  const error = await failureOf(() => AsyncConnection.connect(server.conninfo(), options));
  expect(error.message).toContain("not this one");
  const lax = await failureOf(() =>
    AsyncConnection.connect(server.conninfo(), { ...options, sslmode: "verify-ca" }),
  );
  expect(lax.message).toContain("tls.checkServerIdentity, which needs verify-full");
});

test("blocking: what can't go to another thread is refused", async () => {
  for (const tls of [
    { secureContext: createSecureContext() },
    { checkServerIdentity: () => undefined },
  ]) {
    const error = await failureOf(() => Blocking.connect(server.conninfo(), { tls }));
    expect(error).toBeInstanceOf(ProgrammingError);
    expect(error.message).toContain("another thread");
  }
});
