// Starting a session, driven by hand: what is asked of the world, what is sent to the server and when,
// and what no server can talk the client into.

import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import type { MahoutError } from "../../src/errors.ts";
import type { AuthMethod, Credentials } from "../../src/protocol/auth.ts";
import { cancel } from "../../src/protocol/cancel.ts";
import {
  PROTOCOL_3_0,
  PROTOCOL_3_2,
  startup,
  type StartupRequest,
} from "../../src/protocol/startup.ts";
import * as backend from "../support/backend-messages.ts";
import { ByHand } from "./by-hand.ts";

const PASSWORD = "hunter2";
const parameters = new Map([
  ["user", "ada"],
  ["database", "app"],
]);
const address = { host: "db.example", port: 5432, path: null };

interface Given extends Partial<Omit<StartupRequest, "credentials">> {
  readonly password?: string | null;
  readonly accepts?: Credentials["accepts"];
}

function start({ password = PASSWORD, accepts = null, ...given }: Given = {}): ByHand<boolean> {
  const credentials = { user: "ada", password, passwordSources: "nowhere", accepts };
  const route = { address, serverName: "db.example", encryption: "none", timeout: null } as const;
  return new ByHand((session) =>
    startup(session, { ...route, version: PROTOCOL_3_0, credentials, parameters, ...given }),
  );
}

const only =
  (...methods: AuthMethod[]): ((method: AuthMethod) => boolean) =>
  (method) =>
    methods.includes(method);

const key = Buffer.of(9, 8, 7, 6);
const rest = [
  backend.parameterStatus("server_version", "18.4"),
  backend.backendKeyData(77, key),
  backend.readyForQuery(),
];
const greeting = [backend.authenticationOk(), ...rest];
const hello = Buffer.from("\0\0\0\x1f\0\x03\0\0user\0ada\0database\0app\0\0", "latin1");
const sslRequest = Buffer.from("\0\0\0\x08\x04\xd2\x16\x2f", "latin1");

