// Where a test server listens, and what tests need beside the driver that they test: conninfo
// objects, DSNs, new databases, and a look from outside through a connection of another kind.

import { randomBytes } from "node:crypto";
import { administer } from "./administer.ts";
import type { ClientTlsFiles } from "./tls.ts";

/** Connection parameters by their libpq keywords. */
export type Conninfo = Record<string, string | number>;

/** What identifies a running server; plain data, so it can travel in an environment variable. */
export interface Coordinates {
  readonly major: number;
  readonly host: string;
  readonly port: number;
  readonly socketDirectory: string;
  readonly tls?: ClientTlsFiles;
}

/** A running server, as its clients see it. */
export class ServerAddress {
  readonly major: number;
  /** The TCP address, or the socket directory of a server that listens on its socket only. */
  readonly host: string;
  readonly port: number;
  readonly socketDirectory: string;
  /** The superuser's name; needs no password. */
  readonly superuser: string = "postgres";
  /** Files for TLS clients, where the server speaks TLS. */
  readonly tls: ClientTlsFiles | undefined;

  constructor(coordinates: Coordinates) {
    this.major = coordinates.major;
    this.host = coordinates.host;
    this.port = coordinates.port;
    this.socketDirectory = coordinates.socketDirectory;
    this.tls = coordinates.tls;
  }

  /** The plain data that another process can make an equal address from. */
  get coordinates(): Coordinates {
    const { major, host, port, socketDirectory, tls } = this;
    return { major, host, port, socketDirectory, ...(tls === undefined ? {} : { tls }) };
  }

  /** Connection parameters of the superuser on database "postgres", with these overrides. */
  conninfo(overrides: Conninfo = {}): Conninfo {
    const { host, port, superuser } = this;
    return { host, port, user: superuser, dbname: "postgres", ...overrides };
  }

  /** The same as a URI. */
  dsn(overrides: Conninfo = {}): string {
    const { host, port, user, password, dbname, ...others } = this.conninfo(overrides);
    const encode = (value: string | number | undefined): string =>
      encodeURIComponent(String(value ?? ""));
    const secret = password === undefined ? "" : `:${encode(password)}`;
    const query = Object.entries(others).map(([key, value]) => `${key}=${encode(value)}`);
    const address = `${encode(user)}${secret}@${encode(host)}:${encode(port)}/${encode(dbname)}`;
    return `postgresql://${address}${query.length === 0 ? "" : `?${query.join("&")}`}`;
  }

  /** The same as environment variables, for programs that run beside the test. */
  environment(overrides: Conninfo = {}): Record<string, string> {
    const { host, port, user, dbname } = this.conninfo(overrides);
    return {
      PGHOST: String(host),
      PGPORT: String(port),
      PGUSER: String(user),
      PGDATABASE: String(dbname),
    };
  }

  /**
   * Runs SQL as the superuser through a throw-away connection that shares no code with the driver
   * under test. Returns the rows of all statements as text. Throws the server's error.
   */
  async administer(text: string, dbname: string = "postgres"): Promise<(string | null)[][]> {
    return await administer(this.coordinates, this.superuser, dbname, text);
  }

  /** Creates an empty database and returns its name. */
  async createDatabase(name: string = `test_${randomBytes(6).toString("hex")}`): Promise<string> {
    await this.administer(`create database "${name.replaceAll('"', '""')}"`);
    return name;
  }

  /** Drops a database, disconnecting whoever uses it. */
  async dropDatabase(name: string): Promise<void> {
    await this.administer(`drop database if exists "${name.replaceAll('"', '""')}" with (force)`);
  }
}
