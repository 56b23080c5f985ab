// Encryption: what each sslmode accepts of which server, checked from the server's side; client
// certificates; direct negotiation.

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { AsyncConnection, MahoutError } from "../../src/index.ts";
import { errors, OperationalError, ProgrammingError } from "../../src/index.ts";
import type { Conninfo } from "../support/address.ts";
import { defaultServer } from "../support/default-server.ts";
import { defaultMajor, startServer, type TestServer } from "../support/server.ts";
import { askOnce } from "../support/sessions.ts";
import type { ClientTlsFiles } from "../support/tls.ts";
import { failureOf, type Shell, shells } from "../support/shells.ts";

/** What the server says of our session, in its own words. */
const ENCRYPTED = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
const MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
type Mode = (typeof MODES)[number];

/** What a connect comes to. */
type Outcome = "plain" | "encrypted" | "no TLS" | "bad TLS" | "refused";

let server: TestServer;
let files: ClientTlsFiles;

beforeAll(async () => {
  server = await startServer({
    tls: true,
    hba: [
      "hostssl all only_encrypted 127.0.0.1/32 trust",
      "hostnossl all only_encrypted 127.0.0.1/32 reject",
      "hostssl all only_plain 127.0.0.1/32 reject",
      "hostnossl all only_plain 127.0.0.1/32 trust",
      "hostssl all certified 127.0.0.1/32 cert",
      "hostssl all doubly 127.0.0.1/32 scram-sha-256 clientcert=verify-ca",
    ],
  });
  files = server.tls as ClientTlsFiles;
  const roles = ["only_encrypted", "only_plain", "certified", "doubly"];
  const text = roles.map((role) => `create role ${role} login password 'p';`);
  await server.administer(text.join(""));
});

afterAll(async () => {
  await server.stop();
});

async function outcomeOf(connection: Shell["Connection"], target: Conninfo): Promise<Outcome> {
  let conn: AsyncConnection;
  try {
    conn = await connection.connect(target);
  } catch (error) {
    const { code, sqlstate } = error as MahoutError;
    if (sqlstate === "28000") return "refused";
    if (code === "ERR_MAHOUT_NO_TLS") return "no TLS";
    if (code === "ERR_MAHOUT_TLS") return "bad TLS";
    throw error;
  }
  const { encrypted } = conn.info;
  expect(await askOnce(conn, ENCRYPTED)).toBe(encrypted);
  return encrypted ? "encrypted" : "plain";
}

/** The mode, and the root certificate where the mode needs one. */
const inMode = (sslmode: Mode): Conninfo => ({
  sslmode,
  ...(sslmode.startsWith("verify") ? { sslrootcert: files.ca } : {}),
});

/** For each mode, what it comes to. */
type Row = readonly [Outcome, Outcome, Outcome, Outcome, Outcome, Outcome];

const table: readonly (readonly [what: string, target: () => Conninfo, ...outcomes: Row])[] = [
  [
    "a server without TLS",
    () => defaultServer().conninfo(),
    ...(["plain", "plain", "plain", "no TLS", "no TLS", "no TLS"] as const),
  ],
  [
    "a server with TLS",
    () => server.conninfo(),
    ...(["plain", "plain", "encrypted", "encrypted", "encrypted", "encrypted"] as const),
  ],
  [
    "the server by name",
    () => server.conninfo({ host: "localhost" }),
    ...(["plain", "plain", "encrypted", "encrypted", "encrypted", "encrypted"] as const),
  ],
  [
    "a certificate for another name",
    () => server.conninfo({ host: "db.example.com", hostaddr: "127.0.0.1" }),
    ...(["plain", "plain", "encrypted", "encrypted", "encrypted", "bad TLS"] as const),
  ],
  [
    // The root certificate counts in every mode in which TLS is spoken, as in libpq.
    "a certificate of an unknown authority",
    () => server.conninfo({ sslrootcert: files.untrustedCa }),
    ...(["plain", "plain", "plain", "bad TLS", "bad TLS", "bad TLS"] as const),
  ],
  [
    "a rule for TLS only",
    () => server.conninfo({ user: "only_encrypted" }),
    ...(["refused", "encrypted", "encrypted", "encrypted", "encrypted", "encrypted"] as const),
  ],
  [
    "a rule for plain text only",
    () => server.conninfo({ user: "only_plain" }),
    ...(["plain", "plain", "plain", "refused", "refused", "refused"] as const),
  ],
  [
    "a unix socket, which is never encrypted",
    () => server.conninfo({ host: server.socketDirectory }),
    ...(["plain", "plain", "plain", "plain", "plain", "plain"] as const),
  ],
];

