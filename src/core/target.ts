/**
 * From what the caller of `connect()` said to what is to be done: parameters, secrets, deadline.
 *
 * One object may hold libpq's keywords and our own options: the former are spelled as libpq spells them,
 * the latter in camelCase, and no name is both.
 */
import type { Conninfo, ConninfoObject } from "../conninfo/dict.ts";
import { conninfoToDict, makeConninfo } from "../conninfo/dict.ts";
import { findKeyword, isSecret } from "../conninfo/keywords.ts";
import type { ConnectionParameters } from "../conninfo/parameters.ts";
import { unknownOption } from "../conninfo/refusals.ts";
import { resolveConninfo } from "../conninfo/resolve.ts";
import { ProgrammingError } from "../errors.ts";
import type { GivenParameters } from "./info.ts";
import { checkMilliseconds, shownOption } from "./operations.ts";
import { CONNECT_TIMEOUT } from "./options.ts";
import type { SessionOptions } from "./options.ts";
import { divide } from "./secrets.ts";
import type { Secrets } from "./secrets.ts";

/** Our own options; what isn't one of them is a keyword of libpq, or an error that names it. */
const OWN: ReadonlySet<string> = new Set<keyof SessionOptions | "signal" | "probe" | "oauthToken">([
  "rowFactory",
  "duplicateColumns",
  "autocommit",
  "isolationLevel",
  "readOnly",
  "deferrable",
  "prepareThreshold",
  "preparedMax",
  "int8",
  "timestamptz",
  "temporal",
  "json",
  "fetchTypes",
  "adapters",
  "noticeHandlers",
  "trace",
  "notifyHandlers",
  "notifyBacklog",
  "connectTimeout",
  "statementTimeout",
  "cancelTimeout",
  "probe",
  "oauthToken",
  "tls",
  "signal",
]);

/** Where to connect to and within which time. */
export interface Target {
  readonly parameters: ConnectionParameters;
  /** What the user gave, for {@link ConnectionInfo}; computed when it is asked for. */
  readonly given: () => GivenParameters;
  /** What the program gives when a server asks for it. */
  readonly secrets: Secrets;
  /** Whether the types of the database are to be known. */
  readonly fetchesTypes: boolean;
}

/** What may be said besides: our own options, and keywords. */
export type TargetOptions = object | undefined;

/**
 * How long connecting may take altogether, in milliseconds.
 *
 * @throws ProgrammingError for what is no time.
 */
export function timeoutOf(options: { readonly connectTimeout?: number } | undefined): number {
  return checkMilliseconds("connectTimeout", options?.connectTimeout ?? CONNECT_TIMEOUT);
}

function tokenOf(options: TargetOptions): Secrets["token"] {
  const { oauthToken = null } = (options ?? {}) as { readonly oauthToken?: unknown };
  if (oauthToken === null || typeof oauthToken === "function")
    return oauthToken as Secrets["token"];
  throw new ProgrammingError(
    `oauthToken must be a function that gives a token, not ${typeof oauthToken}`,
  );
}

function fetchesTypes(options: TargetOptions, { replication }: ConnectionParameters): boolean {
  const { fetchTypes = false } = (options ?? {}) as { readonly fetchTypes?: unknown };
  if (typeof fetchTypes !== "boolean")
    throw new ProgrammingError(`fetchTypes must be true or false, not ${shownOption(fetchTypes)}`);
  if (!fetchTypes || replication === null || takesSql(replication)) return fetchTypes;
  throw new ProgrammingError(
    `fetchTypes needs SQL, which a connection with replication=${replication} doesn't take; leave one of them out`,
  );
}

/** How a connection says that it isn't for replication, each as short as it can't be mistaken (backend: `parse_bool`). */
const NO: readonly (readonly [word: string, shortest: number])[] = [
  ["false", 1],
  ["no", 1],
  ["off", 2],
  ["0", 1],
];

/** A connection for replication takes SQL only when it is for a database's logical one. */
function takesSql(replication: string): boolean {
  const said = replication.toLowerCase();
  // An empty one is not sent.
  if (said === "" || replication === "database") return true;
  return NO.some(([word, shortest]) => word.startsWith(said) && said.length >= shortest);
}

/**
 * Resolves what was said about a connection.
 *
 * @throws ProgrammingError for what can't be read, naming keyword and value.
 */
export function targetOf(said: object | string | null | undefined, options: TargetOptions): Target {
  if (said === null) {
    throw new ProgrammingError(
      "where to connect to must be a string or an object, not null; leave it out for the defaults",
    );
  }
  if (typeof said === "function") throw new ProgrammingError("a function has to be called first");
  const { values, password: first } = divide(said);
  const conninfo = values as Conninfo | undefined;
  for (const name of typeof conninfo === "object" ? Object.keys(conninfo) : []) {
    if (OWN.has(name)) {
      throw new ProgrammingError(
        `"${name}" is no keyword of libpq but an option of this package; pass it in the second argument`,
      );
    }
    checkName(name);
  }
  const own: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options ?? {})) {
    if (OWN.has(name)) continue;
    checkName(name);
    own[name] = value;
  }
  const { values: overrides, password: second } = divide(own);
  const password = second ?? ((overrides["password"] ?? null) === null ? first : null);
  const parameters = resolveConninfo(
    conninfo,
    overrides as ConninfoObject,
    undefined,
    (options as SessionOptions<never> | undefined)?.tls ?? null,
  );
  return {
    parameters,
    secrets: { password, token: tokenOf(options) },
    fetchesTypes: fetchesTypes(options, parameters),
    given: () => {
      const values: Record<string, string> = {};
      for (const [name, value] of Object.entries(
        conninfoToDict(conninfo, overrides as ConninfoObject),
      )) {
        if (!isSecret(name)) values[name] = value;
      }
      return { values, dsn: makeConninfo(values as ConninfoObject) };
    },
  };
}

/** Refuses what is neither a keyword nor an option of ours, naming the one that was probably meant. */
function checkName(name: string): void {
  if (findKeyword(name) === undefined) throw unknownOption(name, [...OWN]);
}
