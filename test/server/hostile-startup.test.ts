// A server that misbehaves before a connection is ready, in both shells: the attempt ends in time with
// a typed error, nothing of it is left behind, and no secret was sent to a server that had not yet the
// right to it.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { ConnectionTimeout, errors, OperationalError } from "../../src/index.ts";
import * as backend from "../support/backend-messages.ts";
import { against, answer, greeting, greets, keyOf, within } from "../support/hostile.ts";
import {
  awaits,
  awaitsReaderOf,
  closes,
  ends,
  fillsPipe,
  floods,
  pauses,
} from "../support/scripted-server.ts";
import {
  type ConnectionRecord,
  resets,
  type Script,
  secures,
  sends,
} from "../support/scripted-server.ts";
import { sendsBytewise } from "../support/scripted-server.ts";
import { failureOf, shells } from "../support/shells.ts";

const SOON = 2_000;
const PASSWORD = "a well-kept secret";
const authority = join(__dirname, "../support/certificates/ca.crt");
const stranger = join(__dirname, "../support/certificates/untrusted-ca.crt");

const LOST = { name: "OperationalError", code: "ERR_MAHOUT_CONNECTION_LOST" };
const MALFORMED = { name: "ProtocolError", code: "ERR_MAHOUT_PROTOCOL" };
const NO_TLS = { name: "OperationalError", code: "ERR_MAHOUT_NO_TLS" };
const BAD_TLS = { name: "OperationalError", code: "ERR_MAHOUT_TLS" };
const TAMPERED = { name: "OperationalError", code: "ERR_MAHOUT_PROTOCOL" };

/** How the client connects, what the server does, what the caller is told. */
type Case = readonly [name: string, sslmode: string, script: Script, error: object];

const offer = [awaits("ssl")];
const fatal = backend.fatalError({ C: "28P01", M: "no such password" });
const impostor = backend.fatalError({ C: "57P03", M: "words of an impostor" });

