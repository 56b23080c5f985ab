// What the rest of the package gets to know about a connection: checked, complete, read-only.
//
// Plain data, so that it can be sent to a worker thread; but printing it or turning it into JSON
// shows no secret. Times are milliseconds. Nothing here decides anything: resolve.ts fills it in.

import type { TlsOptions } from "./tls-options.ts";

/** How much encryption is wanted and how far the server's certificate is checked. */
export type SslMode = "disable" | "allow" | "prefer" | "require" | "verify-ca" | "verify-full";

/** A TLS version, as node:tls names it. */
export type TlsVersion = "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";

/** A way to authenticate, as require_auth names it; "none" is not being asked to. */
export type AuthenticationMethod =
  "password" | "md5" | "gss" | "sspi" | "scram-sha-256" | "oauth" | "none";

/** Which ways to authenticate the client accepts: only those allowed, or all but those denied. */
export type AuthenticationPolicy =
  | { readonly allow: ReadonlySet<AuthenticationMethod> }
  | { readonly deny: ReadonlySet<AuthenticationMethod> };

/** What kind of session is wanted of the servers that are tried. */
export type TargetSessionAttributes =
  "any" | "read-write" | "read-only" | "primary" | "standby" | "prefer-standby";

/** A version of the wire protocol. */
export type ProtocolVersion = "3.0" | "3.2";

/** One server to try. */
export interface Endpoint {
  /** As written, or the default; "" when only an address was given. For names, TLS and messages. */
  readonly host: string;
  /** The numeric address to connect to instead of resolving the host, or null. */
  readonly hostaddr: string | null;
  readonly port: number;
  /**
   * The Unix-domain socket to connect to instead, or null. A leading "@" is the abstract namespace:
   * the operating system wants a NUL in its place.
   */
  readonly socketPath: string | null;
  /** From the parameters, else from the password file for this host; null when there is none. */
  readonly password: string | null;
}

/** What was said about getting tokens. */
export interface OAuthParameters {
  /** Who gives them. */
  readonly issuer: string | null;
  /** As whom this program is known there. */
  readonly clientId: string | null;
  /** What it proves that with. */
  readonly clientSecret: string | null;
  /** What they are to be good for. */
  readonly scope: string | null;
}

/** A keyword that names a file for TLS. */
export type TlsFile =
  "sslrootcert" | "sslcert" | "sslkey" | "sslcrl" | "sslcrldir" | "sslkeylogfile";

/** Who named a file, for errors about what is in it. */
export interface FileOrigin {
  /** In words that fit behind the file: "from environment variable PGSSLCERT". */
  readonly words: string;
  /** False when the path may hold a piece of a password, and must not appear in errors. */
  readonly isPresentable: boolean;
}

/** A complete, checked description of where and how to connect. */
export interface ConnectionParameters {
  /** In the order written. `loadBalanceHosts` asks to shuffle them for each connection. */
  readonly attempts: readonly Endpoint[];
  /**
   * False when host, port or database are probably pieces of a password that was not percent-encoded in a
   * URI: they must not appear in errors, and neither may what others say about them.
   */
  readonly isPresentable: boolean;
  readonly user: string;
  readonly dbname: string;
  /** Command-line options for the server process, or null. */
  readonly options: string | null;
  readonly applicationName: string | null;
  /** To be sent when `applicationName` is null. */
  readonly fallbackApplicationName: string | null;
  readonly replication: string | null;
  /** With a root certificate, the server's is checked in every mode in which TLS is used. */
  readonly sslmode: SslMode;
  readonly sslnegotiation: "postgres" | "direct";
  /** A file, "system" for the roots that the system trusts, or null for none. */
  readonly sslrootcert: string | null;
  readonly sslcert: string | null;
  readonly sslkey: string | null;
  readonly sslpassword: string | null;
  readonly sslcrl: string | null;
  readonly sslcrldir: string | null;
  readonly sslsni: boolean;
  readonly sslcertmode: "disable" | "allow" | "require";
  readonly sslMinProtocolVersion: TlsVersion | null;
  readonly sslMaxProtocolVersion: TlsVersion | null;
  /** What node:tls is given besides, or null. */
  readonly tls: TlsOptions | null;
  /** A file to append TLS secrets to, for debugging, or null. */
  readonly sslkeylogfile: string | null;
  /** Who named those of these files that there are. */
  readonly fileOrigins: Readonly<Partial<Record<TlsFile, FileOrigin>>>;
  /** What SCRAM makes of a password, to be used in its place, or null. */
  readonly scramKeys: { readonly clientKey: Uint8Array; readonly serverKey: Uint8Array } | null;
  /** What whoever gets tokens for us has to know; null for what nobody said. */
  readonly oauth: OAuthParameters;
  readonly channelBinding: "disable" | "prefer" | "require";
  readonly requireAuth: AuthenticationPolicy | null;
  /** Milliseconds for each address; null when nobody asked for a limit. At most 2^31-1. */
  readonly connectTimeoutMs: number | null;
  readonly keepalives: boolean;
  /** Milliseconds of silence before the first probe; null for the system's default. */
  readonly keepalivesIdleMs: number | null;
  /** Milliseconds that sent bytes may stay unacknowledged; null for the system's default. */
  readonly tcpUserTimeoutMs: number | null;
  readonly targetSessionAttrs: TargetSessionAttributes;
  readonly loadBalanceHosts: "disable" | "random";
  readonly minProtocolVersion: ProtocolVersion;
  readonly maxProtocolVersion: ProtocolVersion;
  /** Further parameters of the startup message, by name; client_encoding is among them. */
  readonly settings: Readonly<Record<string, string>>;
}

const inspectCustom: unique symbol = Symbol.for("nodejs.util.inspect.custom") as never;

/** Freezes an object and hides the named properties from util.inspect and JSON.stringify. */
export function conceal<T extends object>(
  target: T,
  secrets: readonly (keyof T & string)[],
): Readonly<T> {
  const value = (): object => {
    const shown = Object.entries(target).map(([name, value]): [string, unknown] => {
      const isHidden = value !== null && secrets.some((secret) => secret === name);
      return [name, isHidden ? "[hidden]" : value];
    });
    return Object.fromEntries(shown);
  };
  Object.defineProperty(target, inspectCustom, { value });
  Object.defineProperty(target, "toJSON", { value });
  return Object.freeze(target);
}
