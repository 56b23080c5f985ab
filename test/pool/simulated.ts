// A pool's policies in a world of their own: time that jumps, connections that follow a script, and a
// judge who looks after each event. The policies are the real ones; they know the world through their own
// two interfaces, Clock and Keeper, and nothing of them is replaced.

import { expect } from "@jest/globals";
import type { Clock, Timer } from "../../src/pool/clock.ts";
import type { Keeper, PoolEvent, PoolHost, Restored } from "../../src/pool/keeper.ts";
import { Lifecycle } from "../../src/pool/lifecycle.ts";
import type { Member } from "../../src/pool/member.ts";
import { PoolCore } from "../../src/pool/pool-core.ts";
import { type PoolPolicy, settingsOf } from "../../src/pool/settings.ts";

/** Time that passes when it is told to. */
export class VirtualClock implements Clock {
  #now = 0;
  /** How much further the time of day has got: the process was frozen. */
  #ahead = 1_000_000;
  readonly #timers = new Map<Timer, { at: number; run: () => void }>();
  readonly #chance: () => number;

  constructor(chance: () => number) {
    this.#chance = chance;
  }

  now(): number {
    return this.#now;
  }

  today(): number {
    return this.#now + this.#ahead;
  }

  random(): number {
    return this.#chance();
  }

  after(milliseconds: number, run: () => void): Timer {
    const timer: Timer = { cancel: () => void this.#timers.delete(timer) };
    this.#timers.set(timer, { at: this.#now + Math.max(0, milliseconds), run });
    return timer;
  }

  /** How many timers there are. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Lets time pass, with everything that is due in it, in its order. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    for (;;) {
      let next: [Timer, { at: number; run: () => void }] | undefined;
      for (const entry of this.#timers) if (!next || entry[1].at < next[1].at) next = entry;
      if (!next || next[1].at > end) break;
      this.#timers.delete(next[0]);
      this.#now = Math.max(this.#now, next[1].at);
      next[1].run();
      await settled();
    }
    this.#now = end;
  }

  /** The process was frozen: the time of day went on, its timers did not. */
  freeze(milliseconds: number): void {
    this.#ahead += milliseconds;
  }
}

/** Lets everything happen that waits for nothing but its turn. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 4; i++) await new Promise(setImmediate);
}

/** Something that the script is to bring about. */
export interface Pending<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

/** A connection as the script knows it. */
export interface Scripted {
  readonly id: number;
  alive: boolean;
  ended: ((reason: Error) => void) | null;
}

/** A loan. */
export interface ScriptedLoan {
  readonly member: Member<Scripted>;
  over: boolean;
}

function pending<T>(list: Set<Pending<T>>, signal?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const entry: Pending<T> = {
      resolve: (value) => list.delete(entry) && resolve(value),
      reject: (error) => list.delete(entry) && reject(error),
    };
    list.add(entry);
    signal?.addEventListener("abort", () => entry.reject(new Error("aborted")));
  });
}

/** Connections that do what they are told. */
export class ScriptedKeeper implements Keeper<Scripted> {
  checksAlways = false;
  readonly connecting: Set<Pending<Scripted>> = new Set();
  readonly checking: Set<Pending<void>> = new Set();
  readonly restoring: Set<Pending<Restored>> = new Set();
  readonly closing: Set<Pending<void>> = new Set();
  /** Everything that has a socket. */
  readonly open: Set<Scripted> = new Set();
  /** What the next return finds; null has it wait for the script. */
  nextReturn: Restored | null = null;
  limit: () => number = () => Infinity;
  #count = 0;

  get sockets(): number {
    return this.connecting.size + this.open.size;
  }

  async connect(signal: AbortSignal): Promise<Scripted> {
    expect(this.sockets).toBeLessThan(this.limit());
    return await pending(this.connecting, signal);
  }

  /** A connection for one of the attempts. */
  land(attempt: Pending<Scripted>): void {
    const conn: Scripted = { id: ++this.#count, alive: true, ended: null };
    this.open.add(conn);
    attempt.resolve(conn);
  }

  async close(conn: Scripted): Promise<void> {
    conn.alive = false;
    if (this.open.has(conn)) await pending(this.closing);
    this.open.delete(conn);
  }

  isAlive(conn: Scripted): boolean {
    return conn.alive;
  }

  watch(conn: Scripted, ended: (reason: Error) => void): void {
    conn.ended = ended;
  }

  /** It ends by itself. */
  end(conn: Scripted, sqlstate: string | null): void {
    conn.alive = false;
    this.open.delete(conn);
    conn.ended?.(Object.assign(new Error("ended"), { sqlstate }));
  }

  async check(): Promise<void> {
    await pending(this.checking);
  }

  restore(conn: Scripted): Restored | Promise<Restored> {
    if (!conn.alive) return { usable: false, inTransaction: false };
    if (this.nextReturn) return this.nextReturn;
    return pending(this.restoring).then((restored) => ({
      ...restored,
      usable: restored.usable && conn.alive,
    }));
  }
}

/** A request as the script knows it. */
export interface ScriptedRequest {
  readonly id: number;
  readonly controller: AbortController;
  /** What it was promised. */
  loan?: Promise<unknown>;
  state: "waiting" | "served" | "failed";
  error?: Error;
}

/** A pool in that world. */
export class World implements PoolHost<Scripted, ScriptedLoan> {
  readonly clock: VirtualClock;
  readonly keeper = new ScriptedKeeper();
  readonly core: PoolCore<Scripted, ScriptedLoan>;
  readonly lifecycle: Lifecycle<Scripted, ScriptedLoan>;
  readonly requests: ScriptedRequest[] = [];
  readonly loans: Set<ScriptedLoan> = new Set();
  readonly events: PoolEvent[] = [];
  served = 0;
  givenUp = 0;

