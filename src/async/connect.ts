/**
 * The asynchronous shell's front door as plain functions.
 */
import type { PingResult } from "../core/ping.ts";
import type { DictRow } from "../rows.ts";
import { AsyncConnection } from "./connection.ts";
import type { AsyncConninfo, AsyncConnectOptions, AsyncPingOptions } from "./options.ts";

/** Connects to a server; the same as {@link AsyncConnection.connect}. */
export function connect<Row = DictRow>(
  conninfo?: AsyncConninfo,
  options?: AsyncConnectOptions<Row>,
): Promise<AsyncConnection<Row>> {
  return AsyncConnection.connect(conninfo, options);
}

/** Asks whether a server accepts connections; the same as {@link AsyncConnection.ping}. */
export function ping(conninfo?: AsyncConninfo, options?: AsyncPingOptions): Promise<PingResult> {
  return AsyncConnection.ping(conninfo, options);
}
