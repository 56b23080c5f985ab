// Channel binding: the right hash of any certificate, in the right exchange, and nothing revealed to a
// server that can't be bound to where it has to be. Real servers: test/server/channel-binding.test.ts.

import { createHash, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { authenticate } from "../../src/protocol/auth.ts";
import type { Credentials } from "../../src/protocol/auth-credentials.ts";
import { endPointHash } from "../../src/protocol/scram-binding.ts";
import * as backend from "../support/backend-messages.ts";
import { ByHand } from "./by-hand.ts";

/** One element of DER. */
function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  const { length } = body;
  const prefix = length < 128 ? [length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...prefix]), body]);
}

function oid(name: string): Buffer {
  const [first = 0, second = 0, ...rest] = name.split(".").map(Number);
  const bytes = rest.flatMap((arc) => {
    const digits = [arc & 0x7f];
    for (let left = arc >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80);
    return digits;
  });
  return der(0x06, Buffer.from([first * 40 + second, ...bytes]));
}

const NULL = der(0x05);
const algorithm = (name: string, ...parameters: readonly Uint8Array[]): Buffer =>
  der(0x30, oid(name), ...parameters);

/** As much of a certificate as counts here: something signed, how, and the signature. */
function signedWith(signature: Uint8Array): Buffer {
  return der(
    0x30,
    der(0x30, der(0x02, Buffer.alloc(300, 1))),
    signature,
    der(0x03, Buffer.alloc(9)),
  );
}

const PSS = "1.2.840.113549.1.1.10";
const pss = (...parameters: readonly Uint8Array[]): Buffer =>
  algorithm(PSS, der(0x30, ...parameters, der(0xa2, der(0x02, Buffer.of(20)))));
const pssWith = (hash: string): Buffer => pss(der(0xa0, algorithm(hash, NULL)));

describe("the hash of a certificate", () => {
  const fixture = (name: string): Buffer =>
    new X509Certificate(readFileSync(join(__dirname, "../support/certificates", name))).raw;

  test.each([
    ["server.crt", "sha256"],
    ["server-sha384.crt", "sha384"],
  ])("%s is signed with %s", (name, hash) => {
    const certificate = fixture(name);
    expect(endPointHash(certificate)).toEqual(createHash(hash).update(certificate).digest());
  });

  test.each([
    ["RSA with MD5, which is replaced", algorithm("1.2.840.113549.1.1.4", NULL), "sha256"],
    ["RSA with SHA-1, which is replaced", algorithm("1.2.840.113549.1.1.5", NULL), "sha256"],
    ["RSA with SHA-224", algorithm("1.2.840.113549.1.1.14", NULL), "sha224"],
    ["RSA with SHA-256", algorithm("1.2.840.113549.1.1.11", NULL), "sha256"],
    ["RSA with SHA-384", algorithm("1.2.840.113549.1.1.12", NULL), "sha384"],
    ["RSA with SHA-512", algorithm("1.2.840.113549.1.1.13", NULL), "sha512"],
    ["ECDSA with SHA-1, which is replaced", algorithm("1.2.840.10045.4.1"), "sha256"],
    ["ECDSA with SHA-224", algorithm("1.2.840.10045.4.3.1"), "sha224"],
    ["ECDSA with SHA-256", algorithm("1.2.840.10045.4.3.2"), "sha256"],
    ["ECDSA with SHA-384", algorithm("1.2.840.10045.4.3.3"), "sha384"],
    ["ECDSA with SHA-512", algorithm("1.2.840.10045.4.3.4"), "sha512"],
    ["RSA-PSS with SHA-1 by default, which is replaced", pss(), "sha256"],
    ["RSA-PSS with SHA-1, which is replaced", pssWith("1.3.14.3.2.26"), "sha256"],
    ["RSA-PSS with SHA-256", pssWith("2.16.840.1.101.3.4.2.1"), "sha256"],
    ["RSA-PSS with SHA-384", pssWith("2.16.840.1.101.3.4.2.2"), "sha384"],
    ["RSA-PSS with SHA-512", pssWith("2.16.840.1.101.3.4.2.3"), "sha512"],
  ])("%s", (_, signature, hash) => {
    const certificate = signedWith(signature);
    expect(endPointHash(certificate)).toEqual(createHash(hash).update(certificate).digest());
  });

  test.each([
    ["Ed25519", signedWith(algorithm("1.3.101.112"))],
    ["Ed448", signedWith(algorithm("1.3.101.113"))],
    ["an algorithm that nobody knows", signedWith(algorithm("1.2.3.4"))],
    ["RSA-PSS with a hash that nobody knows", signedWith(pssWith("1.2.3.4"))],
    ["RSA-PSS without parameters", signedWith(algorithm(PSS))],
    ["no algorithm", signedWith(der(0x30))],
    ["something else in its place", signedWith(NULL)],
    ["nothing", Buffer.alloc(0)],
    ["a length without end", Buffer.from("3080", "hex")],
    ["an absurd length", Buffer.from("3084ffffffff00", "hex")],
  ])("there is none with %s", (_, certificate) => {
    expect(endPointHash(certificate)).toBeNull();
  });

  test("there is none in a certificate that is cut off, wherever", () => {
    const whole = fixture("server.crt");
    for (let length = 0; length < whole.length; length++) {
      expect(endPointHash(whole.subarray(0, length))).toBeNull();
    }
  });

  test("any bytes have one or none", () => {
    const whole = fixture("server.crt");
    const position = fc.nat({ max: whole.length - 1 });
    fc.assert(
      fc.property(fc.array(fc.tuple(position, fc.nat({ max: 255 })), { minLength: 1 }), (edits) => {
        const bytes = Buffer.from(whole);
        for (const [at, value] of edits) bytes[at] = value;
        const hash = endPointHash(bytes);
        expect(hash === null || hash.length >= 28).toBe(true);
      }),
      { numRuns: 2000, seed: 5929 },
    );
  });
});

