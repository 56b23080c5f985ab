/**
 * Secrets that a program gives only when a server asks for them: functions in the place of values.
 *
 * They are kept apart from the parameters, which are plain data.
 */
import type { Endpoint } from "../conninfo/parameters.ts";

/** The server that asks, and as whom we want in. */
export interface AskingServer {
  /** As it was written, or the default; empty when only an address was given. */
  readonly host: string;
  /** The address that was given, or that the name was found to have; null for unix sockets. */
  readonly hostaddr: string | null;
  readonly port: number;
  readonly user: string;
  readonly dbname: string;
}

/** The server that asks for a bearer token, and what was said about getting one. */
export interface OAuthRequest extends AskingServer {
  /** `oauth_issuer`: who gives tokens; null when it was not said. */
  readonly issuer: string | null;
  /** `oauth_client_id`: as whom this program is known there; null when it was not said. */
  readonly clientId: string | null;
  /** `oauth_client_secret`: what it proves that with; null when it was not said. */
  readonly clientSecret: string | null;
  /** `oauth_scope`: what the token is to be good for; null when it was not said. */
  readonly scope: string | null;
}

/** The functions that a program gave. */
export interface Secrets {
  /** Gives the password for a server; null when there is no such function. */
  readonly password: ((server: AskingServer) => unknown) | null;
  /** Gives a bearer token for a server; null when there is no such function. */
  readonly token: ((request: OAuthRequest) => unknown) | null;
}

/** No function at all. */
export const NO_SECRETS: Secrets = { password: null, token: null };

/** Who asks. */
export function askingServer(
  { user, dbname }: { readonly user: string; readonly dbname: string },
  { host, hostaddr, port }: Endpoint,
): AskingServer {
  return { host, hostaddr, port, user, dbname };
}

/** Takes a function in the place of the password out of an object of keywords; all else stays as it is. */
export function divide<T>(said: T): { readonly values: T; readonly password: Secrets["password"] } {
  const { password, ...values } = (said ?? {}) as { readonly password?: unknown };
  if (typeof said !== "object" || typeof password !== "function") {
    return { values: said, password: null };
  }
  return { values: values as T, password: password as NonNullable<Secrets["password"]> };
}
