/**
 * What listeners share: a connection that comes back, and who wants to hear what.
 *
 * The hub's loop makes one link after the other. What is wanted outlives them: a new link listens to all
 * channels again, and then each subscription that a former link served is told of a gap, before anything
 * that the new link hears. What arrives while a link is still being made is left to that gap.
 *
 * The very first link is different: nobody has been promised anything yet, so its failure is the error of
 * those who wait for it, and is not tried again. A wrong password should not look like a slow network.
 */
import type { Conninfo } from "../conninfo/dict.ts";
import { callHandler, Handlers } from "../core/handlers.ts";
import type { Notify } from "../core/notify.ts";
import { MahoutWarning, OperationalError } from "../errors.ts";
import { freshOf } from "../fresh.ts";
import type { ChannelEvent, ListenerEvent } from "./events.ts";
import type { Limits } from "./link.ts";
import { Link } from "./link.ts";
import type { Settings } from "./options.ts";
import { delayAfter } from "./options.ts";
import { Waiters, within } from "./waiters.ts";

/** Somebody who wants to hear what comes through a channel. */
export interface Subscriber {
  readonly channel: string;
  readonly take: (event: ChannelEvent) => unknown;
  /** Called when the listener has given up. */
  readonly failed: ((error: () => Error) => void) | null;
  /** Whether a link has served it: from then on it has to be told of gaps. */
  served: boolean;
}

/** One connection for many listeners. */
export class Hub {
  /** Told of what happens to the connection. */
  readonly watchers: Handlers<ListenerEvent> = new Handlers("listener");
  /** How many listeners use it. */
  holders = 0;
  readonly #conninfo: Conninfo | undefined;
  readonly #settings: Settings;
  readonly #channels = new Map<string, Set<Subscriber>>();
  readonly #waiters = new Waiters<Link>();
  readonly #stop = new AbortController();
  #link: Link | null = null;
  #running: Promise<void> | null = null;
  #failure: Error | null = null;
  #wake: (() => void) | null = null;

  constructor(conninfo: Conninfo | undefined, settings: Settings) {
    this.#conninfo = conninfo;
    this.#settings = settings;
  }

