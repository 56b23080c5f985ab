/**
 * The registry: which codec turns which PostgreSQL type into which JavaScript value and back.
 *
 * Registries are layered as in psycopg: the global one is inherited by a connection when it connects, the
 * connection's by a cursor when it is made. A layer that is changed is copied first, so a change is seen
 * by what is made from it later and never leaks upwards. Array types are derived from their elements, so
 * a type registered once is right in arrays too. Knows no session and does no I/O.
 */
import type { Writer } from "../protocol/writer.ts";
import type { Format } from "./format.ts";
import { BINARY, TEXT } from "./format.ts";
import { identityOf } from "./oids.ts";
import { arrayCodec } from "./types/array.ts";
import { unknownCodec } from "./types/unknown.ts";

/** Reads the field in `bytes[start..end)`; never called for NULL, may not keep `bytes`. */
export type Load<T = unknown> = (bytes: Buffer, start: number, end: number) => T;

/** What is known of one PostgreSQL type: both directions, both formats. */
export interface Codec {
  /** The type's name as PostgreSQL prints it, e.g. `int4`. */
  readonly name: string;
  /** The type's oid. */
  readonly oid: number;
  /** The oid of its array type, 0 when there is none. */
  readonly arrayOid: number;
  /** What separates elements in the text form of its arrays; `;` for box, `,` for all others. */
  readonly delimiter?: string;
  /** Whether a JavaScript array is one value of this type and not several: it is for json. */
  readonly takesArrays?: boolean;
  /** The format asked for in results: the one that is faster or more exact to read. */
  readonly results: Format;
  /** Reads the text form. */
  readonly loadText: Load;
  /** Reads the binary form. Gives the same value that {@link loadText} gives. */
  readonly loadBinary: Load;
  /**
   * The text form of a JavaScript value.
   *
   * @throws DataError for a value out of the type's range, ProgrammingError for one of a wrong kind.
   */
  dumpText(value: unknown): string;
  /**
   * Writes the binary form. Returns false, having written nothing, when the value is one that only the
   * server can read (a string for a type that isn't text): the text form is sent instead.
   */
  dumpBinary(value: unknown, out: Writer): boolean;
}

/** A class whose instances a dumper was registered for. */
// eslint-disable-next-line typescript/no-explicit-any -- any constructor, whatever it takes
export type Class<T = object> = abstract new (...args: any[]) => T;

/** Turns an instance of a registered class into a value that codecs know, a string of its text form for example. */
export type Convert<T = object> = (value: T) => unknown;

/** One layer of the registry. */
export class AdaptersMap {
  #codecs: Map<number, Codec>;
  #converts: Map<unknown, Convert>;
  #shared: boolean;
  #version = 0;

  /** A layer that starts as its `parent` is now; empty without one. */
  constructor(parent?: AdaptersMap) {
    this.#codecs = parent ? parent.#codecs : new Map<number, Codec>();
    this.#converts = parent ? parent.#converts : new Map<unknown, Convert>();
    this.#shared = parent !== undefined;
    if (parent) {
      parent.#shared = true;
      this.#version = parent.#version;
    }
  }

  /** Changes whenever this layer does: what was chosen from it can be kept while it stays. */
  get version(): number {
    return this.#version;
  }

  /** Registers a codec for its type, replacing the one that was there; its array type follows. */
  register(codec: Codec): void {
    this.#own();
    this.#codecs.set(codec.oid, codec);
    if (codec.arrayOid) this.#codecs.set(codec.arrayOid, arrayCodec(codec));
  }

  /**
   * Registers how a type is read, keeping how it is written.
   *
   * @param format the format that `load` reads, text by default; results are asked for in it from now on.
   */
  registerLoader(oid: number, load: Load, format: Format = TEXT): void {
    const codec = this.#codecs.get(oid) ?? { ...unknownCodec, ...identityOf(oid) };
    this.register(
      format === BINARY
        ? { ...codec, oid, results: BINARY, loadBinary: load }
        : { ...codec, oid, results: TEXT, loadText: load },
    );
  }

  /** Registers how instances of a class become values that the codecs know. */
  registerDumper<T extends object>(type: Class<T>, convert: Convert<T>): void {
    this.#own();
    this.#converts.set(type, convert as Convert);
  }

  /** The codec of a type; one that reads and writes text for a type that isn't registered. */
  codec(oid: number): Codec {
    return this.#codecs.get(oid) ?? unknownCodec;
  }

  /** The type's name, also of a built-in type that isn't registered; else its oid. */
  nameOf(oid: number): string {
    return (this.#codecs.get(oid) ?? identityOf(oid)).name;
  }

  /** The oid of the registered type of this name, 0 when there is none. */
  oidOf(name: string): number {
    for (const codec of this.#codecs.values()) if (codec.name === name) return codec.oid;
    return 0;
  }

  /** Whether the type is registered. */
  knows(oid: number): boolean {
    return this.#codecs.has(oid);
  }

  /** Applies the dumper registered for the value's class, if there is one; in arrays, to each element. */
  convert(value: unknown, codec: Codec): unknown {
    if (this.#converts.size === 0 || typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) {
      return codec.takesArrays ? value : value.map((element) => this.convert(element, codec));
    }
    for (
      let kind: unknown = Object.getPrototypeOf(value);
      kind;
      kind = Object.getPrototypeOf(kind)
    ) {
      const convert = this.#converts.get((kind as { constructor?: unknown }).constructor);
      if (convert) return convert(value);
    }
    return value;
  }

  #own(): void {
    this.#version++;
    if (!this.#shared) return;
    this.#codecs = new Map(this.#codecs);
    this.#converts = new Map(this.#converts);
    this.#shared = false;
  }
}
