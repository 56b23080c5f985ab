/**
 * One connection of a listener, from the first LISTEN to its end.
 *
 * A link proves itself: it listens to a channel that nobody else knows, sends itself a notification and
 * waits for it. A connection pooler that moves statements between sessions, or a network that swallows
 * packets, fails that test where a SELECT would still pass, or wait for ever. Every answer has a deadline.
 * A link that has failed is closed and never comes back; making another one is the hub's business.
 */
import { AsyncConnection } from "../async/connection.ts";
import type { Conninfo } from "../conninfo/dict.ts";
import type { Notify, NotifyHandler } from "../core/notify.ts";
import { OperationalError } from "../errors.ts";
import { quoteIdentifier } from "../sql/identifier.ts";
import type { Settings } from "./options.ts";

/** A statement's limits. */
export interface Limits {
  /** In milliseconds. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

/** A connection that listens. */
export class Link {
  /** Called once when it has ended, with the reason. */
  onEnd: ((reason: Error) => void) | null = null;
  /** Called with each notification of the program's channels. */
  onNotify: ((notify: Notify) => void) | null = null;
  /** When it was last known to hear everything. */
  lastHeard: Date = new Date();
  readonly #settings: Settings;
  readonly #proof = `mahout_${crypto.randomUUID()}`;
  readonly #listening = new Map<string, Promise<unknown>>();
  #conn!: AsyncConnection;
  #ended: Error | null = null;
  #closed = false;
  #fails: Set<(reason: Error) => void> = new Set();
  #proved: ((token: string) => void) | null = null;
  #timer: NodeJS.Timeout | undefined;

  private constructor(settings: Settings) {
    this.#settings = settings;
  }

  /**
   * Connects, listens to the channels, and proves that notifications arrive.
   *
   * @throws what went wrong; nothing is left open then.
   */
  static async open(
    conninfo: Conninfo | undefined,
    settings: Settings,
    channels: readonly string[],
    signal: AbortSignal,
  ): Promise<Link> {
    const link = new Link(settings);
    const notifyHandlers: NotifyHandler[] = [(notify) => link.#take(notify)];
    const given = settings.connect.notifyHandlers ?? [];
    notifyHandlers.push(...given);
    // In a transaction a session neither begins to listen nor hears anything.
    const options = { ...settings.connect, autocommit: true, signal, notifyHandlers };
    const conn = await AsyncConnection.connect(conninfo, options);
    link.#conn = conn;
    const { disconnected } = conn;
    const lost = (): void => link.#end(disconnected.reason as Error);
    if (disconnected.aborted) lost();
    else disconnected.addEventListener("abort", lost, { once: true });
    const abort = (): void => link.#end(new OperationalError("the listener was closed"));
    signal.addEventListener("abort", abort, { once: true });
    try {
      await link.#begin(channels);
      return link;
    } catch (error) {
      await link.close();
      throw error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  async #begin(channels: readonly string[]): Promise<void> {
    const names = [this.#proof, ...channels];
    const text = names.map((name) => `listen ${quoteIdentifier(name)}`).join("; ");
    const listening = this.#within("LISTEN", this.#conn.execute(text));
    for (const name of channels) this.#listening.set(name, listening);
    await listening;
    await this.#prove();
    this.#schedule();
  }

  /** Whether it has not ended. */
  get alive(): boolean {
    return this.#ended === null;
  }

  /** Why it has ended; null while it lives. */
  get ended(): Error | null {
    return this.#ended;
  }

  /** The server process. */
  get pid(): number {
    return this.#conn.info.backendPid;
  }

  /** Which channels it listens to, or is about to. */
  get channels(): readonly string[] {
    return [...this.#listening.keys()];
  }

  /** Listens to a channel, unless it does so already. Statements keep their order, and so do these. */
  async listen(name: string): Promise<void> {
    let listening = this.#listening.get(name);
    if (listening === undefined) {
      listening = this.#within("LISTEN", this.#conn.execute(`listen ${quoteIdentifier(name)}`));
      this.#listening.set(name, listening);
      listening.catch(() => {
        if (this.#listening.get(name) === listening) this.#listening.delete(name);
      });
    }
    await listening;
  }

  /** Stops that. */
  async unlisten(name: string): Promise<void> {
    if (!this.#listening.delete(name)) return;
    await this.#within("UNLISTEN", this.#conn.execute(`unlisten ${quoteIdentifier(name)}`));
  }

  /** Sends a notification. */
  async notify(channel: string, payload: string, limits: Limits): Promise<void> {
    await this.#conn.execute("select pg_notify($1, $2)", [channel, payload], limits);
  }

  /** Closes it; bounded, and never throws. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#end(new OperationalError("the listener was closed"));
    await this.#conn.close();
  }

  #take(notify: Notify): void {
    this.lastHeard = new Date();
    if (notify.channel === this.#proof) this.#proved?.(notify.payload);
    else this.onNotify?.(notify);
  }

  #end(reason: Error): void {
    if (this.#ended) return;
    this.#ended = reason;
    clearTimeout(this.#timer);
    for (const fail of this.#fails) fail(reason);
    if (!this.#closed) void this.#conn.close();
    this.onEnd?.(reason);
  }

  /** Waits for an answer, but not for ever: a connection that doesn't give it has failed. */
  async #within<T>(what: string, answer: Promise<T>): Promise<T> {
    const { timeout } = this.#settings;
    const timer = setTimeout(() => this.#end(silence(what, timeout)), timeout);
    let fail: (reason: Error) => void = () => {};
    const ended = new Promise<never>((_, reject) => (fail = reject));
    this.#fails.add(fail);
    try {
      return await Promise.race([answer, ended]);
    } catch (error) {
      throw this.#ended ?? error;
    } finally {
      clearTimeout(timer);
      this.#fails.delete(fail);
    }
  }

  async #prove(): Promise<void> {
    const token = crypto.randomUUID();
    const arrival = new Promise<void>((resolve) => {
      this.#proved = (payload) => {
        if (payload === token) resolve();
      };
    });
    const sent = this.#conn.execute("select pg_notify($1, $2)", [this.#proof, token]);
    await this.#within("a notification to itself", Promise.all([arrival, sent]));
  }

  #schedule(): void {
    const { interval } = this.#settings;
    if (interval === Infinity || this.#ended) return;
    const before = this.lastHeard;
    this.#timer = setTimeout(() => {
      // Whatever was heard meanwhile is proof enough.
      const proof = this.lastHeard === before ? this.#prove() : Promise.resolve();
      proof.then(
        () => this.#schedule(),
        (error: unknown) => this.#end(error as Error),
      );
    }, interval);
  }
}

function silence(what: string, timeout: number): OperationalError {
  return new OperationalError(
    `the listener's connection is deaf: ${what} had no effect within ${timeout} ms; the network may be down, or a pooler in between that does not keep sessions`,
    { code: "ERR_MAHOUT_LISTENER_DEAF" },
  );
}
