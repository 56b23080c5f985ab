/**
 * Domains: as the types below them. Where a result's column is a domain the server describes it as its base
 * type; inside of arrays and composites, and for parameters, it doesn't. PostgreSQL manual, 8.18.
 */
import type { TypeIdentity } from "../oids.ts";
import type { AdaptersMap, Codec } from "../registry.ts";
import { BoundedArray } from "./array-bounds.ts";

/** What is below a domain. */
export interface DomainBase {
  /** The type's oid; it may be a domain, too. */
  readonly base: number;
  /** Whether it is an array type. */
  readonly isOverArrays: boolean;
}

/** The codec of a domain over a type. */
export function domainCodec(
  type: TypeIdentity,
  { base, isOverArrays }: DomainBase,
  adapters: AdaptersMap,
): Codec {
  const codec = adapters.codec(base);
  // An array was taken for one value so far, anything else has been converted already.
  const valueOf = (value: unknown): unknown =>
    Array.isArray(value) || value instanceof BoundedArray ? adapters.convert(value, codec) : value;
  return {
    ...codec,
    ...type,
    // A value of a domain over arrays is an array, and an array of such has arrays as its elements.
    takesArrays: codec.takesArrays === true || isOverArrays,
    dumpText: (value) => codec.dumpText(valueOf(value)),
    dumpBinary: (value, out) => codec.dumpBinary(valueOf(value), out),
  };
}