describe("a session that starts", () => {
  test("says who it is, hears it may come in, and learns about the server", () => {
    const hand = start();
    expect([hand.asked, hand.sent()]).toEqual([["open"], hello]);
    hand.hear(...greeting);
    expect([hand.done, hand.value, hand.error]).toEqual([true, false, null]);
    const { backendPid, cancelKey, transactionStatus, idle } = hand.session;
    expect([backendPid, cancelKey, transactionStatus, idle]).toEqual([77, key, "I", true]);
    expect([...hand.session.parameters]).toEqual([["server_version", "18.4"]]);
  });

  test("hears the same in any pieces", () => {
    const stream = Buffer.concat(greeting);
    for (let at = 0; at <= stream.length; at++) {
      const hand = start().hear(stream.subarray(0, at)).hear(stream.subarray(at));
      expect([at, hand.done, hand.error, hand.session.backendPid]).toEqual([at, true, null, 77]);
    }
  });

  test.each([4, 32, 256])("keeps a cancel key of %d bytes whole", (length) => {
    const long = Buffer.from(Array.from({ length }, (_, index) => index));
    const hand = start({ version: PROTOCOL_3_2 });
    hand.hear(backend.authenticationOk(), backend.backendKeyData(1, long), backend.readyForQuery());
    expect(hand.session.cancelKey).toEqual(long);
  });

  test.each([0, 3, 257])("refuses a cancel key of %d bytes", (length) => {
    const hand = start({ version: PROTOCOL_3_2 });
    hand.hear(backend.authenticationOk(), backend.backendKeyData(1, Buffer.alloc(length)));
    expect(hand.error).toMatchObject({
      name: "ProtocolError",
      message: expect.stringContaining(`${length} bytes`),
    });
  });

  test("may be given no key at all", () => {
    const hand = start().hear(backend.authenticationOk(), backend.readyForQuery());
    expect([hand.error, hand.session.cancelKey]).toEqual([null, null]);
  });

  test("asks for the version that it is told to, and takes an older one", () => {
    const hand = start({ version: PROTOCOL_3_2 });
    expect(hand.sent().readInt32BE(4)).toBe(0x30002);
    expect(hand.session.protocolVersion).toBe(PROTOCOL_3_2);
    hand.hear(backend.negotiateProtocolVersion(0x30000), ...greeting);
    expect([hand.error, hand.session.protocolVersion]).toEqual([null, PROTOCOL_3_0]);
  });

  test("takes no newer version than it asked for, and no other protocol", () => {
    const newer = start().hear(backend.negotiateProtocolVersion(0x30009), ...greeting);
    expect(newer.session.protocolVersion).toBe(PROTOCOL_3_0);
    for (const version of [0x20000, 0x40000, -1]) {
      const hand = start().hear(backend.negotiateProtocolVersion(version));
      expect(hand.error).toMatchObject({ name: "ProtocolError" });
    }
  });

  test.each([
    ["before it is let in", [], 1],
    ["once it is in", [backend.authenticationOk()], 1],
    ["when it is nearly ready", greeting.slice(0, -1), 1],
  ])("ends with the server's own words when it is refused %s", (_, before) => {
    const refusal = backend.fatalError({ C: "3D000", M: 'database "app" does not exist' });
    const hand = start().hear(...before, refusal);
    expect(hand.error).toMatchObject({ name: "InvalidCatalogName", sqlstate: "3D000" });
    expect(hand.session.ended).toBe(true);
  });

  test("ends with the server's own words when it is refused without a FATAL", () => {
    const hand = start().hear(backend.errorResponse({ C: "28000", M: "no entry" }));
    expect(hand.error).toMatchObject({
      name: "InvalidAuthorizationSpecification",
      message: "no entry",
    });
  });

  test.each([
    ["rows", backend.dataRow("1")],
    ["a description", backend.rowDescription("a")],
    ["ReadyForQuery", backend.readyForQuery()],
    ["a key", backend.backendKeyData(1, key)],
    ["the end of a command", backend.commandComplete("SELECT 1")],
    ["a request cut short", backend.message("R", "ab")],
  ])("is not impressed by %s in place of a question", (_, message) => {
    expect(start().hear(message).error).toMatchObject({ name: "ProtocolError" });
  });

  test.each([
    ["another question", backend.authenticationCleartextPassword()],
    ["the same answer", backend.authenticationOk()],
    ["an error", backend.errorResponse()],
    ["rows", backend.dataRow("1")],
    [
      "a second key",
      Buffer.concat([backend.backendKeyData(1, key), backend.backendKeyData(1, key)]),
    ],
  ])("is not impressed by %s once it is in", (_, message) => {
    expect(start().hear(backend.authenticationOk(), message).error).toMatchObject({
      name: "ProtocolError",
    });
  });
});

describe("encryption", () => {
  test.each(["offered", "required"] as const)(
    "that is %s begins after a yes, and before a word is said",
    (encryption) => {
      const hand = start({ encryption });
      expect([hand.asked, hand.sent()]).toEqual([["open"], sslRequest]);
      hand.hear("S");
      expect([hand.asked, hand.sent()]).toEqual([["open", "secure"], hello]);
      expect(hand.hear(...greeting).value).toBe(true);
    },
  );

  test("that is direct begins without a question", () => {
    const hand = start({ encryption: "direct" });
    expect([hand.asked, hand.sent()]).toEqual([["open", "secure"], hello]);
    expect(hand.hear(...greeting).value).toBe(true);
  });

  test("that is only offered is done without after a no", () => {
    const hand = start({ encryption: "offered" });
    hand.sent();
    hand.hear("N");
    expect([hand.asked, hand.sent()]).toEqual([["open"], hello]);
    expect(hand.hear(...greeting).value).toBe(false);
  });

  test("that is required is not done without", () => {
    const hand = start({ encryption: "required" });
    hand.sent();
    hand.hear("N");
    expect(hand.error).toMatchObject({ code: "ERR_MAHOUT_NO_TLS" });
    expect(hand.sent()).toHaveLength(0);
  });

  test.each(["E", "X", "s", "\0", "\x16"])("is not taken from the answer %j", (answer) => {
    for (const encryption of ["offered", "required"] as const) {
      const hand = start({ encryption });
      hand.sent();
      hand.hear(answer);
      expect(hand.error).toMatchObject({ name: "OperationalError", sqlstate: null });
      expect([hand.asked, hand.sent().length]).toEqual([["open"], 0]);
    }
  });

  test.each(["S", "N", "E"])("is given up when more than the answer %j comes", (answer) => {
    for (const encryption of ["offered", "required"] as const) {
      const hand = start({ encryption });
      hand.sent();
      hand.hear(answer, ...greeting);
      expect(hand.error).toMatchObject({ name: "OperationalError", code: "ERR_MAHOUT_PROTOCOL" });
      expect([hand.asked, hand.sent().length]).toEqual([["open"], 0]);
    }
  });
});