  /** Whether it has ended: by `close()`, or because it gave up. */
  get closed(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Whether it has a connection that hears. */
  get connected(): boolean {
    return this.#link?.alive === true;
  }

  /** Why it has ended, as a fresh error; null when it was closed. */
  get failure(): Error | null {
    return this.#failure && freshOf(this.#failure);
  }

  /** Gives the link, when there is one. */
  async link(): Promise<Link> {
    if (this.closed) throw this.failure ?? closed();
    if (this.#link?.alive) return this.#link;
    const link = this.#waiters.wait();
    this.#running ??= this.#run();
    return link;
  }

  /** Has a subscriber hear its channel; returns when the server knows. */
  async subscribe(subscriber: Subscriber, limits: Limits): Promise<void> {
    const { channel } = subscriber;
    let subscribers = this.#channels.get(channel);
    if (subscribers === undefined) this.#channels.set(channel, (subscribers = new Set()));
    subscribers.add(subscriber);
    try {
      await within(limits, `listening to ${JSON.stringify(channel)}`, this.#listen(channel));
      subscriber.served = true;
    } catch (error) {
      void this.unsubscribe(subscriber);
      throw error;
    }
  }

  async #listen(channel: string): Promise<void> {
    for (;;) {
      const link = await this.link();
      try {
        return await link.listen(channel);
      } catch (error) {
        // A link that was lost meanwhile is not the last one.
        if (link.alive || this.closed) throw error;
      }
    }
  }

  /** Ends that; returns when the server knows, or can't be told. Never throws. */
  async unsubscribe(subscriber: Subscriber): Promise<void> {
    const { channel } = subscriber;
    const subscribers = this.#channels.get(channel);
    if (!subscribers?.delete(subscriber) || subscribers.size > 0) return;
    this.#channels.delete(channel);
    await this.#link?.unlisten(channel).catch(() => {});
  }

  /** Closes it; bounded, and never throws. */
  async close(): Promise<void> {
    const link = this.#end(null);
    await link?.close();
    await this.#running;
  }

  /** Ends everything; gives the link that is still to be closed. */
  #end(failure: Error | null): Link | null {
    if (this.closed) return null;
    const link = this.#link;
    this.#link = null;
    this.#failure = failure;
    this.#stop.abort();
    this.#wake?.();
    this.#waiters.fail(() => this.failure ?? closed());
    const subscribers = [...this.#channels.values()].flatMap((some) => [...some]);
    this.#channels.clear();
    for (const { failed } of subscribers) failed?.(() => this.failure ?? closed());
    if (failure && this.watchers.size === 0) warn(failure);
    this.watchers.call({ kind: "closed", error: failure });
    return link;
  }

  async #run(): Promise<void> {
    let before: { since: Date; reason: Error } | null = null;
    for (let failures = 0; !this.closed;) {
      let link: Link;
      try {
        const { signal } = this.#stop;
        link = await Link.open(this.#conninfo, this.#settings, [...this.#channels.keys()], signal);
      } catch (error) {
        if (this.closed) break;
        if (before === null) {
          this.#running = null;
          this.#waiters.fail(() => freshOf(error as Error));
          return;
        }
        failures++;
        await this.#failed(failures, error as Error);
        continue;
      }
      if (this.closed) {
        await link.close();
        break;
      }
      failures = 0;
      const ended = this.#serve(link, before);
      before = { reason: await ended, since: link.lastHeard };
      if (this.closed) break;
      this.watchers.call({ kind: "disconnected", error: before.reason });
      await this.#pause(delayAfter(0, this.#settings.reconnect));
    }
  }

  /** Lets a new link serve everybody; the promise gives the reason of its end. */
  #serve(link: Link, before: { since: Date; reason: Error } | null): Promise<Error> {
    const ended = new Promise<Error>((resolve) => {
      link.onEnd = (reason) => {
        this.#link = null;
        resolve(reason);
      };
    });
    // It may have ended since it was opened, and doesn't say so twice: whoever waits then waits for the next one.
    if (link.ended !== null) return Promise.resolve(link.ended);
    this.#link = link;
    if (before) this.#tellGap(before);
    link.onNotify = (notify) => this.#deliver(notify);
    // What was wanted or given up while the link was made.
    for (const name of link.channels) {
      if (!this.#channels.has(name)) void link.unlisten(name).catch(() => {});
    }
    for (const name of this.#channels.keys()) void link.listen(name).catch(() => {});
    this.watchers.call({ kind: "connected", pid: link.pid });
    if (before) this.watchers.call({ kind: "gap", ...before });
    this.#waiters.settle(link);
    return ended;
  }

  #tellGap({ since, reason }: { since: Date; reason: Error }): void {
    for (const [channel, subscribers] of this.#channels) {
      for (const subscriber of Array.from(subscribers)) {
        if (!subscriber.served) continue;
        callHandler("notify", subscriber.take, { kind: "gap", channel, since, reason });
      }
    }
  }

  #deliver({ channel, payload, pid }: Notify): void {
    const subscribers = this.#channels.get(channel);
    if (subscribers === undefined) return;
    const event: ChannelEvent = { kind: "notification", channel, payload, pid };
    // A handler may end subscriptions or begin some: that is for the next one.
    for (const { take } of Array.from(subscribers)) callHandler("notify", take, event);
  }

  /** An attempt has failed: waits before the next one, or gives up. */
  async #failed(failures: number, error: Error): Promise<void> {
    const { reconnect } = this.#settings;
    if (failures >= reconnect.limit) {
      const message = `the listener gave up after ${failures} attempts to connect again: ${error.message}`;
      this.#end(
        new OperationalError(message, { cause: error, code: "ERR_MAHOUT_LISTENER_FAILED" }),
      );
      return;
    }
    const delay = delayAfter(failures, reconnect);
    this.watchers.call({ kind: "error", error, delay });
    await this.#pause(delay);
  }

  #pause(milliseconds: number): Promise<void> {
    if (this.closed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** The error of who uses a listener that was closed. */
export function closed(): OperationalError {
  return new OperationalError("the listener was closed", { code: "ERR_MAHOUT_LISTENER_CLOSED" });
}

/** Nobody watches, and handlers would wait for ever without a word. */
function warn(failure: Error): void {
  process.emitWarning(failure.message, {
    type: MahoutWarning,
    code: "MAHOUT_LISTENER_FAILED",
    detail: "Handlers hear nothing any more. Use Listener.watch() to be told of it otherwise.",
  });
}
