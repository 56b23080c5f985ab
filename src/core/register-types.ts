/**
 * Registering types with a say in what their values are: psycopg's functions of these names.
 */
import type { CompositeForm } from "../adapt/types/composite.ts";
import { type EnumMapping, enumMapping, type EnumObject } from "../adapt/types/enum.ts";
import { hstoreCodec } from "../adapt/types/hstore.ts";
import { kindOf } from "../adapt/types/refuse.ts";
import { ProgrammingError } from "../errors.ts";
import { CompositeInfo, EnumInfo, MultirangeInfo, RangeInfo, TypeInfo } from "./type-info.ts";
import type { AdaptersContext } from "./type-registering.ts";
import { registerInfo } from "./type-registering.ts";

/** What composites of a type are in JavaScript; plain objects when nothing is said. */
export interface CompositeOptions<T extends object = object> {
  /** A class that is constructed with one object of the fields' values; its instances have the fields as properties. */
  // eslint-disable-next-line typescript/no-explicit-any -- the argument has the fields that the database says
  readonly factory?: new (fields: any) => T;
  /** Makes a value of the fields' values, in order, in place of `factory`. */
  readonly makeObject?: (values: unknown[], info: CompositeInfo) => T;
  /** The fields' values of what is given, in order; its properties by default. */
  readonly makeSequence?: (value: T, info: CompositeInfo) => readonly unknown[];
}

/**
 * Registers a composite type, and how its values are made.
 *
 * @throws ProgrammingError for what isn't a CompositeInfo.
 */
export function registerComposite<T extends object = object>(
  info: CompositeInfo,
  context?: AdaptersContext,
  options: CompositeOptions<T> = {},
): void {
  check(info, CompositeInfo, "registerComposite");
  const { factory, makeObject, makeSequence } = options;
  const form: CompositeForm = {
    factory,
    makeObject: makeObject && ((values) => makeObject(values, info)),
    makeSequence: makeSequence && ((value) => makeSequence(value as T, info)),
  };
  registerInfo(info, context, info.codecIn(form));
}

/**
 * Registers an enum, and the values that stand for its labels; without any, labels stand for themselves.
 *
 * @param values pairs of value and label (a Map has them), or an object like an enum of TypeScript's: with the
 * labels as its keys, or as its values.
 * @throws ProgrammingError for what isn't an EnumInfo, for labels that no value stands for, and for values
 * of labels that there aren't.
 */
export function registerEnum(
  info: EnumInfo,
  context?: AdaptersContext,
  values?: EnumMapping | EnumObject,
): void {
  check(info, EnumInfo, "registerEnum");
  const mapping = values === undefined ? null : enumMapping(info.regtype, info.labels, values);
  registerInfo(info, context, info.codecIn(mapping));
}

/**
 * Registers a range type.
 *
 * @throws ProgrammingError for what isn't a RangeInfo.
 */
export function registerRange(info: RangeInfo, context?: AdaptersContext): void {
  check(info, RangeInfo, "registerRange");
  info.register(context);
}

/**
 * Registers a multirange type, and the type of its ranges.
 *
 * @throws ProgrammingError for what isn't a MultirangeInfo.
 */
export function registerMultirange(info: MultirangeInfo, context?: AdaptersContext): void {
  check(info, MultirangeInfo, "registerMultirange");
  info.register(context);
}

/**
 * Registers hstore, the type of the extension of that name: as objects of strings and nulls, or as Maps.
 *
 * @param info what `TypeInfo.fetch(conn, "hstore")` gives.
 * @throws ProgrammingError for what isn't a TypeInfo.
 */
export function registerHstore(
  info: TypeInfo,
  context?: AdaptersContext,
  options: { readonly as?: "object" | "map" } = {},
): void {
  check(info, TypeInfo, "registerHstore");
  const { regtype: name, oid, arrayOid } = info;
  registerInfo(info, context, () => hstoreCodec({ name, oid, arrayOid }, options.as === "map"));
}

function check(
  info: unknown,
  Wanted: abstract new (...made: never) => unknown,
  name: string,
): void {
  if (info instanceof Wanted) return;
  throw new ProgrammingError(
    `${name}() takes what ${Wanted.name}.fetch() gives, not ${kindOf(info)}`,
  );
}
