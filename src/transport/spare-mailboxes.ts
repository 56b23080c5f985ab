/**
 * Mailboxes that connections have left, kept for those to come.
 *
 * Shared memory is only given back when the collector of garbage comes to it, and it comes by the size of the heap, of
 * which a mailbox is none: a program that opens and closes connections in a loop would pile them up.
 *
 * One that is used again must be nobody else's. Its connection has turned to a copy before it leaves it here
 * (bridge.ts), and doesn't leave one that it showed to other threads. The worker says by `released` that it has let go
 * as well (farewell.ts), and says nothing into it ever after. Before both are true nobody gets it, however long that
 * takes.
 */
import { clear, newMailbox, Word, WORDS } from "./mailbox.ts";

/** How many are kept: as many as connections that were closed can still be waiting for their servers. */
const MOST = 8;

const spare: Int32Array<SharedArrayBuffer>[] = [];

/** A mailbox that is nobody's, and looks like new. */
export function takeMailbox(): SharedArrayBuffer {
  const index = spare.findIndex((words) => Atomics.load(words, Word.released) === 1);
  if (index < 0) return clear(newMailbox());
  const [{ buffer }] = spare.splice(index, 1) as [Int32Array<SharedArrayBuffer>];
  return clear(buffer);
}

/** Keeps a mailbox that nobody on this side looks into any more; the worker may still have to let go of it. */
export function leaveMailbox(memory: SharedArrayBuffer): void {
  // The oldest has been waiting for the longest time, and may do so for ever.
  if (spare.length === MOST) spare.shift();
  spare.push(new Int32Array(memory, 0, WORDS));
}
