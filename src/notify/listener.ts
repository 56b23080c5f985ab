/**
 * The listener: hears channels for as long as it lives, through as many connections as that takes.
 *
 * `conn.notifies()` is about one session, and ends with it. A listener is for programs that want to go on:
 * it has a connection of its own, which it makes again when it is lost, listens to everything again, and
 * then says that there was a gap, since what was sent meanwhile went to nobody. Many listeners can share
 * one connection. See docs/notifications.md.
 */
import type { Conninfo } from "../conninfo/dict.ts";
import { quoteIdentifier } from "../sql/identifier.ts";
import type { ChannelHandler, ListenerEvent } from "./events.ts";
import type { Subscriber } from "./hub.ts";
import { closed, Hub } from "./hub.ts";
import type { Limits } from "./link.ts";
import type { ListenerOptions } from "./options.ts";
import { settingsOf } from "./options.ts";
import { checkPayload } from "./payload.ts";
import { keyOf } from "./share-key.ts";
import { ChannelStream } from "./stream.ts";
import { within } from "./waiters.ts";

/** How long a call of a listener may take, the wait for a connection included. */
export type ListenOptions = Limits;

/** A handler that listens to a channel. */
export interface Subscription extends AsyncDisposable {
  /** The channel's name. */
  readonly channel: string;
  /** Has the handler not called any more; with the last one of the channel, UNLISTEN. Never throws. */
  unlisten(): Promise<void>;
}

const shared = new Map<string, Hub>();

/** Hears channels, reconnects when it has to, and says when it may have missed something. */
export class Listener implements AsyncDisposable {
  #hub: Hub;
  #key: string | null = null;
  readonly #subscribers = new Set<Subscriber>();
  readonly #watching = new Set<(event: ListenerEvent) => unknown>();
  #closing: Promise<void> | null = null;

  /**
   * Makes a listener; it connects when it is first used.
   *
   * @param conninfo as for `connect()`.
   * @throws ProgrammingError for options that make no sense.
   */
  constructor(conninfo?: Conninfo, options: ListenerOptions = {}) {
    this.#hub = new Hub(conninfo, settingsOf(options));
    this.#hub.holders++;
  }

  /** Makes a listener that shares its connection with all others of the same conninfo and options. */
  static shared(conninfo?: Conninfo, options: ListenerOptions = {}): Listener {
    const listener = new Listener(conninfo, options);
    const key = keyOf([conninfo, options]);
    const hub = shared.get(key);
    if (hub && !hub.closed) {
      listener.#hub = hub;
      hub.holders++;
    } else {
      shared.set(key, listener.#hub);
    }
    listener.#key = key;
    return listener;
  }

  /** Whether it has ended: by `close()`, or because it gave up. */
  get closed(): boolean {
    return this.#closing !== null || this.#hub.closed;
  }

  /** Whether it has a connection at this moment. */
  get connected(): boolean {
    return !this.closed && this.#hub.connected;
  }

  /**
   * Connects, which the first call of another method would do as well.
   *
   * @throws as connecting does; OperationalError when notifications don't arrive, or the limits are reached.
   */
  async open(limits: ListenOptions = {}): Promise<void> {
    this.#checkOpen();
    await within(limits, "connecting the listener", this.#hub.link());
  }

  /**
   * Has `handler` called with what comes through a channel: notifications and gaps. Returns when the server
   * has been told, so that state that is read afterwards misses nothing. A handler that throws is reported
   * as a process warning.
   *
   * @param channel its exact name; it is quoted, so `jobs` and `Jobs` are two.
   * @throws ProgrammingError for a bad name, OperationalError when it can't be done within the limits; the
   * first connection is tried once, and its error thrown.
   */
  async listen(
    channel: string,
    handler: ChannelHandler,
    limits: ListenOptions = {},
  ): Promise<Subscription> {
    if (typeof handler !== "function") throw new TypeError("a channel handler must be a function");
    const unlisten = await this.#subscribe(
      { channel, take: handler, failed: null, served: false },
      limits,
    );
    return { channel, unlisten, [Symbol.asyncDispose]: unlisten };
  }

  /**
   * Gives what comes through a channel as something to iterate over, and listens from now on, as
   * {@link Listener.listen} does. Leaving the loop ends that. Closing the listener ends the loop.
   *
   * @throws in the loop, OperationalError when the listener has given up.
   */
  async events(channel: string, limits: ListenOptions = {}): Promise<ChannelStream> {
    const stream = new ChannelStream(channel);
    const subscriber: Subscriber = {
      channel,
      take: (event) => stream.push(event),
      failed: (error) => stream.finish(this.#hub.failure === null ? null : error),
      served: false,
    };
    stream.onLeave = await this.#subscribe(subscriber, limits);
    return stream;
  }

  async #subscribe(subscriber: Subscriber, limits: ListenOptions): Promise<() => Promise<void>> {
    this.#checkOpen();
    quoteIdentifier(subscriber.channel);
    this.#subscribers.add(subscriber);
    const unlisten = async (): Promise<void> => {
      this.#subscribers.delete(subscriber);
      await this.#hub.unsubscribe(subscriber);
    };
    try {
      await this.#hub.subscribe(subscriber, limits);
    } catch (error) {
      this.#subscribers.delete(subscriber);
      throw error;
    }
    if (this.#closing) {
      await unlisten();
      throw closed();
    }
    return unlisten;
  }

  /**
   * Sends a notification, over the listener's connection.
   *
   * @throws ProgrammingError for a bad name or a payload of 8,000 bytes or more, OperationalError when there
   * is no connection within the limits, the server's own error when it refuses.
   */
  async notify(channel: string, payload: string = "", limits: ListenOptions = {}): Promise<void> {
    this.#checkOpen();
    quoteIdentifier(channel);
    checkPayload(payload);
    const link = await within(limits, "waiting for the listener's connection", this.#hub.link());
    await link.notify(channel, payload, limits);
  }

  /** Has `handler` told of what happens to the connection; returns what ends that. */
  watch(handler: (event: ListenerEvent) => unknown): () => void {
    const own = (event: ListenerEvent): unknown => handler(event);
    if (typeof handler !== "function") throw new TypeError("a listener handler must be a function");
    this.#hub.watchers.add(own);
    this.#watching.add(own);
    return () => {
      if (this.#watching.delete(own)) this.#hub.watchers.remove(own);
    };
  }

  /**
   * Ends it, its subscriptions and loops, and, unless others share it, the connection. Never throws, takes
   * a few seconds at most, and leaves nothing that would keep the process alive.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const hub = this.#hub;
    const key = this.#key;
    hub.holders--;
    if (key !== null && hub.holders === 0 && shared.get(key) === hub) shared.delete(key);
    const subscribers = [...this.#subscribers];
    this.#subscribers.clear();
    if (hub.holders === 0) await hub.close();
    else await Promise.all(subscribers.map((subscriber) => hub.unsubscribe(subscriber)));
    for (const { failed } of subscribers) failed?.(closed);
    for (const own of this.#watching) hub.watchers.remove(own);
    this.#watching.clear();
  }

  /** Closes it at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #checkOpen(): void {
    if (this.#closing) throw closed();
  }
}
