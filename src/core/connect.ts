/**
 * Connecting: which addresses are tried, with and without encryption, and what is said when all fail.
 *
 * Each attempt has a session of its own, so that nothing of a failed one (parameters, half an
 * authentication) can leak into the next. Meanings are libpq's (manual, 32.1.1.3 "Specifying Multiple
 * Hosts", 32.19.3 "Protection Provided in Different Modes") with one exception: with `sslmode=prefer` a
 * wrong password over TLS is not tried again in the clear.
 */
import type {
  ConnectionParameters,
  Endpoint,
  TargetSessionAttributes,
} from "../conninfo/parameters.ts";
import { ConnectionTimeout, MahoutError, OperationalError } from "../errors.ts";
import { isRetryable } from "../retryable.ts";
import type { Conversation } from "../protocol/effects.ts";
import { Session } from "../protocol/session.ts";
import type { Route } from "../protocol/startup.ts";
import { startup } from "../protocol/startup.ts";
import { encryptionsOf, passesOf, settled, unsuitable } from "./hosts.ts";
import { locate } from "./located.ts";
import type { Secrets } from "./secrets.ts";
import { startupOf } from "./trial.ts";
import type { Trial } from "./trial.ts";

/** Prepares a session before anything is received, so that notices of the start are seen. */
export type Prepare = (session: Session) => void;

/** A session that is ready, and how it was reached: a cancel request goes the same way. */
export interface Connected {
  readonly session: Session;
  readonly endpoint: Endpoint;
  /** Whether it is encrypted. */
  readonly encrypted: boolean;
  /** How to reach the same server in the same way again. */
  readonly route: Route;
}

/**
 * Tries the endpoints in order until one lets us in.
 *
 * @throws the error of the only attempt, or OperationalError listing every attempt.
 */
export function* connect(
  parameters: ConnectionParameters,
  prepare: Prepare,
  secrets: Secrets,
): Conversation<Connected> {
  try {
    return yield* find(parameters, prepare, secrets);
  } catch (error) {
    throw parameters.isPresentable ? error : wordless(error);
  }
}

function* find(
  parameters: ConnectionParameters,
  prepare: Prepare,
  secrets: Secrets,
): Conversation<Connected> {
  const failures: Failure[] = [];
  const passes = passesOf(parameters);
  for (const { endpoints, wanted } of passes) {
    for (const endpoint of endpoints) {
      const isLast = wanted === passes.at(-1)?.wanted && endpoint === endpoints.at(-1);
      const search = { parameters, prepare, secrets, wanted, failures, isLast };
      const connected = yield* connectTo(search, endpoint);
      if (connected) return connected;
    }
  }
  throw summaryOf(failures);
}

/** What a search is about, and what came of it so far. */
interface Search {
  readonly parameters: ConnectionParameters;
  readonly prepare: Prepare;
  readonly secrets: Secrets;
  readonly wanted: TargetSessionAttributes;
  readonly failures: Failure[];
  /** Whether no other server will be tried. */
  readonly isLast: boolean;
}

/** Tries every address of one server, each with every kind of encryption; null when others are to be tried. */
function* connectTo(search: Search, endpoint: Endpoint): Conversation<Connected | null> {
  const { parameters, prepare, secrets, failures } = search;
  let places: readonly Endpoint[] = [];
  try {
    places = yield* locate(parameters, endpoint);
  } catch (error) {
    note(failures, endpoint, error);
  }
  for (const place of places) {
    for (const tried of encryptionsOf(parameters, place)) {
      const session = new Session();
      prepare(session);
      const hasOthers = !search.isLast || place !== places.at(-1);
      try {
        const trial = { parameters, endpoint: place, tried, secrets, hasOthers };
        const connected = yield* attempt(session, trial, search.wanted);
        return { ...connected, endpoint };
      } catch (error) {
        yield { kind: "close", atOnce: true };
        note(failures, place, error);
        if (!worthAnotherEncryption(error)) break;
      }
    }
  }
  return null;
}

/** Keeps a failure for the summary, or ends everything with it. */
function note(failures: Failure[], place: Endpoint, error: unknown): void {
  if (isOverdue(error)) throw late(error, failures);
  if (isFinal(error)) throw error;
  failures.push({ place: placeOf(place), error });
}

