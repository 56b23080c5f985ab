/**
 * Dumpers that were registered for classes: which one a value has, and where in an array it is called.
 */
import type { Codec } from "./codec.ts";
import type { TypeIdentity } from "./oids.ts";
import { BoundedArray } from "./types/array-bounds.ts";
import { MOST_DIMENSIONS } from "./types/array-text.ts";
import { TypedValue } from "./types/typed-values.ts";

/**
 * Turns a value into one that codecs know, a string of its text form for example; `type` is the one that it
 * is written as.
 */
export type Convert<T = object> = (value: T, type: TypeIdentity) => unknown;

/** Applies the dumper of the value's class, if there is one; in arrays, to each element. */
export function converted(
  converts: ReadonlyMap<unknown, Convert>,
  value: unknown,
  codec: Codec,
  depth = 0,
): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof TypedValue) return value.value;
  const convert = convertOf(converts, value);
  if (convert) return convert(value, codec);
  if (value instanceof BoundedArray) {
    const values = converted(converts, value.values, codec, depth);
    return new BoundedArray(values as unknown[], value.lowerBounds);
  }
  // What is nested deeper is no array of PostgreSQL's, and perhaps endless: its codec refuses it.
  if (!Array.isArray(value) || codec.takesArrays || depth >= MOST_DIMENSIONS) return value;
  const { element = codec } = codec;
  return value.map((item) => converted(converts, item, element, depth + 1));
}

/** The dumper of the value's class, or of the nearest one that it extends and that has one. */
function convertOf(converts: ReadonlyMap<unknown, Convert>, value: object): Convert | undefined {
  const isArray = Array.isArray(value);
  for (let kind: unknown = Object.getPrototypeOf(value); kind; kind = Object.getPrototypeOf(kind)) {
    // Arrays are no instances of a class, but for those of classes that extend Array. Its prototype is one.
    if (isArray && Array.isArray(kind)) return undefined;
    const convert = converts.get((kind as { constructor?: unknown }).constructor);
    if (convert) return convert;
  }
  return undefined;
}
