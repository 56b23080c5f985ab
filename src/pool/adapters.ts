/**
 * The adapters of a pool: what is registered here holds for all of its connections, for those that there are as
 * for those to come.
 *
 * So a type is fetched once and known everywhere. What was registered is kept as a list, and said again to
 * each new connection after it has inherited what the program's adapters are by then.
 */
import type { Class, Codec, Convert, Recipe } from "../adapt/registry.ts";
import type { FetchedTypes } from "../adapt/fetched-types.ts";
import { AdaptersMap } from "../adapt/registry.ts";
import type { TypeHolder, TypeMemory } from "../core/type-learning.ts";

type Change = (adapters: AdaptersMap) => void;

/** Types that connections to one place have fetched, and those that still hold them. */
interface Remembered {
  readonly types: FetchedTypes;
  readonly holders: Set<TypeHolder>;
}

/** One layer for many connections. */
export class PoolAdapters extends AdaptersMap implements TypeMemory {
  readonly #changes: Change[] = [];
  readonly #remembered = new Map<string, Remembered>();
  /** What the program has had all connections know. */
  #learned: FetchedTypes | null = null;
  /** How often all was forgotten, and when the program last had all connections know something. */
  #forgotten = 0;
  #learnedAt = 0;
  /** When those that fetch types began to: what came is newer than what was fetched before, and no newer. */
  readonly #askedAt = new WeakMap<AdaptersMap, number>();
  readonly #followers = new Set<AdaptersMap>();

  /** Makes a connection's adapters follow these: all changes until now, and those from now on. */
  follow(adapters: AdaptersMap): void {
    const isFresh = (this.#askedAt.get(adapters) ?? -1) >= this.#learnedAt;
    if (this.#learned !== null && !isFresh) adapters.learn(this.#learned);
    for (const change of this.#changes) change(adapters);
    this.#followers.add(adapters);
  }

  /** Makes a copy of what a connection had follow them, too. */
  followCopy(adapters: AdaptersMap): void {
    this.#followers.add(adapters);
  }

  /** Lets go of a connection that has ended. */
  leave(...ended: readonly AdaptersMap[]): void {
    for (const adapters of ended) this.#followers.delete(adapters);
  }

  /**
   * What the pool's connections to a place have fetched. It holds as long as one of them lives: a database with
   * connections can't be replaced by another one of its name, but behind a pooler.
   */
  find(place: string, holder: TypeHolder): FetchedTypes | null {
    this.#askedAt.set(holder.adapters, this.#forgotten);
    const remembered = this.#remembered.get(place);
    if (remembered === undefined) return null;
    const { types, holders } = remembered;
    for (const each of holders) if (each.ended) holders.delete(each);
    if (holders.size === 0) return null;
    holders.add(holder);
    return types;
  }

  /**
   * Keeps what the first connection to a place has fetched, also for what is asked of the pool itself; not what was
   * asked before all was forgotten.
   */
  keep(place: string, holder: TypeHolder, types: FetchedTypes): void {
    if (this.#askedAt.get(holder.adapters) !== this.#forgotten) return;
    this.#remembered.set(place, { types, holders: new Set([holder]) });
    super.learn(types);
  }

  /** Has the next connection ask for the types again. */
  forget(): void {
    this.#remembered.clear();
    this.#forgotten++;
  }

  /** Has all connections know types; those to come, too, unless they fetch all there are by then. */
  override learn(types: FetchedTypes): void {
    super.learn(types);
    this.#learned = this.#learned === null ? types : this.#learned.with(types);
    this.forget();
    this.#learnedAt = this.#forgotten;
    for (const follower of this.#followers) follower.learn(types);
  }

  override register(codec: Codec): void {
    super.register(codec);
    this.#tell((adapters) => adapters.register(codec));
  }

  override registerRecipe(recipe: Recipe): void {
    super.registerRecipe(recipe);
    this.#tell((adapters) => adapters.registerRecipe(recipe));
  }

  override registerDumper<T extends object>(type: Class<T>, convert: Convert<T>): void;
  override registerDumper(type: number | string, convert: Convert<unknown>): void;
  override registerDumper(type: Class | number | string, convert: Convert<never>): void {
    super.registerDumper(type as Class<never>, convert);
    // A dumper of a type has changed its codec, which was told already.
    if (typeof type !== "function") return;
    this.#tell((adapters) => adapters.registerDumper(type as Class<never>, convert));
  }

  #tell(change: Change): void {
    this.#changes.push(change);
    for (const follower of this.#followers) change(follower);
  }
}
