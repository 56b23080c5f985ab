/** What the asynchronous shell takes beyond the core's options. */
import type { ConninfoObject, ConninfoValue } from "../conninfo/dict.ts";
import type { ExecuteManyOptions } from "../core/execute-many.ts";
import type { CopyOptions, StreamOptions } from "../core/copy-options.ts";
import type { ExecuteOptions, Limits, RunOptions, SessionOptions } from "../core/options.ts";
import type { AskingServer, OAuthRequest } from "../core/secrets.ts";
import type { DictRow } from "../rows.ts";
import type { ProbeOptions } from "../transport/probe.ts";

/** Connection parameters as an object; the password may be a function that is called when a server asks for it. */
export interface AsyncConninfoObject extends Omit<ConninfoObject, "password"> {
  readonly password?: ConninfoValue | ((server: AskingServer) => string | Promise<string>);
}

/** Where to connect to: a connection string, an object, or a function that gives one of them for each connection. */
export type AsyncConninfo =
  | string
  | AsyncConninfoObject
  | (() => string | AsyncConninfoObject | Promise<string | AsyncConninfoObject>);

/** Options of {@link AsyncConnection.ping}: libpq's keywords, which win over the string's, and limits. */
export interface AsyncPingOptions extends AsyncConninfoObject {
  /** The longest that it may take, in milliseconds: 30,000 by default. */
  readonly connectTimeout?: number;
  /** Aborts it. */
  readonly signal?: AbortSignal;
}

/** Options of {@link AsyncConnection.connect}: our own, and libpq's keywords, which win over the string's. */
export interface AsyncConnectOptions<Row = DictRow>
  extends SessionOptions<Row>, AsyncConninfoObject {
  /**
   * Gives a bearer token when a server asks for one (OAuth, PostgreSQL 18); it is told who asks, and what the
   * `oauth_...` keywords say.
   */
  readonly oauthToken?: ((request: OAuthRequest) => string | Promise<string>) | null;
  /** Aborts connecting. */
  readonly signal?: AbortSignal;
  /** Asks an idle connection now and then whether the server is still there; off by default. */
  readonly probe?: ProbeOptions | null;
}

/** What ends a wait. */
export interface AsyncLimits extends Limits {
  /** Aborts the call. */
  readonly signal?: AbortSignal | undefined;
}

/** How one statement is run. */
export interface AsyncRunOptions extends RunOptions {
  /** Aborts the statement: it is withdrawn while it waits, and cancelled on the server once it runs. */
  readonly signal?: AbortSignal;
}

/** Options of one execution. */
export interface AsyncExecuteOptions<Row = DictRow> extends ExecuteOptions<Row>, AsyncRunOptions {}

/** Options of a COPY. */
export interface AsyncCopyOptions extends CopyOptions {
  /** Aborts the COPY: it is withdrawn while it waits, and ended on the server once it runs. */
  readonly signal?: AbortSignal;
}

/** Options of a stream. */
export interface AsyncStreamOptions<Row = DictRow> extends StreamOptions<Row> {
  /** Aborts the stream, as {@link AsyncRunOptions.signal} does. */
  readonly signal?: AbortSignal;
}

/** Options of one execution for many items. */
export interface AsyncExecuteManyOptions<Row = DictRow>
  extends ExecuteManyOptions<Row>, AsyncRunOptions {}
