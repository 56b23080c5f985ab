/**
 * Whether a call that the system keeps waiting can be ended by another thread.
 *
 * A thread that reads a descriptor which blocks is woken by what it waits for, at no cost but that; nothing in
 * Node.js ends such a read. The system does: a signal interrupts it, and as the handlers of Node.js ask for,
 * it then begins the call anew. A descriptor that doesn't block any more by then has it return at once. So the
 * worker ends a read that lasts by setting the descriptor back and sending the process a signal that means
 * nothing. That reaches the main thread, and only where a handler of it is in force.
 */
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { isMainThread } from "node:worker_threads";

/** The signal: ignored by who has no handler, and used by nobody else. */
const SIGNAL = "SIGURG";

/** Whether this thread's calls could be interrupted as far as the system goes. */
export const maySucceed: boolean = isMainThread && process.platform === "linux";

let isProven: boolean | null = null;

/** Whether the handler is still there: the program may have removed all listeners. */
export function isHandled(): boolean {
  return process.listenerCount(SIGNAL) > 0;
}

/** Whether this thread's calls can be interrupted; sees to it that they can. */
export function isInterruptible(): boolean {
  if (!maySucceed) return false;
  if (!isHandled()) {
    process.on(SIGNAL, () => {});
    isProven = null;
  }
  isProven ??= isDelivered();
  return isProven;
}

/** Asks the system: the signal has to be caught, and not to be held back. */
function isDelivered(): boolean {
  try {
    const status = readFileSync("/proc/self/status", "latin1");
    return has(status, "SigCgt") && !has(status, "SigBlk");
  } catch {
    return false;
  }
}

function has(status: string, mask: string): boolean {
  const digits = new RegExp(`^${mask}:\\s*([0-9a-f]+)$`, "m").exec(status)?.[1];
  if (digits === undefined) throw new Error(`no ${mask}`);
  return ((BigInt(`0x${digits}`) >> BigInt(constants.signals[SIGNAL] - 1)) & 1n) === 1n;
}
