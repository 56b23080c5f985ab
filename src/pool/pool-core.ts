/**
 * The policies of a pool: who gets which connection, and when one is made, checked, kept or closed.
 *
 * One rule carries everything: a free connection is never promised to anybody while something is awaited.
 * What becomes free goes to who is first in the queue in that moment, and to the idle list when nobody is,
 * in one step that nothing can interrupt. So a request can give up at any time and takes nothing along,
 * and a connection that arrives late is simply free.
 *
 * No sockets, no SQL and no timers of the system in here: see keeper.ts and clock.ts.
 */
import { freshOf } from "../fresh.ts";
import type { Clock } from "./clock.ts";
import { aborted, isPermanent, PoolClosed, timedOut, TooManyRequests } from "./errors.ts";
import type { PoolSituation } from "./errors.ts";
import { Growth } from "./growth.ts";
import type { Keeper, PoolHost, Request, Restored } from "./keeper.ts";
import type { Member } from "./member.ts";
import type { Place } from "./places.ts";
import { Roster } from "./roster.ts";
import type { PoolSettings } from "./settings.ts";
import type { PoolCounters, PoolStats } from "./stats.ts";
import { noCounts } from "./stats.ts";
import { Waiter, Waiters } from "./waiters.ts";

const NOTHING: readonly object[] = Object.freeze([]);

/** The connections of a pool and those who want them, whom it issues loans of a kind. */
export class PoolCore<C, L> {
  readonly settings: PoolSettings;
  readonly growth: Growth<C>;
  readonly roster: Roster<C>;
  readonly waiters: Waiters<L>;
  minSize: number;
  counters: PoolCounters = noCounts();
  /** Whether it serves requests: not before it is opened, nor after it was closed. */
  isOpen = false;
  /** Called after whatever somebody may wait for. */
  onChange: (() => void) | null = null;
  #checking = 0;
  readonly #keeper: Keeper<C>;
  readonly #clock: Clock;
  readonly #host: PoolHost<C, L>;

  constructor(settings: PoolSettings, keeper: Keeper<C>, clock: Clock, host: PoolHost<C, L>) {
    this.settings = settings;
    this.minSize = settings.minSize;
    this.#keeper = keeper;
    this.#clock = clock;
    this.#host = host;
    this.waiters = new Waiters(
      clock,
      (waiter) => this.#late(waiter),
      (waiter) => this.#leave(waiter),
    );
    const { maxSize, reconnectTimeout } = settings;
    this.growth = new Growth(maxSize, reconnectTimeout, keeper, clock, {
      wanted: () => this.#wanted(),
      awaited: () => this.waiters.size > 0,
      landed: (conn, place) => this.#landed(conn, place),
      failed: (error) => this.#attemptFailed(error),
      gaveUp: () => host.gaveUp(),
      tell: (event) => host.tell(event),
      counters: () => this.counters,
    });
    this.roster = new Roster(settings, keeper, clock, this.growth.places, {
      counters: () => this.counters,
      lost: (error) => this.#lost(error),
      left: () => this.serve(),
    });
  }

  /** How many connections there are, or are being made. */
  get size(): number {
    return this.roster.members.size + this.growth.connecting;
  }

  /** What the pool is like, for those who get nothing. */
  situation(): PoolSituation {
    const today = this.#clock.today();
    let longestLoan: number | null = null;
    for (const { state, since } of this.roster.members) {
      if (state === "lent") longestLoan = Math.max(longestLoan ?? 0, today - since);
    }
    const { name } = this.settings;
    const inUse = this.roster.lent;
    return { pool: name, size: this.size, inUse, waiting: this.waiters.size, longestLoan };
  }

  /** The numbers. */
  stats(): PoolStats {
    return {
      poolMin: this.minSize,
      poolMax: this.growth.places.limit,
      poolSize: this.size,
      poolAvailable: this.roster.idle.length,
      poolConnecting: this.growth.connecting,
      poolClosing: this.roster.closing.size,
      requestsWaiting: this.waiters.size,
      ...this.counters,
    };
  }

  /** Lends a connection where that takes no waiting; null where it does. */
  take(): Member<C> | null {
    const { roster } = this;
    if (!this.isOpen || this.waiters.size > 0 || this.#keeper.checksAlways) return null;
    const today = roster.look();
    const member = roster.pop(today);
    if (member === null) return null;
    if (member.suspect) {
      roster.idle.push(member);
      return null;
    }
    this.counters.requestsNum++;
    roster.lend(member, today);
    return member;
  }

  /** Lends a connection as soon as there is one. */
  request(request: Request): Promise<L> {
    const { counters, waiters } = this;
    counters.requestsNum++;
    const today = this.roster.look();
    const { signal, held = NOTHING, stack = null } = request;
    const refusal = signal?.aborted ? aborted(signal) : this.#refusal();
    if (refusal) {
      counters.requestsErrors++;
      return Promise.reject(refusal);
    }
    const timeout = request.timeout ?? this.settings.timeout;
    const waiter = new Waiter<L>(today, timeout, held, stack);
    waiters.add(waiter);
    this.growth.demanded();
    this.serve(today);
    if (!waiter.queued) return waiter.promise;
    counters.requestsQueued++;
    if (signal) {
      const abort = (): void => waiters.fail(waiter, aborted(signal));
      waiter.forget = this.#host.onAbort(signal, abort);
    }
    const deadlock = held.length > 0 ? this.#host.nested(held) : null;
    if (deadlock) waiters.fail(waiter, deadlock);
    return waiter.promise;
  }

  #refusal(): Error | null {
    const { maxWaiting, name } = this.settings;
    if (!this.isOpen) return new PoolClosed(`${name} is not open`, { outcome: "not sent" });
    if (maxWaiting > 0 && this.waiters.size >= maxWaiting) {
      const message = `${name} has ${this.waiters.size} requests waiting, as many as maxWaiting allows`;
      return new TooManyRequests(message, { outcome: "not sent" });
    }
    const { error, paused } = this.growth.outage;
    // Nothing will have changed by the end of the pause, and nothing else can serve the request.
    if (error && paused && this.size === 0 && isPermanent(error)) return freshOf(error);
    return null;
  }

