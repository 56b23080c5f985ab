/**
 * The adapters of a pool: what is registered here holds for all of its connections, for those that there are as
 * for those to come.
 *
 * So a type is fetched once and known everywhere. What was registered is kept as a list, and said again to
 * each new connection after it has inherited what the program's adapters are by then.
 */
import type { Class, Codec, Convert, Recipe } from "../adapt/registry.ts";
import { AdaptersMap } from "../adapt/registry.ts";

type Change = (adapters: AdaptersMap) => void;

/** One layer for many connections. */
export class PoolAdapters extends AdaptersMap {
  readonly #changes: Change[] = [];
  readonly #followers = new Set<AdaptersMap>();

  /** Makes a connection's adapters follow these: all changes until now, and those from now on. */
  follow(adapters: AdaptersMap): void {
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
