/**
 * The worker's side of direct reading: who was given the right to read, and when it is taken back.
 *
 * The descriptor may be made to block meanwhile, so that the system wakes the caller. What waits for longer than a look
 * or two is interrupted from here, see interruption.ts: the caller can't do that, and nothing else would.
 *
 * Shipped as text beside the pump, so it may use nothing from outside itself (see pump.ts and
 * direct-reader.ts).
 */
import type { MailboxLayout } from "./mailbox.ts";

/** What has to be known of a channel here. */
export interface Claimable {
  readonly words: Int32Array;
  /** The channel's socket: paused while the caller reads. The handle is Node's own. */
  readonly socket: {
    pause(): unknown;
    resume(): unknown;
    readonly _handle?: { setBlocking?(blocks: boolean): number } | null;
  };
  /** What `activity` was when it was last looked at. */
  activity: number;
  /** What `blocked` was when it was last looked at. */
  blocked: number;
}

/** The channels whose caller reads for itself. */
export interface Claims {
  /** Gives the caller the right to read, and a descriptor that makes it wait if that is wanted and can be ended. */
  grant(channel: Claimable, blocks: boolean): void;
  /** The caller has given it back, or the channel has ended. */
  forget(channel: Claimable): void;
  /** Whether it is still looked after. */
  has(channel: Claimable): boolean;
  /** Has the descriptor make nobody wait any more, not even who does already. */
  interrupt(channel: Claimable): void;
}

/** Keeps the claims of one worker. */
export function claimsOf({ word, reader }: MailboxLayout): Claims {
  const claimed = new Set<Claimable>();
  /**
   * How often they are looked at, in milliseconds: an idle one is read from here after one to two of these, and a
   * caller waits in the system for no longer.
   */
  const patience = 20;
  let watchman: NodeJS.Timeout | null = null;

  function isBlocked({ words }: Claimable): boolean {
    return (Atomics.load(words, word.blocked) & 1) === 1;
  }

  function interrupt(channel: Claimable): void {
    const { words, socket } = channel;
    if (Atomics.load(words, word.blocking) === 1) {
      socket._handle?.setBlocking?.(false);
      Atomics.store(words, word.blocking, 0);
    }
    // The call begins anew, and finds a descriptor that doesn't block.
    if (isBlocked(channel)) process.kill(process.pid, "SIGURG");
  }

  function block({ words, socket }: Claimable): void {
    try {
      // Where signals can't be sent at all this throws.
      process.kill(process.pid, 0);
    } catch {
      return;
    }
    Atomics.store(words, word.blocking, 1);
    if (socket._handle?.setBlocking?.(true) === 0) return;
    socket._handle?.setBlocking?.(false);
    Atomics.store(words, word.blocking, 0);
  }

  /** Ends calls that last, and reads again for callers that have done nothing for a while. */
  function look(): void {
    for (const channel of claimed) {
      const { words } = channel;
      const blocked = Atomics.load(words, word.blocked);
      // Again and again, until it has: a debugger for one can have a signal reach another thread.
      if (blocked === channel.blocked && isBlocked(channel)) interrupt(channel);
      channel.blocked = blocked;
      const activity = Atomics.load(words, word.activity);
      const idle = activity === channel.activity;
      channel.activity = activity;
      if (!idle || isBlocked(channel)) continue;
      const before = Atomics.compareExchange(words, word.reader, reader.free, reader.worker);
      if (before === reader.caller) continue;
      claimed.delete(channel);
      if (before !== reader.free) continue;
      interrupt(channel);
      channel.socket.resume();
    }
    if (claimed.size === 0 && watchman) {
      clearInterval(watchman);
      watchman = null;
    }
  }

  // Nobody could do it later.
  process.once("exit", () => {
    for (const channel of claimed) interrupt(channel);
  });

  return {
    grant: (channel, blocks) => {
      channel.socket.pause();
      channel.activity = Atomics.load(channel.words, word.activity);
      claimed.add(channel);
      watchman ??= setInterval(look, patience);
      if (blocks) block(channel);
      Atomics.store(channel.words, word.reader, reader.caller);
    },
    forget: (channel) => {
      interrupt(channel);
      // Who is still kept waiting is looked after.
      if (!isBlocked(channel)) claimed.delete(channel);
    },
    has: (channel) => claimed.has(channel),
    interrupt,
  };
}
