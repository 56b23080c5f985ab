/**
 * The worker's side of the ring: where there is room, and when there is none.
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
}

/** Answers them for the given layout. */
export function ringOf({ word, ringStart, ringSize }: MailboxLayout): Ring {
  function room({ words }: Memory): number {
    const used = (Atomics.load(words, word.written) - Atomics.load(words, word.read)) >>> 0;
    return ringSize - used;
  }

  return {
    free: (memory) => {
      const start = Atomics.load(memory.words, word.written) & (ringSize - 1);
      const size = Math.min(room(memory), ringSize - start);
      return memory.bytes.subarray(ringStart + start, ringStart + start + size);
    },
    isFull: (memory) => {
      if (room(memory) > 0) return false;
      Atomics.store(memory.words, word.paused, 1);
      // The caller makes room before it looks at `paused`: if it hasn't seen that, we see the room.
      if (room(memory) === 0) return true;
      Atomics.store(memory.words, word.paused, 0);
      return false;
    },
  };
}
