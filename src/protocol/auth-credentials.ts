/**
 * Who wants in, and what they have to prove it with. Nothing here is ever shown.
 */
import { OperationalError, ProgrammingError } from "../errors.ts";
import type { AskEffect, Conversation } from "./effects.ts";
import type { ScramKeys } from "./scram.ts";

/** How a server can ask for proof; libpq's names, as `require_auth` takes them. */
export type AuthMethod = "none" | "password" | "md5" | "scram-sha-256" | "gss" | "sspi" | "oauth";

/** Who wants in, and what may be revealed for it. */
export interface Credentials {
  /** The user's name. */
  readonly user: string;
  /** The password, or what gives it when it is needed; null when there is none. */
  readonly password: string | null | (() => unknown);
  /** What SCRAM makes of a password, in its place; null, as when left out, when there is a password. */
  readonly scramKeys?: ScramKeys | null;
  /** Gives a bearer token when a server asks for one; null, as when left out, when there is nothing to give it. */
  readonly token?: (() => unknown) | null;
  /** Where a password was looked for, to be named when there is none. */
  readonly passwordSources: string;
  /** Whether a method is acceptable; null accepts all. */
  readonly accepts: ((method: AuthMethod) => boolean) | null;
  /** Whether to tie the proof to the TLS connection: never, where both sides can (as when left out), or else fail. */
  readonly channelBinding?: "disable" | "prefer" | "require";
}

/** How a socket was opened. */
export interface Opened {
  /** Whether it is encrypted. */
  readonly encrypted: boolean;
  /** Whether it never leaves this machine. */
  readonly isLocal?: boolean;
  /** The server's certificate in DER; null when there is none, or it can't be had. */
  readonly certificate: Uint8Array | null;
}

/**
 * The password.
 *
 * @throws OperationalError when there is none.
 */
export function* passwordOf({
  password: given,
  passwordSources,
}: Credentials): Conversation<string> {
  const password = typeof given === "function" ? yield* answerOf("the password", given) : given;
  if (password === null || password === "") {
    throw new OperationalError(
      `the server asks for a password, but none was supplied (looked at ${passwordSources})`,
      {
        code: "ERR_MAHOUT_NO_PASSWORD",
      },
    );
  }
  return password;
}

/** What the program's function gives, which is text. */
export function* answerOf(what: string, ask: () => unknown): Conversation<string> {
  const effect: AskEffect = { kind: "ask", what, ask, answer: null };
  yield effect;
  if (typeof effect.answer === "string") {
    if (!effect.answer.includes("\0")) return effect.answer;
    throw new ProgrammingError(`the function for ${what} gave text with a NUL character in it`);
  }
  throw new ProgrammingError(
    `the function for ${what} must give a string, not ${effect.answer === null ? "null" : typeof effect.answer}`,
  );
}
