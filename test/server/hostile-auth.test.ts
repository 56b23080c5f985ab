// Servers that lie while it is proved who is who, and lengths that are none: in the clear and under TLS, in both
// shells. Whatever they try, the attempt ends soon, with an error that says it, and no secret byte has left.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import * as backend from "../support/backend-messages.ts";
import { MALFORMED } from "../support/hostile-cases.ts";
import {
  against,
  expectNoPassword,
  greeting,
  greets,
  PASSWORD,
  SOON,
  within,
} from "../support/hostile.ts";
import {
  awaits,
  challenges,
  closes,
  concludes,
  floods,
  type Script,
  secures,
  sends,
} from "../support/scripted-server.ts";
import { startServer } from "../support/server.ts";
import { failureOf, shells } from "../support/shells.ts";

const SALT = "QSXCR+Q6sek8bf92";
const UNPROVEN = { name: "OperationalError", code: "ERR_MAHOUT_SERVER_UNPROVEN" };
const UNBOUND = { name: "OperationalError", code: "ERR_MAHOUT_CHANNEL_BINDING" };
const EXCLUDED = { message: expect.stringContaining("require_auth excludes") };
const BOUNDS = { message: expect.stringContaining("between 4096 and 1000000 are accepted") };

const ok = sends(backend.authenticationOk(), greeting());
const cleartext = sends(backend.authenticationCleartextPassword());
const md5 = sends(backend.authenticationMd5Password(Buffer.of(1, 2, 3, 4)));
const scram = sends(backend.authenticationSasl("SCRAM-SHA-256"));
const token = sends(backend.authenticationSasl("OAUTHBEARER"));
const challenge = challenges(`r={nonce}server,s=${SALT},i=4096`);
const iterations = (count: string): Script => [
  scram,
  challenges(`r={nonce}x,s=${SALT},i=${count}`),
];
const signature = Buffer.alloc(32, 7).toString("base64");

/** What the server does once it knows who wants in, what is said to connect, what is told to the caller. */
type Case = readonly [name: string, script: Script, keywords: object, error: object];

const lies: readonly Case[] = [
  ["is content instead of a challenge", [scram, awaits("p"), ok], {}, UNPROVEN],
  ["is content instead of its proof", [scram, challenge, awaits("p"), ok], {}, UNPROVEN],
  [
    "is ready instead of its proof",
    [scram, challenge, awaits("p"), sends(backend.readyForQuery())],
    {},
    MALFORMED,
  ],
  ["proves itself wrongly", [scram, challenge, concludes(`v=${signature}`), ok], {}, UNPROVEN],
  ["proves itself with nothing", [scram, challenge, concludes("v="), ok], {}, UNPROVEN],
  [
    "says that it can't prove itself",
    [scram, challenge, concludes("e=other-error"), ok],
    {},
    UNPROVEN,
  ],
  ["proves itself before it is asked", [scram, concludes(`v=${signature}`)], {}, UNPROVEN],
  ["challenges twice", [scram, challenge, challenge], {}, UNPROVEN],
  ["has a nonce of its own", [scram, challenges(`r=mine,s=${SALT},i=4096`)], {}, MALFORMED],
  ["adds nothing to our nonce", [scram, challenges(`r={nonce},s=${SALT},i=4096`)], {}, MALFORMED],
  ["has no salt", [scram, challenges("r={nonce}x,s=,i=4096")], {}, MALFORMED],
  ["demands an extension", [scram, challenges(`m=x,r={nonce}x,s=${SALT},i=4096`)], {}, MALFORMED],
  ["wants 1 iteration", iterations("1"), {}, BOUNDS],
  ["wants 4095 iterations", iterations("4095"), {}, BOUNDS],
  ["wants 2147483647 iterations", iterations("2147483647"), {}, BOUNDS],
  ["wants 0 iterations", iterations("0"), {}, MALFORMED],
  ["wants -1 iterations", iterations("-1"), {}, MALFORMED],
  ["wants 1e9 iterations", iterations("1e9"), {}, MALFORMED],
  ["wants 99999999999 iterations", iterations("99999999999"), {}, MALFORMED],
  ["asks in the clear after a challenge", [scram, challenge, awaits("p"), cleartext], {}, UNPROVEN],
  ["offers no mechanism", [sends(backend.authenticationSasl())], {}, { name: "NotSupportedError" }],

  ...["scram-sha-256", "!none,!password,!md5,!oauth"].flatMap((require_auth): Case[] => [
    [`asks for nothing (${require_auth})`, [ok], { require_auth }, EXCLUDED],
    [`asks in the clear (${require_auth})`, [cleartext], { require_auth }, EXCLUDED],
    [`asks for MD5 (${require_auth})`, [md5], { require_auth }, EXCLUDED],
    [`asks for a token (${require_auth})`, [token], { require_auth }, EXCLUDED],
  ]),
];

