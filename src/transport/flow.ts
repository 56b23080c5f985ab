/** The pace of a socket: how much may wait on either side of it, and waiting until it has room. */
import type { Socket } from "node:net";

/** What may lie untaken while somebody streams before reading stops, in bytes; and until it goes on. */
export const MOST_UNTAKEN: number = 512 * 1024;
/** See {@link MOST_UNTAKEN}. */
export const FEW_UNTAKEN: number = 128 * 1024;

/** What may wait in the outbox, in bytes; the server begins with it while more is written. */
export const FLUSH_SIZE: number = 8 * 1024;
/** What may wait in the socket before no further statement is started, in bytes. */
export const CONGESTION: number = 1024 * 1024;
/** How long a polite close may take, in milliseconds. */
export const CLOSE_TIMEOUT = 2_000;

/**
 * Waits until the system has taken what the socket was given, or the socket is gone. At least one turn of the
 * event loop passes: a source without an end would otherwise write for ever to a server that takes
 * everything, and never read that it has refused it long ago.
 */
export function drained(socket: Socket | null): Promise<void> {
  if (!socket || socket.destroyed) return Promise.resolve();
  if (!socket.writableNeedDrain) return new Promise((resolve) => void setImmediate(resolve));
  return new Promise((resolve) => {
    const done = (): void => {
      socket.removeListener("drain", done);
      socket.removeListener("close", done);
      resolve();
    };
    socket.on("drain", done);
    socket.on("close", done);
  });
}
