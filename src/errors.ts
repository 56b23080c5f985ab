// The error tree: what every failure of this package is an instance of, and what it carries.
//
// The tree is psycopg's: InterfaceError for wrong use of the driver, DatabaseError for everything
// about the database, six bases below it, and below those one generated class for each SQLSTATE
// (sqlstate.ts, which imports this file and never the other way round). An error carries what the
// server said and the text of the statement, never a parameter. This file imports nothing and
// holds no state. PostgreSQL manual: 54.8 "Error and Notice Message Fields", Appendix A.

/** The `name` of the process warnings that this package emits with `process.emitWarning`. */
export const MahoutWarning = "MahoutWarning";

// Two loaded copies of the package share these keys: the symbol registry is the process's.
const brandKey = Symbol.for("mahout.error");
const inspectCustom = Symbol.for("nodejs.util.inspect.custom");

/** Defines properties as `Error` defines its own: present, but not listed. */
function hide(target: object, properties: Readonly<Record<PropertyKey, unknown>>): void {
  for (const key of Reflect.ownKeys(properties)) {
    const value: unknown = Reflect.get(properties, key);
    Object.defineProperty(target, key, { value, writable: true, configurable: true });
  }
}

function brandOf(target: unknown): unknown {
  if (typeof target !== "function" || !Object.hasOwn(target, brandKey)) return undefined;
  return Reflect.get(target, brandKey);
}

/** `instanceof`, which also finds a class of ours that another copy of the package made. */
function isInstance(this: unknown, value: unknown): boolean {
  if (Function.prototype[Symbol.hasInstance].call(this, value)) return true;
  // A class that a user derived from ours has no brand of its own: only that very class will do.
  const wanted = brandOf(this);
  if (wanted === undefined || typeof value !== "object" || value === null) return false;
  let link: object | null = Object.getPrototypeOf(value);
  while (link !== null) {
    const maker: unknown = Object.getOwnPropertyDescriptor(link, "constructor")?.value;
    if (brandOf(maker) === wanted) return true;
    link = Object.getPrototypeOf(link);
  }
  return false;
}

/**
 * Gives classes their names, which minifiers change, for `name` and for `instanceof` to compare.
 *
 * @internal
 */
export function brand(classes: Readonly<Record<string, object>>): void {
  for (const [name, target] of Object.entries(classes)) {
    hide(target, { [brandKey]: name });
    if (Reflect.get(target, "name") !== name) hide(target, { name });
  }
}

/**
 * What the server said about an error or in a notice: the 18 fields of its message.
 *
 * Every field is a string, or null when the server did not send it. Instances are immutable.
 */
export class Diagnostic {
  /** ERROR, FATAL or PANIC; WARNING, NOTICE, DEBUG, INFO or LOG; in the server's language. */
  readonly severity: string | null;
  /** The same in English, whatever the server's language. */
  readonly severityNonlocalized: string | null;
  /** The five-character code of Appendix A. */
  readonly sqlstate: string | null;
  /** What happened, in one line. */
  readonly messagePrimary: string | null;
  /** More about it; the server quotes values of the row here when it violates a constraint. */
  readonly messageDetail: string | null;
  /** What could be done about it. */
  readonly messageHint: string | null;
  /** Where in the statement: a number of characters (not bytes, not UTF-16 units) from 1. */
  readonly statementPosition: string | null;
  /** The same in `internalQuery`. */
  readonly internalPosition: string | null;
  /** The statement that failed when it was made by the server itself, as in PL/pgSQL. */
  readonly internalQuery: string | null;
  /** The call stack in the server, one line for each entry, the innermost first. */
  readonly context: string | null;
  /** The object that it is about, as far as the server says: its schema, its table, and so on. */
  readonly schemaName: string | null;
  readonly tableName: string | null;
  readonly columnName: string | null;
  readonly datatypeName: string | null;
  /** The constraint that was violated. */
  readonly constraintName: string | null;
  /** Where in the server's source code it was reported: file, line, function. */
  readonly sourceFile: string | null;
  readonly sourceLine: string | null;
  readonly sourceFunction: string | null;

