/** Cancelling for the blocking shell: a second connection of the same worker, for one message. */
import { cancel, isUnconfirmed } from "../protocol/cancel.ts";
import { Session } from "../protocol/session.ts";
import { BlockingTransport } from "./blocking.ts";
import { connectDeadline } from "./deadlines.ts";
import type { CancelTarget } from "./limits.ts";
import { unconfirmed } from "./limits.ts";

/**
 * Sends a cancel request for whatever the session runs, over a connection made like its own.
 *
 * @throws ConnectionTimeout when the request can't be made in time; CancellationTimeout when it was made but
 * not confirmed, and then gives the connection up.
 */
export function cancelBlocking(target: CancelTarget, transport: BlockingTransport): void {
  const { parameters, session, route, timeout } = target;
  if (session.ended || session.cancelKey === null) return;
  const request = cancel(new Session(), route, session.backendPid, session.cancelKey);
  try {
    new BlockingTransport(parameters).run(request, connectDeadline(timeout));
  } catch (error) {
    if (isUnconfirmed(error)) transport.destroy(unconfirmed(error));
    throw error;
  }
}
