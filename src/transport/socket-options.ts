/**
 * How a socket is opened: where to, without delay for small writes, and with keepalive as it was asked for.
 */
import type { NetConnectOpts } from "node:net";
import type { ConnectionParameters } from "../conninfo/parameters.ts";
import type { Address } from "../protocol/effects.ts";

/** Options of `net.connect()`, as plain data. */
export function socketOptions(
  { keepalives, keepalivesIdleMs }: ConnectionParameters,
  { host, port, path }: Address,
): NetConnectOpts {
  return {
    ...(path === null ? { host: host ?? "", port } : { path }),
    noDelay: true,
    keepAlive: keepalives,
    ...(keepalivesIdleMs === null ? {} : { keepAliveInitialDelay: keepalivesIdleMs }),
  };
}
