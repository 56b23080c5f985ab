/**
 * The worker's side of direct reading: who was given the right to read, and when it is taken back.
 *
 * Shipped as text beside the pump, so it may use nothing from outside itself (see pump.ts and
 * direct-reader.ts).
 */
import type { MailboxLayout } from "./mailbox.ts";

/** What has to be known of a channel here. */
export interface Claimable {
  readonly words: Int32Array;
  /** The channel's socket: paused while the caller reads. */
  readonly socket: { pause(): unknown; resume(): unknown };
  /** What `activity` was when it was last looked at. */
  activity: number;
}

/** The channels whose caller reads for itself. */
export interface Claims {
  /** Gives the caller the right to read. */
  grant(channel: Claimable): void;
  /** The caller has given it back, or the channel has ended. */
  forget(channel: Claimable): void;
}

/** Keeps the claims of one worker. */
export function claimsOf({ word, reader }: MailboxLayout): Claims {
  const claimed = new Set<Claimable>();
  /** How often they are looked at, in milliseconds: an idle one is read from here after one to two of these. */
  const patience = 20;
  let watchman: NodeJS.Timeout | null = null;

  /** Reads again for callers that have done nothing for a while. */
  function takeBack(): void {
    for (const channel of claimed) {
      const { words } = channel;
      const activity = Atomics.load(words, word.activity);
      const idle = activity === channel.activity;
      channel.activity = activity;
      if (!idle) continue;
      const before = Atomics.compareExchange(words, word.reader, reader.free, reader.worker);
      if (before !== reader.free) continue;
      claimed.delete(channel);
      channel.socket.resume();
    }
    if (claimed.size === 0 && watchman) {
      clearInterval(watchman);
      watchman = null;
    }
  }

  return {
    grant: (channel) => {
      channel.socket.pause();
      channel.activity = Atomics.load(channel.words, word.activity);
      claimed.add(channel);
      watchman ??= setInterval(takeBack, patience);
      Atomics.store(channel.words, word.reader, reader.caller);
    },
    forget: (channel) => {
      claimed.delete(channel);
    },
  };
}
