/**
 * A pool that keeps nothing: for programs behind a pooler, or on serverless platforms.
 *
 * It is a pool in everything but that: it bounds how many connections there are, has requests wait in a
 * queue, and gives a connection that comes back to who waits. When nobody does, it is closed.
 */
import type { AsyncConnection } from "../async/connection.ts";
import type { Conninfo } from "../conninfo/dict.ts";
import { ProgrammingError } from "../errors.ts";
import type { DictRow } from "../rows.ts";
import type { PoolOptions } from "./options.ts";
import { ConnectionPool } from "./pool.ts";
import type { PoolPolicy } from "./settings.ts";

/** Connections that are made when they are asked for, and closed when nobody waits for them. */
export class NullConnectionPool<
  Row = DictRow,
  Conn extends AsyncConnection<Row> = AsyncConnection<Row>,
> extends ConnectionPool<Row, Conn> {
  /**
   * Makes a pool; as {@link ConnectionPool}, but `minSize` is 0 and `maxSize` has no limit by default.
   *
   * @throws ProgrammingError for options that make no sense.
   */
  constructor(
    conninfo?: Conninfo | (() => Conninfo | Promise<Conninfo>),
    options: PoolOptions<Row, Conn> = {},
  ) {
    for (const name of ["minSize", "maxIdle"] as const) {
      if ((options[name] ?? 0) !== 0)
        throw new ProgrammingError(`${name} of a NullConnectionPool is 0: it keeps nothing`);
    }
    super(conninfo, options);
  }

  protected override defaults(): PoolPolicy {
    return { minSize: 0, maxSize: Infinity, maxIdle: 0 };
  }
}
