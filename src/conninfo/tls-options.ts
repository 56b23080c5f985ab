// The option `tls`: what node:tls takes, for programs that have certificates elsewhere than in files.
//
// It says what the keywords say with other words, so whatever both say is refused: nobody could tell which of
// them counts. How far the server is verified stays sslmode's business; without one it is verify-full. Files
// at their usual place are not looked for. PostgreSQL manual: 34.19 "SSL Support".

import type { Keyword } from "./keywords.ts";
import type { TlsVersion } from "./parameters.ts";
import { quote, refusal } from "./refusals.ts";
import type { Setting, Settings } from "./settings.ts";
import { describe } from "./settings.ts";
import { oneOf } from "./values.ts";

/** PEM or DER, as node:tls takes it. */
export type TlsMaterial = string | Uint8Array | readonly (string | Uint8Array)[];

/** What a handshake is made with; the names are those of node:tls. */
export interface TlsOptions {
  /** Whom to trust in place of Node.js's roots. */
  readonly ca?: TlsMaterial;
  /** Our certificate, with those between it and an authority. */
  readonly cert?: TlsMaterial;
  /** Its private key. */
  readonly key?: TlsMaterial;
  /** Certificate and key as PKCS #12. */
  readonly pfx?: string | Uint8Array;
  /** What opens the key. */
  readonly passphrase?: string;
  /** Revoked certificates. */
  readonly crl?: TlsMaterial;
  readonly ciphers?: string;
  readonly ecdhCurve?: string;
  readonly sigalgs?: string;
  readonly minVersion?: TlsVersion;
  readonly maxVersion?: TlsVersion;
  /** The name that the certificate must be for, in place of the host's. */
  readonly servername?: string;
  /** All of the above but the name, made by `tls.createSecureContext()`; asynchronous shell only. */
  readonly secureContext?: { readonly context: unknown };
  /** Looks at the certificate, as in node:tls; with sslmode verify-full, in the asynchronous shell only. */
  readonly checkServerIdentity?: (host: string, certificate: never) => Error | undefined;
}

/** What says the same as an option. */
const same: Readonly<Record<keyof TlsOptions, readonly Keyword[]>> = {
  ca: ["sslrootcert"],
  cert: ["sslcert"],
  key: ["sslkey"],
  pfx: ["sslcert", "sslkey"],
  passphrase: ["sslpassword"],
  crl: ["sslcrl", "sslcrldir"],
  ciphers: [],
  ecdhCurve: [],
  sigalgs: [],
  minVersion: ["ssl_min_protocol_version"],
  maxVersion: ["ssl_max_protocol_version"],
  servername: ["sslsni"],
  secureContext: [
    ...(["sslrootcert", "sslcert", "sslkey", "sslpassword", "sslcrl", "sslcrldir"] as const),
    ...(["ssl_min_protocol_version", "ssl_max_protocol_version"] as const),
  ],
  checkServerIdentity: [],
};
const names = Object.keys(same) as (keyof TlsOptions)[];
const strongEnough = ["require", "verify-ca", "verify-full"];

function said(settings: Settings, keyword: Keyword): Setting | null {
  const setting = settings.get(keyword);
  return setting === undefined || setting.value === "" || setting.origin === "the defaults"
    ? null
    : setting;
}

/**
 * Checks the option against itself and against the keywords, and sets the sslmode that it implies.
 *
 * Throws ProgrammingError for names that it doesn't have and for whatever is said twice.
 */
export function applyTlsOptions(settings: Settings, tls: TlsOptions): void {
  if (typeof tls !== "object" || tls === null || Array.isArray(tls)) {
    throw refusal("the option tls must be an object with options of node:tls");
  }
  for (const name of Object.keys(tls)) {
    if (names.includes(name as keyof TlsOptions)) continue;
    const hint =
      name === "rejectUnauthorized"
        ? "sslmode says how far the server is verified"
        : `it may have ${oneOf(names)}`;
    throw refusal(`the option tls has no ${quote(name)}: ${hint}`);
  }
  const given = names.filter((name) => tls[name] !== undefined);
  for (const name of given) {
    for (const keyword of same[name]) {
      const setting = said(settings, keyword);
      if (setting === null) continue;
      throw refusal(
        `${describe(keyword, setting)} contradicts the option tls.${name}; say one of them`,
      );
    }
    const isPart = !["secureContext", "servername", "checkServerIdentity"].includes(name);
    if (isPart && tls.secureContext !== undefined) {
      throw refusal(
        `the options tls.secureContext and tls.${name} contradict each other; say one of them`,
      );
    }
  }
  const mode = said(settings, "sslmode");
  if (mode === null) {
    const value = "verify-full";
    settings.set("sslmode", { value, origin: "the option tls", isPresentable: true });
  } else if (!strongEnough.includes(mode.value)) {
    throw refusal(
      `${describe("sslmode", mode)} contradicts the option tls, which needs sslmode ${oneOf(strongEnough)}`,
    );
  }
  if (tls.checkServerIdentity && mode !== null && mode.value !== "verify-full") {
    throw refusal(
      `${describe("sslmode", mode)} contradicts the option tls.checkServerIdentity, which needs verify-full`,
    );
  }
  const certmode = said(settings, "sslcertmode");
  const shows = given.find((name) => ["cert", "pfx", "key"].includes(name));
  if (shows !== undefined && certmode?.value === "disable") {
    throw refusal(`${describe("sslcertmode", certmode)} contradicts the option tls.${shows}`);
  }
}
