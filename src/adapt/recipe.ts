/**
 * Codecs that are derived from others, so that they follow when those change: a composite's from those of its
 * fields, an array's from its elements'.
 */
import type { TypeIdentity } from "./oids.ts";
import type { AdaptersMap, Codec } from "./registry.ts";
import { arrayCodec } from "./types/array.ts";

/** A codec that is derived from others: that of a composite from those of its fields. */
export interface Recipe extends TypeIdentity {
  /** Makes the codec; whatever else it needs it asks `adapters` for, when it is used. */
  make(adapters: AdaptersMap): Codec;
}

/** The recipe of a type's arrays. */
export function arrayRecipe({ name, oid, arrayOid }: TypeIdentity): Recipe {
  return {
    name: `${name}[]`,
    oid: arrayOid,
    arrayOid: 0,
    make: (adapters) => arrayCodec(adapters.codec(oid)),
  };
}