  /** Takes a connection back from its user. */
  giveBack(member: Member<C>): Promise<void> | undefined {
    const today = this.roster.look();
    this.roster.unlend(member, today);
    const restored = this.#keeper.restore(member.conn);
    if ("usable" in restored) {
      this.#restored(member, restored, today);
      return undefined;
    }
    return restored.then((known) => this.#restored(member, known, this.#clock.today()));
  }

  #restored(member: Member<C>, { usable, inTransaction }: Restored, today: number): void {
    if (inTransaction) this.counters.returnsInTransaction++;
    if (!usable) {
      this.counters.returnsBad++;
      void this.roster.retire(member);
    } else if (this.#keeper.checksAlways && this.isOpen && this.roster.keeps(member, today)) {
      this.roster.rest(member, today);
    } else {
      this.#free(member, today);
    }
    // One that was handed over, or rests while nobody waits, changes nothing for others.
    if (this.onChange || member.state === "gone" || this.#keeper.checksAlways) this.serve(today);
  }

  /** Gives connections to those who wait, and has more made if they are too few. */
  serve(today: number = this.#clock.today()): void {
    while (this.waiters.size > this.#checking) {
      const member = this.roster.pop(today);
      if (member === null) break;
      if (this.#keeper.checksAlways || member.suspect) void this.check(member);
      else this.#hand(member, today);
    }
    if (this.isOpen) this.growth.grow();
    this.onChange?.();
  }

  /** Checks a connection that nobody owns; it is free afterwards, or gone. Returns why it failed, if it did. */
  async check(member: Member<C>): Promise<Error | null> {
    const { roster } = this;
    member.state = "checking";
    this.#checking++;
    const failure = await this.#failureOf(member);
    this.#checking--;
    if (failure === null) {
      member.suspect = false;
      this.#free(member, this.#clock.today());
    } else {
      this.counters.checksFailed++;
      this.#host.tell({ kind: "checkFailed", error: failure });
      void roster.retire(member);
      // What was wrong with it is most likely wrong with those that rested beside it.
      for (const other of Array.from(roster.idle)) roster.dismiss(other);
    }
    this.serve();
    return failure;
  }

  #failureOf(member: Member<C>): Promise<Error | null> {
    const { checkTimeout } = this.settings;
    return new Promise((resolve) => {
      const settle = (failure: Error | null): void => {
        timer.cancel();
        resolve(failure);
      };
      const late = (): void => settle(new Error(`the check took longer than ${checkTimeout} ms`));
      const timer = this.#clock.after(checkTimeout, late, false);
      const checking = this.#keeper.check(member.conn);
      checking.then(
        () => settle(null),
        (error: unknown) => settle(error as Error),
      );
    });
  }

  #hand(member: Member<C>, today: number): void {
    const waiter = this.waiters.shift() as Waiter<L>;
    this.counters.requestsWaitMs += Math.max(0, today - waiter.since);
    this.roster.lend(member, today);
    member.stack = waiter.stack;
    waiter.resolve(this.#host.issue(member));
  }

  /** A connection has no owner any more: gives it the next one. */
  #free(member: Member<C>, today: number): void {
    if (!this.isOpen || !this.roster.keeps(member, today)) {
      if (this.isOpen) this.counters.connectionsRetired++;
      void this.roster.retire(member);
    } else if (this.waiters.size > 0) {
      this.#hand(member, today);
    } else if (this.settings.maxIdle === 0 && this.size > this.minSize) {
      void this.roster.retire(member);
    } else {
      this.roster.rest(member, today);
    }
  }

  #landed(conn: C, place: Place): void {
    const today = this.#clock.today();
    this.#free(this.roster.add(conn, place), today);
    this.serve(today);
  }

  #lost(error: Error): void {
    this.#host.tell({ kind: "disconnected", error });
    // A server that ends a session says so. Without a word it may be the network, and so all of them.
    if ((error as { sqlstate?: unknown }).sqlstate === null) this.roster.doubt();
    this.serve();
  }

  #wanted(): number {
    const { connecting } = this.growth;
    const demand = this.waiters.size - this.#checking - connecting;
    return Math.max(demand, this.minSize - this.size);
  }

  #attemptFailed(error: Error): void {
    if (isPermanent(error) && this.roster.members.size === 0)
      this.waiters.failAll(() => freshOf(error));
    this.onChange?.();
  }

  #late(waiter: Waiter<L>): Error {
    const waited = this.#waitOf(waiter);
    const situation = { ...this.situation(), waiting: this.waiters.size - 1 };
    return timedOut(situation, waited, waiter.held.length, this.growth.outage.error);
  }

  #leave(waiter: Waiter<L>): void {
    this.counters.requestsErrors++;
    this.counters.requestsWaitMs += this.#waitOf(waiter);
  }

  #waitOf({ since }: Waiter<L>): number {
    return Math.max(0, this.#clock.today() - since);
  }
}
