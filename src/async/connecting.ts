/**
 * Making an asynchronous connection: one deadline and one signal for all that it takes.
 */
import { connectChannel, connectContext, tellConnected } from "../core/channels.ts";
import { ConnectionCore } from "../core/connection.ts";
import { connect } from "../core/connect.ts";
import type { PingResult } from "../core/ping.ts";
import { ping } from "../core/ping.ts";
import { recapture } from "../core/recapture.ts";
import { targetOf, timeoutOf } from "../core/target.ts";
import type { TypeMemory } from "../core/type-learning.ts";
import { learnTypes } from "../core/type-learning.ts";
import { ConnectionTimeout, OperationalError } from "../errors.ts";
import type { ErrorMaker } from "../protocol/session.ts";
import { drive } from "../transport/job.ts";
import { checkProbe } from "../transport/probe.ts";
import { SocketTransport } from "../transport/socket.ts";
import { AsyncDriver } from "./driver.ts";
import { observed } from "./observed.ts";
import type { AsyncConninfo, AsyncConnectOptions, AsyncPingOptions } from "./options.ts";

/** What a connection consists of. */
export interface Opened<Row> {
  readonly core: ConnectionCore<Row>;
  readonly driver: AsyncDriver;
}

/** Connects to a server; see {@link AsyncConnection.connect}. A pool's connections share a memory of types. */
export async function openConnection<Row>(
  conninfo: AsyncConninfo | undefined,
  options: AsyncConnectOptions<Row> | undefined,
  memory: TypeMemory | null = null,
): Promise<Opened<Row>> {
  const probing = checkProbe(options?.probe);
  return await bounded(options, async (limit) => {
    const said = await limit.wait(conninfo);
    const { parameters, given, secrets, fetchesTypes } = targetOf(said, options);
    const core = new ConnectionCore<Row>(options ?? {});
    const transport = new SocketTransport(parameters);
    limit.onStop = (reason) => transport.destroy(reason);
    const connected = await observed(
      connectChannel,
      () => connectContext(core, "async", parameters),
      async () => {
        const made = await drive(connect(parameters, core.prepare, secrets), transport);
        transport.established();
        const learning = { core, parameters, memory };
        if (fetchesTypes) await drive(learnTypes(made, learning), transport);
        return made;
      },
      tellConnected,
    );
    core.adopt(connected, parameters, given);
    const { session, route } = connected;
    const target = { parameters, session, route, timeout: core.cancelTimeout };
    const driver = new AsyncDriver(core as ConnectionCore<unknown>, transport, target);
    driver.startProbe(probing);
    return { core, driver };
  });
}

/** Asks whether a server accepts connections; see {@link AsyncConnection.ping}. */
export async function pingServer(
  conninfo: AsyncConninfo | undefined,
  options: AsyncPingOptions | undefined,
): Promise<PingResult> {
  return await bounded(options, async (limit) => {
    const { parameters } = targetOf(await limit.wait(conninfo), options);
    const transport = new SocketTransport(parameters);
    limit.onStop = (reason) => transport.destroy(reason);
    return await drive(ping(parameters), transport);
  });
}

/** Runs something that a deadline or a signal may end. */
async function bounded<T>(
  options: { readonly connectTimeout?: number; readonly signal?: AbortSignal } | undefined,
  run: (limit: Limit) => Promise<T>,
): Promise<T> {
  const timeout = timeoutOf(options);
  const signal = options?.signal;
  const limit = new Limit();
  const onAbort = (): void => limit.stop(() => abortedBy(signal));
  const timer = setTimeout(
    () => limit.stop(() => new ConnectionTimeout(`connecting took longer than ${timeout} ms`)),
    timeout,
  );
  try {
    if (signal?.aborted) throw abortedBy(signal);
    signal?.addEventListener("abort", onAbort, { once: true });
    return await run(limit);
  } catch (error) {
    throw recapture(error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

/** What a deadline or a signal ends, whatever is waited for just then. */
class Limit {
  /** Told when the time is up. */
  onStop: ((reason: ErrorMaker) => void) | null = null;

  /** Ends what is waited for. */
  stop(reason: ErrorMaker): void {
    this.onStop?.(reason);
  }

  /** Waits for what a program's function gives; what is no function is given back. */
  async wait<T>(source: T | (() => T | Promise<T>)): Promise<T> {
    if (typeof source !== "function") return source;
    return await new Promise<T>((resolve, reject) => {
      this.onStop = (reason) => reject(reason());
      const asking = async (): Promise<T> => await (source as () => T | Promise<T>)();
      asking().then(resolve, reject);
    });
  }
}

function abortedBy(signal: AbortSignal | undefined): OperationalError {
  return new OperationalError("connecting was aborted by its signal", {
    cause: signal?.reason,
    code: "ERR_MAHOUT_ABORTED",
  });
}
