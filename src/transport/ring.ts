/**
 * The worker's side of the ring: where there is room, when there is none, and how it is filled.
 *
 * Shipped as text beside the pump, so it may use nothing from outside itself (see pump.ts).
 */
import type { MailboxLayout } from "./mailbox.ts";

/** One connection's shared memory. */
export interface Memory {
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
}

/** Questions about a ring. */
export interface Ring {
  /** The free part that lies in one piece. */
  readonly free: (memory: Memory) => Uint8Array;
  /** Whether reading has to pause; the caller is told to say when there is room again. */
  readonly isFull: (memory: Memory) => boolean;
  /** Copies bytes that wait into the ring as far as they fit; returns whether any did. */
  readonly fill: (memory: Memory, waiting: Uint8Array[]) => boolean;
}

/** Answers them for the given layout. */
export function ringOf({ word, ringStart, ringSize }: MailboxLayout): Ring {
  function room({ words }: Memory): number {
    const used = (Atomics.load(words, word.written) - Atomics.load(words, word.read)) >>> 0;
    return ringSize - used;
  }

  function free(memory: Memory): Uint8Array {
    const start = Atomics.load(memory.words, word.written) & (ringSize - 1);
    const size = Math.min(room(memory), ringSize - start);
    return memory.bytes.subarray(ringStart + start, ringStart + start + size);
  }

  function isFull(memory: Memory): boolean {
    if (room(memory) > 0) return false;
    Atomics.store(memory.words, word.paused, 1);
    // The caller makes room before it looks at `paused`: if it hasn't seen that, we see the room.
    if (room(memory) === 0) return true;
    Atomics.store(memory.words, word.paused, 0);
    return false;
  }

  function fill(memory: Memory, waiting: Uint8Array[]): boolean {
    let moved = false;
    while (waiting.length > 0 && !isFull(memory)) {
      const chunk = waiting[0] as Uint8Array;
      const region = free(memory);
      const size = Math.min(chunk.length, region.length);
      region.set(chunk.subarray(0, size));
      Atomics.add(memory.words, word.written, size);
      moved = true;
      if (size === chunk.length) waiting.shift();
      else waiting[0] = chunk.subarray(size);
    }
    return moved;
  }

  return { free, isFull, fill };
}
