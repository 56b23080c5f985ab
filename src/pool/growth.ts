/**
 * Making connections: as many at once as are wanted, and one at a time while the server can't be reached.
 *
 * Nobody waits for a particular attempt. Whoever comes back first, a new connection or one that somebody
 * returns, goes to who has waited longest; a connection that comes when nobody waits any more is kept.
 */
import type { Clock } from "./clock.ts";
import { PoolClosed } from "./errors.ts";
import type { Keeper, PoolEvent } from "./keeper.ts";
import { Outage } from "./outage.ts";
import type { Place } from "./places.ts";
import { Places } from "./places.ts";
import type { PoolCounters } from "./stats.ts";

/** What growth asks of the pool, and tells it. */
export interface Grower<C> {
  /** How many more connections are wanted, beside those that are being made. */
  wanted(): number;
  /** Whether somebody waits. */
  awaited(): boolean;
  /** A connection was made. */
  landed(conn: C, place: Place): void;
  /** An attempt has failed. */
  failed(error: Error): void;
  /** None could be made for `reconnectTimeout`. */
  gaveUp(error: Error): void;
  tell(event: PoolEvent): void;
  counters(): PoolCounters;
}

/** Makes the connections of one pool. */
export class Growth<C> {
  readonly places: Places;
  readonly outage: Outage;
  readonly #keeper: Keeper<C>;
  readonly #clock: Clock;
  readonly #grower: Grower<C>;
  readonly #reconnectTimeout: number;
  /** What ends each of the attempts: one signal for all would have more listeners than Node likes. */
  readonly #attempts = new Set<AbortController>();
  #stopped = false;
  #connecting = 0;
  #hasGivenUp = false;

  constructor(
    limit: number,
    reconnectTimeout: number,
    keeper: Keeper<C>,
    clock: Clock,
    grower: Grower<C>,
  ) {
    this.places = new Places(limit);
    this.outage = new Outage(clock, () => this.grow());
    this.#reconnectTimeout = reconnectTimeout;
    this.#keeper = keeper;
    this.#clock = clock;
    this.#grower = grower;
  }

  /** How many are being made. */
  get connecting(): number {
    return this.#connecting;
  }

  /** Somebody has come to wait. */
  demanded(): void {
    if (this.#hasGivenUp) {
      this.#hasGivenUp = false;
      this.outage.restart();
    }
    this.outage.hurry();
  }

  /** Makes as many as are wanted, have a place, and promise to succeed. */
  grow(): void {
    if (this.outage.paused || this.#stopped) return;
    if (this.#hasGivenUp && !this.#grower.awaited()) return;
    let count = Math.min(this.#grower.wanted(), this.places.free);
    if (this.outage.error) count = Math.min(count, 1 - this.#connecting);
    for (; count > 0; count--) void this.#attempt();
  }

  /** Ends all attempts; there are no more. */
  stop(): void {
    this.#stopped = true;
    this.outage.stop();
    for (const attempt of this.#attempts) attempt.abort();
  }

  async #attempt(): Promise<void> {
    this.#connecting++;
    const place = await this.places.take();
    const began = this.#clock.now();
    const attempt = new AbortController();
    this.#attempts.add(attempt);
    this.#grower.counters().connectionsNum++;
    let conn: C;
    try {
      if (this.#stopped) throw new PoolClosed("the pool was closed while it connected");
      conn = await this.#keeper.connect(attempt.signal);
    } catch (error) {
      this.#connecting--;
      this.places.leave(place);
      this.#failed(error as Error);
      return;
    } finally {
      this.#attempts.delete(attempt);
    }
    this.#connecting--;
    this.#grower.counters().connectionsMs += this.#clock.now() - began;
    this.outage.ended();
    this.#hasGivenUp = false;
    this.#grower.tell({ kind: "connected" });
    this.#grower.landed(conn, place);
    this.grow();
  }

  #failed(error: Error): void {
    this.#grower.counters().connectionsErrors++;
    if (this.#stopped) return this.#grower.failed(error);
    const delay = this.outage.failed(error, this.#grower.awaited());
    this.#grower.tell({ kind: "error", error, delay });
    this.#grower.failed(error);
    if (this.#hasGivenUp || this.outage.duration < this.#reconnectTimeout) return;
    this.#hasGivenUp = true;
    this.#grower.tell({ kind: "reconnectFailed", error });
    this.#grower.gaveUp(error);
  }
}
