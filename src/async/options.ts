/** What the asynchronous shell takes beyond the core's options. */
import type { ConninfoObject } from "../conninfo/dict.ts";
import type { ExecuteOptions, RunOptions, SessionOptions } from "../core/options.ts";
import type { DictRow } from "../rows.ts";

/** Options of {@link AsyncConnection.connect}: our own, and libpq's keywords, which win over the string's. */
export interface AsyncConnectOptions<Row = DictRow> extends SessionOptions<Row>, ConninfoObject {
  /** Aborts connecting. */
  readonly signal?: AbortSignal;
}

/** How one statement is run. */
export interface AsyncRunOptions extends RunOptions {
  /** Aborts the statement: it is withdrawn while it waits, and cancelled on the server once it runs. */
  readonly signal?: AbortSignal;
}

/** Options of one execution. */
export interface AsyncExecuteOptions<Row = DictRow> extends ExecuteOptions<Row>, AsyncRunOptions {}
