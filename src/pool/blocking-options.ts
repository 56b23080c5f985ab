/**
 * What can be said when a blocking pool is made: all that is not about waiting.
 */
import type { Connection } from "../blocking/connection.ts";
import type { ConnectOptions } from "../blocking/options.ts";
import type { BlockingConnectionClass } from "./blocking-loan.ts";
import { checkHooks } from "./options.ts";
import type { PoolReset } from "./options.ts";
import type { PoolPolicy } from "./settings.ts";

/** Options of a blocking pool: those of {@link ConnectionPool} that are not about waiting. */
export interface BlockingPoolOptions<
  Row,
  Conn extends Connection<Row> = Connection<Row>,
> extends Pick<
  PoolPolicy,
  "minSize" | "maxSize" | "maxLifetime" | "maxIdle" | "checkTimeout" | "name"
> {
  /** Options of its connections: those of `Connection.connect()`, libpq's keywords among them. */
  readonly connect?: ConnectOptions<Row>;
  /** Called with each new connection, which it must leave idle. */
  readonly configure?: (conn: Conn) => unknown;
  /** Called before each loan; when it throws, the connection is replaced. */
  readonly check?: (conn: Conn) => unknown;
  /** What is done with a connection that comes back; "none" by default. */
  readonly reset?: PoolReset<Conn>;
  /** Whether `close()` of a lent connection returns it; false by default. */
  readonly closeReturns?: boolean;
  /** The class of the connections that are lent. */
  readonly connectionClass?: BlockingConnectionClass<Row, Conn>;
}

const OPTIONS = (
  "minSize maxSize maxLifetime maxIdle checkTimeout name " +
  "connect configure check reset closeReturns connectionClass"
).split(" ");

/**
 * Refuses what no blocking pool knows.
 *
 * @throws ProgrammingError naming it.
 */
export function checkBlockingOptions(options: object): void {
  checkHooks(options, OPTIONS);
}
