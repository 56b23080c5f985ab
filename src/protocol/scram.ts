/**
 * SCRAM-SHA-256 and SCRAM-SHA-256-PLUS as PostgreSQL speaks them (RFC 5802, RFC 7677; manual, 54.3 "SASL
 * Authentication").
 *
 * The exchange proves both sides: the server never sees the password, and has to prove that it knows the
 * user's verifier. It is strict on purpose. The server's nonce must extend ours, its iteration count must
 * lie within bounds (a low one would let a hostile server guess the password offline, a huge one would
 * burn our time), and its signature must be right before the connection may be used. Deriving the key is
 * the slow part and not done here: the conversation asks its driver for it.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { OperationalError, ProtocolError } from "../errors.ts";
import type { ScramBinding } from "./scram-binding.ts";
import { UNBOUND } from "./scram-binding.ts";

/** The name that the server offers it under. */
export const SCRAM_SHA_256 = "SCRAM-SHA-256";
/** The same bound to the TLS connection. */
export const SCRAM_SHA_256_PLUS = "SCRAM-SHA-256-PLUS";

/** RFC 7677 asks for at least this many iterations. */
export const FEWEST_ITERATIONS = 4096;
/** About a second of work; PostgreSQL's default is 4,096. */
export const MOST_ITERATIONS = 1_000_000;

/** What the server's first message asks for. */
export interface ScramChallenge {
  /** The user's salt. */
  readonly salt: Buffer;
  /** How often to iterate. */
  readonly iterations: number;
}

/** What SCRAM makes of a salted password: enough to log in with, for who must not know the password. */
export interface ScramKeys {
  /** What the proof is made with, 32 bytes. */
  readonly clientKey: Uint8Array;
  /** What the server's proof is checked with, 32 bytes. */
  readonly serverKey: Uint8Array;
}

/** One SCRAM exchange, from the client's side. */
export class ScramExchange {
  readonly #nonce: string;
  readonly #binding: ScramBinding;
  #serverNonce = "";
  #serverFirst = "";
  #serverSignature: Buffer | null = null;

  /** Starts an exchange; `nonce` is only given by tests with known vectors. */
  constructor(nonce: string = randomBytes(18).toString("base64"), binding: ScramBinding = UNBOUND) {
    this.#nonce = nonce;
    this.#binding = binding;
  }

  /** The client's first message. The user name is left out: PostgreSQL takes the startup message's. */
  first(): string {
    return `${this.#binding.header}n=,r=${this.#nonce}`;
  }

  /**
   * Reads the server's first message.
   *
   * @throws ProtocolError for a malformed one or a foreign nonce, OperationalError for an iteration count out of bounds.
   */
  challenge(serverFirst: string): ScramChallenge {
    const match = /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/]+={0,2}),i=([1-9]\d{0,9})$/.exec(
      serverFirst,
    );
    if (!match) throw new ProtocolError("the server sent a malformed SCRAM challenge");
    const [, nonce = "", salt = "", count = ""] = match;
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length) {
      throw new ProtocolError(
        "the server's SCRAM nonce does not extend ours; it is not the server that we asked",
      );
    }
    const iterations = Number(count);
    if (iterations < FEWEST_ITERATIONS || iterations > MOST_ITERATIONS) {
      throw new OperationalError(
        `the server asks for ${iterations} SCRAM iterations; between ${FEWEST_ITERATIONS} and ${MOST_ITERATIONS} are accepted`,
      );
    }
    this.#serverNonce = nonce;
    this.#serverFirst = serverFirst;
    return { salt: Buffer.from(salt, "base64"), iterations };
  }

  /** The client's final message. */
  final({ clientKey, serverKey }: ScramKeys): string {
    const storedKey = createHash("sha256").update(clientKey).digest();
    const { header, data } = this.#binding;
    const binding = Buffer.concat([Buffer.from(header), data]).toString("base64");
    const withoutProof = `c=${binding},r=${this.#serverNonce}`;
    const authMessage = `n=,r=${this.#nonce},${this.#serverFirst},${withoutProof}`;
    const signature = hmac(storedKey, authMessage);
    const proof = clientKey.map((byte, index) => byte ^ (signature[index] as number));
    this.#serverSignature = hmac(serverKey, authMessage);
    return `${withoutProof},p=${Buffer.from(proof).toString("base64")}`;
  }

  /**
   * Checks the server's final message.
   *
   * @throws OperationalError when the server could not prove itself.
   */
  verify(serverFinal: string): void {
    const match = /^v=([A-Za-z0-9+/]+={0,2})(?:,.*)?$/.exec(serverFinal);
    const claimed = match ? Buffer.from(match[1] as string, "base64") : null;
    const expected = this.#serverSignature;
    if (
      !claimed ||
      !expected ||
      claimed.length !== expected.length ||
      !timingSafeEqual(claimed, expected)
    ) {
      throw new OperationalError(
        "the server could not prove that it knows this user's password; it may be an impostor",
        { code: "ERR_MAHOUT_SERVER_UNPROVEN" },
      );
    }
  }
}

/** What is made of a salted password to log in with. */
export function keysOf(saltedPassword: Uint8Array): ScramKeys {
  return {
    clientKey: hmac(saltedPassword, "Client Key"),
    serverKey: hmac(saltedPassword, "Server Key"),
  };
}

/** A fresh salt, as long as the server's own. */
export function newSalt(): Buffer {
  return randomBytes(16);
}

/** What a server keeps of a password, from the salted password; it can check a proof, and can't make one. */
export function verifierOf(
  saltedPassword: Uint8Array,
  salt: Uint8Array,
  iterations: number,
): string {
  const storedKey = createHash("sha256")
    .update(hmac(saltedPassword, "Client Key"))
    .digest("base64");
  const serverKey = hmac(saltedPassword, "Server Key").toString("base64");
  return `SCRAM-SHA-256$${iterations}:${Buffer.from(salt).toString("base64")}$${storedKey}:${serverKey}`;
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
