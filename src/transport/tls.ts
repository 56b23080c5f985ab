/**
 * TLS settings of a connection, from libpq's keywords to Node's options.
 *
 * Files are read, by tls-files.ts, on the caller's thread, so that an unreadable one is an error of the connect
 * that names it; the result is plain data that can go to the worker of the blocking shell. Meanings: manual,
 * 32.19 "SSL Support".
 */
import { isIP } from "node:net";
import type { ConnectionOptions } from "node:tls";
import type { ConnectionParameters } from "../conninfo/parameters.ts";
import { OperationalError } from "../errors.ts";
import type { SocketFailure } from "./failures.ts";
import { insecure } from "./failures.ts";
import { blame, checkKeyLog, readKey, readPem, readRevocations } from "./tls-files.ts";

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
    options.ca = readPem(parameters, "sslrootcert", "CERTIFICATE") ?? "";
  if (parameters.sslcertmode !== "disable" && parameters.sslcert !== null) {
    options.cert = readPem(parameters, "sslcert", "CERTIFICATE") ?? "";
    if (parameters.sslkey === null && tls?.key === undefined) {
      throw flawed(
        `there is a certificate, sslcert "${parameters.sslcert}", but no private key: set sslkey`,
      );
    }
    const key = readKey(parameters);
    if (key !== null) options.key = key;
    if (parameters.sslpassword !== null) options.passphrase = parameters.sslpassword;
  } else if (
    parameters.sslcertmode === "require" &&
    !(tls?.cert ?? tls?.pfx ?? tls?.secureContext)
  ) {
    throw flawed("sslcertmode require needs a client certificate: set sslcert and sslkey");
  }
  checkKeyLog(parameters);
  const revoked = readRevocations(parameters);
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

/** What makes the error of a handshake that failed: it names what of ours is no good. */
export function explaining(
  parameters: ConnectionParameters,
  { options, needsProtocol }: TlsPlan,
): (failure: SocketFailure | null) => OperationalError {
  return (failure) => insecure(failure, needsProtocol, blame(parameters, options));
}

function flawed(message: string, cause?: unknown): OperationalError {
  return new OperationalError(message, { cause, code: "ERR_MAHOUT_TLS" });
}
