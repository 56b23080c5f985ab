// SCRAM between a client and a server, driven by hand, in the clear and bound to TLS: both sides prove
// themselves or nothing comes of it.

import { createHash, createHmac, pbkdf2Sync, randomBytes, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import type { MahoutError } from "../../src/errors.ts";
import * as backend from "../support/backend-messages.ts";
import type { ByHand } from "./by-hand.ts";
import { type Given, greeting, PASSWORD, start } from "./start-by-hand.ts";

const certificateOf = (name: string): Uint8Array =>
  new X509Certificate(readFileSync(join(__dirname, "../support/certificates", name))).raw;
const certificate = certificateOf("server.crt");
const longer = certificateOf("server-sha384.crt");
const hashOf = (algorithm: string, bytes: Uint8Array): Buffer =>
  createHash(algorithm).update(bytes).digest();

/** An exchange, as the situation wants it: what is offered, what is chosen, what it is bound to. */
interface Way {
  readonly name: string;
  readonly given: Given;
  readonly offered: readonly string[];
  readonly header: string;
  readonly data: Buffer;
}

const PLAIN = "SCRAM-SHA-256";
const PLUS = "SCRAM-SHA-256-PLUS";
const inTls: Given = { encryption: "direct", certificate };
const nothing = Buffer.alloc(0);

const ways: readonly Way[] = [
  { name: "in the clear", given: {}, offered: [PLAIN], header: "n,,", data: nothing },
  {
    name: "bound to a certificate",
    given: inTls,
    offered: [PLUS, PLAIN],
    header: "p=tls-server-end-point,,",
    data: hashOf("sha256", certificate),
  },
  {
    name: "bound to a certificate with a longer signature",
    given: { encryption: "direct", certificate: longer, channelBinding: "require" },
    offered: [PLAIN, PLUS],
    header: "p=tls-server-end-point,,",
    data: hashOf("sha384", longer),
  },
  { name: "that could be bound", given: inTls, offered: [PLAIN], header: "y,,", data: nothing },
  {
    name: "that may not be bound",
    given: { ...inTls, channelBinding: "disable" },
    offered: [PLUS, PLAIN],
    header: "n,,",
    data: nothing,
  },
];

describe.each(ways)("SCRAM $name", ({ given, offered, header, data }) => {
  const hmac = (secret: Uint8Array, text: string): Buffer =>
    createHmac("sha256", secret).update(text).digest();
  const opened = given.encryption === undefined ? ["open"] : ["open", "secure"];

  /** Up to the server's challenge; gives the client's first words without their header, and the nonce. */
  function begin(): { hand: ByHand<boolean>; bare: string; nonce: string } {
    const hand = start(given);
    hand.sent();
    hand.hear(backend.authenticationSasl(...offered));
    const sent = hand.sent();
    const bare = /,,(n=,r=.+)$/s.exec(sent.toString("latin1"))?.[1] ?? "";
    const words = header + bare;
    const mechanism = backend.cstring(data.length > 0 ? PLUS : PLAIN);
    expect(sent).toEqual(backend.message("p", mechanism, backend.int32(words.length), words));
    return { hand, bare, nonce: bare.slice("n=,r=".length) };
  }

  /** Up to the client's proof, which is checked; gives the server's own. */
  function prove(
    salt: Buffer = randomBytes(16),
    isKnown = false,
  ): { hand: ByHand<boolean>; signature: string } {
    const salted = pbkdf2Sync(PASSWORD, salt, 4096, 32, "sha256");
    const { hand, bare, nonce } = begin();
    const challenge = `r=${nonce}server,s=${salt.toString("base64")},i=4096`;
    hand.hear(backend.authenticationSaslContinue(challenge));
    expect(hand.asked).toEqual([...opened, ...(isKnown ? [] : ["derive"])]);
    const binding = Buffer.concat([Buffer.from(header), data]).toString("base64");
    const withoutProof = `c=${binding},r=${nonce}server`;
    const all = `${bare},${challenge},${withoutProof}`;
    const clientKey = hmac(salted, "Client Key");
    const clientSignature = hmac(hashOf("sha256", clientKey), all);
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

  test("derives the keys once, as long as the server proves itself with them", () => {
    const salt = randomBytes(16);
    prove(salt).hand.hear(backend.fatalError({ C: "28P01" }));
    prove(salt).hand.hear(backend.authenticationSaslFinal(`v=${salt.toString("base64")}`));
    for (const isKnown of [false, true, true]) {
      const { hand, signature } = prove(salt, isKnown);
      hand.hear(backend.authenticationSaslFinal(`v=${signature}`), ...greeting);
      expect(hand.done).toBe(true);
    }
    prove(randomBytes(16));
  });

  test("remembers the keys of a few passwords only", () => {
    const salts = Array.from({ length: 17 }, () => randomBytes(16));
    const login = (salt: Buffer, isKnown: boolean): void => {
      const { hand, signature } = prove(salt, isKnown);
      hand.hear(backend.authenticationSaslFinal(`v=${signature}`), ...greeting);
    };
    const [first, second, ...others] = salts as [Buffer, Buffer, ...Buffer[]];
    login(first, false);
    login(second, false);
    login(first, true);
    for (const salt of others) login(salt, false);
    login(first, true);
    login(second, false);
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
    expect([hand.error?.name, hand.asked, hand.sent().length]).toEqual([name, opened, 0]);
  });

  test("gives the server's error when the password is wrong", () => {
    const { hand } = prove();
    hand.hear(backend.fatalError({ C: "28P01" }));
    expect((hand.error as MahoutError | null)?.sqlstate).toBe("28P01");
  });
});

describe("channel binding that is required", () => {
  const required: Given = { ...inTls, channelBinding: "require" };

  test.each<[what: string, question: Buffer]>([
    ["nothing at all", backend.authenticationOk()],
    ["the password itself", backend.authenticationCleartextPassword()],
    ["a weak hash", backend.authenticationMd5Password(Buffer.alloc(4))],
    ["a proof that is not bound", backend.authenticationSasl(PLAIN)],
  ])("is not given up for a server that asks for %s", (_, question) => {
    for (const given of [required, { channelBinding: "require" } as const]) {
      const hand = start(given);
      hand.sent();
      hand.hear(question, ...greeting.slice(1));
      expect(hand.error).toMatchObject({ code: "ERR_MAHOUT_CHANNEL_BINDING" });
      expect(hand.sent()).toHaveLength(0);
    }
  });

  test("is not given up where there is nothing to bind to", () => {
    // As of a certificate whose signature knows no hash.
    const hand = start({ encryption: "direct", channelBinding: "require" });
    hand.sent();
    hand.hear(backend.authenticationSasl(PLUS, PLAIN));
    expect(hand.error).toMatchObject({ code: "ERR_MAHOUT_CHANNEL_BINDING" });
    expect(hand.sent()).toHaveLength(0);
  });

  test("is not believed in where nothing is encrypted", () => {
    for (const channelBinding of ["disable", "prefer", "require"] as const) {
      const hand = start({ channelBinding });
      hand.sent();
      hand.hear(backend.authenticationSasl(PLUS, PLAIN));
      expect(hand.error).toMatchObject({ name: "ProtocolError" });
      expect(hand.sent()).toHaveLength(0);
    }
  });
});
