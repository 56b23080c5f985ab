/**
 * What can be said when connecting, executing and fetching, beyond libpq's own keywords.
 *
 * Times are milliseconds. The names are psycopg's in camelCase.
 */
import type { AdaptersMap } from "../adapt/registry.ts";
import type { Diagnostic } from "../errors.ts";
import type { DictRow, RowFactory } from "../rows.ts";

/** Called with each notice of the server, as it arrives; what it returns is ignored. */
export type NoticeHandler = (diag: Diagnostic) => unknown;

/** How long a connect may take when nothing else is said, in milliseconds. */
export const CONNECT_TIMEOUT = 30_000;

/** A connection's own options. */
export interface SessionOptions<Row = DictRow> {
  /** How rows are built: {@link dictRow} by default. */
  readonly rowFactory?: RowFactory<Row>;
  /** Executions of a statement before it is prepared: 5 by default, 0 at once, null never (for poolers). */
  readonly prepareThreshold?: number | null;
  /** How many statements are remembered and kept prepared: 100 by default. */
  readonly preparedMax?: number;
  /** What int8 is read as: `bigint` by default; `number` raises on values that a number can't hold. */
  readonly int8?: "bigint" | "number" | "string";
  /** Adapters to inherit from instead of the global ones. */
  readonly adapters?: AdaptersMap;
  /** Handlers that also see the notices of the connection's start. */
  readonly noticeHandlers?: readonly NoticeHandler[];
  /** The longest that connecting may take altogether, in milliseconds: 30,000 by default. */
  readonly connectTimeout?: number;
}

/** How one statement is run. */
export interface RunOptions {
  /** Prepare the statement now (true), not at all (false), or by the connection's policy. */
  readonly prepare?: boolean;
  /** All results in binary (true) or in text (false), or what suits each column. */
  readonly binary?: boolean;
  /** The longest that the statement may take, in milliseconds; it is cancelled on the server then. */
  readonly timeout?: number;
}

/** Options of one execution. */
export interface ExecuteOptions<Row = DictRow> extends RunOptions {
  /** How rows are built; the cursor's or connection's by default. */
  readonly rowFactory?: RowFactory<Row>;
}