describe.each(shells)("$name: sslmode", ({ Connection }) => {
  const cases = table.flatMap(([what, target, ...outcomes]) =>
    MODES.map((mode, index) => ({ mode, what, target, outcome: outcomes[index] as Outcome })),
  );

  test.each(cases)("$mode and $what: $outcome", async ({ mode, target, outcome }) => {
    expect(await outcomeOf(Connection, { ...inMode(mode), ...target() })).toBe(outcome);
  });

  test("left out is prefer", async () => {
    expect(await outcomeOf(Connection, server.conninfo())).toBe("encrypted");
    expect(await outcomeOf(Connection, defaultServer().conninfo())).toBe("plain");
  });

  test("verify-full wants a name to verify: an address alone is none", async () => {
    const { host: _, ...target } = server.conninfo({ hostaddr: "127.0.0.1" });
    const error = await failureOf(() =>
      Connection.connect({ ...target, ...inMode("verify-full") }),
    );
    expect(error).toBeInstanceOf(OperationalError);
    expect(error.message).toMatch(/verify-full.*host/);
    expect(await outcomeOf(Connection, { ...target, ...inMode("verify-ca") })).toBe("encrypted");
  });

  test("verify-full: the error names what the certificate is for", async () => {
    const target = server.conninfo({ host: "db.example.com", hostaddr: "127.0.0.1" });
    const error = await failureOf(() =>
      Connection.connect({ ...target, ...inMode("verify-full") }),
    );
    expect(error.message).toContain("db.example.com");
    expect(error.message).toContain("DNS:localhost");
  });

  test("verify-ca without a root certificate is refused before anything is opened", async () => {
    const error = await failureOf(() =>
      Connection.connect(server.conninfo({ sslmode: "verify-ca", sslrootcert: "/no/such/file" })),
    );
    expect(error).toBeInstanceOf(ProgrammingError);
    expect(error.message).toContain("/no/such/file");
  });

  test("what is neither certificate nor key is named", async () => {
    for (const keyword of ["sslrootcert", "sslcert", "sslcrl"]) {
      const wrong = { [keyword]: server.dataDirectory + "/postgresql.conf" };
      const target = server.conninfo({ sslmode: "require", sslkey: files.key, ...wrong });
      const error = await failureOf(() => Connection.connect(target));
      expect(error).toBeInstanceOf(OperationalError);
      expect(error.message).toContain(keyword);
      expect(error.message).toContain("postgresql.conf");
    }
  });

  test.each([
    { keyword: "ssl_min_protocol_version", wanted: "TLSv1.3", spoken: "TLSv1.3" },
    { keyword: "ssl_max_protocol_version", wanted: "TLSv1.2", spoken: "TLSv1.2" },
  ])("$keyword=$wanted speaks $spoken", async ({ keyword, wanted, spoken }) => {
    const target = server.conninfo({ sslmode: "require", [keyword]: wanted });
    const version = "select version from pg_stat_ssl where pid = pg_backend_pid()";
    expect(await askOnce(Connection.connect(target), version)).toBe(spoken);
  });
});

