/**
 * Making an asynchronous connection: one deadline and one signal for all that it takes.
 */
import type { Conninfo } from "../conninfo/dict.ts";
import { connectChannel, connectContext, tellConnected } from "../core/channels.ts";
import { ConnectionCore } from "../core/connection.ts";
import { connect } from "../core/connect.ts";
import { recapture } from "../core/recapture.ts";
import { targetOf } from "../core/target.ts";
import { ConnectionTimeout, OperationalError } from "../errors.ts";
import { drive } from "../transport/job.ts";
import { checkProbe } from "../transport/probe.ts";
import { SocketTransport } from "../transport/socket.ts";
import { AsyncDriver } from "./driver.ts";
import { observed } from "./observed.ts";
import type { AsyncConnectOptions } from "./options.ts";

/** What a connection consists of. */
export interface Opened<Row> {
  readonly core: ConnectionCore<Row>;
  readonly driver: AsyncDriver;
}

/** Connects to a server; see {@link AsyncConnection.connect}. */
export async function openConnection<Row>(
  conninfo: Conninfo | undefined,
  options: AsyncConnectOptions<Row> | undefined,
): Promise<Opened<Row>> {
  const { parameters, given, timeout } = targetOf(conninfo, options as AsyncConnectOptions<never>);
  const core = new ConnectionCore<Row>(options ?? {});
  const probing = checkProbe(options?.probe);
  const transport = new SocketTransport(parameters);
  const signal = options?.signal;
  const onAbort = (): void => transport.destroy(() => abortedBy(signal));
  const timer = setTimeout(
    () =>
      transport.destroy(() => new ConnectionTimeout(`connecting took longer than ${timeout} ms`)),
    timeout,
  );
  try {
    if (signal?.aborted) throw abortedBy(signal);
    signal?.addEventListener("abort", onAbort, { once: true });
    const connected = await observed(
      connectChannel,
      () => connectContext(core, "async", parameters),
      () => drive(connect(parameters, core.prepare), transport),
      tellConnected,
    );
    transport.established();
    core.adopt(connected, parameters, given);
    const { session, route } = connected;
    const target = { parameters, session, route, timeout: core.cancelTimeout };
    const driver = new AsyncDriver(core as ConnectionCore<unknown>, transport, target);
    driver.startProbe(probing);
    return { core, driver };
  } catch (error) {
    throw recapture(error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

function abortedBy(signal: AbortSignal | undefined): OperationalError {
  return new OperationalError("connecting was aborted by its signal", {
    cause: signal?.reason,
    code: "ERR_MAHOUT_ABORTED",
  });
}
