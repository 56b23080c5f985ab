/**
 * Making a blocking connection: one deadline for all that it takes.
 */
import type { TlsOptions } from "../conninfo/tls-options.ts";
import { connectChannel, connectContext, tellConnected } from "../core/channels.ts";
import { ConnectionCore } from "../core/connection.ts";
import { connect } from "../core/connect.ts";
import type { PingResult } from "../core/ping.ts";
import { ping } from "../core/ping.ts";
import { recapture } from "../core/recapture.ts";
import { targetOf, timeoutOf } from "../core/target.ts";
import type { TypeMemory } from "../core/type-learning.ts";
import { learnTypes } from "../core/type-learning.ts";
import { ProgrammingError } from "../errors.ts";
import { BlockingTransport } from "../transport/blocking.ts";
import { connectDeadline } from "../transport/deadlines.ts";
import { Driver, refuseConnectSignal } from "./driver.ts";
import { observed } from "./observed.ts";
import type { BlockingConninfo, ConnectOptions, PingOptions } from "./options.ts";

/** What a connection consists of. */
export interface Opened<Row> {
  readonly core: ConnectionCore<Row>;
  readonly driver: Driver;
}

/** Connects to a server; see {@link Connection.connect}. A pool's connections share a memory of types. */
export function openConnection<Row>(
  conninfo: BlockingConninfo | undefined,
  options: ConnectOptions<Row> | undefined,
  memory: TypeMemory | null = null,
): Opened<Row> {
  refuseConnectSignal(options);
  refuseOwnThread(options?.tls);
  const deadline = connectDeadline(timeoutOf(options));
  const { parameters, given, secrets, fetchesTypes } = targetOf(saidBy(conninfo), options);
  const core = new ConnectionCore<Row>(options ?? {});
  const transport = new BlockingTransport(parameters);
  try {
    const connected = observed(
      connectChannel,
      () => connectContext(core, "blocking", parameters),
      () => {
        const made = transport.run(connect(parameters, core.prepare, secrets), deadline);
        transport.established();
        const learning = { core, parameters, memory };
        if (fetchesTypes) transport.run(learnTypes(made, learning), deadline);
        return made;
      },
      tellConnected,
    );
    core.adopt(connected, parameters, given);
    const { session, route } = connected;
    const target = { parameters, session, route, timeout: core.cancelTimeout };
    return { core, driver: new Driver(core as ConnectionCore<unknown>, transport, target) };
  } catch (error) {
    throw recapture(error);
  }
}

/** Asks whether a server accepts connections; see {@link Connection.ping}. */
export function pingServer(
  conninfo: BlockingConninfo | undefined,
  options: PingOptions | undefined,
): PingResult {
  refuseConnectSignal(options);
  const deadline = connectDeadline(timeoutOf(options));
  const { parameters } = targetOf(saidBy(conninfo), options);
  try {
    return new BlockingTransport(parameters).run(ping(parameters), deadline);
  } catch (error) {
    throw recapture(error);
  }
}

/** Refuses what can't be given to the thread that has the sockets. */
function refuseOwnThread(tls: TlsOptions | null | undefined): void {
  for (const name of ["secureContext", "checkServerIdentity"] as const) {
    if (tls?.[name] === undefined) continue;
    throw new ProgrammingError(
      `tls.${name} can't be given to another thread, which a blocking connection needs; give ca, cert and key`,
    );
  }
}

function saidBy(
  conninfo: BlockingConninfo | undefined,
): Exclude<BlockingConninfo, () => unknown> | undefined {
  return typeof conninfo === "function" ? conninfo() : conninfo;
}
