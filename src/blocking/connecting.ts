/**
 * Making a blocking connection: one deadline for all that it takes.
 */
import type { Conninfo } from "../conninfo/dict.ts";
import { connectChannel, connectContext, tellConnected } from "../core/channels.ts";
import { ConnectionCore } from "../core/connection.ts";
import { connect } from "../core/connect.ts";
import { recapture } from "../core/recapture.ts";
import { targetOf } from "../core/target.ts";
import { BlockingTransport } from "../transport/blocking.ts";
import { connectDeadline } from "../transport/deadlines.ts";
import { Driver, refuseSignal } from "./driver.ts";
import { observed } from "./observed.ts";
import type { ConnectOptions } from "./options.ts";

/** What a connection consists of. */
export interface Opened<Row> {
  readonly core: ConnectionCore<Row>;
  readonly driver: Driver;
}

/** Connects to a server; see {@link Connection.connect}. */
export function openConnection<Row>(
  conninfo: Conninfo | undefined,
  options: ConnectOptions<Row> | undefined,
): Opened<Row> {
  refuseSignal(options);
  const { parameters, given, timeout } = targetOf(conninfo, options as ConnectOptions<never>);
  const core = new ConnectionCore<Row>(options ?? {});
  const transport = new BlockingTransport(parameters);
  try {
    const connected = observed(
      connectChannel,
      () => connectContext(core, "blocking", parameters),
      () => transport.run(connect(parameters, core.prepare), connectDeadline(timeout)),
      tellConnected,
    );
    transport.established();
    core.adopt(connected, parameters, given);
    const { session, route } = connected;
    const target = { parameters, session, route, timeout: core.cancelTimeout };
    return { core, driver: new Driver(core as ConnectionCore<unknown>, transport, target) };
  } catch (error) {
    throw recapture(error);
  }
}
