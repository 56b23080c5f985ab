/**
 * Writing to a descriptor without the stream that it belongs to, and without waiting.
 */
import { writeSync } from "node:fs";
import type { Socket } from "node:net";

/** Writes as much of the bytes as the system takes at once; returns how much that was. */
export function writeAtOnce(descriptor: number, bytes: Uint8Array, length: number): number {
  try {
    return writeSync(descriptor, bytes, 0, length);
  } catch (error) {
    // Who can't be written to may have said why: reading goes on, and tells of the end when it comes to it.
    const { code } = error as { code?: string };
    if (code === "EPIPE" || code === "ECONNRESET") return length;
    // The system has no room, or something else is wrong: the stream waits for the one and reports the other.
    return 0;
  }
}

/** What is under a socket of Node's. */
interface Handle {
  readonly fd?: number;
}

/**
 * The descriptor under a socket. Asking for it is a call into the runtime, so it is asked once: a handle keeps
 * its descriptor, and a socket that is closed has no handle any more.
 */
export class Descriptor {
  #handle: Handle | null = null;
  #known = -1;

  /** The socket's descriptor; -1 before it is open, after it was closed, and where the system offers none. */
  of(socket: Socket | null): number {
    const handle = (socket as unknown as { _handle?: Handle | null } | null)?._handle ?? null;
    if (handle === null) return -1;
    if (handle !== this.#handle || this.#known < 0) {
      this.#handle = handle;
      this.#known = handle.fd ?? -1;
    }
    return this.#known;
  }
}
