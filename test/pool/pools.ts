// Pools of tests: each with sessions under a name of its own, closed when the test ends, so that a test
// can ask the server what a pool has left there.

import { afterEach } from "@jest/globals";
import { type AsyncConnection, ConnectionPool, type DictRow } from "../../src/index.ts";
import type { PoolOptions } from "../../src/index.ts";
import type { ServerAddress } from "../support/address.ts";
import { defaultServer } from "../support/default-server.ts";
import { newApplicationName, untilGone } from "../support/sessions.ts";
import { eventually } from "../support/shells.ts";

/** Options of a pool of connections with dictionaries as rows. */
export type Options = PoolOptions<DictRow, AsyncConnection<DictRow>>;

interface Opened {
  readonly pool: { close(timeout?: number): Promise<void> };
  readonly server: ServerAddress;
  readonly applicationName: string;
}

const opened: Opened[] = [];

/** A pool on the shared server, or another one. */
export function newPool(
  options: Options = {},
  server: ServerAddress = defaultServer(),
): ConnectionPool {
  return newPoolOf(ConnectionPool, options, server);
}

/** A pool of a class, on the shared server or another one. */
export function newPoolOf(
  Pool: typeof ConnectionPool,
  options: Options = {},
  server: ServerAddress = defaultServer(),
): ConnectionPool {
  const applicationName = newApplicationName();
  const pool = new Pool(server.conninfo({ application_name: applicationName }), options);
  opened.push({ pool, server, applicationName });
  return pool;
}

afterEach(async () => {
  const all = opened.splice(0);
  await Promise.all(all.map(({ pool }) => pool.close(0)));
  // A server that a test has stopped by now has no sessions either.
  await Promise.all(
    all.map(({ server, applicationName }) => untilGone(server, applicationName).catch(() => {})),
  );
});

/** The server process of a lent connection. */
export async function pidOf(pool: ConnectionPool): Promise<number> {
  return await pool.connection((conn) => conn.info.backendPid);
}

/** Waits until the pool has so many connections, none of them being made or closed. */
export async function untilSize(pool: ConnectionPool, size: number): Promise<void> {
  await eventually(() => {
    const { poolSize, poolConnecting, poolClosing } = pool.getStats();
    return poolSize === size && poolConnecting === 0 && poolClosing === 0;
  });
}

/** A promise with its handles, for facts that a test brings about. */
export function newGate<T = void>(): { open: (value: T) => void; passed: Promise<T> } {
  let open!: (value: T) => void;
  const passed = new Promise<T>((resolve) => (open = resolve));
  return { open, passed };
}
