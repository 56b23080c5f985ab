/**
 * Types of a database that aren't built in: fetched from its catalog, then registered.
 *
 * Their oids differ from database to database, so somebody has to ask. An info has what was answered, with
 * the types that a type consists of; registering it makes codecs of all that. It is a fact about a database:
 * one info can be registered for any number of connections to it, a pool, or the whole program.
 */
import type { TypeIdentity } from "../adapt/oids.ts";
import type { Recipe } from "../adapt/registry.ts";
import {
  compositeCodec,
  type CompositeField,
  type CompositeForm,
} from "../adapt/types/composite.ts";
import { domainCodec } from "../adapt/types/domain.ts";
import { enumCodec } from "../adapt/types/enum.ts";
import { multirangeCodec } from "../adapt/types/multirange.ts";
import { rangeCodec } from "../adapt/types/range.ts";
import { ProgrammingError } from "../errors.ts";
import type { Conversation } from "../protocol/effects.ts";
import type { Session } from "../protocol/session.ts";
import type { ConnectionCore } from "./connection.ts";
import { ALL_FACTS, isOfDatabase } from "./database-types.ts";
import type { Limits } from "./options.ts";
import type { TypeFacts, TypeKind, TypeName } from "./type-catalog.ts";
import { askFacts, fetchFacts, KINDS } from "./type-catalog.ts";
import { makeInfos } from "./type-making.ts";
import type { AdaptersContext } from "./type-registering.ts";
import { registerInfo } from "./type-registering.ts";
import type { AnyTypeSource, AsyncSource, BlockingSource, Promised } from "./type-source.ts";
import { askWith } from "./type-source.ts";

/** A class of infos. */
export type InfoClass<Info> = abstract new (facts: TypeFacts, parts: readonly TypeInfo[]) => Info;

/** A type of a database: a base type, such as those of extensions, or what has a class of its own below. */
export class TypeInfo {
  /** The type's name, without quotes or schema. */
  readonly name: string;
  /** The schema that it is in. */
  readonly schema: string;
  /** The name as SQL writes it, with the schema where the search path of who asked didn't lead to it. */
  readonly regtype: string;
  /** The type's oid. */
  readonly oid: number;
  /** The oid of its array type, 0 when there is none. */
  readonly arrayOid: number;
  /** What separates elements in the text form of its arrays. */
  readonly delimiter: string;
  /** Its kind, in a letter. @internal */
  readonly kind: TypeKind;
  /** The types that it consists of, those first that others consist of. */
  readonly parts: readonly TypeInfo[];

  /** Made by {@link TypeInfo.fetch}. @internal */
  constructor(facts: TypeFacts, parts: readonly TypeInfo[]) {
    this.name = facts.name;
    this.schema = facts.schema;
    this.regtype = facts.regtype;
    this.oid = facts.oid;
    this.arrayOid = facts.arrayOid;
    this.delimiter = facts.delimiter;
    this.kind = facts.kind;
    this.parts = parts;
  }

  /**
   * Asks a database for a type and all types that it consists of: one round trip. What comes is of the class
   * that fits the type; a class other than TypeInfo takes only its own.
   *
   * @param source a connection, or a pool that lends one for it.
   * @param name the name as SQL writes it (`mood`, `app."Mood"`), an `Identifier`, or an oid.
   * @throws ProgrammingError when there is no such type (code `ERR_MAHOUT_UNKNOWN_TYPE`), or it is of another
   * kind.
   */
  static fetch<Info>(
    this: InfoClass<Info>,
    source: AsyncSource,
    name: TypeName,
    limits?: Limits & { readonly signal?: AbortSignal },
  ): Promised<Info>;
  static fetch<Info>(
    this: InfoClass<Info>,
    source: BlockingSource,
    name: TypeName,
    limits?: Limits,
  ): Info;
  static fetch(
    this: InfoClass<unknown>,
    source: AnyTypeSource,
    name: TypeName,
    limits?: Limits & { readonly signal?: AbortSignal },
  ): unknown {
    return askWith(source, limits, (core) => fetchInfo(core, name, this));
  }

  /**
   * Asks a database for all of its types that aren't built in, row types of tables among them, but for arrays of
   * what is there: one round trip. A class other than TypeInfo gives those of its own. See {@link registerTypes}.
   *
   * @param source a connection, or a pool that lends one for it.
   */
  static fetchAll<Info>(
    this: InfoClass<Info>,
    source: AsyncSource,
    limits?: Limits & { readonly signal?: AbortSignal },
  ): Promised<Info[]>;
  static fetchAll<Info>(this: InfoClass<Info>, source: BlockingSource, limits?: Limits): Info[];
  static fetchAll(
    this: InfoClass<unknown>,
    source: AnyTypeSource,
    limits?: Limits & { readonly signal?: AbortSignal },
  ): unknown {
    return askWith(source, limits, (core) => fetchInfos(core, this));
  }

  /**
   * Registers the type, the types that it consists of and aren't registered yet, and their arrays.
   *
   * @param context a connection, a cursor, a pool, or a map of adapters; by default the map of the program, which
   * connections inherit that are made later.
   */
  register(context?: AdaptersContext): void {
    registerInfo(this, context, this.codecIn());
  }

  /** What makes the type's codec; null when what is registered will do. @internal */
  codecIn(): Recipe["make"] | null {
    return null;
  }

  /** Shows what it is. */
  toString(): string {
    return `<${this.constructor.name} ${this.regtype} (oid ${this.oid})>`;
  }
}

