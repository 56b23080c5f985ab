// A server that misbehaves before a connection is ready, in both shells: the attempt ends in time with
// a typed error, nothing of it is left behind, and no password was sent.

import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import * as backend from "../support/backend-messages.ts";
import { BAD_TLS, LOST, MALFORMED, NO_TLS, TAMPERED } from "../support/hostile-cases.ts";
import {
  against,
  expectNoPassword,
  greeting,
  keyOf,
  PASSWORD,
  SOON,
  within,
} from "../support/hostile.ts";
import {
  awaits,
  closes,
  ends,
  pauses,
  resets,
  secures,
  sends,
  sendsBytewise,
  type Script,
} from "../support/scripted-server.ts";
import { failureOf, shells } from "../support/shells.ts";

const stranger = join(__dirname, "../support/certificates/untrusted-ca.crt");

/** How the client connects, what the server does, what the caller is told. */
type Case = readonly [name: string, sslmode: string, script: Script, error: object];

const offer = [awaits("ssl")];
const fatal = backend.fatalError({ C: "28P01", M: "no such password" });

const cases: readonly Case[] = [
  ["closes at once", "disable", [closes()], LOST],
  ["closes at once", "require", [closes()], LOST],
  // The reset may come before anybody knows that there was a connection.
  ["resets at once", "disable", [resets()], { code: expect.stringMatching(/^ERR_MAHOUT_CONNECT/) }],
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

describe.each(shells)("connecting ($name)", ({ Connection }) => {
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
});
