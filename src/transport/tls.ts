/**
 * TLS settings of a connection, from libpq's keywords to Node's options.
 *
 * Files are read here, on the caller's thread, so that an unreadable one is an error of the connect that
 * names it; the result is plain data that can go to the worker of the blocking shell. Meanings: manual,
 * 32.19 "SSL Support".
 */
import { appendFileSync, readdirSync, readFileSync, statSync } from "node:fs";
import type { Stats } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import type { ConnectionOptions } from "node:tls";
import type { ConnectionParameters } from "../conninfo/parameters.ts";
import { OperationalError } from "../errors.ts";

/** What a TLS handshake needs, as plain data. */
export interface TlsPlan {
  /** Options of `tls.connect()`, without socket and functions. */
  readonly options: ConnectionOptions;
  /** Whether the certificate must be for the host that was connected to. */
  readonly checksHost: boolean;
  /** Whether the server must agree to the protocol name. */
  readonly needsProtocol: boolean;
  /** Whether the server must ask for a client certificate. */
  readonly needsCertificate: boolean;
  /** The file that the session's secrets are appended to; null for none. */
  readonly keyLog: string | null;
}

/**
 * Makes the plan for a handshake with `host`.
 *
 * @throws OperationalError when a certificate, key or revocation list can't be read or isn't one, or the
 * certificate is to be for a host that was not named.
 */
export function tlsPlan(parameters: ConnectionParameters, host: string): TlsPlan {
  const { sslmode, sslrootcert, tls } = parameters;
  const serverName = tls?.servername ?? host;
  if (sslmode === "verify-full" && serverName === "") {
    // Node would check the certificate against "localhost" then.
    throw flawed(
      "sslmode verify-full needs a host name to check the certificate against: set host beside hostaddr",
    );
  }
  const options: ConnectionOptions = {
    host: serverName,
    ALPNProtocols: ["postgresql"],
    rejectUnauthorized:
      sslmode === "verify-ca" ||
      sslmode === "verify-full" ||
      sslrootcert !== null ||
      (tls?.ca ?? tls?.secureContext) !== undefined,
  };
  if (parameters.sslsni && serverName !== "" && !isIP(serverName)) options.servername = serverName;
  if (sslrootcert !== null && sslrootcert !== "system")
    options.ca = read("sslrootcert", sslrootcert, "CERTIFICATE");
  if (parameters.sslcertmode !== "disable" && parameters.sslcert !== null) {
    options.cert = read("sslcert", parameters.sslcert, "CERTIFICATE");
    if (parameters.sslkey === null && tls?.key === undefined) {
      throw flawed(
        `there is a certificate, sslcert "${parameters.sslcert}", but no private key: set sslkey`,
      );
    }
    if (parameters.sslkey !== null) {
      checkKeyFile(parameters.sslkey);
      options.key = read("sslkey", parameters.sslkey, "PRIVATE KEY");
    }
    if (parameters.sslpassword !== null) options.passphrase = parameters.sslpassword;
  } else if (
    parameters.sslcertmode === "require" &&
    !(tls?.cert ?? tls?.pfx ?? tls?.secureContext)
  ) {
    throw flawed("sslcertmode require needs a client certificate: set sslcert and sslkey");
  }
  if (parameters.sslkeylogfile !== null) checkKeyLog(parameters.sslkeylogfile);
  const revoked = revocations(parameters);
  if (revoked.length > 0) options.crl = revoked;
  if (parameters.sslMinProtocolVersion !== null)
    options.minVersion = parameters.sslMinProtocolVersion;
  if (parameters.sslMaxProtocolVersion !== null)
    options.maxVersion = parameters.sslMaxProtocolVersion;
  for (const [name, value] of Object.entries(tls ?? {})) {
    // The name is in its place already, and an address is none.
    if (value !== undefined && name !== "servername") Object.assign(options, { [name]: value });
  }
  return {
    options,
    checksHost: sslmode === "verify-full",
    needsProtocol: parameters.sslnegotiation === "direct",
    needsCertificate: parameters.sslcertmode === "require",
    keyLog: parameters.sslkeylogfile,
  };
}

/** The revocation lists: one file, and every file of a directory. */
function revocations({ sslcrl, sslcrldir }: ConnectionParameters): string[] {
  const lists = sslcrl === null ? [] : [read("sslcrl", sslcrl, "CRL")];
  if (sslcrldir === null) return lists;
  try {
    for (const name of readdirSync(sslcrldir))
      lists.push(read("sslcrldir", join(sslcrldir, name), "CRL"));
  } catch (error) {
    if (error instanceof OperationalError) throw error;
    throw flawed(`sslcrldir "${sslcrldir}" cannot be read: ${(error as Error).message}`, error);
  }
  return lists;
}

/** Reads a PEM file that holds at least one block whose title ends so. */
function read(keyword: string, path: string, title: string): string {
  let text: string;
  try {
    text = readFileSync(path, "latin1");
  } catch (error) {
    throw flawed(`${keyword} "${path}" cannot be read: ${(error as Error).message}`, error);
  }
  if (new RegExp(`^-----BEGIN (?:[A-Z0-9 ]+ )?${title}-----`, "m").test(text)) return text;
  throw flawed(`${keyword} "${path}" is not a PEM file with a "${title}" in it`);
}

/**
 * Refuses a private key that others than its owner can read; root's may be readable by a group, which is
 * how systems share one. What can't be looked at fails when it is read.
 */
function checkKeyFile(path: string): void {
  let stats: Stats;
  try {
    stats = statSync(path);
  } catch {
    return;
  }
  if (!stats.isFile()) throw flawed(`sslkey "${path}" is not a plain file`);
  // Windows protects the directory instead.
  const others = stats.uid === 0 ? 0o037 : 0o077;
  if (process.platform === "win32" || (stats.mode & others) === 0) return;
  throw flawed(
    `sslkey "${path}" can be read by others than its owner; its permissions should be u=rw (0600) or less, ` +
      `or u=rw,g=r (0640) if it is root's`,
  );
}

/** Makes sure, before any secret comes up, that it can be kept, and that nobody else can read it. */
function checkKeyLog(path: string): void {
  try {
    appendFileSync(path, "", { mode: 0o600 });
  } catch (error) {
    throw flawed(`sslkeylogfile "${path}" cannot be written: ${(error as Error).message}`, error);
  }
}

function flawed(message: string, cause?: unknown): OperationalError {
  return new OperationalError(message, { cause, code: "ERR_MAHOUT_TLS" });
}