  constructor(policy: PoolPolicy, chance: () => number = () => 0.5) {
    this.clock = new VirtualClock(chance);
    this.core = new PoolCore(settingsOf(policy), this.keeper, this.clock, this);
    this.keeper.limit = () => this.core.growth.places.limit;
    const { core } = this;
    const sweep = (): void => {
      core.roster.sweep(core.minSize);
      core.serve();
    };
    this.lifecycle = new Lifecycle(core, this.clock, sweep, () => {});
  }

  issue(member: Member<Scripted>): ScriptedLoan {
    for (const loan of this.loans) expect(loan.member).not.toBe(member);
    expect(member.state).toBe("lent");
    expect(member.conn.alive).toBe(true);
    const loan = { member, over: false };
    this.loans.add(loan);
    return loan;
  }

  tell(event: PoolEvent): void {
    this.events.push(event);
  }

  gaveUp(): void {
    this.givenUp++;
  }

  nested(): Error | null {
    return null;
  }

  onAbort(signal: AbortSignal, abort: () => void): () => void {
    signal.addEventListener("abort", abort);
    return () => signal.removeEventListener("abort", abort);
  }

  /** Somebody asks for a connection. */
  arrive(timeout?: number): ScriptedRequest {
    const controller = new AbortController();
    const request: ScriptedRequest = { id: this.requests.length, controller, state: "waiting" };
    this.requests.push(request);
    const member = this.core.take();
    const loan = member
      ? Promise.resolve(this.issue(member))
      : this.core.request({ timeout, signal: controller.signal });
    request.loan = loan;
    loan.then(
      () => {
        // Whoever came before has been served, or has given up, though not everybody may have heard of it yet.
        const before = new Set<unknown>(this.requests.slice(0, request.id).map((one) => one.loan));
        const queued = [...this.core.waiters].filter(({ promise }) => before.has(promise));
        expect(queued).toHaveLength(0);
        request.state = "served";
        this.served++;
      },
      (error: Error) => {
        request.state = "failed";
        request.error = error;
      },
    );
    return request;
  }

  /** Somebody returns what was lent. */
  giveBack(loan: ScriptedLoan): void {
    this.loans.delete(loan);
    loan.over = true;
    if (loan.member.state === "lent") void this.core.giveBack(loan.member);
  }

  /** Somebody closes what was lent. */
  discard(loan: ScriptedLoan): void {
    this.loans.delete(loan);
    loan.over = true;
    void this.core.roster.retire(loan.member);
  }

  /** Everything that has to be true whenever nothing happens. */
  judge(): void {
    const { core, keeper } = this;
    const { roster, growth, waiters, counters } = core;
    // One owner each.
    expect(new Set(roster.idle).size).toBe(roster.idle.length);
    for (const member of roster.idle) expect(member).toMatchObject({ state: "idle" });
    const held = [...this.loans].filter(({ member }) => member.state === "lent");
    expect(held.length).toBe(roster.lent);
    const states = [...roster.members].map(({ state }) => state);
    expect(states).not.toContain("gone");
    expect(states.filter((state) => state === "idle").length).toBe(roster.idle.length);
    // Every socket has a place, and every place but those of the lost is a socket's.
    expect(growth.places.taken).toBe(keeper.sockets);
    // Nobody waits who isn't in the queue.
    const waiting = this.requests.filter(({ state }) => state === "waiting").length;
    expect(waiters.size).toBe(waiting);
    expect([...waiters].length).toBe(waiting);
    for (const { deadline } of waiters) expect(deadline).toBeGreaterThanOrEqual(this.clock.now());
    // Nothing rests that somebody waits for, and everything is under way that could serve them.
    if (core.isOpen && waiting > 0) {
      if (keeper.checking.size === 0) expect(roster.idle.length).toBe(0);
      const coming = growth.connecting + keeper.checking.size;
      const idles = growth.outage.paused || growth.outage.error !== null;
      if (!idles && growth.places.free > 0) expect(coming).toBeGreaterThanOrEqual(waiting);
    }
    const failed = this.requests.filter(({ state }) => state === "failed").length;
    expect(counters.requestsNum).toBe(this.served + failed + waiting);
    expect(counters.requestsErrors).toBe(failed);
    const { connectionsNum, connectionsErrors } = counters;
    const made = this.events.filter(({ kind }) => kind === "connected").length;
    expect(connectionsNum).toBe(made + connectionsErrors + keeper.connecting.size);
  }
}