  /** Takes the fields under the one-letter codes of the protocol; without any, all are null. */
  constructor(fields: ReadonlyMap<string, string> = new Map()) {
    this.severity = fields.get("S") ?? null;
    this.severityNonlocalized = fields.get("V") ?? null;
    this.sqlstate = fields.get("C") ?? null;
    this.messagePrimary = fields.get("M") ?? null;
    this.messageDetail = fields.get("D") ?? null;
    this.messageHint = fields.get("H") ?? null;
    this.statementPosition = fields.get("P") ?? null;
    this.internalPosition = fields.get("p") ?? null;
    this.internalQuery = fields.get("q") ?? null;
    this.context = fields.get("W") ?? null;
    this.schemaName = fields.get("s") ?? null;
    this.tableName = fields.get("t") ?? null;
    this.columnName = fields.get("c") ?? null;
    this.datatypeName = fields.get("d") ?? null;
    this.constraintName = fields.get("n") ?? null;
    this.sourceFile = fields.get("F") ?? null;
    this.sourceLine = fields.get("L") ?? null;
    this.sourceFunction = fields.get("R") ?? null;
    Object.freeze(this);
  }

  /** Reads the fields of an ErrorResponse or NoticeResponse; unknown letters are ignored. */
  static fromFields(fields: ReadonlyMap<string, string>): Diagnostic {
    return new Diagnostic(fields);
  }

  /** Gives "SEVERITY: message", or what there is of the two. */
  toString(): string {
    return [this.severity, this.messagePrimary].filter((part) => part !== null).join(": ");
  }
}

const silence: Diagnostic = new Diagnostic();

/** What became of the statement that a failed call was about, as far as the client can know. */
export type Outcome = "not sent" | "cancelled" | "completed" | "unknown";

/** What an error of this package may be made with, beside its message; nothing by default. */
export interface MahoutErrorOptions {
  /** What led to it, and what the server said. */
  readonly cause?: unknown;
  readonly diag?: Diagnostic | undefined;
  /** The text of the statement that failed, without its parameters. */
  readonly statement?: string | null | undefined;
  /** A stable word to use instead of the SQLSTATE or of the class's own ERR_MAHOUT_... word. */
  readonly code?: string | undefined;
  /** What became of the statement, where that is the question. */
  readonly outcome?: Outcome | undefined;
}

/**
 * The root of the tree: every error of this package is one.
 *
 * `instanceof` also holds for errors of another loaded copy of the package. `structuredClone` (and
 * so a message to a worker) keeps message, stack and cause, and makes a plain `Error` of the rest.
 */
export class MahoutError extends Error {
  /** The SQLSTATE that every error of this class has, or null. */
  static readonly sqlstate: string | null = null;
  /** The `code` of the errors of this class that have no SQLSTATE. */
  protected static readonly clientCode: string = "ERR_MAHOUT";

  /** The SQLSTATE of the class, else of the server's message, else null. */
  readonly sqlstate: string | null;
  /** The SQLSTATE, or for errors that no server sent a stable word that begins with ERR_MAHOUT. */
  readonly code: string;
  /** The text of the statement that failed, if there was one; never its parameters. */
  readonly statement: string | null;
  /** Which item of `executeMany()`, or statement of a pipeline, it is about, from 0; undefined for none. */
  declare readonly index?: number;
  /** What the server said; all fields are null when it said nothing. */
  readonly diag: Diagnostic;
  /** Whether a call that was stopped, or lost its connection, had an effect; else null. */
  readonly outcome: Outcome | null = null;

  constructor(message: string, options: MahoutErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    hide(this, { name: new.target.name });
    const diag = options.diag ?? silence;
    // Errors are printed in this order: what the server said comes last.
    this.sqlstate = new.target.sqlstate ?? diag.sqlstate;
    this.code = options.code ?? this.sqlstate ?? new.target.clientCode;
    this.statement = options.statement ?? null;
    this.diag = diag;
    // Node prints uncaught errors by their own listed properties: eighteen nulls would say nothing.
    if (diag === silence) hide(this, { diag: silence });
    tell(this, options.outcome ?? (this.sqlstate === "57014" ? "cancelled" : null));
  }
}

function tell(error: MahoutError, outcome: Outcome | null): void {
  const enumerable = outcome !== null;
  Object.defineProperty(error, "outcome", { value: outcome, configurable: true, enumerable });
}

/** Notes what became of the statement, unless the error says it already. @internal */
export function withOutcome<E>(error: E, outcome: Outcome): E {
  if (error instanceof MahoutError && error.outcome === null) tell(error, outcome);
  return error;
}

