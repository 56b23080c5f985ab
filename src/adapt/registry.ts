/**
 * The registry: which codec turns which PostgreSQL type into which JavaScript value and back.
 *
 * Registries are layered as in psycopg: the global one is inherited by a connection when it connects, the
 * connection's by a cursor when it is made. A layer that is changed is copied first, so a change is seen
 * by what is made from it later and never leaks upwards. Array types are derived from their elements, so
 * a type registered once is right in arrays too; types that consist of others are derived from those, anew
 * in each layer. Knows no session and does no I/O.
 */
import { ProgrammingError } from "../errors.ts";
import type { Codec, Load } from "./codec.ts";
import type { Convert } from "./conversion.ts";
import { converted } from "./conversion.ts";
import type { FetchedTypes } from "./fetched-types.ts";
import type { Format } from "./format.ts";
import { BINARY, TEXT } from "./format.ts";
import { BUILTIN_TYPES, identityOf } from "./oids.ts";
import { asOwnLike } from "./own-loads.ts";
import type { Recipe } from "./recipe.ts";
import { arrayRecipe } from "./recipe.ts";
import { arrayCodec } from "./types/array.ts";
import { TypedValue } from "./types/typed-values.ts";
import { unknownCodec } from "./types/unknown.ts";

export type { Codec, Load } from "./codec.ts";
export type { Convert } from "./conversion.ts";
export type { Recipe } from "./recipe.ts";

/** A class whose instances a dumper was registered for. */
// eslint-disable-next-line typescript/no-explicit-any -- any constructor, whatever it takes
export type Class<T = object> = abstract new (...args: any[]) => T;

/** What a layer consists of; never changed once somebody else relies on it. */
export interface Layer {
  readonly codecs: Map<number, Codec>;
  readonly recipes: Map<number, Recipe>;
  readonly converts: Map<unknown, Convert>;
  /** What types are that nobody registered. */
  fetched: FetchedTypes | null;
}

/** One layer of the registry. */
export class AdaptersMap {
  #layer: Layer;
  #shared: boolean;
  #version = 0;
  /** What recipes gave for this layer as it is now. */
  #derived: Map<number, Codec> = new Map();

  /** A layer that starts as its `parent` is now; empty without one. */
  constructor(parent?: AdaptersMap | Layer) {
    if (parent === undefined) {
      this.#layer = { codecs: new Map(), recipes: new Map(), converts: new Map(), fetched: null };
      this.#shared = false;
    } else {
      this.#layer = parent instanceof AdaptersMap ? parent.layer : parent;
      this.#shared = true;
      if (parent instanceof AdaptersMap) this.#version = parent.#version;
    }
  }

  /** Changes whenever this layer does: what was chosen from it can be kept while it stays. */
  get version(): number {
    return this.#version;
  }

  /** What the layer is now, to be inherited from later; another object after a change. @internal */
  get layer(): Layer {
    this.#shared = true;
    return this.#layer;
  }

