// The certificates of the TLS tests: fixtures under certificates/ (made by generate.sh there),
// copied next to each server, because git keeps no file modes and both PostgreSQL and libpq refuse
// a private key that others may read.

import { chmodSync, copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { giveToServer } from "./account.ts";

/** Which server certificate to present; they differ in the hash of their signature. */
export type ServerCertificate = "server" | "server-sha384";

/** Paths of PEM files for clients of one server. */
export interface ClientTlsFiles {
  /** The authority that signed server and client. */
  readonly ca: string;
  /** An authority that signed neither. */
  readonly untrustedCa: string;
  /** A client certificate with the common name "certified". */
  readonly cert: string;
  /** Its private key, readable by us only. */
  readonly key: string;
  /** The same key under the passphrase "secret". */
  readonly encryptedKey: string;
  /** The certificate that the server presents. */
  readonly serverCert: string;
}

const fixtures = join(__dirname, "certificates");

function place(name: string, target: string): string {
  copyFileSync(join(fixtures, name), target);
  chmodSync(target, name.endsWith(".key") ? 0o600 : 0o644);
  return target;
}

/** Puts the client's files into a new directory. */
export function placeClientFiles(directory: string, server: ServerCertificate): ClientTlsFiles {
  mkdirSync(directory);
  giveToServer(directory);
  const put = (name: string): string => place(name, join(directory, name));
  return {
    ca: put("ca.crt"),
    untrustedCa: put("untrusted-ca.crt"),
    cert: put("client.crt"),
    key: put("client.key"),
    encryptedKey: put("client.encrypted.key"),
    serverCert: put(`${server}.crt`),
  };
}

/** Puts the server's files into its data directory and returns the settings that name them. */
export function placeServerFiles(
  dataDirectory: string,
  server: ServerCertificate,
): Readonly<Record<string, string>> {
  const put = (name: string, as: string): string => {
    giveToServer(place(name, join(dataDirectory, as)));
    return as;
  };
  return {
    ssl: "on",
    ssl_ca_file: put("ca.crt", "root.crt"),
    ssl_cert_file: put(`${server}.crt`, "server.crt"),
    ssl_key_file: put(`${server}.key`, "server.key"),
  };
}