const passwordMessage = (text: string): Buffer => backend.message("p", backend.cstring(text));

describe("a password", () => {
  test("is given in clear where that is asked for", () => {
    const hand = start();
    hand.sent();
    hand.hear(backend.authenticationCleartextPassword());
    expect(hand.sent()).toEqual(passwordMessage(PASSWORD));
    expect(hand.hear(...greeting).error).toBeNull();
  });

  test("is given as MD5 of MD5 where that is asked for", () => {
    const hand = start();
    hand.sent();
    const salt = Buffer.of(0xff, 0, 0x80, 1);
    hand.hear(backend.authenticationMd5Password(salt));
    const md5 = (...parts: (string | Buffer)[]): string =>
      createHash("md5")
        .update(Buffer.concat(parts.map((part) => Buffer.from(part as string))))
        .digest("hex");
    expect(hand.sent()).toEqual(passwordMessage(`md5${md5(md5(PASSWORD, "ada"), salt)}`));
    expect(hand.hear(...greeting).error).toBeNull();
  });

  test.each([0, 3, 5])("is not hashed with a salt of %d bytes", (length) => {
    const hand = start();
    hand.sent();
    hand.hear(backend.authenticationMd5Password(Buffer.alloc(length)));
    expect([hand.error?.name, hand.sent().length]).toEqual(["ProtocolError", 0]);
  });

  test.each([null, ""])(
    "that is %j is none, and the error names where it was looked for",
    (password) => {
      const questions = [
        backend.authenticationCleartextPassword(),
        backend.authenticationMd5Password(Buffer.alloc(4)),
        backend.authenticationSasl("SCRAM-SHA-256"),
      ];
      for (const question of questions) {
        const hand = start({ password });
        hand.sent();
        hand.hear(question);
        expect(hand.error).toMatchObject({
          code: "ERR_MAHOUT_NO_PASSWORD",
          message: expect.stringContaining("nowhere"),
        });
        expect(hand.sent()).toHaveLength(0);
      }
    },
  );

  test("with a NUL in it is refused, not shown, and nothing of it leaves", () => {
    const hand = start({ password: "hunter2\0" });
    hand.sent();
    hand.hear(backend.authenticationCleartextPassword());
    expect([hand.error?.name, hand.sent().length]).toEqual(["DataError", 0]);
    expect(hand.error?.message).not.toContain("hunter2");
  });

  test("that is wrong gives the server's error", () => {
    const wrong = backend.fatalError({ C: "28P01", M: "password authentication failed" });
    const hand = start().hear(backend.authenticationCleartextPassword(), wrong);
    expect(hand.error).toMatchObject({ name: "InvalidPassword", sqlstate: "28P01" });
  });

  test("is not given twice", () => {
    for (const question of [
      backend.authenticationCleartextPassword(),
      backend.authenticationMd5Password(Buffer.alloc(4)),
    ]) {
      const hand = start().hear(backend.authenticationCleartextPassword());
      hand.sent();
      hand.hear(question);
      expect(hand.error).toMatchObject({
        name: "ProtocolError",
        message: expect.stringContaining("second proof"),
      });
      expect(hand.sent()).toHaveLength(0);
    }
  });
});

