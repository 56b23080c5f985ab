/**
 * How the blocking shell takes what the server sends by itself: notifications, notices, the end.
 *
 * No reply is owed for these, so no conversation waits for them. Each of these functions is lent the
 * channel, with what takes received bytes to the session, and gives it back when it returns.
 */
import type { Channel } from "./bridge.ts";

/** Takes received bytes to the session; returns whether there were any and the session goes on. */
export type Receive = () => boolean;

/** Pieces that can lie in the ring at once, with one that was read directly. */
const MOST_PIECES = 3;
/** Direct reads in one look around; each takes 64 KiB at most. */
const MOST_READS = 8;

/** Takes what has arrived; a server that never pauses can't hold the caller. */
export function takeArrived(channel: Channel, receive: Receive): void {
  takePieces(receive);
  // Only after what came before the right to read was granted.
  const { direct } = channel;
  if (direct.blocks) lookAround(channel, receive);
  else if (direct.active && direct.read(false)) takePieces(receive);
}

/**
 * Takes what the system holds by now, also what the worker has not read yet.
 *
 * @throws OperationalError when the worker shows no sign of life.
 */
export function lookAround(channel: Channel, receive: Receive): void {
  const { direct } = channel;
  // A descriptor that blocks is only looked at by the worker.
  if (direct.blocks) {
    direct.isPeeked = true;
    channel.listen();
  }
  if (direct.active) {
    for (let count = 0; count < MOST_READS && direct.read(false); count++) takePieces(receive);
  } else {
    channel.turn();
    for (;;) {
      channel.look();
      if (channel.settled || channel.ended) break;
      channel.sleep(Infinity);
    }
  }
  takePieces(receive);
}

/**
 * Sleeps until `isDone`, or until a time by `performance.now()`; takes whatever arrives meanwhile.
 *
 * @throws OperationalError when the worker shows no sign of life.
 */
export function sleepUntil(
  until: number,
  isDone: () => boolean,
): (channel: Channel, receive: Receive) => void {
  return (channel, receive) => {
    for (;;) {
      channel.look();
      const came = receive();
      if (isDone()) return;
      const left = until - performance.now();
      if (left <= 0) return;
      if (came) continue;
      // Who may sleep for long leaves the reading to the worker, after one look of its own.
      if (!channel.direct.active) channel.sleep(left);
      else if (!channel.direct.read(false)) channel.giveBack();
    }
  };
}

function takePieces(receive: Receive): void {
  for (let piece = 0; piece < MOST_PIECES && receive(); piece++);
}

/** How long the other side has to hear a goodbye that goes through the worker, in milliseconds. */
const GOODBYE = 250;

/**
 * Closes politely, within `timeout` milliseconds. What the worker encrypts and writes is waited for a little:
 * closing may be the last thing that the process does, and the worker would end with it.
 */
export function sayGoodbye(channel: Channel, timeout: number): void {
  const isWorkers = channel.descriptor < 0;
  channel.end(timeout);
  for (const until = performance.now() + GOODBYE; isWorkers;) {
    channel.look();
    const left = until - performance.now();
    if (channel.ended || left <= 0) break;
    channel.sleep(left);
  }
  channel.leave();
}
