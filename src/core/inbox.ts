/**
 * Where a connection's notifications arrive, and who gets them.
 *
 * The server sends notifications when it likes; they are taken from the socket at once, whatever else the
 * connection does, because the answers of statements come behind them. So they need a place. Handlers see
 * each of them as it arrives. A generator takes them from a queue, at its own pace and without holding
 * anything up: it is a reader of this inbox and no operation of the connection, which is why statements
 * work while one runs.
 *
 * The queue fills while a generator runs, and while there is neither generator nor handler: then it is the
 * backlog, which the next generator gives first. The backlog is bounded, since a connection that listens
 * and never looks would grow for ever; when it is full the oldest are dropped and counted. While a
 * generator runs somebody looks, and only a generator that has been left standing meets a bound.
 *
 * No clocks and no promises: the shells wait, each in its way.
 */
import { MahoutWarning, ProgrammingError } from "../errors.ts";
import { Handlers } from "./handlers.ts";
import type { Notify } from "./notify.ts";

/** How many a generator that runs may be behind. */
const MOST_BEHIND = 1_000_000;

/** What arrives, for one connection. */
export class Inbox {
  /** Called with each notification as it arrives. */
  readonly handlers: Handlers<Notify>;
  /** How many notifications were dropped because nobody took them. */
  dropped = 0;
  readonly #limit: number;
  #queue: Notify[] = [];
  #head = 0;
  #reader: NotifyReader | null = null;
  #warned: boolean;

  constructor(limit: number, handlers: readonly ((notify: Notify) => unknown)[] | undefined) {
    this.handlers = new Handlers("notify", handlers);
    this.#limit = limit;
    // Who wants no backlog wants no warning about it either.
    this.#warned = limit === 0;
  }

  /** How many wait to be taken. */
  get size(): number {
    return this.#queue.length - this.#head;
  }

  /** Whether a generator takes what arrives. */
  get claimed(): boolean {
    return this.#reader !== null;
  }

  /** Takes a notification from the session. Throws nothing. */
  take(notify: Notify): void {
    // A reader that a handler starts or ends is for the next one.
    const reader = this.#reader;
    const unheard = this.handlers.size === 0;
    if (reader !== null) this.#push(notify, Math.max(this.#limit, MOST_BEHIND));
    else if (unheard) this.#push(notify, this.#limit);
    if (!unheard) this.handlers.call(notify);
    reader?.onChange?.();
  }

  #push(notify: Notify, limit: number): void {
    if (this.size >= limit) {
      this.dropped++;
      this.#warn(limit);
      if (limit === 0) return;
      this.shift();
    }
    this.#queue.push(notify);
  }

  #warn(limit: number): void {
    if (this.#warned) return;
    this.#warned = true;
    process.emitWarning(
      `a connection received notifications that nobody takes; it keeps ${limit}, and drops older ones from now on`,
      {
        type: MahoutWarning,
        code: "MAHOUT_NOTIFICATIONS_DROPPED",
        detail: "Take them with notifies() or a notify handler, or stop listening with UNLISTEN.",
      },
    );
  }

  /** Gives the oldest one; undefined when there is none. */
  shift(): Notify | undefined {
    const notify = this.#queue[this.#head];
    if (notify === undefined) return undefined;
    this.#head++;
    if (this.#head === this.#queue.length) {
      this.#queue.length = 0;
      this.#head = 0;
    } else if (this.#head >= 4096 && this.#head * 2 >= this.#queue.length) {
      // Half of it at least is behind us, so that each is moved once at most, on average.
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return notify;
  }

  /** Tells the reader that the connection has ended. */
  ended(): void {
    this.#reader?.onChange?.();
  }

  /**
   * Makes `reader` the one who takes what arrives.
   *
   * @throws ProgrammingError while another one is.
   */
  claim(reader: NotifyReader): void {
    if (this.#reader !== null) {
      throw new ProgrammingError(
        "another notifies() of this connection has not ended; leave its loop or call its return() first",
      );
    }
    this.#reader = reader;
  }

  /** Ends that; what was not taken stays. */
  release(reader: NotifyReader): void {
    if (this.#reader === reader) this.#reader = null;
  }
}

/** A generator of notifications without its waiting: what both shells' generators have in common. */
export class NotifyReader {
  /** Called when something has arrived, or the connection has ended. Must not throw. */
  onChange: (() => void) | null = null;
  readonly #inbox: Inbox;
  readonly #endReason: () => Error | null;
  #state: "new" | "running" | "over" = "new";
  #left: number;

  /** Gives `stopAfter` at most; `endReason` says why nothing more can come. */
  constructor(inbox: Inbox, endReason: () => Error | null, stopAfter: number | undefined) {
    this.#inbox = inbox;
    this.#endReason = endReason;
    this.#left = stopAfter ?? Infinity;
  }

  /** Whether the first step is still to come. */
  get isNew(): boolean {
    return this.#state === "new";
  }

  /** Whether there is something to be said without waiting. */
  get isReady(): boolean {
    return this.#state === "over" || this.#inbox.size > 0 || this.#endReason() !== null;
  }

  /**
   * Begins to take what arrives.
   *
   * @throws ProgrammingError while another generator of the connection runs.
   */
  begin(): void {
    this.#state = "over";
    if (this.#left === 0) return;
    this.#inbox.claim(this);
    this.#state = "running";
  }

  /**
   * Takes a step: a notification, null when there is none yet, undefined when it is over.
   *
   * @throws the reason why the connection has ended, once all that arrived before is taken.
   */
  step(): Notify | null | undefined {
    if (this.#state !== "running") return undefined;
    if (this.#left > 0) {
      const notify = this.#inbox.shift();
      if (notify !== undefined) {
        this.#left--;
        return notify;
      }
      const reason = this.#endReason();
      if (reason === null) return null;
      this.end();
      throw reason;
    }
    this.end();
    return undefined;
  }

  /** The time is up: what has arrived by now is still given. */
  timeIsUp(): void {
    this.#left = Math.min(this.#left, this.#inbox.size);
  }

  /** Ends it; what was not taken stays in the inbox. */
  end(): void {
    this.#state = "over";
    this.#inbox.release(this);
  }
}