/** Tries one endpoint with one kind of encryption. */
function* attempt(
  session: Session,
  trial: Trial,
  wanted: TargetSessionAttributes,
): Conversation<Connected> {
  const { endpoint, tried } = trial;
  const request = startupOf(trial);
  const encrypted = yield* startup(session, request);
  const reason = yield* unsuitable(session, wanted);
  if (reason !== null) {
    throw new OperationalError(`${reason}, but target_session_attrs asks for ${wanted}`);
  }
  const { address, serverName } = request;
  const timeout = trial.parameters.connectTimeoutMs;
  const route = { address, serverName, timeout, encryption: settled(tried, encrypted) };
  return { session, endpoint, encrypted, route };
}

/** One attempt that failed. */
interface Failure {
  readonly place: string;
  readonly error: unknown;
}

/** The attempts as lines; a refusal that has nothing to do with encryption comes twice, and is told once. */
function linesOf(failures: readonly Failure[]): string[] {
  return [
    ...new Set(failures.map(({ place, error }) => `- ${place}: ${(error as Error).message}`)),
  ];
}

/** The error of the only attempt, or one that lists them all. */
function summaryOf(failures: readonly Failure[]): unknown {
  const last = failures.at(-1)?.error ?? new OperationalError("there is no host to connect to");
  const lines = linesOf(failures);
  if (lines.length < 2) return last;
  const message = `no connection could be made:\n${lines.join("\n")}`;
  const codes = new Set(failures.map(({ error }) => (error as { code?: unknown }).code));
  if (
    last instanceof MahoutError &&
    (codes.size === 1 || !failures.some(({ error }) => isRetryable(error)))
  ) {
    // Nothing that time alone could heal: the error stays the kind that it is.
    const Kind = last.constructor as typeof OperationalError;
    return new Kind(message, { cause: last, diag: last.diag, code: last.code });
  }
  return new OperationalError(message, { cause: last, code: "ERR_MAHOUT_CONNECT" });
}

/**
 * The same kind of error without a word of what was tried, and of what anybody said about it: host, port and
 * database may be pieces of a password.
 */
function wordless(error: unknown): unknown {
  if (!(error instanceof MahoutError) || error.code === "ERR_MAHOUT_ABORTED") return error;
  if (isOverdue(error) && error.cause === undefined) return error;
  const Kind = error.constructor as typeof OperationalError;
  return new Kind(
    `no connection could be made (${error.code}); where to, and why not, is not shown, because it may hold ` +
      `part of a password: the connection URI has an "@" behind the one that ends user and password; ` +
      `write "@" in them as %40 and "/" as %2F`,
    { code: error.code },
  );
}

/** Whether the time for everything is up; that of one address only ends the attempt. */
export function isOverdue(error: unknown): error is ConnectionTimeout {
  return error instanceof ConnectionTimeout && error.code !== "ERR_MAHOUT_ATTEMPT_TIMEOUT";
}

/** The end of all time, with what had failed before it. */
function late(error: ConnectionTimeout, failures: readonly Failure[]): ConnectionTimeout {
  if (failures.length === 0) return error;
  return new ConnectionTimeout(`${error.message}; before that:\n${linesOf(failures).join("\n")}`, {
    cause: error,
  });
}

/**
 * After these no other host is asked: a server that knows us and says no will say it again (as in libpq),
 * and the caller has changed its mind.
 */
const FINAL: ReadonlySet<string> = new Set(["28P01", "3D000", "ERR_MAHOUT_ABORTED"]);

function isFinal(error: unknown): boolean {
  return error instanceof MahoutError && FINAL.has(error.code);
}

/** A server that isn't there or has no room is so with any encryption; a rule of pg_hba.conf is not. */
function worthAnotherEncryption(error: unknown): boolean {
  if (!(error instanceof MahoutError)) return false;
  return error.sqlstate === "28000" || error.code === "ERR_MAHOUT_TLS";
}

/** An endpoint as messages name it. */
export function placeOf({ host, hostaddr, port, socketPath }: Endpoint): string {
  if (socketPath !== null) return socketPath;
  const address = host !== "" && hostaddr !== null && hostaddr !== host ? ` (${hostaddr})` : "";
  return `${host || hostaddr}${address}, port ${port}`;
}
