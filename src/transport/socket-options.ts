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

/** What one read takes at most. */
const READ_SIZE = 64 * 1024;
let shared: Buffer | null = null;

/** What all plain sockets of the thread read into: what is read is consumed before the next read begins. */
export function readBuffer(): Buffer {
  return (shared ??= Buffer.allocUnsafeSlow(READ_SIZE));
}
