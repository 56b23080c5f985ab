/**
 * Which loaders run no code of the program's: those can be called wherever values arrive.
 *
 * A loader of the program's may look at its asynchronous context, or use the connection, and is to find both as
 * they are where values are asked for. Whatever isn't known to be one of ours counts as the program's.
 */
import type { Codec, Load } from "./codec.ts";
import type { Format } from "./format.ts";

const own = new WeakSet<Load>();

/** Notes that a codec's loaders are ours, and gives it. */
export function asOwn(codec: Codec): Codec {
  own.add(codec.loadText);
  own.add(codec.loadBinary);
  return codec;
}

/** Notes that loaders which only call those of `element` are ours if those are; gives what was made of it. */
export function asOwnLike(element: Codec, made: Codec): Codec {
  if (own.has(element.loadText)) own.add(made.loadText);
  if (own.has(element.loadBinary)) own.add(made.loadBinary);
  return made;
}

/** Whether what reads this format of a type is ours. */
export function isOwnLoad(codec: Codec, format: Format): boolean {
  return own.has(format === 1 ? codec.loadBinary : codec.loadText);
}
