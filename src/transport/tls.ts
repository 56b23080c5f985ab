/**
 * TLS settings of a connection, from libpq's keywords to Node's options.
 *
 * Files are read here, on the caller's thread, so that an unreadable one is an error of the connect that
 * names it; the result is plain data that can go to the worker of the blocking shell. Meanings: manual,
 * 32.19 "SSL Support".
 */
import { readdirSync, readFileSync } from "node:fs";
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
}

/**
 * Makes the plan for a handshake with `serverName`.
 *
 * @throws OperationalError when a certificate, key or revocation list can't be read or isn't one, or the
 * certificate is to be for a host that was not named.
 */
export function tlsPlan(parameters: ConnectionParameters, serverName: string): TlsPlan {
  const { sslmode, sslrootcert } = parameters;
  if (sslmode === "verify-full" && serverName === "") {
    // Node would check the certificate against "localhost" then.
    throw new OperationalError(
      "sslmode verify-full needs a host name to check the certificate against: set host beside hostaddr",
      { code: "ERR_MAHOUT_TLS" },
    );
  }
  const options: ConnectionOptions = {
    host: serverName,
    ALPNProtocols: ["postgresql"],
    rejectUnauthorized:
      sslmode === "verify-ca" || sslmode === "verify-full" || sslrootcert !== null,
  };
  if (parameters.sslsni && serverName !== "" && !isIP(serverName)) options.servername = serverName;
  if (sslrootcert !== null && sslrootcert !== "system")
    options.ca = read("sslrootcert", sslrootcert, "CERTIFICATE");
  if (parameters.sslcertmode !== "disable" && parameters.sslcert !== null) {
    options.cert = read("sslcert", parameters.sslcert, "CERTIFICATE");
    if (parameters.sslkey === null) {
      throw new OperationalError(
        `there is a certificate, sslcert "${parameters.sslcert}", but no private key: set sslkey`,
        { code: "ERR_MAHOUT_TLS" },
      );
    }
    options.key = read("sslkey", parameters.sslkey, "PRIVATE KEY");
    if (parameters.sslpassword !== null) options.passphrase = parameters.sslpassword;
  }
  const revoked = revocations(parameters);
  if (revoked.length > 0) options.crl = revoked;
  if (parameters.sslMinProtocolVersion !== null)
    options.minVersion = parameters.sslMinProtocolVersion;
  if (parameters.sslMaxProtocolVersion !== null)
    options.maxVersion = parameters.sslMaxProtocolVersion;
  return {
    options,
    checksHost: sslmode === "verify-full",
    needsProtocol: parameters.sslnegotiation === "direct",
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
    throw new OperationalError(
      `sslcrldir "${sslcrldir}" cannot be read: ${(error as Error).message}`,
      {
        cause: error,
        code: "ERR_MAHOUT_TLS",
      },
    );
  }
  return lists;
}

/** Reads a PEM file that holds at least one block whose title ends so. */
function read(keyword: string, path: string, title: string): string {
  let text: string;
  try {
    text = readFileSync(path, "latin1");
  } catch (error) {
    throw new OperationalError(`${keyword} "${path}" cannot be read: ${(error as Error).message}`, {
      cause: error,
      code: "ERR_MAHOUT_TLS",
    });
  }
  if (new RegExp(`^-----BEGIN (?:[A-Z0-9 ]+ )?${title}-----`, "m").test(text)) return text;
  throw new OperationalError(`${keyword} "${path}" is not a PEM file with a "${title}" in it`, {
    code: "ERR_MAHOUT_TLS",
  });
}