const bound = { channel_binding: "require" };
const unbound: readonly Case[] = [
  ["asks for nothing", [ok], bound, UNBOUND],
  ["asks in the clear", [cleartext], bound, UNBOUND],
  ["asks for MD5", [md5], bound, UNBOUND],
  ["asks for a token", [token], bound, UNBOUND],
  ["offers SCRAM without binding", [scram], bound, UNBOUND],
];

const lengths: readonly Case[] = [0x7fffffff, 0x40000000, 0, 1, 3, -1, -0x80000000].flatMap(
  (length): Case[] => {
    const after = sends(greeting(), backend.frame("Z", length));
    return [
      [`sends a request of ${length} bytes`, [sends(backend.frame("R", length))], {}, MALFORMED],
      [`sends an error of ${length} bytes`, [sends(backend.frame("E", length))], {}, MALFORMED],
      [`is ready with ${length} bytes`, [sends(backend.authenticationOk()), after], {}, MALFORMED],
    ];
  },
);

const ways: readonly (readonly [string, string, Script])[] = [
  ["in the clear", "disable", []],
  ["under TLS", "require", [awaits("ssl"), sends("S"), secures()]],
];

describe.each(shells)("$name", ({ Connection, name }) => {
  describe.each(ways)("%s", (_, sslmode, before) => {
    const cases = [...lies, ...lengths, ...(sslmode === "require" ? unbound : [])];

    test.each(cases)("a server that %s", async (_name, script, keywords, expected) => {
      const [record] = await against(
        [[...before, awaits("startup"), ...script]],
        async (server) => {
          const target = server.conninfo({ sslmode, password: PASSWORD, ...keywords });
          const error = await within(SOON, () =>
            failureOf(async () => await Connection.connect(target, { oauthToken: () => PASSWORD })),
          );
          expect(error).toMatchObject(expected);
          expect(`${error.stack} ${String(error.cause)}`).not.toContain(PASSWORD);
        },
      );
      // What SCRAM sends is no password, and where SCRAM isn't begun nothing is sent at all.
      if (script[0] === scram && keywords !== bound) {
        for (const bytes of [record?.plain, record?.encrypted])
          expect(bytes?.includes(PASSWORD)).toBe(false);
      } else expectNoPassword(record);
    });
  });

  test("a server that offers to bind what is not encrypted", async () => {
    const plus = sends(backend.authenticationSasl("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"));
    const [record] = await against([[awaits("startup"), plus]], async (server) => {
      const target = server.conninfo({ password: PASSWORD });
      expect(await failureOf(() => Connection.connect(target))).toMatchObject(MALFORMED);
    });
    expectNoPassword(record);
  });

  test.each([
    ["asks for less under TLS than in the clear", "prefer"],
    ["asks for less in the clear than under TLS", "allow"],
  ])("a server that %s is refused in both", async (_, sslmode) => {
    const tls = [awaits("ssl"), sends("S"), secures(), awaits("startup"), cleartext];
    const plain = [awaits("startup"), cleartext];
    await against([sslmode === "prefer" ? tls : plain], async (server) => {
      const target = server.conninfo({ sslmode, password: PASSWORD, require_auth: "md5" });
      expect(await failureOf(() => Connection.connect(target))).toMatchObject(EXCLUDED);
    });
  });

  test("a server that refuses encryption, and then again and again", async () => {
    const no = Buffer.from("N");
    const script = [awaits("ssl"), sends("N"), awaits("startup"), floods(no)];
    const records = await against([script], async (server) => {
      const target = server.conninfo({ sslmode: "prefer", password: PASSWORD });
      const error = await within(SOON, () =>
        failureOf(() => Connection.connect(target, { connectTimeout: 1_000 })),
      );
      expect(error).toMatchObject(MALFORMED);
    });
    // It is asked once, and never for GSSAPI's encryption.
    expect(records[0]?.messages.map(({ type }) => type)).toEqual(["ssl", "startup"]);
  });

  test("a server whose rules refuse everybody is tried twice at most", async () => {
    const refusal = sends(backend.fatalError({ C: "28000", M: "no entry" }));
    const first = [awaits("ssl"), sends("S"), secures(), awaits("startup"), refusal, closes()];
    const second = [awaits("startup"), refusal, closes()];
    await against([first, second], async (server) => {
      const target = server.conninfo({ sslmode: "prefer", password: PASSWORD });
      const error = await failureOf(() => Connection.connect(target));
      expect([error.sqlstate, error.message]).toEqual(["28000", "no entry"]);
    });
  });

  test("a server that speaks of its parameters for ever, without repeating itself", async () => {
    const many = Array.from({ length: 5_000 }, (_, at) => backend.parameterStatus(`p${at}`, "on"));
    const script = [
      awaits("startup"),
      sends(backend.authenticationOk(), ...many),
      floods(many[0] as Buffer),
    ];
    await against([script], async (server) => {
      const connect = async (): Promise<unknown> => await Connection.connect(server.conninfo());
      expect(await within(SOON, () => failureOf(connect))).toMatchObject(MALFORMED);
    });
  });

  test.each([
    "user",
    "dbname",
    "application_name",
    "fallback_application_name",
    "options",
    "replication",
    "password",
    "host",
    "service",
    "oauth_scope",
    "sslcert",
  ])("a NUL in %s is refused before anything is opened", async (keyword) => {
    await against([], async (server) => {
      const target = server.conninfo({ [keyword]: "x\0superuser\0on" });
      const error = await failureOf(() => Connection.connect(target));
      expect(error).toMatchObject({ code: "ERR_MAHOUT_CONNINFO" });
      expect(error.message).toContain(`${keyword}, from the connection options, contains a NUL`);
    });
  });

  test("a server that has become another one gets neither cancel requests nor anything else", async () => {
    await using server = await startServer({ tls: true });
    const target = server.conninfo({
      sslmode: "verify-full",
      sslrootcert: server.tls?.ca as string,
      host: "localhost",
      hostaddr: "127.0.0.1",
    });
    await using conn = await Connection.connect(target);
    const fixtures = join(__dirname, "../support/certificates");
    for (const end of ["crt", "key"]) {
      const path = join(server.dataDirectory, `server.${end}`);
      // Written into the file that is there: its mode is what the server insists on.
      writeFileSync(path, readFileSync(join(fixtures, `elsewhere.${end}`)));
    }
    // Reads the rules, and with them the certificate, anew.
    await server.setAccessRules([]);
    const mismatch = { code: "ERR_MAHOUT_TLS", message: expect.stringMatching(/localhost/) };
    expect(await failureOf(async () => await conn.cancel())).toMatchObject(mismatch);
    expect(await failureOf(() => Connection.connect(target))).toMatchObject(mismatch);
    if (name === "async") {
      const { ConnectionPool, Listener } = await import("../../src/index.ts");
      const pool = new ConnectionPool(target, { minSize: 1, timeout: 1_000 });
      const failure = await failureOf(() => pool.query("select 1"));
      expect(failure.cause).toMatchObject(mismatch);
      await pool.close();
      const listener = new Listener(target, { reconnect: { limit: 1, minDelay: 1 } });
      const lost = await failureOf(() => listener.listen("jobs", () => {}));
      expect([lost, lost.cause]).toContainEqual(expect.objectContaining(mismatch));
      await listener.close();
    }
  });
});

test("the greeting of these tests lets in those who may", async () => {
  for (const { Connection } of shells) {
    await against([greets()], async (server) => {
      const conn = await Connection.connect(server.conninfo({ password: PASSWORD }));
      await conn.close();
    });
  }
});
