/**
 * What programs see of a connection in either shell without having to wait for it.
 *
 * The shells inherit this face; the state behind it is the core's.
 */
import type { AdaptersMap } from "../adapt/registry.ts";
import type { DictRow, DuplicateColumns, RowFactory } from "../rows.ts";
import { checkDuplicates } from "../rows.ts";
import { InterfaceError } from "../errors.ts";
import { ConnectionCore } from "./connection.ts";
import type { Characteristics, IsolationLevel } from "./characteristics.ts";
import type { ConnectionInfo } from "./info.ts";
import type { NotifyHandler } from "./notify.ts";
import type { NoticeHandler } from "./options.ts";
import type { TraceOptions, TraceSink } from "./trace.ts";
import { startTrace } from "./trace.ts";
import { Xid } from "./xid.ts";

/** State and settings of a connection. */
export abstract class ConnectionBase<Row = DictRow> {
  /** @internal */
  readonly core: ConnectionCore<Row>;

  protected constructor(core: ConnectionCore<Row>) {
    if (!(core instanceof ConnectionCore)) {
      throw new InterfaceError(`a connection is made with ${new.target.name}.connect()`);
    }
    this.core = core;
  }

  /** Whether the connection can't be used any more, whoever ended it. */
  get closed(): boolean {
    return this.core.closed;
  }

  /** Whether the connection ended without `close()`. */
  get broken(): boolean {
    return this.core.broken;
  }

  /** Fires when the connection ends without `close()`, idle or not; its reason is the error. */
  get disconnected(): AbortSignal {
    return this.core.disconnected;
  }

  /** Information on the connection. */
  get info(): ConnectionInfo {
    return this.core.info;
  }

  /** The connection's layer of the registry: changes apply to its cursors, and to nobody else. */
  get adapters(): AdaptersMap {
    return this.core.adapters;
  }

  /** How rows are built by cursors made from now on. */
  get rowFactory(): RowFactory<Row> {
    return this.core.rowFactory;
  }

  set rowFactory(factory: RowFactory<Row>) {
    this.core.rowFactory = factory;
  }

  /** What becomes of columns with the same name in cursors made from now on; see {@link SessionOptions}. */
  get duplicateColumns(): DuplicateColumns {
    return this.core.duplicateColumns;
  }

  set duplicateColumns(policy: DuplicateColumns) {
    this.core.duplicateColumns = checkDuplicates(policy);
  }

  /**
   * Whether a statement outside of a transaction block is a transaction of its own; true by default. With
   * false, it begins one that {@link commit} or {@link rollback} ends. Can't be changed in a transaction.
   */
  get autocommit(): boolean {
    return this.core.transactions.autocommit;
  }

  set autocommit(value: boolean) {
    this.core.checkIdle("autocommit");
    this.core.transactions.chooseAutocommit(value);
  }

  /** How transactions to come are isolated; null for the server's default. Can't be changed in one. */
  get isolationLevel(): IsolationLevel | null {
    return this.core.transactions.characteristics.isolationLevel ?? null;
  }

  set isolationLevel(value: IsolationLevel | null) {
    choose(this.core, "isolationLevel", value);
  }

  /** Whether transactions to come are read-only; null for the server's default. Can't be changed in one. */
  get readOnly(): boolean | null {
    return this.core.transactions.characteristics.readOnly ?? null;
  }

  set readOnly(value: boolean | null) {
    choose(this.core, "readOnly", value);
  }

  /** Whether transactions to come are deferrable; null for the server's default. Can't be changed in one. */
  get deferrable(): boolean | null {
    return this.core.transactions.characteristics.deferrable ?? null;
  }

  set deferrable(value: boolean | null) {
    choose(this.core, "deferrable", value);
  }

  /** The limit of statements whose call names none, in milliseconds; null for no limit. */
  get statementTimeout(): number | null {
    return this.core.statementTimeout;
  }

  set statementTimeout(timeout: number | null) {
    this.core.statementTimeout = timeout;
  }

  /** Executions of a statement before it is prepared: 0 at once, null never. */
  get prepareThreshold(): number | null {
    return this.core.statements.threshold;
  }

  set prepareThreshold(threshold: number | null) {
    this.core.setPrepareThreshold(threshold);
  }

  /** How many statements are remembered and kept prepared. */
  get preparedMax(): number {
    return this.core.statements.max;
  }

  set preparedMax(max: number) {
    this.core.setPreparedMax(max);
  }

  /** Has `handler` called with each notice that the server sends; one that throws disturbs nothing. */
  addNoticeHandler(handler: NoticeHandler): void {
    this.core.notices.add(handler);
  }

  /**
   * Has `handler` not called any more.
   *
   * @throws ProgrammingError when it was not added.
   */
  removeNoticeHandler(handler: NoticeHandler): void {
    this.core.notices.remove(handler);
  }

  /**
   * Has `handler` called with each notification as it arrives; one that throws disturbs nothing. With a
   * handler, no notifications are kept for `notifies()`, except while one runs: then both get each of them.
   */
  addNotifyHandler(handler: NotifyHandler): void {
    this.core.inbox.handlers.add(handler);
  }

  /**
   * Has `handler` not called any more.
   *
   * @throws ProgrammingError when it was not added.
   */
  removeNotifyHandler(handler: NotifyHandler): void {
    this.core.inbox.handlers.remove(handler);
  }

  /** How many notifications were dropped because nobody took them; see `notifyBacklog`. */
  get notificationsDropped(): number {
    return this.core.inbox.dropped;
  }

  /**
   * Makes a name for a two-phase transaction of its three XA parts.
   *
   * @throws ProgrammingError for parts that are none, see {@link Xid.fromParts}.
   */
  xid(formatId: number, gtrid: string, bqual: string): Xid {
    return Xid.fromParts(formatId, gtrid, bqual);
  }

  /**
   * Has each message that is sent or received from now on written to `sink`, a line each, in the form of
   * libpq's `PQtrace`; a trace that was under way ends. Data are shown only if `options` say so.
   *
   * @throws OperationalError when the connection is closed, ProgrammingError for what is no sink.
   */
  trace(sink: TraceSink, options: TraceOptions = {}): void {
    this.core.checkOpen();
    startTrace(this.core.session, sink, options);
  }

  /** Ends the trace, if there is one. */
  untrace(): void {
    this.core.session.tracer = null;
  }

  /** Shows the state, and nothing secret. */
  toString(): string {
    return this.core.summary(this.constructor.name);
  }
}

// `util.inspect` asks for this by its registered symbol; declared in the class it would be part of the API.
Object.defineProperty(ConnectionBase.prototype, Symbol.for("nodejs.util.inspect.custom"), {
  value(this: ConnectionBase<unknown>): string {
    return this.toString();
  },
});

function choose<Row>(core: ConnectionCore<Row>, name: keyof Characteristics, value: unknown): void {
  core.checkIdle(name);
  core.transactions.choose(name, value);
}
