/** What the blocking shell takes: the core's options, and libpq's keywords. */
import type { ConninfoObject, ConninfoValue } from "../conninfo/dict.ts";
import type { SessionOptions } from "../core/options.ts";
import type { AskingServer, OAuthRequest } from "../core/secrets.ts";
import type { DictRow } from "../rows.ts";

/** Connection parameters as an object; the password may be a function that is called when a server asks for it. */
export interface BlockingConninfoObject extends Omit<ConninfoObject, "password"> {
  readonly password?: ConninfoValue | ((server: AskingServer) => string);
}

/** Where to connect to: a connection string, an object, or a function that gives one of them for each connection. */
export type BlockingConninfo =
  string | BlockingConninfoObject | (() => string | BlockingConninfoObject);

/** Options of {@link Connection.ping}: libpq's keywords, which win over the string's, and a limit. */
export interface PingOptions extends BlockingConninfoObject {
  /** The longest that it may take, in milliseconds: 30,000 by default. */
  readonly connectTimeout?: number;
}

/** Options of {@link Connection.connect}: our own, and libpq's keywords, which win over the string's. */
export interface ConnectOptions<Row = DictRow> extends SessionOptions<Row>, BlockingConninfoObject {
  /**
   * Gives a bearer token when a server asks for one (OAuth, PostgreSQL 18); it is told who asks, and what the
   * `oauth_...` keywords say.
   */
  readonly oauthToken?: ((request: OAuthRequest) => string) | null;
}
