/**
 * What both shells' connections share: the session, its settings, its state, its notices.
 *
 * A shell adds how to wait. Everything that can be said without waiting, and every rule about what may be
 * done in which state, is here.
 */
import { globalAdapters } from "../adapt/builtins.ts";
import { AdaptersMap } from "../adapt/registry.ts";
import type { ConnectionParameters } from "../conninfo/parameters.ts";
import type { Diagnostic } from "../errors.ts";
import { OperationalError, ProgrammingError } from "../errors.ts";
import type { Conversation } from "../protocol/effects.ts";
import { writeTerminate } from "../protocol/encode.ts";
import type { Session } from "../protocol/session.ts";
import type { DictRow, DuplicateColumns, RowFactory } from "../rows.ts";
import { checkDuplicates, dictRow, factoryUnder } from "../rows.ts";
import { deliverObserved, isWatched, notifyChannel } from "./channels.ts";
import type { Connected } from "./connect.ts";
import { placeOf } from "./connect.ts";
import type { ExecuteContext } from "./extended.ts";
import { Handlers } from "./handlers.ts";
import { Inbox, NotifyReader } from "./inbox.ts";
import type { GivenParameters } from "./info.ts";
import { ConnectionInfo } from "./info.ts";
import { checkBacklog, NOTIFY_BACKLOG } from "./notify.ts";
import { checkLimit, checkMilliseconds } from "./operations.ts";
import { CANCEL_TIMEOUT } from "./options.ts";
import type { ExecuteOptions, Limits, SessionOptions } from "./options.ts";
import { PipelineCore } from "./pipeline.ts";
import { Prologue } from "./prologue.ts";
import { StatementCache } from "./statements.ts";
import { Transactions } from "./transactions.ts";
import { tracingOf } from "./trace.ts";
import { TwoPhase } from "./two-phase.ts";
import { registerChoices } from "./type-options.ts";

const CHARACTERISTICS = ["isolationLevel", "readOnly", "deferrable"] as const;
const PREPARE_THRESHOLD = 5;
const PREPARED_MAX = 100;

/** State and immediate operations of a connection. */
export class ConnectionCore<Row = DictRow> {
  /** The connection's layer of the registry: a copy of the global one when it connected. */
  readonly adapters: AdaptersMap;
  /** What the connection remembers of statements. */
  readonly statements: StatementCache;
  /** What has to be said before the next statement. */
  readonly prologue: Prologue = new Prologue();
  /** What is sent without waiting for answers. */
  readonly pipeline: PipelineCore = new PipelineCore(() => this.session);
  /** Its transactions: blocks, settings, commit and rollback. */
  readonly transactions: Transactions = new Transactions(
    this.prologue,
    this.pipeline,
    () => this.session,
  );
  /** Its two-phase transaction. */
  readonly twoPhase: TwoPhase = new TwoPhase(
    this.transactions,
    this.prologue,
    this.pipeline,
    () => this.session,
  );
  /** Called with each notice as it arrives. */
  readonly notices: Handlers<Diagnostic>;
  /** Told when the session ends, however that is. */
  readonly endWatchers: Set<() => void> = new Set();
  /** Where notifications arrive. */
  readonly inbox: Inbox;
  /** How rows are built by cursors made from now on. */
  rowFactory: RowFactory<Row>;
  /** What becomes of columns with the same name in cursors made from now on. */
  duplicateColumns: DuplicateColumns;
  /** How long the server has to end what was cancelled, in milliseconds. */
  readonly cancelTimeout: number;
  /** Takes what has arrived while nobody waited; the asynchronous shell needs no such thing. */
  refresh: ((thoroughly: boolean) => void) | null = null;
  #statementTimeout: number | null = null;
  readonly #tracing: ((session: Session) => void) | null;
  #connected: Connected | null = null;
  #info: ConnectionInfo | null = null;
  #context!: ExecuteContext;
  #closedByUser = false;
  #disconnected: AbortController | null = null;