const cases: readonly Case[] = [
  ["closes at once", "disable", [closes()], LOST],
  ["closes at once", "require", [closes()], LOST],
  ["resets at once", "disable", [resets()], LOST],
  ["closes its half at once", "disable", [ends()], LOST],
  ["closes after the startup message", "disable", [awaits("startup"), closes()], LOST],
  [
    "closes after it was content",
    "disable",
    [awaits("startup"), sends(backend.authenticationOk()), closes()],
    LOST,
  ],
  [
    "closes in the middle of a message",
    "disable",
    [awaits("startup"), sends(greeting().subarray(0, 40)), closes()],
    LOST,
  ],
  ["closes instead of a handshake", "require", [...offer, sends("S"), closes()], BAD_TLS],
  ["resets instead of a handshake", "require", [...offer, sends("S"), resets()], BAD_TLS],
  [
    "closes after the handshake",
    "require",
    [...offer, sends("S"), secures(), awaits("startup"), closes()],
    LOST,
  ],
  [
    "resets after the handshake",
    "require",
    [...offer, sends("S"), secures(), awaits("startup"), resets()],
    LOST,
  ],

  ["speaks HTTP", "disable", [sends("HTTP/1.1 400 Bad Request\r\n\r\n")], MALFORMED],
  ["speaks SSH", "disable", [sends("SSH-2.0-OpenSSH_9.2\r\n")], MALFORMED],
  ["speaks SMTP", "disable", [sends("220 mail.example.org ESMTP\r\n")], MALFORMED],
  ["speaks in zeros", "disable", [sends(Buffer.alloc(512))], MALFORMED],
  ["announces a length of 2^31-1", "disable", [sends(backend.frame("R", 0x7fffffff))], MALFORMED],
  ["asks in too few bytes", "disable", [sends(backend.message("R", "ab"))], MALFORMED],
  ["describes rows", "disable", [awaits("startup"), sends(backend.rowDescription("a"))], MALFORMED],
  ["sends rows", "disable", [awaits("startup"), sends(backend.dataRow("a"))], MALFORMED],
  ["is ready at once", "disable", [awaits("startup"), sends(backend.readyForQuery())], MALFORMED],
  [
    "gives two keys",
    "disable",
    [
      awaits("startup"),
      sends(
        backend.authenticationOk(),
        backend.backendKeyData(1, keyOf(4)),
        backend.backendKeyData(1, keyOf(4)),
      ),
    ],
    MALFORMED,
  ],
  [
    "fails without ending",
    "disable",
    [awaits("startup"), sends(backend.authenticationOk(), backend.errorResponse())],
    MALFORMED,
  ],
  [
    "wants protocol 4",
    "disable",
    [awaits("startup"), sends(backend.negotiateProtocolVersion(0x40000))],
    MALFORMED,
  ],
  [
    "reports 2,000 parameters",
    "disable",
    [
      awaits("startup"),
      sends(
        backend.authenticationOk(),
        ...Array.from({ length: 2000 }, (_, index) => backend.parameterStatus(`p${index}`, "on")),
      ),
    ],
    MALFORMED,
  ],

  [
    "asks for GSSAPI",
    "disable",
    [awaits("startup"), sends(backend.authenticationGss())],
    { name: "NotSupportedError", message: /GSSAPI/ },
  ],
  [
    "asks for SSPI",
    "disable",
    [awaits("startup"), sends(backend.authenticationSspi())],
    { name: "NotSupportedError", message: /SSPI/ },
  ],
  [
    "asks for something unknown",
    "disable",
    [awaits("startup"), sends(backend.authentication(77))],
    { name: "NotSupportedError", message: /77/ },
  ],
  [
    "refuses the password",
    "disable",
    [awaits("startup"), sends(fatal), closes()],
    { name: "InvalidPassword", sqlstate: "28P01" },
  ],
  [
    "refuses the password and resets",
    "disable",
    [awaits("startup"), sends(fatal), resets()],
    { name: "InvalidPassword" },
  ],
  [
    "does not know the database",
    "disable",
    [
      awaits("startup"),
      sends(backend.authenticationOk(), backend.fatalError({ C: "3D000" })),
      closes(),
    ],
    { name: "InvalidCatalogName" },
  ],
  [
    "has no room",
    "disable",
    [awaits("startup"), sendsBytewise(backend.fatalError({ C: "53300" })), closes()],
    { name: "TooManyConnections" },
  ],

  ["has no TLS", "require", [...offer, sends("N")], NO_TLS],
  ["has no TLS", "verify-full", [...offer, sends("N")], NO_TLS],
  [
    "gives an answer that is none",
    "require",
    [...offer, sends("X")],
    { name: "OperationalError", message: /is it PostgreSQL/ },
  ],
  ["sends more than its answer", "require", [...offer, sends("S", greeting())], TAMPERED],
  ["sends more than its answer", "prefer", [...offer, sends("S", greeting())], TAMPERED],
  ["sends more than its refusal", "prefer", [...offer, sends("N", greeting())], TAMPERED],
  [
    "answers the handshake in the clear",
    "require",
    [...offer, sends("S"), pauses(50), sends(greeting())],
    BAD_TLS,
  ],
  ["has a certificate of somebody else", "verify-full", [...offer, sends("S"), secures()], BAD_TLS],
];

/** Bytes of a password, in any form in which it could leave. */
function expectNoPassword(record: ConnectionRecord | undefined): void {
  expect(record).toBeDefined();
  expect(record?.messages.map(({ type }) => type)).not.toContain("p");
  for (const bytes of [record?.plain, record?.encrypted]) {
    expect(bytes?.includes(PASSWORD)).toBe(false);
    expect(bytes?.includes(Buffer.from(PASSWORD).toString("base64"))).toBe(false);
  }
}