describe("a method", () => {
  test.each<[AuthMethod, Buffer]>([
    ["none", backend.authenticationOk()],
    ["password", backend.authenticationCleartextPassword()],
    ["md5", backend.authenticationMd5Password(Buffer.alloc(4))],
    ["scram-sha-256", backend.authenticationSasl("SCRAM-SHA-256")],
  ])("%s is used where it is acceptable, and otherwise nothing is said", (method, question) => {
    const others = (["none", "password", "md5", "scram-sha-256"] as const).filter(
      (one) => one !== method,
    );
    const refused = start({ accepts: only(...others) });
    refused.sent();
    refused.hear(question);
    expect(refused.error).toMatchObject({
      name: "OperationalError",
      message: expect.stringContaining("require_auth"),
    });
    expect(refused.sent()).toHaveLength(0);
    const taken = start({ accepts: only(method) });
    taken.sent();
    taken.hear(question);
    expect(taken.error).toBeNull();
    expect(taken.sent().length > 0).toBe(method !== "none");
  });

  test("that is acceptable is still no proof when the server skips it", () => {
    const hand = start({ accepts: only("scram-sha-256") }).hear(...greeting);
    expect(hand.error).toMatchObject({
      message: expect.stringContaining("did not ask for any proof"),
    });
  });

  test.each([
    [2, "unknown kind of authentication (2)"],
    [6, "unknown kind of authentication (6)"],
    [7, "GSSAPI"],
    [8, "unknown kind of authentication (8)"],
    [9, "SSPI"],
    [11, "unknown kind of authentication (11)"],
    [12, "unknown kind of authentication (12)"],
    [13, "unknown kind of authentication (13)"],
    [-1, "unknown kind of authentication (-1)"],
  ])("of the number %d is refused by name", (code, name) => {
    const hand = start();
    hand.sent();
    hand.hear(backend.authentication(code, "data"));
    expect(hand.error).toMatchObject({
      name: "NotSupportedError",
      message: expect.stringContaining(name),
    });
    expect(hand.sent()).toHaveLength(0);
  });

  test.each([[["SCRAM-SHA-256-PLUS"]], [["SCRAM-SHA-1", "PLAIN"]], [[]], [["scram-sha-256"]]])(
    "of SASL that is none of ours is refused: %j",
    (mechanisms) => {
      const hand = start();
      hand.sent();
      hand.hear(backend.authenticationSasl(...mechanisms));
      expect(hand.error).toMatchObject({ name: "NotSupportedError" });
      expect(hand.sent()).toHaveLength(0);
    },
  );
});

