/**
 * One connection of a pool, with what the pool knows about it.
 */
import type { Place } from "./places.ts";

/** What happens to it. Exactly one owner at a time: the idle list, a user, a check, the way back, or nobody. */
export type MemberState = "idle" | "lent" | "checking" | "restoring" | "gone";

/** A connection that belongs to a pool. */
export class Member<C> {
  readonly conn: C;
  readonly place: Place;
  /** Which generation it is of: a drain ends one. */
  readonly generation: number;
  /** When it gets too old. */
  readonly expires: number;
  state: MemberState = "checking";
  /** Since when it is idle, or lent. */
  since = 0;
  /** Whether there is reason to doubt it, so that it is checked before it is lent. */
  suspect = false;
  /** Counts its loans; one that has another number has ended. */
  ticket = 0;
  /** Who asked for it, where leaks are looked for. */
  stack: string | null = null;

  constructor(conn: C, place: Place, generation: number, expires: number) {
    this.conn = conn;
    this.place = place;
    this.generation = generation;
    this.expires = expires;
  }
}
