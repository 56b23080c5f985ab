// Connecting to servers that can't be trusted, in both shells: every deadline holds, nothing said in the
// clear passes for encrypted, and no secret is sent to a server that had not yet the right to it.

import { describe, expect, test } from "@jest/globals";
import { ConnectionTimeout, errors, OperationalError } from "../../src/index.ts";
import * as backend from "../support/backend-messages.ts";
import { BAD_TLS, fatal, MALFORMED, TAMPERED } from "../support/hostile-cases.ts";
import {
  against,
  answer,
  dawdle,
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
  floods,
  gate,
  secures,
  sends,
  sendsBytewise,
  type Script,
} from "../support/scripted-server.ts";
import { failureOf, shells } from "../support/shells.ts";

const offer = [awaits("ssl")];
const scram = [sends(backend.authenticationSasl("SCRAM-SHA-256"))];
const challenge = challenges("r={nonce}server,s=QSXCR+Q6sek8bf92,i=4096");

/** After what a server may say nothing more; all this is said after the startup message, or before it. */
const silences: readonly (readonly [string, Script])[] = [
  ["after the startup message", []],
  [
    "after it asked for the password",
    [sends(backend.authenticationCleartextPassword()), awaits("p")],
  ],
  [
    "after it asked for MD5",
    [sends(backend.authenticationMd5Password(Buffer.alloc(4))), awaits("p")],
  ],
  ["after it asked for SCRAM", [...scram, awaits("p")]],
  ["after its challenge", [...scram, challenge, awaits("p")]],
  ["in the middle of its challenge", [...scram, awaits("p"), sends(backend.frame("R", 80, "\0"))]],
  ["after it was content", [sends(backend.authenticationOk())]],
  [
    "after a parameter",
    [sends(backend.authenticationOk(), backend.parameterStatus("server_version", "18.4"))],
  ],
  ["after a notice", [sends(backend.authenticationOk(), backend.noticeResponse())]],
  ["after another version", [sends(backend.negotiateProtocolVersion(0x30000))]],
  ["after its key", [sends(greeting().subarray(0, -6))]],
  ["in the middle of being ready", [sends(greeting().subarray(0, -2))]],
];
const encryptions: readonly (readonly [string, Script])[] = [
  ["disable", [awaits("startup")]],
  ["require", [...offer, sends("S"), secures(), awaits("startup")]],
];

const impostor = backend.fatalError({ C: "57P03", M: "words of an impostor" });

describe.each(shells)("connecting ($name)", ({ name: shell, Connection }) => {
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
    const script = [...offer, sends("S"), gate("slip"), sends(greeting()), secures()];
    await against([script], async (server) => {
      const connect = async (): Promise<unknown> =>
        await Connection.connect(server.conninfo({ sslmode: "require" }), {
          trace: (line: string) => {
            if (!line.includes("SSLResponse")) return;
            // The client has taken the answer and not begun to encrypt.
            server.open("slip");
            Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150);
          },
        });
      const error = await failureOf(connect);
      expect(error).toMatchObject(shell === "async" ? BAD_TLS : TAMPERED);
    });
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
      [awaits("startup"), floods(backend.noticeResponse())],
    ],
    [
      "never, and is content for ever",
      "disable",
      [
        awaits("startup"),
        sends(backend.authenticationOk()),
        floods(backend.parameterStatus("x", "y"), backend.noticeResponse()),
      ],
    ],
  ])("ends at its deadline when the server falls silent %s", async (_, sslmode, script) => {
    await against([script], async (server) => {
      const conninfo = server.conninfo({ sslmode });
      const connect = async (): Promise<unknown> =>
        await Connection.connect(conninfo, { connectTimeout: 300, noticeHandlers: [dawdle] });
      const begin = performance.now();
      const error = await within(SOON, () => failureOf(connect));
      expect(performance.now() - begin).toBeGreaterThan(250);
      expect(error).toBeInstanceOf(ConnectionTimeout);
      expect(error.message).toContain("300 ms");
    });
  });

  test.each(
    encryptions.flatMap(([sslmode, begin]) =>
      silences.map(([when, script]) => [when, sslmode, [...begin, ...script]] as const),
    ),
  )("ends at its deadline when nothing comes %s (sslmode %s)", async (_, sslmode, script) => {
    await against([script], async (server) => {
      const newest = { max_protocol_version: "3.2" };
      const conninfo = server.conninfo({ sslmode, password: PASSWORD, ...newest });
      // Authentication may take this long on a busy machine; it must have come to the silence by then.
      const connect = async (): Promise<unknown> =>
        await Connection.connect(conninfo, { connectTimeout: 400 });
      const begin = performance.now();
      const error = await within(SOON, () => failureOf(connect));
      expect(performance.now() - begin).toBeGreaterThan(350);
      expect(error).toBeInstanceOf(ConnectionTimeout);
      expect(error.message).toContain("400 ms");
      await server.until(() => server.connections[0]?.played === true, "the script was played");
    });
  });

  test.each([
    ["in authentication", "require", [...scram, challenge, awaits("p")]],
    ["before it is ready", "disable", [sends(greeting().subarray(0, -6))]],
  ] as const)(
    "goes on to the next host after connect_timeout when nothing comes %s (sslmode %s)",
    async (_, sslmode, script) => {
      const begin = encryptions.find(([mode]) => mode === sslmode)?.[1] ?? [];
      const ready = [...begin, sends(greeting())];
      await against([[...begin, ...script], ready], async (server) => {
        const { host, port } = server.conninfo();
        const conninfo = server.conninfo({
          host: `${host},${host}`,
          port: `${port},${port}`,
          password: PASSWORD,
          connect_timeout: 2,
          sslmode,
        });
        const start = performance.now();
        const conn = await Connection.connect(conninfo);
        expect(performance.now() - start).toBeGreaterThan(1_990);
        expect(performance.now() - start).toBeLessThan(2_000 + SOON);
        await conn.close();
      });
    },
  );

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
