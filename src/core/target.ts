/**
 * From what the caller of `connect()` said to what is to be done: parameters, options, deadline.
 *
 * One object may hold libpq's keywords and our own options: the former are spelled as libpq spells them,
 * the latter in camelCase, and no name is both.
 */
import type { Conninfo, ConninfoObject } from "../conninfo/dict.ts";
import { conninfoToDict, makeConninfo } from "../conninfo/dict.ts";
import { isSecret } from "../conninfo/keywords.ts";
import type { ConnectionParameters } from "../conninfo/parameters.ts";
import { resolveConninfo } from "../conninfo/resolve.ts";
import { ProgrammingError } from "../errors.ts";
import type { GivenParameters } from "./info.ts";
import { checkMilliseconds } from "./operations.ts";
import { CONNECT_TIMEOUT } from "./options.ts";
import type { SessionOptions } from "./options.ts";

/** Our own options; what isn't one of them is a keyword of libpq, or an error that names it. */
const OWN: ReadonlySet<string> = new Set<keyof SessionOptions | "signal" | "probe">([
  "rowFactory",
  "autocommit",
  "isolationLevel",
  "readOnly",
  "deferrable",
  "prepareThreshold",
  "preparedMax",
  "int8",
  "adapters",
  "noticeHandlers",
  "trace",
  "notifyHandlers",
  "notifyBacklog",
  "connectTimeout",
  "statementTimeout",
  "cancelTimeout",
  "probe",
  "signal",
]);

/** Where to connect to and within which time. */
export interface Target {
  readonly parameters: ConnectionParameters;
  /** What the user gave, for {@link ConnectionInfo}; computed when it is asked for. */
  readonly given: () => GivenParameters;
  /** How long connecting may take altogether, in milliseconds. */
  readonly timeout: number;
}

/**
 * Resolves what was said about a connection.
 *
 * @throws ProgrammingError for what can't be read, naming keyword and value.
 */
export function targetOf(
  conninfo: Conninfo | undefined,
  options: (SessionOptions<never> & ConninfoObject) | undefined,
): Target {
  for (const name of typeof conninfo === "object" ? Object.keys(conninfo) : []) {
    if (OWN.has(name)) {
      throw new ProgrammingError(
        `"${name}" is no keyword of libpq but an option of this package; pass it in the second argument`,
      );
    }
  }
  const overrides: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options ?? {}))
    if (!OWN.has(name)) overrides[name] = value;
  const parameters = resolveConninfo(conninfo, overrides as ConninfoObject);
  const timeout = options?.connectTimeout ?? CONNECT_TIMEOUT;
  return {
    parameters,
    timeout: checkMilliseconds("connectTimeout", timeout),
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
