/**
 * One trial: what is said to one server, with one kind of encryption, to be let in.
 */
import type { ConnectionParameters, Endpoint, ProtocolVersion } from "../conninfo/parameters.ts";
import { NotSupportedError } from "../errors.ts";
import type { AuthMethod, Credentials } from "../protocol/auth-credentials.ts";
import type { Address } from "../protocol/effects.ts";
import { PROTOCOL_3_0, PROTOCOL_3_2 } from "../protocol/negotiation.ts";
import type { Encryption, StartupRequest } from "../protocol/startup.ts";
import { OTHERS_WAIT } from "./located.ts";
import { askingServer } from "./secrets.ts";
import type { Secrets } from "./secrets.ts";

/** Which server is tried, how, and by whom. */
export interface Trial {
  readonly parameters: ConnectionParameters;
  readonly endpoint: Endpoint;
  readonly tried: Encryption;
  readonly secrets: Secrets;
  /** Whether others are tried when this one doesn't answer. */
  readonly hasOthers: boolean;
}

/** All that the startup of its session needs to know. */
export function startupOf({
  parameters,
  endpoint,
  tried,
  secrets,
  hasOthers,
}: Trial): StartupRequest {
  const { connectTimeoutMs } = parameters;
  return {
    address: addressOf(endpoint),
    serverName: endpoint.host,
    timeout: connectTimeoutMs ?? (hasOthers ? OTHERS_WAIT : null),
    untilOpen: connectTimeoutMs === null,
    encryption: tried,
    version: numberOf(parameters.maxProtocolVersion),
    lowestVersion: numberOf(parameters.minProtocolVersion),
    credentials: credentialsOf(parameters, endpoint, secrets),
    parameters: startupParameters(parameters),
    needsCertificate: parameters.sslcertmode === "require",
  };
}

function numberOf(version: ProtocolVersion): number {
  return version === "3.2" ? PROTOCOL_3_2 : PROTOCOL_3_0;
}

/** Whether names of abstract sockets are given to the system as they are: libuv does so since 1.49. */
export function reachesAbstract(): boolean {
  const [major = 0, minor = 0] = process.versions.uv.split(".").map(Number);
  return major > 1 || minor >= 49;
}

function addressOf(endpoint: Endpoint): Address {
  const { socketPath: path, port } = endpoint;
  if (path === null) return { host: endpoint.hostaddr ?? endpoint.host, port, path: null };
  if (path.startsWith("@") && !reachesAbstract()) {
    throw new NotSupportedError(
      `the socket "${path}" of the abstract namespace can't be reached with Node.js ${process.versions.node}, which fills ` +
        `such names up with NULs; take a later one`,
    );
  }
  // The abstract namespace is written with an @; the operating system wants a NUL in its place.
  return { host: null, port, path: path.replace(/^@/, "\0") };
}

function credentialsOf(
  parameters: ConnectionParameters,
  endpoint: Endpoint,
  { password, token }: Secrets,
): Credentials {
  const who = askingServer(parameters, endpoint);
  const { requireAuth } = parameters;
  let accepts: Credentials["accepts"] = null;
  if (requireAuth && "allow" in requireAuth) {
    accepts = (method: AuthMethod) => (requireAuth.allow as ReadonlySet<string>).has(method);
  } else if (requireAuth) {
    accepts = (method: AuthMethod) => !(requireAuth.deny as ReadonlySet<string>).has(method);
  }
  return {
    user: parameters.user,
    password: password ? () => password(who) : endpoint.password,
    scramKeys: parameters.scramKeys,
    token: token && (() => token({ ...who, ...parameters.oauth })),
    channelBinding: parameters.channelBinding,
    passwordSources:
      "the connection string and options, the service file, PGPASSWORD and the password file",
    accepts,
  };
}

function startupParameters(parameters: ConnectionParameters): Map<string, string> {
  const entries = new Map<string, string>([
    ["user", parameters.user],
    ["database", parameters.dbname],
  ]);
  const applicationName = parameters.applicationName ?? parameters.fallbackApplicationName;
  if (applicationName) entries.set("application_name", applicationName);
  if (parameters.options) entries.set("options", parameters.options);
  if (parameters.replication) entries.set("replication", parameters.replication);
  for (const [name, value] of Object.entries(parameters.settings)) entries.set(name, value);
  return entries;
}