describe("SCRAM", () => {
  const hmac = (secret: Uint8Array, text: string): Buffer =>
    createHmac("sha256", secret).update(text).digest();
  const salt = Buffer.from("some salt");
  const salted = pbkdf2Sync(PASSWORD, salt, 4096, 32, "sha256");

  /** Up to the server's challenge; gives the client's first words without their header, and the nonce. */
  function begin(): { hand: ByHand<boolean>; bare: string; nonce: string } {
    const hand = start();
    hand.sent();
    hand.hear(backend.authenticationSasl("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"));
    const sent = hand.sent();
    const bare = /n,,(n=,r=.+)$/s.exec(sent.toString("latin1"))?.[1] ?? "";
    const words = `n,,${bare}`;
    const first = backend.message(
      "p",
      backend.cstring("SCRAM-SHA-256"),
      backend.int32(words.length),
      words,
    );
    expect(sent).toEqual(first);
    return { hand, bare, nonce: bare.slice("n=,r=".length) };
  }

  /** Up to the client's proof, which is checked; gives the server's own. */
  function prove(): { hand: ByHand<boolean>; signature: string } {
    const { hand, bare, nonce } = begin();
    const challenge = `r=${nonce}server,s=${salt.toString("base64")},i=4096`;
    hand.hear(backend.authenticationSaslContinue(challenge));
    expect(hand.asked).toEqual(["open", "derive"]);
    const withoutProof = `c=biws,r=${nonce}server`;
    const all = `${bare},${challenge},${withoutProof}`;
    const clientKey = hmac(salted, "Client Key");
    const clientSignature = hmac(createHash("sha256").update(clientKey).digest(), all);
    const proof = Buffer.from(clientKey.map((byte, at) => byte ^ (clientSignature[at] as number)));
    expect(hand.sent()).toEqual(
      backend.message("p", `${withoutProof},p=${proof.toString("base64")}`),
    );
    return { hand, signature: hmac(hmac(salted, "Server Key"), all).toString("base64") };
  }

  test("lets both sides prove themselves, without the password", () => {
    const { hand, signature } = prove();
    hand.hear(backend.authenticationSaslFinal(`v=${signature}`), ...greeting);
    expect([hand.done, hand.error, hand.session.backendPid]).toEqual([true, null, 77]);
  });

  const unproven = { name: "OperationalError", code: "ERR_MAHOUT_SERVER_UNPROVEN" };

  test("is not over because the server says so", () => {
    for (const early of [() => begin().hand, () => prove().hand]) {
      const hand = early();
      hand.hear(...greeting);
      expect(hand.error).toMatchObject(unproven);
      expect([hand.sent().length, hand.session.backendPid]).toEqual([0, 0]);
    }
  });

  test.each([
    ["asks for the password after all", backend.authenticationCleartextPassword()],
    ["asks for a weak hash after all", backend.authenticationMd5Password(Buffer.alloc(4))],
    ["starts over", backend.authenticationSasl("SCRAM-SHA-256")],
  ])("ends when the server %s", (_, question) => {
    for (const early of [() => begin().hand, () => prove().hand]) {
      const hand = early();
      hand.hear(question);
      expect(hand.error).toMatchObject(unproven);
      expect(hand.sent()).toHaveLength(0);
    }
  });

  test("ends when the server can't prove itself", () => {
    const { hand, signature } = prove();
    const wrong = Buffer.from(signature, "base64").reverse().toString("base64");
    hand.hear(backend.authenticationSaslFinal(`v=${wrong}`), ...greeting);
    expect([hand.error?.code, hand.session.backendPid]).toEqual([unproven.code, 0]);
  });

  test("ends when the server proves itself and then asks again", () => {
    const { hand, signature } = prove();
    hand.hear(
      backend.authenticationSaslFinal(`v=${signature}`),
      backend.authenticationCleartextPassword(),
    );
    expect([hand.error?.name, hand.sent().length]).toEqual(["ProtocolError", 0]);
  });

  test.each([
    ["a foreign nonce", (nonce: string) => `r=x${nonce},s=c2FsdA==,i=4096`, "ProtocolError"],
    ["our nonce and no more", (nonce: string) => `r=${nonce},s=c2FsdA==,i=4096`, "ProtocolError"],
    ["one iteration", (nonce: string) => `r=${nonce}x,s=c2FsdA==,i=1`, "OperationalError"],
    [
      "2147483647 iterations",
      (nonce: string) => `r=${nonce}x,s=c2FsdA==,i=2147483647`,
      "OperationalError",
    ],
    ["nothing sensible", () => "hello", "ProtocolError"],
  ])("derives nothing from a challenge with %s", (_, challenge, name) => {
    const { hand, nonce } = begin();
    hand.hear(backend.authenticationSaslContinue(challenge(nonce)));
    expect([hand.error?.name, hand.asked, hand.sent().length]).toEqual([name, ["open"], 0]);
  });

  test("gives the server's error when the password is wrong", () => {
    const { hand } = prove();
    hand.hear(backend.fatalError({ C: "28P01" }));
    expect((hand.error as MahoutError | null)?.sqlstate).toBe("28P01");
  });
});

describe("a cancel request", () => {
  const route = {
    address,
    serverName: "db.example",
    encryption: "required",
    timeout: null,
  } as const;
  const begin = (given: Partial<typeof route> | { encryption: "none" }): ByHand<void> =>
    new ByHand((session) => cancel(session, { ...route, ...given }, 77, key));
  const request = Buffer.concat([
    backend.int32(16),
    backend.int32(80_877_102),
    backend.int32(77),
    key,
  ]);

  test("is all that is said, and is over when the server closes", () => {
    const hand = begin({ encryption: "none" });
    expect([hand.asked, hand.sent(), hand.done]).toEqual([["open"], request, false]);
    hand.session.disconnected(null);
    expect([hand.asked, hand.done, hand.error]).toEqual([["open", "close"], true, null]);
  });

  test("is said under encryption only, where that was required", () => {
    const hand = begin({});
    expect(hand.sent()).toEqual(sslRequest);
    hand.hear("S");
    expect([hand.asked, hand.sent()]).toEqual([["open", "secure"], request]);
    const refused = begin({});
    refused.sent();
    refused.hear("N");
    expect(refused.error).toMatchObject({ code: "ERR_MAHOUT_NO_TLS" });
    expect([refused.asked, refused.sent().length]).toEqual([["open", "close"], 0]);
  });

  test("is over, too, when the server answers with an error or nonsense", () => {
    for (const answer of [backend.fatalError(), backend.readyForQuery(), Buffer.alloc(9, 0xff)]) {
      const hand = begin({ encryption: "none" }).hear(answer);
      expect([hand.asked, hand.done, hand.error]).toEqual([["open", "close"], true, null]);
    }
  });
});
