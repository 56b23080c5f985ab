/**
 * Cancelling from another thread what a blocking connection runs.
 *
 * The thread of the connection sleeps while its statement runs, so somebody else has to ask. What is needed
 * for that fits into a message to a worker: where the server is, the key of the session, and a word in the
 * connection's shared memory. The word says that a request is under way; the connection begins nothing
 * before that has settled, so the request can't hit a statement that it was not meant for.
 */
import type { ConnectionParameters } from "../conninfo/parameters.ts";
import { CancellationTimeout } from "../errors.ts";
import { isUnconfirmed } from "../protocol/cancel.ts";
import { Session } from "../protocol/session.ts";
import type { Route } from "../protocol/startup.ts";
import type { CancelTarget } from "./limits.ts";
import { sendCancel } from "./limits.ts";
import { CANCEL_LOST, Word, WORDS } from "./mailbox.ts";

const NO_OAUTH = { issuer: null, clientId: null, clientSecret: null, scope: null };

/** How long a request is waited for, in milliseconds: the thread that makes it may be gone. */
const LONGEST = 30_000;

/** What another thread needs to cancel the statement of a blocking connection; it can be sent to a worker. */
export interface CancelHandle {
  /** @internal */
  readonly memory: SharedArrayBuffer;
  /** @internal */
  readonly parameters: ConnectionParameters;
  /** @internal */
  readonly route: Route;
  /** @internal */
  readonly backendPid: number;
  /** @internal */
  readonly key: Uint8Array | null;
  /** @internal */
  readonly timeout: number;
}

/** The handle of a connection; without the secrets that only a login needs. */
export function cancelHandleOf(target: CancelTarget, memory: SharedArrayBuffer): CancelHandle {
  const { parameters, session, route, timeout } = target;
  const attempts = parameters.attempts.map((attempt) => ({ ...attempt, password: null }));
  const handle: CancelHandle = {
    memory,
    // The key of a client certificate is needed for a cancel request, too.
    parameters: { ...parameters, attempts, scramKeys: null, oauth: NO_OAUTH },
    route,
    backendPid: session.backendPid,
    key: session.cancelKey,
    timeout,
  };
  const shown = { value: () => ({ backendPid: handle.backendPid }) };
  Object.defineProperty(handle, "toJSON", shown);
  return Object.defineProperty(handle, Symbol.for("nodejs.util.inspect.custom"), shown);
}

/**
 * Asks the server to cancel what the connection of the handle runs; for any thread but the connection's own,
 * which is busy then. The running call fails with QueryCanceled, unless it has ended by then.
 *
 * @throws CancellationTimeout when the request isn't confirmed in time; the connection gives itself up then
 * before its next statement. OperationalError when the request can't be made.
 */
export async function requestCancel(handle: CancelHandle): Promise<void> {
  const words = new Int32Array(handle.memory, 0, WORDS);
  const session = new Session();
  session.backendPid = handle.backendPid;
  session.cancelKey = handle.key;
  const { parameters, route, timeout } = handle;
  Atomics.add(words, Word.cancels, 1);
  try {
    await sendCancel({ parameters, session, route, timeout });
  } catch (error) {
    if (isUnconfirmed(error)) Atomics.or(words, Word.cancels, CANCEL_LOST);
    throw error;
  } finally {
    Atomics.sub(words, Word.cancels, 1);
    Atomics.notify(words, Word.cancels);
  }
}

/** Waits until no request is under way; gives the connection up when that isn't certain in the end. */
export function awaitCancels(memory: SharedArrayBuffer, giveUp: (reason: Error) => void): void {
  const words = new Int32Array(memory, 0, WORDS);
  for (const end = performance.now() + LONGEST; ;) {
    const count = Atomics.load(words, Word.cancels);
    if (count === 0) return;
    const left = end - performance.now();
    if (left <= 0 || (count & CANCEL_LOST) !== 0) break;
    Atomics.wait(words, Word.cancels, count, left);
  }
  giveUp(
    new CancellationTimeout(
      "a cancel request of another thread was not confirmed; it could hit the next statement, so the connection was closed",
    ),
  );
}
