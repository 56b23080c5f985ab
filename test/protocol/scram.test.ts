// SCRAM-SHA-256: the exchange of RFC 7677, and everything a server could try instead of it.
//
// The client here never names the user in the exchange (PostgreSQL takes the name of the startup message),
// so the RFC's own messages can't be had from it. A second, plain implementation stands in between: it
// reproduces the RFC with its user name, and is what the client is compared with without one.

import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { OperationalError, ProtocolError } from "../../src/errors.ts";
import { keysOf, ScramExchange } from "../../src/protocol/scram.ts";

const NONCE = "rOprNGfwEbeRWgbNEkqO";
const SERVER_NONCE = `${NONCE}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0`;
const SALT = "W22ZaJ0SNY7soEsUEjb6gQ==";
const PASSWORD = "pencil";

const hmac = (key: Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();

/** Both sides' proofs, written down as in RFC 5802, section 3. */
function proofs(
  user: string,
  nonce: string,
  serverFirst: string,
): { client: string; server: string } {
  const [combined, salt = "", iterations] = serverFirst.split(",").map((part) => part.slice(2));
  const salted = pbkdf2Sync(
    PASSWORD,
    Buffer.from(salt, "base64"),
    Number(iterations),
    32,
    "sha256",
  );
  const key = hmac(salted, "Client Key");
  const stored = createHash("sha256").update(key).digest();
  const bare = `n=${user},r=${nonce},${serverFirst},c=biws,r=${combined}`;
  const signature = hmac(stored, bare);
  const proof = Buffer.from(key.map((byte, index) => byte ^ (signature[index] as number)));
  const server = hmac(hmac(salted, "Server Key"), bare);
  return { client: proof.toString("base64"), server: server.toString("base64") };
}

const serverFirst = (parts: { r?: string; s?: string; i?: string | number } = {}): string => {
  const { r = SERVER_NONCE, s = SALT, i = 4096 } = parts;
  return `r=${r},s=${s},i=${i}`;
};

function saltedFor({ salt, iterations }: { salt: Uint8Array; iterations: number }): Buffer {
  return pbkdf2Sync(PASSWORD, salt, iterations, 32, "sha256");
}

/** An exchange up to the client's proof. */
function proven(): ScramExchange {
  const exchange = new ScramExchange(NONCE);
  exchange.final(keysOf(saltedFor(exchange.challenge(serverFirst()))));
  return exchange;
}

describe("the exchange", () => {
  test("of RFC 7677 is what the plain implementation makes of it", () => {
    expect(proofs("user", NONCE, serverFirst())).toEqual({
      client: "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
      server: "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    });
  });

  test("is the same without a user name", () => {
    const exchange = new ScramExchange(NONCE);
    expect(exchange.first()).toBe(`n,,n=,r=${NONCE}`);
    const challenge = exchange.challenge(serverFirst());
    expect(challenge).toEqual({ salt: Buffer.from(SALT, "base64"), iterations: 4096 });
    const { client, server } = proofs("", NONCE, serverFirst());
    expect(exchange.final(keysOf(saltedFor(challenge)))).toBe(
      `c=biws,r=${SERVER_NONCE},p=${client}`,
    );
    expect(() => exchange.verify(`v=${server}`)).not.toThrow();
    expect(() => exchange.verify(`v=${server},x=extension`)).not.toThrow();
  });

  test("begins with a nonce that is long, printable and never the same", () => {
    const nonces = Array.from({ length: 100 }, () =>
      new ScramExchange().first().slice("n,,n=,r=".length),
    );
    expect(new Set(nonces).size).toBe(100);
    for (const nonce of nonces) expect(nonce).toMatch(/^[\x21-\x2b\x2d-\x7e]{24,}$/);
  });
});

describe("a challenge", () => {
  const challenge = (text: string): unknown => new ScramExchange(NONCE).challenge(text);

  test.each([
    ["of somebody else", `x${SERVER_NONCE}`],
    ["that is only ours", NONCE],
    ["that is shorter than ours", NONCE.slice(0, -1)],
    ["in which ours comes later", `abc${NONCE}def`],
    ["that differs in one letter", SERVER_NONCE.replace("r", "R")],
  ])("with a nonce %s is refused", (_, r) => {
    expect(() => challenge(serverFirst({ r }))).toThrow(ProtocolError);
    expect(() => challenge(serverFirst({ r }))).toThrow(/does not extend ours/);
  });

  test.each([1, 2, 4095, 1_000_001, 2_147_483_647, 4_294_967_296, 9_999_999_999])(
    "that asks for %d iterations is refused at once",
    (i) => {
      const begin = performance.now();
      expect(() => challenge(serverFirst({ i }))).toThrow(OperationalError);
      expect(() => challenge(serverFirst({ i }))).toThrow(`${i} SCRAM iterations`);
      expect(performance.now() - begin).toBeLessThan(200);
    },
  );

  test.each([4096, 4097, 100_000, 1_000_000])(
    "that asks for %d iterations is taken",
    (iterations) => {
      expect(challenge(serverFirst({ i: iterations }))).toMatchObject({ iterations });
    },
  );

  test.each([
    "",
    "r=",
    `r=${SERVER_NONCE}`,
    `r=${SERVER_NONCE},s=${SALT}`,
    `r=${SERVER_NONCE},s=${SALT},i=`,
    `r=${SERVER_NONCE},s=,i=4096`,
    `r=${SERVER_NONCE},s=not base64!,i=4096`,
    `s=${SALT},r=${SERVER_NONCE},i=4096`,
    `r=${SERVER_NONCE},s=${SALT},i=4096,m=more`,
    `m=must,r=${SERVER_NONCE},s=${SALT},i=4096`,
    `e=other-error`,
    serverFirst({ i: 0 }),
    serverFirst({ i: "04096" }),
    serverFirst({ i: "-4096" }),
    serverFirst({ i: "4096.5" }),
    serverFirst({ i: "1e5" }),
    serverFirst({ i: "0x1000" }),
    serverFirst({ i: " 4096" }),
    serverFirst({ i: "99999999999" }),
    serverFirst({ r: `${SERVER_NONCE} ` }),
    serverFirst({ r: `${SERVER_NONCE}\n` }),
    serverFirst({ r: `${SERVER_NONCE}\x7f` }),
    `${serverFirst()}\n`,
    `${serverFirst()}\0`,
  ])("that is malformed is refused: %j", (text) => {
    expect(() => challenge(text)).toThrow(ProtocolError);
  });

  test("of any text is taken or refused, and taken only when it extends our nonce", () => {
    const part = fc.constantFrom(
      "r=",
      "s=",
      "i=",
      ",",
      NONCE,
      SERVER_NONCE,
      SALT,
      "4096",
      "=",
      "n",
      "\0",
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(part, { maxLength: 12 }).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(text, (value) => {
        try {
          challenge(value);
        } catch (error) {
          expect(error).toBeInstanceOf(OperationalError);
          return;
        }
        expect(value.startsWith(`r=${NONCE}`)).toBe(true);
      }),
      { numRuns: 2000, seed: 5802 },
    );
  });
});

describe("the server's proof", () => {
  const right = proofs("", NONCE, serverFirst()).server;
  const flipped = Buffer.from(right, "base64");
  flipped[31] = (flipped[31] as number) ^ 1;

  test.each([
    ["another signature", `v=${flipped.toString("base64")}`],
    ["that of the RFC's user", `v=${proofs("user", NONCE, serverFirst()).server}`],
    [
      "a longer one",
      `v=${Buffer.concat([Buffer.from(right, "base64"), Buffer.of(0)]).toString("base64")}`,
    ],
    ["a shorter one", `v=${Buffer.from(right, "base64").subarray(0, 31).toString("base64")}`],
    ["an empty one", "v="],
    ["nothing", ""],
    ["an error", "e=invalid-proof"],
    ["something before it", `x=1,v=${right}`],
    ["what is not base64", "v=%%%%"],
    ["a line more", `v=${right}\n`],
  ])("is refused when it is %s", (_, text) => {
    const exchange = proven();
    expect(() => exchange.verify(text)).toThrow(OperationalError);
    expect(() => exchange.verify(text)).toThrow(
      expect.objectContaining({ code: "ERR_MAHOUT_SERVER_UNPROVEN" }),
    );
    expect(() => exchange.verify(`v=${right}`)).not.toThrow();
  });

  test("is refused before there was an exchange", () => {
    expect(() => new ScramExchange(NONCE).verify(`v=${right}`)).toThrow(OperationalError);
    expect(() => new ScramExchange(NONCE).verify("v=")).toThrow(OperationalError);
  });
});
