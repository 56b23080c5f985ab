/**
 * What can be said when connecting, executing and fetching, beyond libpq's own keywords.
 *
 * Times are milliseconds. The names are psycopg's in camelCase.
 */
import type { AdaptersMap } from "../adapt/registry.ts";
import type { TlsOptions } from "../conninfo/tls-options.ts";
import type { Diagnostic } from "../errors.ts";
import type { DictRow, DuplicateColumns, RowFactory } from "../rows.ts";
import type { TraceRequest, TraceSink } from "./trace.ts";
import type { Characteristics } from "./characteristics.ts";
import type { TypeOptions } from "./type-options.ts";
import type { NotifyHandler } from "./notify.ts";

/** Called with each notice of the server, as it arrives; what it returns is ignored. */
export type NoticeHandler = (diag: Diagnostic) => unknown;

/** How long a connect may take when nothing else is said, in milliseconds. */
export const CONNECT_TIMEOUT = 30_000;

/** How long a cancelled statement has to end when nothing else is said, in milliseconds. */
export const CANCEL_TIMEOUT = 5_000;

/** A connection's own options. */
export interface SessionOptions<Row = DictRow> extends Characteristics, TypeOptions {
  /** Whether statements outside of blocks are transactions of their own: true by default. */
  readonly autocommit?: boolean;
  /** How rows are built: {@link dictRow} by default. */
  readonly rowFactory?: RowFactory<Row>;
  /**
   * What becomes of columns with the same name where rows are built by names: the last one stays (`"last"`, the
   * default), or fetching is refused (`"error"`).
   */
  readonly duplicateColumns?: DuplicateColumns;
  /** Executions of a statement before it is prepared: 5 by default, 0 at once, null never (for poolers). */
  readonly prepareThreshold?: number | null;
  /** How many statements are remembered and kept prepared: 100 by default. */
  readonly preparedMax?: number;
  /** Adapters to inherit from instead of the global ones. */
  readonly adapters?: AdaptersMap;
  /** Handlers that also see the notices of the connection's start. */
  readonly noticeHandlers?: readonly NoticeHandler[];
  /** Traces from the first message on, where {@link ConnectionBase.trace} begins later. */
  readonly trace?: TraceSink | TraceRequest;
  /** Handlers of notifications, which miss none from the first LISTEN on. */
  readonly notifyHandlers?: readonly NotifyHandler[];
  /** How many notifications are kept while nobody takes them: 10,000 by default; older ones are dropped. */
  readonly notifyBacklog?: number;
  /** What node:tls is given in place of the keywords about certificates; sslmode is verify-full then by default. */
  readonly tls?: TlsOptions | null;
  /** The longest that connecting may take altogether, in milliseconds: 30,000 by default. */
  readonly connectTimeout?: number;
  /**
   * The longest that a statement may take when its call names no `timeout`, in milliseconds; none by default.
   * Statements with a limit travel alone, see {@link RunOptions.timeout}.
   */
  readonly statementTimeout?: number | null;
  /** How long the server has to end what was cancelled, in milliseconds: 5,000 by default. */
  readonly cancelTimeout?: number;
}

/** What bounds a call. */
export interface Limits {
  /** The longest that the call may take, in milliseconds; the connection's `statementTimeout` by default. */
  readonly timeout?: number | undefined;
}

/** How one statement is run. */
export interface RunOptions {
  /** Prepare the statement now (true), not at all (false), or by the connection's policy. */
  readonly prepare?: boolean;
  /** All results in binary (true) or in text (false), or what suits each column. */
  readonly binary?: boolean;
  /**
   * The longest that the call may take, waiting for its turn included, in milliseconds; the statement is
   * cancelled on the server then. The connection's `statementTimeout` by default; Infinity for no limit.
   */
  readonly timeout?: number;
}

/** Options of one execution. */
export interface ExecuteOptions<Row = DictRow> extends RunOptions {
  /** How rows are built; the cursor's or connection's by default. */
  readonly rowFactory?: RowFactory<Row>;
  /** What becomes of columns with the same name; the cursor's or connection's way by default. */
  readonly duplicateColumns?: DuplicateColumns;
}