const certificate = signedWith(algorithm("1.2.840.10045.4.3.3"));
const bound = createHash("sha384").update(certificate).digest();
const unhashed = signedWith(algorithm("1.3.101.112"));

const ENCRYPTED = { encrypted: true, certificate };
const IN_THE_CLEAR = { encrypted: false, certificate: null };
const PLAIN = "SCRAM-SHA-256";
const PLUS = "SCRAM-SHA-256-PLUS";

/** Begins to authenticate with a server that offers these mechanisms. */
function offered(
  mechanisms: readonly string[],
  opened: typeof ENCRYPTED | typeof IN_THE_CLEAR,
  channelBinding: Credentials["channelBinding"],
): ByHand<void> {
  return started(opened, channelBinding).hear(backend.authenticationSasl(...mechanisms));
}

function started(
  opened: typeof ENCRYPTED | typeof IN_THE_CLEAR,
  channelBinding: Credentials["channelBinding"],
): ByHand<void> {
  const who = { user: "ada", password: "secret", passwordSources: "nowhere", accepts: null };
  return new ByHand((session) =>
    authenticate(session, { ...who, ...(channelBinding && { channelBinding }) }, opened),
  );
}

/** What the client sends first: the mechanism and its words, which begin with their header. */
function firstOf(hand: ByHand<void>): { mechanism: string; header: string; nonce: string } {
  expect(hand.error).toBeNull();
  const sent = hand.sent();
  const end = sent.indexOf(0, 5);
  const words = sent.toString("latin1", end + 5);
  const [, header = "", nonce = ""] = /^(.*?,,)n=,r=(.*)$/.exec(words) ?? [];
  return { mechanism: sent.toString("latin1", 5, end), header, nonce };
}

/** What the client says in the end that it is bound to. */
function bindingOf(hand: ByHand<void>, nonce: string): string {
  const salt = Buffer.from("salt").toString("base64");
  hand.hear(backend.authentication(11, `r=${nonce}server,s=${salt},i=4096`));
  const words = hand.sent().toString("latin1", 5);
  return Buffer.from(/^c=([^,]*),/.exec(words)?.[1] ?? "", "base64").toString("latin1");
}

