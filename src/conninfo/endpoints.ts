// Which servers to try: the lists of hosts, addresses and ports, put together.
//
// hostaddr, where given, decides how many servers there are, else host; one port serves all of
// them, or there is one for each. An element left empty is the default host: the first of the
// usual socket directories in which a server listens on that port, otherwise localhost (libpq has
// one directory compiled in instead). Nothing here resolves a name or opens a socket.
// PostgreSQL manual: 34.1.1.3 "Specifying Multiple Hosts", 34.1.2 for host, hostaddr and port.

import { statOf } from "./environment.ts";
import type { Keyword } from "./keywords.ts";
import { quote, refusal } from "./refusals.ts";
import type { Settings } from "./settings.ts";
import { textOf } from "./settings.ts";
import { integerOf, invalid } from "./values.ts";

/** Where the packages of PostgreSQL put its sockets; "localhost" in password files means these too. */
const socketDirectories: readonly string[] = ["/var/run/postgresql", "/tmp"];

/** The longest socket path, in bytes, that fits the operating system's address structure. */
const longestSocketPath = process.platform === "darwin" ? 103 : 107;

/** A server to try, and how a password file would name it. */
export interface Place {
  readonly host: string;
  readonly hostaddr: string | null;
  readonly port: number;
  readonly socketPath: string | null;
  /** The host and the port as a password file writes them. */
  readonly passwordHost: string;
  readonly passwordPort: string;
}

function elementsOf(settings: Settings, keyword: "host" | "hostaddr" | "port"): string[] | null {
  return textOf(settings, keyword)?.split(",") ?? null;
}

/** Where a list came from, as it is told in the middle of a sentence. */
function originOf(settings: Settings, keyword: Keyword): string {
  const origin = settings.get(keyword)?.origin;
  return origin === undefined ? "" : ` (from ${origin})`;
}

/**
 * Lists the servers to try, in the order written.
 *
 * Throws ProgrammingError for lists that do not match, ports and addresses that are none, and
 * socket paths that are too long.
 */
export function placesOf(settings: Settings): Place[] {
  const hosts = elementsOf(settings, "host");
  const addresses = elementsOf(settings, "hostaddr");
  const ports = elementsOf(settings, "port") ?? [""];
  const count = addresses?.length ?? hosts?.length ?? 1;
  if (hosts !== null && hosts.length !== count) {
    throw refusal(
      `host lists ${hosts.length} names${originOf(settings, "host")}, but hostaddr ${count} ` +
        `addresses${originOf(settings, "hostaddr")}; give one for each, or only one of the lists`,
    );
  }
  if (ports.length !== 1 && ports.length !== count) {
    throw refusal(
      `port lists ${ports.length} numbers${originOf(settings, "port")} for ${count} ` +
        `${count === 1 ? "host" : "hosts"}; ` +
        `give one for all hosts, or one for each`,
    );
  }
  return Array.from({ length: count }, (_, index) =>
    placeOf(
      settings,
      hosts?.[index] ?? "",
      addresses?.[index] || null,
      (ports.length === 1 ? ports[0] : ports[index]) || "5432",
    ),
  );
}

function placeOf(settings: Settings, host: string, hostaddr: string | null, port: string): Place {
  const number = portOf(settings, port);
  if (hostaddr !== null) {
    checkAddress(settings, hostaddr);
    const passwordHost = passwordHostOf(host || hostaddr);
    return { host, hostaddr, port: number, socketPath: null, passwordHost, passwordPort: port };
  }
  const actual = host || defaultHost(number);
  checkHost(settings, actual);
  const socketPath = socketPathOf(settings, actual, number);
  const passwordHost = passwordHostOf(actual);
  return { host: actual, hostaddr, port: number, socketPath, passwordHost, passwordPort: port };
}

function portOf(settings: Settings, text: string): number {
  const port = integerOf(text);
  if (port !== null && port >= 1 && port <= 65_535) return port;
  const setting = settings.get("port") ?? { value: text, origin: "", isPresentable: true };
  const rule = "must be a number from 1 to 65535, or such numbers separated by commas";
  // What was cut off a password at its "/" stands where the port should.
  const hint = setting.isPresentable ? "" : '; in a URI, write "/" in a password as %2F';
  throw invalid("port", setting, rule + hint);
}

/** No host name contains "@": this is the rest of a password that was not percent-encoded. */
function checkHost(settings: Settings, host: string): void {
  if (host.includes("@", 1)) {
    const origin = settings.get("host")?.origin ?? "";
    throw refusal(
      `the host, from ${origin}, contains "@"; it is not shown because it may hold part of a ` +
        `password: in a URI, write "@" in a user name or password as %40`,
    );
  }
}

function checkAddress(settings: Settings, address: string): void {
  const isVersion4 =
    /^\d{1,3}(?:\.\d{1,3}){3}$/.test(address) &&
    address.split(".").every((byte) => Number(byte) <= 255);
  const isVersion6 = /^(?=.*:.*:)[0-9A-Fa-f:.]+(?:%.+)?$/.test(address);
  const setting = settings.get("hostaddr");
  if (!isVersion4 && !isVersion6 && setting !== undefined) {
    throw invalid("hostaddr", setting, "must be a numeric IPv4 or IPv6 address; host takes names");
  }
}

function isSocketDirectory(host: string): boolean {
  return host.startsWith("/") || host.startsWith("@");
}

function socketPathOf(settings: Settings, host: string, port: number): string | null {
  if (!isSocketDirectory(host)) return null;
  const path = `${host}/.s.PGSQL.${port}`;
  if (Buffer.byteLength(path) > longestSocketPath) {
    const shown = settings.get("host")?.isPresentable === false ? "" : ` ${quote(path)}`;
    throw refusal(
      `the socket path${shown}${originOf(settings, "host")} is too long: at most ${longestSocketPath} bytes are possible`,
    );
  }
  return path;
}

function defaultHost(port: number): string {
  const isListening = (directory: string): boolean =>
    statOf(`${directory}/.s.PGSQL.${port}`)?.isSocket() === true;
  return socketDirectories.find(isListening) ?? "localhost";
}

function passwordHostOf(host: string): string {
  return socketDirectories.includes(host) ? "localhost" : host;
}
