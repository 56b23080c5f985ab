/**
 * Listening over a connection of a pool, for a connector that was opened with a pool and not told where the database is.
 *
 * A Listener needs to know that; a pool does. One of its connections is kept for as long as somebody listens, and replaced when it is lost.
 */
import type { AsyncConnection } from "../../async/connection.ts";
import type { ConnectionPool } from "../../pool/pool.ts";
import { quoteIdentifier } from "../../sql/identifier.ts";
import type { Ears } from "../connector.ts";
import type { Wake } from "../operations.ts";
import type { SqlStorage } from "../statement.ts";

/** The pause before a lost connection is replaced, in milliseconds. */
const PAUSE = 500;
/** How long the server may take to begin or end it: one that is frozen must not hold up the end of a worker. */
const PATIENCE = 5_000;

/** Listens over a pool. */
export class PoolEars implements Ears {
  readonly #pool: ConnectionPool;
  readonly #storage: SqlStorage;
  readonly #hear: (wake: Wake) => void;
  readonly #ending = new AbortController();
  #conn: AsyncConnection | null = null;

  constructor(pool: ConnectionPool, storage: SqlStorage, hear: (wake: Wake) => void) {
    this.#pool = pool;
    this.#storage = storage;
    this.#hear = hear;
  }

  /**
   * Listens from now on.
   *
   * @throws as `ConnectionPool.getConn()` does.
   */
  async open(signal: AbortSignal): Promise<this> {
    await this.#listen(signal);
    return this;
  }

  async #listen(signal: AbortSignal): Promise<void> {
    const conn = await this.#pool.getConn({ signal });
    try {
      conn.addNotifyHandler(this.#take);
      await conn.execute(`LISTEN ${quoteIdentifier(this.#storage.channel)}`, [], {
        signal,
        timeout: PATIENCE,
      });
    } catch (error) {
      await this.#putBack(conn);
      throw error;
    }
    this.#conn = conn;
    conn.disconnected.addEventListener("abort", this.#miss, { once: true });
    if (conn.disconnected.aborted) this.#miss();
    if (this.#ending.signal.aborted) await this.close();
  }

  readonly #miss = (): void => {
    if (this.#conn !== null) void this.#lost(this.#conn);
  };

  readonly #take = ({ channel, payload }: { channel: string; payload: string }): void => {
    const wake = channel === this.#storage.channel ? this.#storage.readWake(payload) : null;
    if (wake !== null) this.#hear(wake);
  };

  async #lost(conn: AsyncConnection): Promise<void> {
    const { signal } = this.#ending;
    this.#conn = null;
    this.#hear({ type: "deaf", reason: conn.disconnected.reason as Error });
    await this.#putBack(conn);
    while (!signal.aborted) {
      try {
        await pause(signal);
        await this.#listen(signal);
        this.#hear({ type: "gap" });
        return;
      } catch {
        // The server is away still, or it is over.
      }
    }
  }

  async #putBack(conn: AsyncConnection): Promise<void> {
    try {
      conn.removeNotifyHandler(this.#take);
      // It goes to others now: what becomes of it is theirs.
      conn.disconnected.removeEventListener("abort", this.#miss);
      if (!conn.closed)
        await conn.execute(`UNLISTEN ${quoteIdentifier(this.#storage.channel)}`, [], {
          timeout: PATIENCE,
        });
    } catch {
      // It is replaced then.
    }
    await this.#pool.putConn(conn).catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#ending.abort();
    const conn = this.#conn;
    this.#conn = null;
    if (conn !== null) await this.#putBack(conn);
  }
}

/** Lets some time pass, less when it is over. */
function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, PAUSE);
    signal.addEventListener("abort", end);
  });
}
