/**
 * What can be chosen of a transaction, and the BEGIN that says it (manual, SQL command "SET TRANSACTION").
 *
 * Null leaves it to the server's defaults, as `default_transaction_isolation` and its kin say them.
 */
import { ProgrammingError } from "../errors.ts";

/** How a transaction is isolated from others, in PostgreSQL's words. */
export type IsolationLevel =
  "read uncommitted" | "read committed" | "repeatable read" | "serializable";

/** The characteristics of a transaction. */
export interface Characteristics {
  /** How the transaction is isolated from others; the server's default by default. */
  readonly isolationLevel?: IsolationLevel | null;
  /** Whether the transaction can't write; the server's default by default. */
  readonly readOnly?: boolean | null;
  /** Whether a serializable read-only transaction waits until it can run without risk of being aborted. */
  readonly deferrable?: boolean | null;
}

const LEVELS: ReadonlySet<unknown> = new Set<IsolationLevel>([
  "read uncommitted",
  "read committed",
  "repeatable read",
  "serializable",
]);

/**
 * Checks one characteristic and returns it.
 *
 * @throws ProgrammingError for anything but the values of its type.
 */
export function checkCharacteristic<T>(name: keyof Characteristics, value: T): T | null {
  if (value === null || value === undefined) return null;
  const isRight = name === "isolationLevel" ? LEVELS.has(value) : typeof value === "boolean";
  if (isRight) return value;
  const allowed =
    name === "isolationLevel"
      ? [...LEVELS].map((level) => `"${String(level)}"`).join(", ")
      : "true, false";
  throw new ProgrammingError(
    `${name} must be one of ${allowed} or null, not ${typeof value === "string" ? JSON.stringify(value) : String(value)}`,
  );
}

/** The command that begins a transaction of this kind; what it leaves open is as the defaults say. */
export function beginCommand(own: Characteristics, defaults: Characteristics = own): string {
  const isolationLevel = own.isolationLevel ?? defaults.isolationLevel;
  const readOnly = own.readOnly ?? defaults.readOnly;
  const deferrable = own.deferrable ?? defaults.deferrable;
  let command = "BEGIN";
  if (isolationLevel) command += ` ISOLATION LEVEL ${isolationLevel.toUpperCase()}`;
  if (typeof readOnly === "boolean") command += readOnly ? " READ ONLY" : " READ WRITE";
  if (typeof deferrable === "boolean") command += deferrable ? " DEFERRABLE" : " NOT DEFERRABLE";
  return command;
}
