/**
 * What is known of a connection: where it goes, who it is, what the server reported.
 *
 * The attributes are psycopg's `ConnectionInfo`. Nothing here asks the server: parameters are those that it
 * reports by itself (manual, 54.2.7 "Asynchronous Operations").
 */
import type { ConnectionParameters, Endpoint } from "../conninfo/parameters.ts";
import type { Session } from "../protocol/session.ts";
import type { Connected } from "./connect.ts";
import { isBusy } from "./probe.ts";

/** What the user gave to connect with, without secrets. */
export interface GivenParameters {
  /** Keywords and values. */
  readonly values: Readonly<Record<string, string>>;
  /** The same as a connection string. */
  readonly dsn: string;
}

/** Where a session stands with regard to transactions. */
export type TransactionStatus = "idle" | "active" | "inTransaction" | "inError" | "unknown";

/** Information on a connection. */
export class ConnectionInfo {
  readonly #session: Session;
  readonly #parameters: ConnectionParameters;
  readonly #endpoint: Endpoint;
  readonly #given: () => GivenParameters;
  /** Whether the connection is encrypted. */
  readonly encrypted: boolean;

  constructor(
    connected: Connected,
    parameters: ConnectionParameters,
    given: () => GivenParameters,
  ) {
    const { session, endpoint, encrypted } = connected;
    this.#given = given;
    this.#session = session;
    this.#parameters = parameters;
    this.#endpoint = endpoint;
    this.encrypted = encrypted;
  }

  /** The kind of server; always `PostgreSQL`. */
  get vendor(): string {
    return "PostgreSQL";
  }

  /** The host as it was given, or the directory of the unix socket. */
  get host(): string {
    return this.#endpoint.host;
  }

  /** The address that was given for the host; null when there was none. */
  get hostaddr(): string | null {
    return this.#endpoint.hostaddr;
  }

  /** The port. */
  get port(): number {
    return this.#endpoint.port;
  }

  /** The database. */
  get dbname(): string {
    return this.#parameters.dbname;
  }

  /** The user. */
  get user(): string {
    return this.#parameters.user;
  }

  /** Command-line options sent at the start; null when there were none. */
  get options(): string | null {
    return this.#parameters.options;
  }

  /** Whether the connection can be used: `ok` or `bad`. */
  get status(): "ok" | "bad" {
    return this.#session.ended ? "bad" : "ok";
  }

  /** Where the session stands: `active` while a statement runs, `unknown` once it has ended. */
  get transactionStatus(): TransactionStatus {
    const session = this.#session;
    if (session.ended) return "unknown";
    if (isBusy(session)) return "active";
    if (session.transactionStatus === "T") return "inTransaction";
    return session.transactionStatus === "E" ? "inError" : "idle";
  }

  /** A parameter that the server reports, `TimeZone` for example; null when it doesn't. */
  parameterStatus(name: string): string | null {
    return this.#session.parameters.get(name) ?? null;
  }

  /** The server's version as a number, e.g. 180004 for 18.4; 0 when it isn't known. */
  get serverVersion(): number {
    const match = /^(\d+)(?:\.(\d+))?(?:\.(\d+))?/.exec(
      this.parameterStatus("server_version") ?? "",
    );
    if (!match) return 0;
    const [major, minor, patch] = [Number(match[1]), Number(match[2] ?? 0), Number(match[3] ?? 0)];
    return major >= 10 ? major * 10_000 + minor : major * 10_000 + minor * 100 + patch;
  }

  /** The protocol version spoken, e.g. 30000 for 3.0. */
  get fullProtocolVersion(): number {
    return this.#session.protocolVersion;
  }

  /** The pid of the server process. */
  get backendPid(): number {
    return this.#session.backendPid;
  }

  /** Why the connection ended; empty while it hasn't. */
  get errorMessage(): string {
    return this.#session.endReason()?.message ?? "";
  }

  /** The session's time zone by name; `UTC` when the server didn't say. */
  get timezone(): string {
    return this.parameterStatus("TimeZone") ?? "UTC";
  }

  /** The encoding of text on the wire; always `UTF8`. */
  get encoding(): string {
    return this.parameterStatus("client_encoding") ?? "UTF8";
  }

  /** The connection parameters as a string, without the password. */
  get dsn(): string {
    return this.#given().dsn;
  }

  /** The connection parameters that differ from the defaults, without the password. */
  getParameters(): Record<string, string> {
    return { ...this.#given().values };
  }
}

// The attributes are getters, which `util.inspect` would not show.
Object.defineProperty(ConnectionInfo.prototype, Symbol.for("nodejs.util.inspect.custom"), {
  value(this: ConnectionInfo): object {
    const { host, port, dbname, user, status, transactionStatus, serverVersion, backendPid } = this;
    const { encrypted } = this;
    return {
      host,
      port,
      dbname,
      user,
      status,
      transactionStatus,
      serverVersion,
      backendPid,
      encrypted,
    };
  },
});
