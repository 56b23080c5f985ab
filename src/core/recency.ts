/**
 * A memory of limited size: what was used least recently is what it gives up.
 *
 * A Map could keep the order too, by taking out and putting in again what is used; but a program that goes
 * round a few statements would have it rebuild its table every few of them. So the order is a chain through
 * the entries, and the Map only finds them.
 */

/** What is remembered: its key, and its place in the chain, which is the memory's. */
export interface Remembered {
  readonly key: string;
  /** The one used next after it; null for the one used last. */
  newer: Remembered | null;
  /** The one used before it; null for the one used first. */
  older: Remembered | null;
}

/** What was used, most recently last. */
export class Recency<Entry extends Remembered> {
  readonly #entries = new Map<string, Entry>();
  #newest: Remembered | null = null;
  #oldest: Remembered | null = null;

  /** How many are remembered. */
  get size(): number {
    return this.#entries.size;
  }

  /** What is remembered under the key, which is a use of it. */
  use(key: string): Entry | undefined {
    if (this.#newest?.key === key) return this.#newest as Entry;
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#unchain(entry);
    this.#chain(entry);
    return entry;
  }

  /** Remembers what wasn't. */
  add(entry: Entry): void {
    this.#entries.set(entry.key, entry);
    this.#chain(entry);
  }

  /** Whether it is this one that is remembered under its key. */
  has(entry: Entry): boolean {
    return this.#entries.get(entry.key) === entry;
  }

  /** Forgets what was used least recently, and gives it. */
  forgetOldest(): Entry | null {
    const entry = this.#oldest as Entry | null;
    if (entry !== null) {
      this.#entries.delete(entry.key);
      this.#unchain(entry);
    }
    return entry;
  }

  /** All of them. */
  values(): Iterable<Entry> {
    return this.#entries.values();
  }

  /** Forgets all of them. */
  clear(): void {
    for (const entry of this.#entries.values()) entry.newer = entry.older = null;
    this.#entries.clear();
    this.#newest = this.#oldest = null;
  }

  #chain(entry: Remembered): void {
    entry.older = this.#newest;
    if (this.#newest) this.#newest.newer = entry;
    else this.#oldest = entry;
    this.#newest = entry;
  }

  #unchain(entry: Remembered): void {
    const { newer, older } = entry;
    if (newer) newer.older = older;
    else this.#newest = older;
    if (older) older.newer = newer;
    else this.#oldest = newer;
    entry.newer = entry.older = null;
  }
}