  /** Settles the options of a connection that is about to be made. */
  constructor(options: SessionOptions<Row>) {
    this.adapters = new AdaptersMap(options.adapters ?? globalAdapters);
    registerChoices(this.adapters, options);
    for (const name of CHARACTERISTICS)
      if (options[name] !== undefined) this.transactions.choose(name, options[name]);
    this.transactions.chooseAutocommit(options.autocommit ?? true);
    this.statements = new StatementCache(
      checkThreshold(
        options.prepareThreshold === undefined ? PREPARE_THRESHOLD : options.prepareThreshold,
      ),
      checkMax(options.preparedMax ?? PREPARED_MAX),
    );
    this.statementTimeout = options.statementTimeout ?? null;
    this.cancelTimeout = checkMilliseconds(
      "cancelTimeout",
      options.cancelTimeout ?? CANCEL_TIMEOUT,
    );
    this.#tracing = tracingOf(options.trace);
    this.rowFactory = options.rowFactory ?? (dictRow as RowFactory<unknown> as RowFactory<Row>);
    this.duplicateColumns = checkDuplicates(options.duplicateColumns);
    this.notices = new Handlers("notice", options.noticeHandlers);
    const backlog = checkBacklog(options.notifyBacklog ?? NOTIFY_BACKLOG);
    this.inbox = new Inbox(backlog, options.notifyHandlers);
  }