/** What `util.inspect` prints instead of ours: the same without the fields that are not set. */
function standIn(this: Diagnostic | MahoutError): object {
  const shown = this instanceof Error ? new Error(this.message) : {};
  Object.setPrototypeOf(shown, Object.getPrototypeOf(this) as object);
  for (const key of ["name", "stack", "cause"]) {
    if (Object.hasOwn(this, key)) hide(shown, { [key]: Reflect.get(this, key) });
  }
  hide(shown, { [inspectCustom]: undefined });
  const fields = Object.entries(this).filter(([, value]) => value !== null && value !== silence);
  return Object.assign(shown, Object.fromEntries(fields));
}

hide(Diagnostic.prototype, { [inspectCustom]: standIn });
hide(MahoutError.prototype, { [inspectCustom]: standIn });

/** The driver was used wrongly; the database was not involved. */
export class InterfaceError extends MahoutError {
  protected static override readonly clientCode: string = "ERR_MAHOUT_INTERFACE";
}

/** Something went wrong about the database: the base of all that the server reports. */
export class DatabaseError extends MahoutError {
  protected static override readonly clientCode: string = "ERR_MAHOUT_DATABASE";
}

/** The data is at fault: a division by zero, a number out of range. */
export class DataError extends DatabaseError {
  protected static override readonly clientCode: string = "ERR_MAHOUT_DATA";
}

/** The operation of the database is at fault: a lost connection, no memory, a shutdown. */
export class OperationalError extends DatabaseError {
  protected static override readonly clientCode: string = "ERR_MAHOUT_OPERATIONAL";
}

/** A constraint was violated. */
export class IntegrityError extends DatabaseError {
  protected static override readonly clientCode: string = "ERR_MAHOUT_INTEGRITY";
}

/** The server met an invalid state: a cursor that is gone, a transaction that has failed. */
export class InternalError extends DatabaseError {
  protected static override readonly clientCode: string = "ERR_MAHOUT_INTERNAL";
}

/** The statement is at fault: its syntax, a table that does not exist, a missing privilege. */
export class ProgrammingError extends DatabaseError {
  protected static override readonly clientCode: string = "ERR_MAHOUT_PROGRAMMING";
}

/** The database, or this version of it, cannot do what was asked. */
export class NotSupportedError extends DatabaseError {
  protected static override readonly clientCode: string = "ERR_MAHOUT_NOT_SUPPORTED";
}

/** No session came to exist within the time allowed for it. */
export class ConnectionTimeout extends OperationalError {
  protected static override readonly clientCode: string = "ERR_MAHOUT_CONNECTION_TIMEOUT";
}

/** A cancellation request was not delivered within the time allowed for it. */
export class CancellationTimeout extends OperationalError {
  protected static override readonly clientCode: string = "ERR_MAHOUT_CANCELLATION_TIMEOUT";
}

/** The statement was not executed because an earlier one of the same pipeline failed. */
export class PipelineAborted extends OperationalError {
  protected static override readonly clientCode: string = "ERR_MAHOUT_PIPELINE_ABORTED";
}

/** The peer sent what the protocol does not allow there; the connection is closed. */
export class ProtocolError extends OperationalError {
  protected static override readonly clientCode: string = "ERR_MAHOUT_PROTOCOL";
}

/** A transaction block ended while one that was opened inside it was still open. */
export class OutOfOrderTransactionNesting extends ProgrammingError {
  protected static override readonly clientCode: string = "ERR_MAHOUT_TRANSACTION_NESTING";
}

/**
 * Thrown inside a transaction block, rolls that block back and ends there; not part of the tree.
 *
 * It is an `Error` only so that it has a stack when no block catches it.
 */
export class Rollback extends Error {
  /** The transaction whose block is left; null means the innermost. */
  readonly transaction: object | null;

  constructor(transaction: object | null = null) {
    super("a Rollback was thrown outside the transaction block that it is for");
    hide(this, { name: new.target.name });
    this.transaction = transaction;
  }
}

brand({ MahoutError, InterfaceError, DatabaseError, DataError, OperationalError, IntegrityError });
brand({ InternalError, ProgrammingError, NotSupportedError, ConnectionTimeout, PipelineAborted });
brand({ CancellationTimeout, ProtocolError, OutOfOrderTransactionNesting, Rollback });

hide(MahoutError, { [Symbol.hasInstance]: isInstance });
hide(Rollback, { [Symbol.hasInstance]: isInstance });