describe.each(shells)("connecting ($name)", ({ name: shell, Connection }) => {
  test.each(cases)(
    "fails when the server %s (sslmode %s)",
    async (_, sslmode, script, expected) => {
      const [record] = await against([script], async (server) => {
        const root = sslmode === "verify-full" ? { sslrootcert: stranger } : {};
        const conninfo = server.conninfo({ sslmode, password: PASSWORD, ...root });
        const error = await within(SOON, () =>
          failureOf(async () => await Connection.connect(conninfo)),
        );
        expect(error).toMatchObject(
          typeof (expected as { message?: unknown }).message === "object"
            ? {
                ...expected,
                message: expect.stringMatching((expected as { message: RegExp }).message),
              }
            : expected,
        );
        expect(error.message).not.toContain(PASSWORD);
      });
      expectNoPassword(record);
    },
  );

  test.each([
    ["in one piece", sends(impostor)],
    ["byte by byte", sendsBytewise(impostor)],
    ["after a yes", sends("S", impostor)],
    ["after a no", sends("N", impostor)],
  ])("does not repeat what was said before encryption, %s", async (_, step) => {
    for (const sslmode of ["prefer", "require"]) {
      const [record] = await against([[...offer, step, closes()]], async (server) => {
        const error = await failureOf(
          async () => await Connection.connect(server.conninfo({ sslmode })),
        );
        expect(error).toBeInstanceOf(OperationalError);
        expect([error.sqlstate, error.diag.messagePrimary]).toEqual([null, null]);
        expect(`${error.stack} ${String(error.cause)}`).not.toContain("impostor");
      });
      // The request for encryption is all that left.
      expect(record?.plain).toHaveLength(8);
    }
  });

  test("refuses bytes that slip in between the answer and the handshake", async () => {
    const directory = mkdtempSync(join(tmpdir(), "mahout-pipe-"));
    try {
      const pipe = join(directory, "root.crt");
      execFileSync("mkfifo", [pipe]);
      // While the client reads its root certificate, it has taken the answer and not begun to encrypt.
      const slip = [awaitsReaderOf(pipe), sends(greeting()), pauses(100)];
      const certificate = readFileSync(authority, "latin1");
      const script = [...offer, sends("S"), ...slip, fillsPipe(certificate), secures()];
      await against([script], async (server) => {
        const conninfo = server.conninfo({ sslmode: "verify-full", sslrootcert: pipe });
        const error = await failureOf(async () => await Connection.connect(conninfo));
        expect(error).toMatchObject(shell === "async" ? BAD_TLS : TAMPERED);
      });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test("goes on in the clear after a no, where that is allowed", async () => {
    const script = [...offer, sends("N"), ...greets(), awaits("Q"), sends(answer("x"))];
    await against([script], async (server) => {
      const conn = await Connection.connect(server.conninfo({ sslmode: "prefer" }));
      expect(await conn.query("select 1")).toEqual([{ value: "x" }]);
      await conn.close();
    });
  });

  test.each<readonly [string, string, Script]>([
    ["before anything", "disable", []],
    ["instead of an answer", "require", [...offer]],
    ["instead of a handshake", "require", [...offer, sends("S")]],
    ["after a no", "prefer", [...offer, sends("N"), awaits("startup")]],
    ["after the handshake", "require", [...offer, sends("S"), secures(), awaits("startup")]],
    ["in the middle of an error", "disable", [awaits("startup"), sends(fatal.subarray(0, 20))]],
    ["before it is ready", "disable", [awaits("startup"), sends(greeting().subarray(0, -6))]],
    [
      "never, but says nothing to the point",
      "disable",
      [awaits("startup"), floods(backend.noticeResponse({ M: "x".repeat(500) }))],
    ],
    [
      "never, and is content for ever",
      "disable",
      [
        awaits("startup"),
        sends(backend.authenticationOk()),
        floods(backend.parameterStatus("x", "y")),
      ],
    ],
  ])("ends at its deadline when the server falls silent %s", async (_, sslmode, script) => {
    await against([script], async (server) => {
      const conninfo = server.conninfo({ sslmode });
      const connect = async (): Promise<unknown> =>
        await Connection.connect(conninfo, { connectTimeout: 300 });
      const begin = performance.now();
      const error = await within(SOON, () => failureOf(connect));
      expect(performance.now() - begin).toBeGreaterThan(250);
      expect(error).toBeInstanceOf(ConnectionTimeout);
      expect(error.message).toContain("300 ms");
    });
  });

  test("has one deadline for all hosts together", async () => {
    await against([[awaits("startup")]], async (server) => {
      const { host, port } = server.conninfo();
      const conninfo = server.conninfo({
        host: `${host},${host},${host}`,
        port: `${port},${port},${port}`,
      });
      const connect = async (): Promise<unknown> =>
        await Connection.connect(conninfo, { connectTimeout: 300 });
      expect(await within(SOON, () => failureOf(connect))).toBeInstanceOf(ConnectionTimeout);
    });
  });

  test.each([
    ["nothing at all", "scram-sha-256", backend.authenticationOk(), /did not ask for any proof/],
    [
      "the password itself",
      "scram-sha-256",
      backend.authenticationCleartextPassword(),
      /password authentication/,
    ],
    [
      "a weak hash",
      "scram-sha-256",
      backend.authenticationMd5Password(Buffer.of(1, 2, 3, 4)),
      /md5 authentication/,
    ],
    [
      "the password itself",
      "!password",
      backend.authenticationCleartextPassword(),
      /password authentication/,
    ],
    ["SCRAM", "md5", backend.authenticationSasl("SCRAM-SHA-256"), /scram-sha-256 authentication/],
  ])(
    "refuses to be asked for %s with require_auth=%s",
    async (_, require_auth, question, message) => {
      const [record] = await against([[awaits("startup"), sends(question)]], async (server) => {
        const conninfo = server.conninfo({ require_auth, password: PASSWORD });
        const error = await failureOf(async () => await Connection.connect(conninfo));
        expect(error).toBeInstanceOf(OperationalError);
        expect(error.message).toMatch(message);
      });
      expectNoPassword(record);
      expect(record?.messages.map(({ type }) => type)).toEqual(["startup"]);
    },
  );

  test("does not give the password to a server that has had a proof", async () => {
    const twice = [
      sends(backend.authenticationMd5Password(Buffer.of(1, 2, 3, 4))),
      awaits("p"),
      sends(backend.authenticationCleartextPassword()),
    ];
    const [record] = await against([[awaits("startup"), ...twice]], async (server) => {
      const conninfo = server.conninfo({ password: PASSWORD });
      const error = await failureOf(async () => await Connection.connect(conninfo));
      expect(error).toMatchObject(MALFORMED);
    });
    expect(record?.messages.map(({ type }) => type)).toEqual(["startup", "p"]);
    expect(record?.plain.includes(PASSWORD)).toBe(false);
  });

  test("tells what is in the way when no password was given", async () => {
    await against(
      [[awaits("startup"), sends(backend.authenticationCleartextPassword())]],
      async (server) => {
        const conninfo = server.conninfo({ passfile: "/nonexistent" });
        const error = await failureOf(async () => await Connection.connect(conninfo));
        expect(error).toMatchObject({ name: "OperationalError", code: "ERR_MAHOUT_NO_PASSWORD" });
      },
    );
  });

  test("works over a unix socket, byte by byte", async () => {
    const script = [
      awaits("startup"),
      sendsBytewise(greeting()),
      awaits("Q"),
      sendsBytewise(answer("x")),
    ];
    const run = against(
      [script],
      async (server) => {
        const conn = await Connection.connect(server.conninfo());
        expect(await conn.query("select 1")).toEqual([{ value: "x" }]);
        await conn.close();
      },
      { unix: true },
    );
    expect((await run)[0]?.messages.map(({ type }) => type)).toEqual(["startup", "Q", "X"]);
  });

  test("hears notices of the start", async () => {
    const notice = backend.noticeResponse({ M: "good morning" });
    await against([[awaits("startup"), sends(notice, greeting())]], async (server) => {
      const heard: (string | null)[] = [];
      const handler = (diag: { messagePrimary: string | null }): void =>
        void heard.push(diag.messagePrimary);
      const conn = await Connection.connect(server.conninfo(), { noticeHandlers: [handler] });
      expect(heard).toEqual(["good morning"]);
      await conn.close();
    });
  });

  test("fails with the error of the last host when all refuse", async () => {
    const refusal: Script = [
      awaits("startup"),
      sends(backend.fatalError({ C: "57P03", M: "starting up" })),
      closes(),
    ];
    await against([refusal, refusal], async (server) => {
      const { host, port } = server.conninfo();
      const conninfo = server.conninfo({ host: `${host},${host}`, port: `${port},${port}` });
      const error = await failureOf(async () => await Connection.connect(conninfo));
      expect(error).toBeInstanceOf(errors.CannotConnectNow);
    });
  });
});
