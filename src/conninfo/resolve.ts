// From what was said to what will be done: the one function that the rest of the package calls.
//
// It puts the sources together (gather.ts), lists the servers (endpoints.ts), finds each one's
// password, and checks every value. It opens no socket and resolves no name; the only files it
// reads are the service file and the password file. What cannot be honoured is refused, never
// ignored, if somebody could rely on it. PostgreSQL manual: 34.1.2 "Parameter Key Words".

import { MahoutWarning } from "../errors.ts";
import { resolveAuth } from "./auth.ts";
import type { Conninfo, ConninfoObject } from "./dict.ts";
import { readConninfo } from "./dict.ts";
import type { Place } from "./endpoints.ts";
import { placesOf } from "./endpoints.ts";
import { operatingSystemUser, userFile } from "./environment.ts";
import { gather } from "./gather.ts";
import type { Keyword } from "./keywords.ts";
import type { ConnectionParameters, Endpoint, ProtocolVersion } from "./parameters.ts";
import { conceal } from "./parameters.ts";
import { findPassword, readPasswordFile } from "./passfile.ts";
import { unsupported } from "./refusals.ts";
import type { Environment, Settings } from "./settings.ts";
import { describe, textOf } from "./settings.ts";
import { resolveTls } from "./tls.ts";
import type { TlsOptions } from "./tls-options.ts";
import {
  crossed,
  readChoice,
  readFlag,
  readInteger,
  readRequireAuth,
  readSeconds,
} from "./values.ts";

/** The longest delay that a timer of Node.js can keep, in milliseconds. */
const longestDelay = 2 ** 31 - 1;

/**
 * Resolves everything that was said about a connection into a complete, checked description.
 *
 * `overrides` wins over `conninfo`, that over the service file, that over `environment` (by default
 * the process's), that over libpq's defaults. Reads the service file and the password file. A
 * password file that others can read is ignored, with a process warning.
 *
 * `tls` is what is said to node:tls instead of the keywords about certificates.
 *
 * Throws ProgrammingError for what is wrong, NotSupportedError for what this package cannot do, and
 * OperationalError for a service file that is missing; `code` is "ERR_MAHOUT_CONNINFO", and no
 * message contains a password.
 *
 * @example
 * resolveConninfo("host=db1,db2 dbname=app", { connect_timeout: 5 }).attempts.length; // 2
 */
export function resolveConninfo(
  conninfo?: Conninfo | null,
  overrides?: ConninfoObject | null,
  environment: Environment = process.env,
  tls: TlsOptions | null = null,
): ConnectionParameters {
  const settings = gather(readConninfo(conninfo, overrides), environment);
  const user = textOf(settings, "user") ?? operatingSystemUser();
  const dbname = textOf(settings, "dbname") ?? user;
  const places = placesOf(settings);
  refuseUnsupported(settings, places);
  checkWithoutEffect(settings);
  const parameters: ConnectionParameters = {
    attempts: endpointsOf(settings, environment, places, user, dbname),
    isPresentable: !(["host", "port", "dbname"] as const).some(
      (keyword) => settings.get(keyword)?.isPiece === true,
    ),
    user,
    dbname,
    options: textOf(settings, "options"),
    applicationName: textOf(settings, "application_name"),
    fallbackApplicationName: textOf(settings, "fallback_application_name"),
    replication: textOf(settings, "replication"),
    ...resolveTls(
      settings,
      environment,
      places.some((place) => place.socketPath === null),
      tls,
    ),
    ...resolveAuth(settings),
    channelBinding:
      readChoice(settings, "channel_binding", ["disable", "prefer", "require"]) ?? "prefer",
    requireAuth: readRequireAuth(settings),
    connectTimeoutMs: connectTimeout(settings),
    keepalives: readInteger(settings, "keepalives") !== 0,
    keepalivesIdleMs: readSeconds(settings, "keepalives_idle"),
    tcpUserTimeoutMs: positive(readInteger(settings, "tcp_user_timeout")),
    targetSessionAttrs:
      readChoice(settings, "target_session_attrs", [
        "any",
        "read-write",
        "read-only",
        "primary",
        "standby",
        "prefer-standby",
      ]) ?? "any",
    loadBalanceHosts:
      readChoice(settings, "load_balance_hosts", ["disable", "random"]) ?? "disable",
    ...protocolRange(settings),
    settings: Object.freeze({ client_encoding: "UTF8", ...sessionSettings(environment) }),
  };
  return conceal(parameters, ["sslkey", "sslpassword", "scramKeys", "tls"]);
}

