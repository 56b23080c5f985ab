/**
 * The write watchdog: a peer that takes nothing for too long while bytes wait for it is given up.
 *
 * It stands in for TCP_USER_TIMEOUT, which Node.js can't set, as far as bytes wait on this side of the
 * system: a socket whose peer, or network, is gone takes bytes only until its buffer is full. What the
 * system took and nobody acknowledges is found by keepalive instead. Shipped to the worker as text, too,
 * so it may use nothing from outside itself.
 */
import type { Socket } from "node:net";

/** How far a socket has got with what it was given; the handle is Node's own. */
interface Progress {
  readonly bytesWritten?: number;
  readonly writeQueueSize?: number;
}

/**
 * Watches a plain socket, which may carry TLS: whoever gives it bytes calls what is returned.
 *
 * @param timeout how long it may take nothing while bytes wait, in milliseconds; 0 for ever.
 * @param stalled called when it did, with the error that the system would give; the watch is over then.
 */
export function watchWrites(
  socket: Socket,
  timeout: number,
  stalled: (error: Error) => void,
): () => void {
  let timer: NodeJS.Timeout | null = null;
  let before = 0;

  function progress(): Progress {
    return (socket as unknown as { _handle?: Progress | null })._handle ?? {};
  }

  /** How many bytes the system has taken. */
  function taken(): number {
    const { bytesWritten = 0, writeQueueSize = 0 } = progress();
    return bytesWritten - writeQueueSize;
  }

  function wait(): void {
    before = taken();
    timer = setTimeout(look, timeout);
    // The bytes that wait keep the process alive as long as it is worth it.
    timer.unref();
  }

  function look(): void {
    timer = null;
    if (socket.destroyed) return;
    const waiting = socket.writableLength + (progress().writeQueueSize ?? 0);
    if (waiting === 0) return;
    if (taken() !== before) return wait();
    const message = `the peer took nothing for longer than tcp_user_timeout allows (${timeout} ms)`;
    stalled(Object.assign(new Error(message), { code: "ETIMEDOUT" }));
  }

  return () => {
    if (timeout > 0 && timer === null && !socket.destroyed) wait();
  };
}
