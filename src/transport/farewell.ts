/**
 * What the worker says at the end of a socket: how it failed, and that the memory is let go of.
 *
 * Shipped as text beside the pump, so it may use nothing from outside itself (see pump.ts and spare-mailboxes.ts).
 */
import type { MailboxLayout } from "./mailbox.ts";

/** What has to be known of a channel here. */
export interface Leaving {
  words: Int32Array;
  bytes: Uint8Array;
}

/** How a socket fails; it may have tried several addresses. */
type Failure = Error & { readonly code?: string; readonly errors?: readonly Error[] };

/** The last words of a channel. */
export interface Farewell {
  /** Says how it failed; only the first failure counts. */
  readonly report: (channel: Leaving, error: Failure) => void;
  /** Lets go of the memory, which may be another connection's at once: the channel's last act on it. */
  readonly release: (channel: Leaving) => void;
}

/** Says them in the given layout. */
export function farewellOf(layout: MailboxLayout): Farewell {
  const { word, words: count, errorStart, ringSize } = layout;
  return {
    report({ words, bytes }, error) {
      if (Atomics.load(words, word.failed) !== 0) return;
      const message = error.errors
        ? error.errors.map((one) => one.message).join("; ")
        : error.message;
      const text = new TextEncoder().encode(
        JSON.stringify({ message: message.slice(0, 900), code: error.code }),
      );
      bytes.set(text, errorStart);
      Atomics.store(words, word.failed, text.length);
    },
    release(channel) {
      const { words } = channel;
      // What is still said of this channel, by a timer for example, is said to nobody, and finds a ring that is full.
      channel.words = new Int32Array(count);
      channel.words[word.written] = ringSize;
      channel.words[word.failed] = 1;
      channel.bytes = new Uint8Array(0);
      Atomics.store(words, word.released, 1);
    },
  };
}
