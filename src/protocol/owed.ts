/**
 * What the server owes, in the order in which it was asked.
 *
 * A ring: every statement is put in and taken out once, only the first is ever asked for, and no length of an
 * array changes, which would be a call into the engine.
 */
import type { Reply } from "./replies.ts";

/** How many are owed before the ring grows; a power of 2, as every size of it. */
const FIRST_SIZE = 16;
/** A ring larger than this is given back when all has come. */
const LARGEST_KEPT = 4096;

/** The replies that are owed. */
export class Owed {
  /** How many are owed. */
  count = 0;
  /** How many were ever owed. */
  asked = 0;
  #ring: (Reply | null)[] = emptyRing(FIRST_SIZE);
  #head = 0;

  /** The one whose messages come next; null when nothing is owed. */
  get first(): Reply | null {
    return this.#ring[this.#head] as Reply | null;
  }

  /** Owes one more. */
  add(reply: Reply): void {
    const size = this.#ring.length;
    if (this.count === size) this.#resize(2 * size);
    this.#ring[(this.#head + this.count) & (this.#ring.length - 1)] = reply;
    this.count++;
    this.asked++;
  }

  /** Takes the first one out, which there is. */
  drop(): void {
    this.#ring[this.#head] = null;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.count--;
    if (this.count === 0 && this.#ring.length > LARGEST_KEPT) this.#resize(FIRST_SIZE);
  }

  /** All of them. */
  *[Symbol.iterator](): Generator<Reply> {
    const mask = this.#ring.length - 1;
    for (let at = 0; at < this.count; at++) yield this.#ring[(this.#head + at) & mask] as Reply;
  }

  /** Takes all of them out. */
  takeAll(): Reply[] {
    const all = [...this];
    this.#ring = emptyRing(FIRST_SIZE);
    this.#head = this.count = 0;
    return all;
  }

  #resize(size: number): void {
    const all = [...this];
    this.#ring = emptyRing(size);
    this.#head = 0;
    all.forEach((reply, at) => (this.#ring[at] = reply));
  }
}

function emptyRing(size: number): (Reply | null)[] {
  const ring: null[] = [];
  for (let at = 0; at < size; at++) ring.push(null);
  return ring;
}
