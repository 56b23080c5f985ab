/**
 * Writing to a descriptor without the stream that it belongs to, and without waiting.
 */
import { writeSync } from "node:fs";

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