function endpointsOf(
  settings: Settings,
  environment: Environment,
  places: readonly Place[],
  user: string,
  dbname: string,
): readonly Endpoint[] {
  const password = textOf(settings, "password");
  const lines = password === null ? passwordLines(settings, environment) : [];
  const endpoints = places.map(({ host, hostaddr, port, socketPath, ...named }): Endpoint => {
    const query = { host: named.passwordHost, port: named.passwordPort, dbname, user };
    const found = password ?? findPassword(lines, query);
    return conceal({ host, hostaddr, port, socketPath, password: found }, ["password"]);
  });
  return Object.freeze(endpoints);
}

/** A pool resolves often; the same complaint once is enough. */
const warned = new Set<string>();

function passwordLines(settings: Settings, environment: Environment): readonly string[] {
  const path = textOf(settings, "passfile") ?? userFile(environment, ".pgpass", "pgpass.conf");
  if (path === null) return [];
  const { lines, warning } = readPasswordFile(path);
  if (warning !== null && !warned.has(warning)) {
    warned.add(warning);
    process.emitWarning(warning, { type: MahoutWarning, code: "MAHOUT_PASSFILE" });
  }
  return lines;
}

/** libpq's connect_timeout is in seconds; one second was always too short, so it means two. */
function connectTimeout(settings: Settings): number | null {
  const milliseconds = readSeconds(settings, "connect_timeout");
  if (milliseconds === null) return null;
  return Math.min(Math.max(milliseconds, 2000), longestDelay);
}

function positive(value: number | null): number | null {
  return value !== null && value > 0 ? value : null;
}

function protocolRange(
  settings: Settings,
): Pick<ConnectionParameters, "minProtocolVersion" | "maxProtocolVersion"> {
  const read = (keyword: Keyword): ProtocolVersion | null => {
    const choice = readChoice(settings, keyword, ["3.0", "3.2", "latest"]);
    return choice === "latest" ? "3.2" : choice;
  };
  const minProtocolVersion = read("min_protocol_version") ?? "3.0";
  // Old poolers cannot negotiate, so the newest version is asked for only by those who want it.
  const maxProtocolVersion = read("max_protocol_version") ?? minProtocolVersion;
  if (minProtocolVersion > maxProtocolVersion) {
    throw crossed(settings, "min_protocol_version", "max_protocol_version");
  }
  return { minProtocolVersion, maxProtocolVersion };
}

/** Variables that libpq turns into settings of the session; "default" leaves them to the server. */
function sessionSettings(environment: Environment): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [variable, name] of [
    ["PGDATESTYLE", "datestyle"],
    ["PGTZ", "timezone"],
    ["PGGEQO", "geqo"],
  ] as const) {
    const value = environment[variable];
    if (value && value.toLowerCase() !== "default") found[name] = value;
  }
  return found;
}

/** These are read for their errors only: Node.js or this package has no use for them. */
function checkWithoutEffect(settings: Settings): void {
  readInteger(settings, "keepalives_interval");
  readInteger(settings, "keepalives_count");
  readFlag(settings, "gssdelegation", false);
}

function refuseUnsupported(settings: Settings, places: readonly Place[]): void {
  const encoding = settings.get("client_encoding");
  const plain = encoding?.value.toLowerCase().replaceAll(/[^a-z0-9]/g, "") ?? "";
  if (encoding !== undefined && !["", "utf8", "unicode", "auto"].includes(plain)) {
    throw unsupported(
      `${describe("client_encoding", encoding)} is not supported: text is always UTF8 here`,
    );
  }
  const gssencmode = settings.get("gssencmode");
  const mode = readChoice(settings, "gssencmode", ["disable", "prefer", "require"]);
  if (mode === "require" && gssencmode !== undefined) {
    throw unsupported(`${describe("gssencmode", gssencmode)} is not supported; use sslmode`);
  }
  const peer = settings.get("requirepeer");
  if (peer?.value && places.some((place) => place.socketPath !== null)) {
    throw unsupported(
      `${describe("requirepeer", peer)} is not supported: Node.js does not tell who is at the ` +
        `other end of a socket`,
    );
  }
}