  /** Becomes what the other layer is now. @internal */
  assume(other: AdaptersMap): void {
    if (other.#layer === this.#layer) return;
    this.#layer = other.layer;
    this.#shared = true;
    this.#version++;
    this.#derived = new Map();
  }

  /** Registers a codec for its type, replacing the one that was there; its array type follows. */
  register(codec: Codec): void {
    const { codecs, recipes } = this.#own();
    codecs.set(codec.oid, codec);
    recipes.delete(codec.oid);
    if (!codec.arrayOid) return;
    codecs.set(codec.arrayOid, asOwnLike(codec, arrayCodec(codec)));
    recipes.delete(codec.arrayOid);
  }

  /** Registers a codec that is derived from others, and so follows when those change. */
  registerRecipe(recipe: Recipe): void {
    const { codecs, recipes } = this.#own();
    codecs.delete(recipe.oid);
    // What is registered last is found by its name.
    recipes.delete(recipe.oid);
    recipes.set(recipe.oid, recipe);
    if (!recipe.arrayOid) return;
    codecs.delete(recipe.arrayOid);
    recipes.set(recipe.arrayOid, arrayRecipe(recipe));
  }

  /** Knows these types from now on, as far as nobody has registered them: what is registered always counts. @internal */
  learn(types: FetchedTypes): void {
    const layer = this.#own();
    layer.fetched = layer.fetched === null ? types : layer.fetched.with(types);
  }

  /**
   * Registers how a type is read, keeping how it is written.
   *
   * @param type its oid, or the name of one that is built in or registered.
   * @param format the format that `load` reads, text by default; results are asked for in it from now on.
   * @throws ProgrammingError for a name that isn't known.
   */
  registerLoader(type: number | string, load: Load, format: Format = TEXT): void {
    if (typeof load !== "function") throw notAFunction("a loader", load);
    if (format !== TEXT && format !== BINARY)
      throw new ProgrammingError(
        `a loader's format is 0 (text) or 1 (binary), not ${String(format)}`,
      );
    const oid = this.#find(type);
    if (format === BINARY) {
      given.add(load);
      this.#amend(oid, (codec) => ({
        ...codec,
        results: BINARY,
        loadBinary: load,
        isTextOnly: false,
      }));
    } else {
      // The built-in way to read the other format would give other values.
      this.#amend(oid, (codec) => ({
        ...codec,
        results: TEXT,
        loadText: load,
        isTextOnly: !given.has(codec.loadBinary),
      }));
    }
  }

  /** Registers how instances of a class, and of classes that extend it, become values that codecs know. */
  registerDumper<T extends object>(type: Class<T>, convert: Convert<T>): void;
  /**
   * Registers how values become such as the codec of a type knows, whatever they are; null stays null. By its
   * oid, or by the name of a type that is built in or registered.
   *
   * @throws ProgrammingError for a name that isn't known.
   */
  registerDumper(type: number | string, convert: Convert<unknown>): void;
  registerDumper(type: Class | number | string, convert: Convert<never>): void {
    if (typeof convert !== "function") throw notAFunction("a dumper", convert);
    if (typeof type === "function") {
      this.#own().converts.set(type, convert as Convert);
      return;
    }
    this.#amend(this.#find(type), (codec) => ({
      ...codec,
      dumpText: (value) => codec.dumpText((convert as Convert<unknown>)(value, codec)),
      dumpBinary: (value, out) =>
        codec.dumpBinary((convert as Convert<unknown>)(value, codec), out),
    }));
  }

  /** The codec of a type; one that reads and writes text for a type that isn't registered. */
  codec(oid: number): Codec {
    return this.#layer.codecs.get(oid) ?? this.#derive(oid) ?? unknownCodec;
  }

  #derive(oid: number): Codec | undefined {
    const recipe = this.#recipe(oid);
    if (recipe === undefined) return undefined;
    let codec = this.#derived.get(oid);
    if (codec === undefined) {
      codec = recipe.make(this);
      this.#derived.set(oid, codec);
    }
    return codec;
  }

  #recipe(oid: number): Recipe | undefined {
    const { recipes, fetched } = this.#layer;
    return recipes.get(oid) ?? fetched?.byOid.get(oid);
  }

  /** The type's name, also of a built-in type that isn't registered; else its oid. */
  nameOf(oid: number): string {
    return (this.#layer.codecs.get(oid) ?? this.#recipe(oid) ?? identityOf(oid)).name;
  }

  /** The oid of the type of this name that was registered last, 0 when there is none. */
  oidOf(name: string): number {
    let oid = 0;
    for (const type of this.#layer.codecs.values()) if (type.name === name) oid = type.oid;
    for (const type of this.#layer.recipes.values()) if (type.name === name) oid = type.oid;
    return oid || (this.#layer.fetched?.byName.get(name) ?? 0);
  }

  /** Whether the type is registered, or was fetched with all others. */
  knows(oid: number): boolean {
    return this.registers(oid) || this.#layer.fetched?.byOid.has(oid) === true;
  }

  /** Whether the type is registered by itself. */
  registers(oid: number): boolean {
    return this.#layer.codecs.has(oid) || this.#layer.recipes.has(oid);
  }

  /** Applies the dumper registered for the value's class, if there is one; in arrays, to each element. */
  convert(value: unknown, codec: Codec): unknown {
    if (typeof value !== "object" || value === null) return value;
    if (value instanceof TypedValue) return value.value;
    return this.#layer.converts.size === 0 ? value : converted(this.#layer.converts, value, codec);
  }

  #find(type: number | string): number {
    if (typeof type === "number") {
      if (Number.isInteger(type) && type > 0 && type <= 0xffffffff) return type;
      throw new ProgrammingError(`${type} is not the oid of a type`);
    }
    if (typeof type !== "string")
      throw new ProgrammingError(
        `a type is given by its oid or its name, or by a class of its values, not by ${typeof type}`,
      );
    const isArray = type.endsWith("[]");
    const oids = BUILTIN_TYPES.get(isArray ? type.slice(0, -2) : type);
    const oid = this.oidOf(type) || oids?.[isArray ? 1 : 0] || 0;
    if (oid !== 0) return oid;
    throw new ProgrammingError(
      `no type named ${JSON.stringify(type)} is built in or registered; fetch it with TypeInfo.fetch() and ` +
        `register it, or give its oid`,
    );
  }

  /** Changes the codec of a type in some way, wherever it comes from. */
  #amend(oid: number, change: (codec: Codec) => Codec): void {
    const { codecs } = this.#layer;
    const recipe = codecs.has(oid) ? undefined : this.#recipe(oid);
    if (recipe !== undefined) {
      this.registerRecipe({ ...recipe, make: (adapters) => change(recipe.make(adapters)) });
      return;
    }
    this.register(change(codecs.get(oid) ?? { ...unknownCodec, ...identityOf(oid) }));
  }

  /** The layer as one that may be changed. */
  #own(): Layer {
    this.#version++;
    this.#derived = new Map();
    if (this.#shared) {
      const { codecs, recipes, converts, fetched } = this.#layer;
      this.#layer = {
        codecs: new Map(codecs),
        recipes: new Map(recipes),
        converts: new Map(converts),
        fetched,
      };
      this.#shared = false;
    }
    return this.#layer;
  }
}

/** Loaders of binary that somebody has registered. */
const given = new WeakSet<Load>();

function notAFunction(what: string, given: unknown): ProgrammingError {
  return new ProgrammingError(`${what} must be a function, not ${typeof given}`);
}