/** A composite type, a table's row type among them. */
export class CompositeInfo extends TypeInfo {
  /** Its fields, in order. */
  readonly fields: readonly CompositeField[];

  /** Made by {@link TypeInfo.fetch}. @internal */
  constructor(facts: TypeFacts, parts: readonly TypeInfo[]) {
    super(facts, parts);
    this.fields = Object.freeze(facts.fields.map((field) => Object.freeze(field)));
  }

  /** The names of its fields. */
  get fieldNames(): string[] {
    return this.fields.map(({ name }) => name);
  }

  /** The oids of the types of its fields. */
  get fieldTypes(): number[] {
    return this.fields.map(({ oid }) => oid);
  }

  /** @internal */
  override codecIn(form: CompositeForm = {}): Recipe["make"] {
    return (adapters) => compositeCodec(identityOf(this), this.fields, form, adapters);
  }
}

/** An enum. */
export class EnumInfo extends TypeInfo {
  /** Its labels, in their order. */
  readonly labels: readonly string[];

  /** Made by {@link TypeInfo.fetch}. @internal */
  constructor(facts: TypeFacts, parts: readonly TypeInfo[]) {
    super(facts, parts);
    this.labels = Object.freeze([...facts.labels]);
  }

  /** @internal */
  override codecIn(mapping: ReadonlyMap<unknown, string> | null = null): Recipe["make"] {
    return () => enumCodec(identityOf(this), this.labels, mapping);
  }
}

/** A domain. */
export class DomainInfo extends TypeInfo {
  /** The oid of the type that it is over, which may be a domain, too. */
  readonly baseOid: number;

  /** Made by {@link TypeInfo.fetch}. @internal */
  constructor(facts: TypeFacts, parts: readonly TypeInfo[]) {
    super(facts, parts);
    this.baseOid = facts.baseOid;
  }

  /** @internal */
  override codecIn(): Recipe["make"] {
    const base = this.baseOid;
    const isOverArrays = this.parts.find(({ oid }) => oid === base) instanceof ArrayInfo;
    return (adapters) => ({
      ...domainCodec(identityOf(this), { base, isOverArrays }, adapters),
      delimiter: this.delimiter,
    });
  }
}

/** A range type. */
export class RangeInfo extends TypeInfo {
  /** The oid of the type of its bounds. */
  readonly subtypeOid: number;

  /** Made by {@link TypeInfo.fetch}. @internal */
  constructor(facts: TypeFacts, parts: readonly TypeInfo[]) {
    super(facts, parts);
    this.subtypeOid = facts.baseOid;
  }

  /** @internal */
  override codecIn(): Recipe["make"] {
    return (adapters) => rangeCodec(identityOf(this), this.subtypeOid, adapters);
  }
}

/** A multirange type. */
export class MultirangeInfo extends TypeInfo {
  /** The oid of the type of its ranges. */
  readonly rangeOid: number;

  /** Made by {@link TypeInfo.fetch}. @internal */
  constructor(facts: TypeFacts, parts: readonly TypeInfo[]) {
    super(facts, parts);
    this.rangeOid = facts.baseOid;
  }

  /** The oid of the type of its ranges' bounds. */
  get subtypeOid(): number {
    const range = this.parts.find(({ oid }) => oid === this.rangeOid);
    return range instanceof RangeInfo ? range.subtypeOid : 0;
  }

  /** @internal */
  override codecIn(): Recipe["make"] {
    return (adapters) => multirangeCodec(identityOf(this), this.rangeOid, adapters);
  }
}

/** An array type. */
export class ArrayInfo extends TypeInfo {
  /** The oid of the type of its elements. */
  readonly elementOid: number;

  /** Made by {@link TypeInfo.fetch}. @internal */
  constructor(facts: TypeFacts, parts: readonly TypeInfo[]) {
    super(facts, parts);
    this.elementOid = facts.baseOid;
  }
}

const CLASSES: Readonly<
  Record<TypeKind, new (...made: [TypeFacts, readonly TypeInfo[]]) => TypeInfo>
> = {
  a: ArrayInfo,
  b: TypeInfo,
  c: CompositeInfo,
  d: DomainInfo,
  e: EnumInfo,
  m: MultirangeInfo,
  p: TypeInfo,
  r: RangeInfo,
};

function* fetchInfo(
  core: ConnectionCore<unknown>,
  name: TypeName,
  Wanted: InfoClass<unknown>,
): Conversation<TypeInfo> {
  const facts = yield* fetchFacts(core, name);
  const [root] = facts;
  const info = makeInfos<TypeInfo>(facts, CLASSES).get(root.oid);
  if (info instanceof Wanted) return info as TypeInfo;
  throw new ProgrammingError(
    `${root.regtype} is ${KINDS[root.kind]}, not what ${Wanted.name} is for; TypeInfo.fetch() takes any type`,
  );
}

function* fetchInfos(
  core: ConnectionCore<unknown>,
  Wanted: InfoClass<unknown>,
): Conversation<TypeInfo[]> {
  yield* core.pipeline.settle();
  return (yield* allInfos(core.session)).filter((info) => info instanceof Wanted);
}

/** Asks for all types of a database that aren't built in. */
export function* allInfos(session: Session): Conversation<TypeInfo[]> {
  const facts = yield* askFacts(session, ALL_FACTS);
  const infos = makeInfos<TypeInfo>(facts, CLASSES);
  return facts.filter(isOfDatabase).map(({ oid }) => infos.get(oid) as TypeInfo);
}

function identityOf({ regtype, oid, arrayOid }: TypeInfo): TypeIdentity {
  return { name: regtype, oid, arrayOid };
}