describe("the exchange", () => {
  test.each([
    ["bound where both can", [PLUS, PLAIN], ENCRYPTED, undefined],
    ["bound where both can, by preference", [PLAIN, PLUS], ENCRYPTED, "prefer"],
    ["bound where it has to be", [PLUS, PLAIN], ENCRYPTED, "require"],
    ["bound where nothing else is offered", [PLUS], ENCRYPTED, "prefer"],
  ] as const)("is %s", (_, mechanisms, opened, channelBinding) => {
    const hand = offered(mechanisms, opened, channelBinding);
    const { mechanism, header, nonce } = firstOf(hand);
    expect([mechanism, header]).toEqual([PLUS, "p=tls-server-end-point,,"]);
    expect(bindingOf(hand, nonce)).toBe(header + bound.toString("latin1"));
  });

  test.each([
    ["disabled", [PLUS, PLAIN], ENCRYPTED, "disable", "n,,"],
    ["in the clear", [PLAIN], IN_THE_CLEAR, "prefer", "n,,"],
    [
      "with a certificate that knows no hash",
      [PLUS, PLAIN],
      { encrypted: true, certificate: unhashed },
      "prefer",
      "n,,",
    ],
    [
      "with a certificate that can't be had",
      [PLUS, PLAIN],
      { encrypted: true, certificate: null as never },
      "prefer",
      "n,,",
    ],
    // The server knows that it would have offered more: whoever took it out of the list is found out.
    ["not offered, which is mentioned", [PLAIN], ENCRYPTED, "prefer", "y,,"],
  ] as const)("is not bound when %s", (_, mechanisms, opened, channelBinding, expected) => {
    const hand = offered(mechanisms, opened, channelBinding);
    const { mechanism, header, nonce } = firstOf(hand);
    expect([mechanism, header]).toEqual([PLAIN, expected]);
    expect(bindingOf(hand, nonce)).toBe(expected);
  });

  test.each([
    ["only bound, and it is disabled", [PLUS], ENCRYPTED, "disable", "NotSupportedError"],
    ["bound in the clear", [PLUS, PLAIN], IN_THE_CLEAR, "prefer", "ProtocolError"],
    ["something else", ["OAUTHBEARER"], ENCRYPTED, "prefer", "NotSupportedError"],
  ] as const)("is refused when it is offered %s", (_, mechanisms, opened, channelBinding, name) => {
    const hand = offered(mechanisms, opened, channelBinding);
    expect(hand.error).toMatchObject({ name });
    expect(hand.sent()).toHaveLength(0);
  });
});

describe("channel_binding=require", () => {
  const refusal = { name: "OperationalError", code: "ERR_MAHOUT_CHANNEL_BINDING" };

  test.each([
    ["without its binding", [PLAIN], ENCRYPTED, /offers only SCRAM-SHA-256$/],
    ["in the clear", [PLAIN], IN_THE_CLEAR, /not encrypted/],
    [
      "with a certificate that knows no hash",
      [PLUS, PLAIN],
      { encrypted: true, certificate: unhashed },
      /no hash/,
    ],
  ] as const)("refuses SCRAM %s, before anything is sent", (_, mechanisms, opened, message) => {
    const hand = offered(mechanisms, opened, "require");
    expect(hand.error).toMatchObject({ ...refusal, message: expect.stringMatching(message) });
    expect(hand.sent()).toHaveLength(0);
  });

  test.each([
    ["trust", 0, "", "did not ask for any proof"],
    ["a cleartext password", 3, "", "asks for password authentication"],
    ["MD5", 5, "salt", "asks for md5 authentication"],
  ])("refuses %s, before anything is sent", (_, code, data, message) => {
    const hand = started(ENCRYPTED, "require").hear(backend.authentication(code, data));
    expect(hand.error).toMatchObject({ ...refusal, message: expect.stringContaining(message) });
    expect(hand.sent()).toHaveLength(0);
  });

  test("refuses a server that stops short of its own proof", () => {
    const hand = offered([PLUS], ENCRYPTED, "require");
    firstOf(hand);
    hand.hear(backend.authenticationOk());
    expect(hand.error).toMatchObject({ code: "ERR_MAHOUT_SERVER_UNPROVEN" });
  });
});
