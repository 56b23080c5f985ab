/**
 * Places: how many connections a pool may have at once, counted by generic-pool.
 *
 * What generic-pool pools here is not connections but the room for them. A place is acquired before an
 * attempt to connect begins and is given up when the socket is gone, so its limit is exact, with
 * connections that are being made or closed included. Making a place can't fail and takes no time: what
 * fails, waits and is tried again lies outside, where it can be told of and ended. Lending the connections
 * themselves is not its business either: its acquire and release alone take two thirds of what pg's pool
 * takes for a whole checkout, and nobody who waits there can leave.
 */
import { createPool } from "generic-pool";
import type { Pool } from "generic-pool";

/** The room for one connection. */
export class Place {
  /** Whether it was given up. */
  left = false;
}

/** Where places are given up. */
export interface Room {
  /** How many there may be. */
  limit: number;
  /** Gives one up; again, it does nothing. */
  leave(place: Place): void;
}

/** All of a pool's places. */
export class Places implements Room {
  /** How many there may be; lowered below what is taken, it lets nobody in. */
  limit: number;
  readonly #pool: Pool<Place>;

  constructor(limit: number) {
    this.limit = limit;
    const factory = {
      create: () => Promise.resolve(new Place()),
      destroy: () => Promise.resolve(),
    };
    this.#pool = createPool(factory, { max: 1, min: 0 });
    // It asks itself for its spare capacity each time, and has no other way to be given a new limit.
    const spare = (): number => this.limit - this.#pool.size;
    Object.defineProperty(this.#pool, "spareResourceCapacity", { get: spare });
  }

  /** How many are taken. */
  get taken(): number {
    // Its `size` counts a place twice for a moment, while it is being made; and none is ever left over.
    return this.#pool.borrowed + this.#pool.pending;
  }

  /** How many can be taken; not below 0. */
  get free(): number {
    return Math.max(0, this.limit - this.taken);
  }

  /** Takes one; to be called while one is free. */
  take(): Promise<Place> {
    return this.#pool.acquire();
  }

  /** Gives one up; again, it does nothing. */
  leave(place: Place): void {
    if (place.left) return;
    place.left = true;
    void this.#pool.destroy(place);
  }
}