describe.each(shells)("$name: a client certificate", ({ Connection }) => {
  const target = (more: Conninfo): Conninfo =>
    server.conninfo({ user: "certified", sslmode: "verify-full", sslrootcert: files.ca, ...more });
  const WHOSE = "select client_dn from pg_stat_ssl where pid = pg_backend_pid()";

  test.each([
    { what: "with its key", more: () => ({ sslkey: files.key }) },
    {
      what: "with its key under a passphrase",
      more: () => ({ sslkey: files.encryptedKey, sslpassword: "secret" }),
    },
  ])("$what lets us in", async ({ more }) => {
    const connecting = Connection.connect(target({ sslcert: files.cert, ...more() }));
    expect(await askOnce(connecting, WHOSE)).toBe("/CN=certified");
  });

  test("and a password may both be asked for", async () => {
    const both = { user: "doubly", password: "p", sslcert: files.cert, sslkey: files.key };
    expect(await askOnce(Connection.connect(target(both)), "select current_user")).toBe("doubly");
    const { sslcert: _, ...without } = both;
    const error = await failureOf(() => Connection.connect(target(without)));
    expect(error.sqlstate).toBe("28000");
  });

  test.each([
    { what: "is missing", more: () => ({}) },
    {
      what: "may not be shown",
      more: () => ({ sslcert: files.cert, sslkey: files.key, sslcertmode: "disable" }),
    },
  ])("that $what: the server's own error", async ({ more }) => {
    const error = await failureOf(() => Connection.connect(target(more())));
    expect(error).toBeInstanceOf(errors.InvalidAuthorizationSpecification);
    expect(error.message).toContain("valid client certificate");
  });

  test.each([
    { what: "no key", more: () => ({}), says: /sslcert.*sslkey/ },
    { what: "a missing key", more: () => ({ sslkey: "/no/such/key" }), says: /sslkey.*such\/key/ },
    { what: "no passphrase", more: () => ({ sslkey: files.encryptedKey }), says: /sslpassword/ },
    {
      what: "a wrong passphrase",
      more: () => ({ sslkey: files.encryptedKey, sslpassword: "guessed" }),
      says: /sslkey ".*; is sslpassword the one/,
    },
    {
      what: "another's key",
      more: () => ({ sslkey: `${__dirname}/../support/certificates/ca.key` }),
      says: /sslkey/,
    },
  ])("with $what: the error says what to do", async ({ more, says }) => {
    const error = await failureOf(() =>
      Connection.connect(target({ sslcert: files.cert, ...more() })),
    );
    expect(error).toBeInstanceOf(OperationalError);
    expect(error.message).toMatch(says);
    expect(error.message).not.toContain("guessed");
  });
});

describe.each(shells)("$name: sslnegotiation=direct", ({ Connection }) => {
  const direct = (more: Conninfo = {}): Conninfo =>
    server.conninfo({ sslmode: "require", sslnegotiation: "direct", ...more });

  // Servers speak TLS from the first byte since 17.
  (defaultMajor >= 17 ? test : test.skip)("speaks TLS from the first byte", async () => {
    expect(await outcomeOf(Connection, direct())).toBe("encrypted");
    expect(await outcomeOf(Connection, direct(inMode("verify-full")))).toBe("encrypted");
    const wrong = { host: "db.example.com", hostaddr: "127.0.0.1", ...inMode("verify-full") };
    expect(await outcomeOf(Connection, direct(wrong))).toBe("bad TLS");
  });

  (defaultMajor < 17 ? test : test.skip)("fails with a server before 17", async () => {
    const error = await failureOf(() => Connection.connect(direct()));
    expect(error).toMatchObject({ code: "ERR_MAHOUT_TLS" });
    expect(error.message).toContain("sslnegotiation=direct");
  });

  test("fails with a server without TLS", async () => {
    const target = defaultServer().conninfo({ sslmode: "require", sslnegotiation: "direct" });
    const error = await failureOf(() => Connection.connect(target));
    expect(error).toMatchObject({ code: "ERR_MAHOUT_TLS" });
    expect(error.message).toContain("sslnegotiation=direct");
  });

  test("makes no sense where plain text is allowed", async () => {
    const error = await failureOf(() => Connection.connect(direct({ sslmode: "prefer" })));
    expect(error).toBeInstanceOf(ProgrammingError);
    expect(error.message).toContain("sslnegotiation");
  });
});
