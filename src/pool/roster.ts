/**
 * The connections that belong to a pool, and who has each of them.
 *
 * A connection has exactly one owner: the idle list, a user, a check, the way back; or it is gone. It gets
 * in when it was made, and whoever finds that it is of no use any more has it retired, which closes it and
 * gives its place up when the socket is gone. One that ends by itself gives its place up at once, even
 * while somebody still holds it.
 *
 * Idle connections are used last in, first out: those in use stay warm, and those that nobody needs are
 * recognized by their age.
 */
import type { Clock } from "./clock.ts";
import { FROZEN_AFTER } from "./housekeeping.ts";
import type { Warden } from "./keeper.ts";
import { Member } from "./member.ts";
import type { Place, Room } from "./places.ts";
import type { PoolSettings } from "./settings.ts";
import type { PoolCounters } from "./stats.ts";

/** Which part of its lifetime a connection may lose by chance, so that not all are replaced at once. */
const LIFETIME_JITTER = 0.05;

/** What a roster tells. */
export interface RosterHost {
  counters(): PoolCounters;
  /** A connection has ended by itself. */
  lost(error: Error): void;
  /** A place has become free. */
  left(): void;
}

/** The members of one pool. */
export class Roster<C> {
  /** All that are not gone. */
  readonly members: Set<Member<C>> = new Set();
  /** The last one is the one that was used last. */
  readonly idle: Member<C>[] = [];
  /** What is being closed. */
  readonly closing: Set<Promise<void>> = new Set();
  /** How many are lent. */
  lent = 0;
  readonly #settings: PoolSettings;
  readonly #keeper: Warden<C>;
  readonly #clock: Clock;
  readonly #places: Room;
  readonly #host: RosterHost;
  #generation = 0;
  /** When the pool last had a look at the clock. */
  #seen: number;

  constructor(
    settings: PoolSettings,
    keeper: Warden<C>,
    clock: Clock,
    places: Room,
    host: RosterHost,
  ) {
    this.#settings = settings;
    this.#keeper = keeper;
    this.#clock = clock;
    this.#places = places;
    this.#host = host;
    this.#seen = clock.today();
  }

  /** Looks at the clock; doubts all that rest when the process seems to have been frozen. */
  look(): number {
    const today = this.#clock.today();
    if (today - this.#seen > FROZEN_AFTER) this.doubt();
    this.#seen = today;
    return today;
  }

  /** Has those that rest checked before they are lent. */
  doubt(): void {
    for (const member of this.idle) member.suspect = true;
  }

  /** Takes in a new connection; it is between two owners. */
  add(conn: C, place: Place): Member<C> {
    const { maxLifetime } = this.#settings;
    const lifetime = maxLifetime * (1 - LIFETIME_JITTER * this.#clock.random());
    const expires = this.#clock.today() + lifetime;
    const member = new Member(conn, place, this.#generation, expires);
    this.members.add(member);
    this.#keeper.watch(conn, (error) => this.#lost(member, error));
    return member;
  }

  /** Takes one that can be lent out of the idle list, if there is one. */
  pop(today: number): Member<C> | null {
    for (;;) {
      const member = this.idle.pop();
      if (member === undefined) return null;
      if (today < member.expires && this.#keeper.isAlive(member.conn)) return member;
      this.#dismissed(member);
    }
  }

  /** Whether a connection that nobody owns is to be kept. */
  keeps(member: Member<C>, today: number): boolean {
    return (
      member.generation === this.#generation &&
      today < member.expires &&
      this.members.size <= this.#places.limit &&
      this.#keeper.isAlive(member.conn)
    );
  }

  /** Lends one that nobody owns. */
  lend(member: Member<C>, today: number): void {
    member.state = "lent";
    member.since = today;
    this.lent++;
  }

  /** Makes the loan of one that is lent; where that fails nobody could give it back, and it is retired. */
  issue<L>(member: Member<C>, make: (member: Member<C>) => L): L {
    try {
      return make(member);
    } catch (error) {
      void this.retire(member);
      throw error;
    }
  }

  /** Takes one back from its user; it is between two owners. */
  unlend(member: Member<C>, today: number): void {
    this.#host.counters().usageMs += Math.max(0, today - member.since);
    member.state = "restoring";
    member.stack = null;
    this.lent--;
  }

  /** Puts one that nobody owns into the idle list. */
  rest(member: Member<C>, today: number): void {
    member.state = "idle";
    member.since = today;
    this.idle.push(member);
  }

  /** Closes a connection that is in no list, and gives its place up. Gives what ends when it is closed. */
  retire(member: Member<C>): Promise<void> | undefined {
    if (member.state === "gone") return undefined;
    if (member.state === "lent") this.lent--;
    member.state = "gone";
    this.members.delete(member);
    const closing = this.#keeper.close(member.conn);
    if (closing === undefined) {
      this.#left(member);
      return undefined;
    }
    const closed = closing.then(() => {
      this.closing.delete(closed);
      this.#left(member);
    });
    this.closing.add(closed);
    return closed;
  }

  #left(member: Member<C>): void {
    this.#places.leave(member.place);
    this.#host.left();
  }

  /** Closes an idle connection that is not wanted any more. */
  dismiss(member: Member<C>): void {
    this.idle.splice(this.idle.indexOf(member), 1);
    this.#dismissed(member);
  }

  #dismissed(member: Member<C>): void {
    this.#host.counters().connectionsRetired++;
    void this.retire(member);
  }

  /** Closes idle connections that got too old, and those beyond `least` that rested for too long. */
  sweep(least: number): void {
    const today = this.look();
    for (const member of Array.from(this.idle)) {
      const isSpare = today - member.since >= this.#settings.maxIdle;
      if ((isSpare && this.members.size > least) || today >= member.expires) this.dismiss(member);
    }
  }

  /** Closes idle connections while there are more than `most`, beginning with those that rest longest. */
  shrink(most: number): void {
    for (const member of Array.from(this.idle)) {
      if (this.members.size > most) this.dismiss(member);
    }
  }

  /** Ends a generation: what rests is closed, what is lent will be when it comes back. */
  renew(): void {
    this.#generation++;
    for (const member of Array.from(this.idle)) this.dismiss(member);
  }

  #lost(member: Member<C>, error: Error): void {
    if (member.state === "gone") return;
    this.#host.counters().connectionsLost++;
    this.members.delete(member);
    this.#places.leave(member.place);
    if (member.state === "idle") {
      this.idle.splice(this.idle.indexOf(member), 1);
      void this.retire(member);
    }
    this.#host.lost(error);
  }
}
