/**
 * What both shells' connections share: the session, its settings, its state, its notices.
 *
 * A shell adds how to wait. Everything that can be said without waiting, and every rule about what may be
 * done in which state, is here.
 */
import { globalAdapters } from "../adapt/builtins.ts";
import { AdaptersMap } from "../adapt/registry.ts";
import { int8AsNumber, int8AsString } from "../adapt/types/integer.ts";
import type { ConnectionParameters } from "../conninfo/parameters.ts";
import type { Diagnostic } from "../errors.ts";
import { MahoutWarning, OperationalError, ProgrammingError } from "../errors.ts";
import type { Conversation } from "../protocol/effects.ts";
import { writeTerminate } from "../protocol/encode.ts";
import type { Session } from "../protocol/session.ts";
import type { DictRow, RowFactory } from "../rows.ts";
import { dictRow } from "../rows.ts";
import type { Connected } from "./connect.ts";
import { placeOf } from "./connect.ts";
import type { ExecuteContext } from "./extended.ts";
import type { GivenParameters } from "./info.ts";
import { ConnectionInfo } from "./info.ts";
import type { ExecuteOptions, NoticeHandler, SessionOptions } from "./options.ts";
import { StatementCache } from "./statements.ts";

const PREPARE_THRESHOLD = 5;
const PREPARED_MAX = 100;

/** State and immediate operations of a connection. */
export class ConnectionCore<Row = DictRow> {
  /** The connection's layer of the registry: a copy of the global one when it connected. */
  readonly adapters: AdaptersMap;
  /** What the connection remembers of statements. */
  readonly statements: StatementCache;
  /** How rows are built by cursors made from now on. */
  rowFactory: RowFactory<Row>;
  /** Takes what has arrived while nobody waited; the asynchronous shell needs no such thing. */
  refresh: ((thoroughly: boolean) => void) | null = null;
  readonly #noticeHandlers: NoticeHandler[];
  #connected: Connected | null = null;
  #info: ConnectionInfo | null = null;
  #context!: ExecuteContext;
  #closedByUser = false;
  #disconnected: AbortController | null = null;

  /** Settles the options of a connection that is about to be made. */
  constructor(options: SessionOptions<Row>) {
    this.adapters = new AdaptersMap(options.adapters ?? globalAdapters);
    if (options.int8 === "number") this.adapters.register(int8AsNumber);
    if (options.int8 === "string") this.adapters.register(int8AsString);
    this.statements = new StatementCache(
      checkThreshold(
        options.prepareThreshold === undefined ? PREPARE_THRESHOLD : options.prepareThreshold,
      ),
      checkMax(options.preparedMax ?? PREPARED_MAX),
    );
    this.rowFactory = options.rowFactory ?? (dictRow as RowFactory<unknown> as RowFactory<Row>);
    this.#noticeHandlers = [...(options.noticeHandlers ?? [])];
  }

  /** Makes a session deliver to this connection; done before it receives anything. */
  readonly prepare = (session: Session): void => {
    session.onNotice = (diag) => this.#notice(diag);
  };

  /** Takes the session that was made. */
  adopt(
    connected: Connected,
    parameters: ConnectionParameters,
    given: () => GivenParameters,
  ): void {
    const { session } = connected;
    const { statements, adapters } = this;
    this.#context = { session, statements, adapters };
    this.#connected = connected;
    this.#info = new ConnectionInfo(connected, parameters, given);
    session.onEnd = () => {
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
      },
    );
  }

  /** Sets after how many executions a statement is prepared. */
  setPrepareThreshold(threshold: number | null): void {
    this.statements.threshold = checkThreshold(threshold);
  }

  /** Sets how many statements are remembered. */
  setPreparedMax(max: number): void {
    this.statements.resize(checkMax(max));
  }

  /** Says goodbye and closes; whatever runs on the connection fails. */
  *close(): Conversation<void> {
    const { session } = this;
    if (session.ended) {
      this.#closedByUser ||= !this.broken;
      return;
    }
    this.#closedByUser = true;
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

  /** Has `handler` called with each notice. */
  addNoticeHandler(handler: NoticeHandler): void {
    if (typeof handler !== "function") throw new TypeError("a notice handler must be a function");
    this.#noticeHandlers.push(handler);
  }

  /**
   * Has `handler` not called any more.
   *
   * @throws ProgrammingError when it was not added.
   */
  removeNoticeHandler(handler: NoticeHandler): void {
    const index = this.#noticeHandlers.indexOf(handler);
    if (index < 0)
      throw new ProgrammingError("this notice handler was not added to the connection");
    this.#noticeHandlers.splice(index, 1);
  }

  /** Each handler sees each notice; one that throws is reported and disturbs neither others nor the statement. */
  #notice(diag: Diagnostic): void {
    // A handler may remove itself, or add others: that is for the next notice.
    const handlers = this.#noticeHandlers.slice();
    for (const handler of handlers) {
      try {
        const returned = handler(diag) as
          { then?: (done: null, failed: typeof report) => void } | null | undefined;
        // An asynchronous handler fails later; nobody else would hear of it.
        if (typeof returned?.then === "function") returned.then(null, report);
      } catch (error) {
        report(error);
      }
    }
  }

  /** One line on the state of the connection, without anything secret. */
  summary(kind: string): string {
    if (!this.#connected) return `<${kind} [connecting]>`;
    const { info } = this;
    const state = this.broken ? "broken" : this.closed ? "closed" : info.transactionStatus;
    return `<${kind} [${state}] (user=${info.user} database=${info.dbname} at ${placeOf(this.connected.endpoint)})>`;
  }
}

/** Tells of a handler that failed, which is nobody's but the handler's fault. */
function report(error: unknown): void {
  const [shown, detail] = describeThrown(error);
  process.emitWarning(`a notice handler threw: ${shown}`, {
    type: MahoutWarning,
    code: "MAHOUT_NOTICE_HANDLER",
    detail,
  });
}

/** What can be told of anything that was thrown: in short, and where it came from. */
function describeThrown(error: unknown): [shown: string, detail: string] {
  try {
    const stack: unknown = (error as { stack?: unknown } | null | undefined)?.stack;
    return [String(error), typeof stack === "string" ? stack : ""];
  } catch {
    return ["a value that cannot be shown", ""];
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