  /** Makes a session deliver to this connection; done before it receives anything. */
  readonly prepare = (session: Session): void => {
    this.#tracing?.(session);
    session.onNotice = (diag) => this.notices.call(diag);
    session.onNotification = (message) => {
      if (!isWatched(notifyChannel) || !this.#info) return this.inbox.take(message);
      const shell = this.refresh ? "blocking" : "async";
      deliverObserved(this, shell, message, (given) => this.inbox.take(given));
    };
  };

  /** Takes the session that was made. */
  adopt(
    connected: Connected,
    parameters: ConnectionParameters,
    given: () => GivenParameters,
  ): void {
    const { session } = connected;
    const { statements, adapters } = this;
    this.#context = { session, statements, adapters, prologue: this.prologue };
    this.#connected = connected;
    this.#info = new ConnectionInfo(connected, parameters, given);
    session.onEnd = () => {
      for (const ended of this.endWatchers) ended();
      this.inbox.ended();
      if (!this.#closedByUser) this.#disconnected?.abort(session.endReason());
    };
  }

  /** What statements of the connection itself work on; a cursor with adapters of its own differs. */
  contextOf(adapters: AdaptersMap): ExecuteContext {
    if (adapters !== this.adapters) return { ...this.#context, adapters };
    return this.#context;
  }

  /** How the connection was made. */
  get connected(): Connected {
    return this.#connected as Connected;
  }

  /** The session. */
  get session(): Session {
    return this.connected.session;
  }

  /** Information on the connection. */
  get info(): ConnectionInfo {
    return this.#info as ConnectionInfo;
  }

  /** The row factory of one call: its own, or the connection's. */
  factoryOf<R>(options: ExecuteOptions<R> | undefined): RowFactory<R> {
    return options?.rowFactory ?? (this.rowFactory as unknown as RowFactory<R>);
  }

  /** What builds the rows of one call. */
  rowsOf<R>(options: ExecuteOptions<R> | undefined): RowFactory<R> {
    const policy = options?.duplicateColumns ?? this.duplicateColumns;
    return factoryUnder(policy, this.factoryOf(options));
  }

  /** Whether the connection can't be used any more, whoever ended it. */
  get closed(): boolean {
    this.refresh?.(true);
    return this.#closedByUser || this.session.ended;
  }

  /** Whether the connection ended without `close()`. */
  get broken(): boolean {
    this.refresh?.(true);
    return this.session.ended && !this.#closedByUser;
  }

  /** Fires when the connection ends without `close()`; its reason is the error. */
  get disconnected(): AbortSignal {
    if (this.#disconnected === null) {
      this.#disconnected = new AbortController();
      if (this.broken) this.#disconnected.abort(this.session.endReason());
    }
    return this.#disconnected.signal;
  }

  /**
   * Refuses what needs a living session.
   *
   * @throws OperationalError with the reason of the end as its cause.
   */
  checkOpen(): void {
    this.refresh?.(false);
    if (!this.#closedByUser && !this.session.ended) return;
    const reason = this.#closedByUser ? null : this.session.endReason();
    throw new OperationalError(
      reason ? `the connection is closed: ${reason.message}` : "the connection is closed",
      {
        cause: reason ?? undefined,
        code: "ERR_MAHOUT_CONNECTION_CLOSED",
        outcome: "not sent",
      },
    );
  }

  /** The limit of statements whose call names none, in milliseconds; null for no limit. */
  get statementTimeout(): number | null {
    return this.#statementTimeout;
  }

  set statementTimeout(value: number | null) {
    this.#statementTimeout = checkLimit("statementTimeout", value);
  }

  /** The limit of one call, in milliseconds: its own, or the connection's; undefined for none. */
  timeoutOf(options: Limits | undefined): number | undefined {
    const own = options?.timeout;
    if (own === undefined) return this.#statementTimeout ?? undefined;
    return own === Infinity ? undefined : checkMilliseconds("timeout", own);
  }

  /** Refuses a change of settings that the transaction under way would not follow. */
  checkIdle(setting: string): void {
    this.refresh?.(false);
    this.transactions.checkIdle(setting);
  }

  /** Sets after how many executions a statement is prepared. */
  setPrepareThreshold(threshold: number | null): void {
    this.statements.threshold = checkThreshold(threshold);
  }

  /** Sets how many statements are remembered. */
  setPreparedMax(max: number): void {
    this.statements.resize(checkMax(max));
  }

  /** A generator of notifications, but for its waiting. */
  notifyReader(stopAfter: number | undefined): NotifyReader {
    return new NotifyReader(this.inbox, () => this.#endReason(), stopAfter);
  }

  /** Why nothing comes from the server any more, as a fresh error; null while something can. */
  #endReason(): Error | null {
    if (!this.#closedByUser) return this.session.endReason();
    const code = "ERR_MAHOUT_CONNECTION_CLOSED";
    return new OperationalError("the connection was closed", { code });
  }

  /** Says goodbye and closes; whatever runs on the connection fails. */
  *close(): Conversation<void> {
    const { session } = this;
    if (session.ended) {
      this.#closedByUser ||= !this.broken;
      return;
    }
    this.#closedByUser = true;
    this.inbox.ended();
    writeTerminate(session.outbox);
    // A server that runs a statement reads no goodbye before it is done.
    yield { kind: "close", atOnce: session.owedCount > 0 };
    session.end(
      () =>
        new OperationalError("the connection was closed while this was running", {
          code: "ERR_MAHOUT_CONNECTION_CLOSED",
        }),
    );
  }

  /** One line on the state of the connection, without anything secret. */
  summary(kind: string): string {
    if (!this.#connected) return `<${kind} [connecting]>`;
    const { info } = this;
    const state = this.broken ? "broken" : this.closed ? "closed" : info.transactionStatus;
    return `<${kind} [${state}] (user=${info.user} database=${info.dbname} at ${placeOf(this.connected.endpoint)})>`;
  }
}

function checkThreshold(value: number | null): number | null {
  if (value !== null && (!Number.isInteger(value) || value < 0)) {
    throw new ProgrammingError(
      `prepareThreshold must be a whole number or null, not ${String(value)}`,
    );
  }
  return value;
}

function checkMax(value: number): number {
  if (!Number.isInteger(value) || value < 0) {
    throw new ProgrammingError(`preparedMax must be a whole number, not ${String(value)}`);
  }
  return value;
}
