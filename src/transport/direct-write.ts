/**
 * Writing to a descriptor without the stream that it belongs to, and without waiting.
 */
import { writeSync } from "node:fs";
import type { Socket } from "node:net";

/** Writes as much of the bytes as the system takes at once; returns how much that was. */
function writeAtOnce(descriptor: number, bytes: Uint8Array, length: number): number {
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
  /** Whether the stream can be passed by: it is open, plain, and the system allows it. */
  #isDirect = false;
  /** Whether the stream may still have something of its own to send. */
  #isBehind = false;
  #handle: Handle | null = null;
  #known = -1;

  /** From when the socket is open on, what is sent may pass by its stream. */
  open(socket: Socket): void {
    this.stop();
    this.#isBehind = false;
    socket.once("connect", () => (this.#isDirect = process.platform !== "win32"));
  }

  /** From here on all goes through the stream: it encrypts. */
  stop(): void {
    this.#isDirect = false;
  }

  /** Writes what the system doesn't take at once through the stream; the bytes must not change before it has. */
  behind(socket: Socket, bytes: Uint8Array): void {
    this.#isBehind = true;
    socket.write(bytes);
  }

  /** How many bytes the stream has not sent yet. */
  left(socket: Socket): number {
    const left = this.#isBehind ? socket.writableLength : 0;
    this.#isBehind = left > 0;
    return left;
  }

  /**
   * Writes as much as the system takes at once, which spares the stream's bookkeeping; returns how much that was.
   * Nothing where the stream has to be used, or has something to send before.
   */
  write(socket: Socket, bytes: Uint8Array, length: number): number {
    if (!this.#isDirect || this.left(socket) > 0) return 0;
    const descriptor = this.of(socket);
    return descriptor < 0 ? 0 : writeAtOnce(descriptor, bytes, length);
  }

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
