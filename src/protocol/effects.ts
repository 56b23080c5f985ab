/**
 * What a conversation may ask of whoever drives it.
 *
 * A conversation is a generator. It writes into the session's outbox whenever it likes and yields only
 * when it has to wait; flushing the outbox before waiting is the driver's business. What it yields says
 * what it waits for, and is also where the outcome is found when it goes on: nothing is passed back
 * through `next()`. A wait that fails is thrown into the conversation at the point of its yield.
 */
import type { Awaitable } from "./arrival.ts";
import type { Session } from "./session.ts";

/** Where a socket is to be opened. */
export interface Address {
  /** A host name or IP address; null when `path` is given. */
  readonly host: string | null;
  /** The TCP port. */
  readonly port: number;
  /** A unix socket's path; null for TCP. */
  readonly path: string | null;
}

/** Look up the addresses of a host. */
export interface ResolveEffect {
  readonly kind: "resolve";
  readonly host: string;
  /** Its addresses, in the system's order, which the driver puts here. */
  addresses: readonly string[];
}

/** Open a socket. */
export interface OpenEffect {
  readonly kind: "open";
  readonly address: Address;
  /** How long the attempt may take, up to a session that is ready, in milliseconds; null for no limit. */
  readonly timeout: number | null;
  /** Whether that time ends when the socket is open. */
  readonly untilOpen?: boolean;
  /** The session that the socket is for: it gets the bytes, and its outbox is sent. */
  readonly session: Session;
}

/** Start TLS on the open socket, with the settings that the driver was made with. */
export interface SecureEffect {
  readonly kind: "secure";
  /** The host as the user wrote it: asked for by name, and what the certificate is checked against. */
  readonly serverName: string;
  /** The server's certificate in DER, which the driver puts here; null when it can't be had. */
  peerCertificate: Uint8Array | null;
}

/** Derive SCRAM's salted password (PBKDF2 with SHA-256), which takes too long for an event loop. */
export interface DeriveEffect {
  readonly kind: "derive";
  readonly password: string;
  readonly salt: Uint8Array;
  readonly iterations: number;
  /** The derived key, 32 bytes. */
  key: Uint8Array | null;
}

/** Ask the program for something that it says only when it is needed: a password, a token. */
export interface AskEffect {
  readonly kind: "ask";
  /** What is asked for, in words. */
  readonly what: string;
  /** Asks; what it gives may have to be waited for, where somebody can. */
  ask(): unknown;
  /** What it gave, once it was waited for. */
  answer: unknown;
}

/** Close the socket: after what is in the outbox, and within a bounded time, or at once. */
export interface CloseEffect {
  readonly kind: "close";
  /** Whether not to wait for the other side: it is busy, or was never there. */
  readonly atOnce?: boolean;
}

/** Have the wire to oneself again, after it was handed over: nothing is owed to others then. */
export interface TurnEffect {
  readonly kind: "turn";
}

/** Wait for something that the driver's own side has under way, a cancel request for example. */
export interface UntilEffect {
  readonly kind: "until";
  /** What to wait for; nothing when it is over already. */
  ready(): unknown;
}

/** Wait until the socket has room for more: the other side is slower than what was written. */
export interface DrainEffect {
  readonly kind: "drain";
}

/** Anything a conversation can wait for. */
export type Effect =
  | Awaitable
  | ResolveEffect
  | OpenEffect
  | SecureEffect
  | DeriveEffect
  | AskEffect
  | CloseEffect
  | TurnEffect
  | UntilEffect
  | DrainEffect;

/** An operation, said once: it runs under either driver and ends with a value of type T. */
export type Conversation<T> = Generator<Effect, T, void>;
