// The keywords about TLS: which combinations make sense, and which certificate files apply.
//
// Files that nobody named are used when they are at their usual place, ~/.postgresql; they are
// only looked for here, the transport reads them. PostgreSQL manual: 34.19 "SSL Support".

import { join } from "node:path";

import { statOf, userFile, userFolder } from "./environment.ts";
import type { Keyword } from "./keywords.ts";
import type {
  ConnectionParameters,
  FileOrigin,
  SslMode,
  TlsFile,
  TlsVersion,
} from "./parameters.ts";
import { quote, refusal } from "./refusals.ts";
import type { Environment, Settings } from "./settings.ts";
import { describe, textOf } from "./settings.ts";
import { applyTlsOptions } from "./tls-options.ts";
import type { TlsOptions } from "./tls-options.ts";
import { crossed, invalid, oneOf, readChoice, readFlag } from "./values.ts";

/** The part of the connection parameters that is about TLS. */
export type TlsParameters = Pick<
  ConnectionParameters,
  | "sslmode"
  | "sslnegotiation"
  | "sslrootcert"
  | "sslcert"
  | "sslkey"
  | "sslpassword"
  | "sslcrl"
  | "sslcrldir"
  | "sslsni"
  | "sslcertmode"
  | "sslMinProtocolVersion"
  | "sslMaxProtocolVersion"
  | "sslkeylogfile"
  | "fileOrigins"
  | "tls"
>;

const modes: readonly SslMode[] = [
  "disable",
  "allow",
  "prefer",
  "require",
  "verify-ca",
  "verify-full",
];
const versions: readonly TlsVersion[] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

/**
 * Resolves the keywords about TLS; `isRemote` says whether any server is not a local socket, for
 * only those are ever spoken to in TLS.
 *
 * Throws ProgrammingError for values that are not allowed, combinations that would be weaker than
 * they look, and a root certificate that has to be there and is not.
 */
export function resolveTls(
  settings: Settings,
  environment: Environment,
  isRemote: boolean,
  tls: TlsOptions | null = null,
): TlsParameters {
  if (tls !== null) applyTlsOptions(settings, tls);
  const sslmode = readChoice(settings, "sslmode", modes) ?? "prefer";
  const sslnegotiation =
    readChoice(settings, "sslnegotiation", ["postgres", "direct"]) ?? "postgres";
  const sslcertmode =
    readChoice(settings, "sslcertmode", ["disable", "allow", "require"]) ?? "allow";
  if (sslnegotiation === "direct") demand(settings, sslmode, "sslnegotiation", "require");
  if (textOf(settings, "sslrootcert") === "system") {
    demand(settings, sslmode, "sslrootcert", "verify-full");
  }
  readFlag(settings, "sslcompression", false); // Checked, and without effect since libpq 14.
  const usesCertificate = sslcertmode !== "disable";
  const sslcrldir = textOf(settings, "sslcrldir");
  // Nearly nobody has the folder: then none of its files has to be looked for.
  const folder = tls === null ? userFolder(environment) : null;
  const file = (keyword: Keyword, name: string): string | null =>
    fileOf(settings, folder, keyword, name);
  const files: Record<TlsFile, string | null> = {
    sslrootcert:
      tls === null
        ? rootCertificate(settings, environment, file("sslrootcert", "root.crt"), sslmode, isRemote)
        : textOf(settings, "sslrootcert"),
    sslcert: usesCertificate ? file("sslcert", "postgresql.crt") : null,
    sslkey: usesCertificate ? file("sslkey", "postgresql.key") : null,
    sslcrl: sslcrldir === null ? file("sslcrl", "root.crl") : textOf(settings, "sslcrl"),
    sslcrldir,
    sslkeylogfile: textOf(settings, "sslkeylogfile"),
  };
  return {
    tls,
    sslmode,
    sslnegotiation,
    ...files,
    fileOrigins: originsOf(files, settings),
    sslpassword: textOf(settings, "sslpassword"),
    sslsni: readFlag(settings, "sslsni", true),
    sslcertmode,
    ...versionRange(settings),
  };
}

function originsOf(
  files: Readonly<Record<TlsFile, string | null>>,
  settings: Settings,
): Partial<Record<TlsFile, FileOrigin>> {
  const origins: Partial<Record<TlsFile, FileOrigin>> = {};
  for (const keyword of Object.keys(files) as TlsFile[]) {
    if (files[keyword] === null) continue;
    const named = textOf(settings, keyword) === null ? undefined : settings.get(keyword);
    origins[keyword] =
      named === undefined
        ? { words: "at its usual place", isPresentable: true }
        : { words: `from ${named.origin}`, isPresentable: named.isPresentable };
  }
  return origins;
}

/** Refuses a weaker mode than another keyword makes sense with. */
function demand(settings: Settings, sslmode: SslMode, because: Keyword, weakest: SslMode): void {
  const enough = modes.slice(modes.indexOf(weakest));
  const setting = settings.get(because);
  if (enough.includes(sslmode) || setting === undefined) return;
  throw refusal(
    `sslmode ${quote(sslmode)}, from ${settings.get("sslmode")?.origin ?? ""}, is too weak for ` +
      `${describe(because, setting)} which needs sslmode ${oneOf(enough)}`,
  );
}

/** The file that was named, else the one in the user's folder if it is there. */
function fileOf(
  settings: Settings,
  folder: string | null,
  keyword: Keyword,
  name: string,
): string | null {
  const named = textOf(settings, keyword);
  if (named !== null || folder === null) return named;
  const path = join(folder, name);
  return statOf(path) === null ? null : path;
}

/**
 * A named file that is missing is an error as soon as encryption is insisted on; libpq lets it
 * pass in mode "require" and then checks nothing.
 */
function rootCertificate(
  settings: Settings,
  environment: Environment,
  path: string | null,
  sslmode: SslMode,
  isRemote: boolean,
): string | null {
  if (path === "system" || (path !== null && statOf(path) !== null)) return path;
  const isVerified = sslmode === "verify-ca" || sslmode === "verify-full";
  if (isRemote && (isVerified || (sslmode === "require" && path !== null))) {
    const usual = userFile(environment, ".postgresql/root.crt", "root.crt");
    const named = settings.get("sslrootcert");
    const what =
      path !== null && named !== undefined
        ? `${describe("sslrootcert", named)} does not exist`
        : `sslmode ${quote(sslmode)} needs a root certificate, and ${usual ?? "none"} does not exist`;
    throw refusal(
      `${what}; name the file with sslrootcert, trust the system's roots with ` +
        `sslrootcert=system, or choose an sslmode that does not verify the server`,
    );
  }
  return null;
}

/** Reads the versions in any case, as libpq does, and gives them as node:tls spells them. */
function versionRange(
  settings: Settings,
): Pick<TlsParameters, "sslMinProtocolVersion" | "sslMaxProtocolVersion"> {
  const read = (keyword: Keyword): TlsVersion | null => {
    const setting = settings.get(keyword);
    if (setting === undefined || setting.value === "") return null;
    const version = versions.find((one) => one.toLowerCase() === setting.value.toLowerCase());
    if (version === undefined) throw invalid(keyword, setting, `must be ${oneOf(versions)}`);
    return version;
  };
  const lowest = read("ssl_min_protocol_version");
  const highest = read("ssl_max_protocol_version");
  if (lowest !== null && highest !== null && versions.indexOf(lowest) > versions.indexOf(highest)) {
    throw crossed(settings, "ssl_min_protocol_version", "ssl_max_protocol_version");
  }
  return { sslMinProtocolVersion: lowest, sslMaxProtocolVersion: highest };
}
