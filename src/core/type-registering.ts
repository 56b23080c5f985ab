/**
 * Registering a type that was fetched: after those that it consists of, so that nothing is missing, and without
 * touching those that somebody has registered in another way.
 */
import { globalAdapters } from "../adapt/builtins.ts";
import { AdaptersMap, type Codec, type Recipe } from "../adapt/registry.ts";
import { unknownCodec } from "../adapt/types/unknown.ts";
import { ProgrammingError } from "../errors.ts";
import type { TypeInfo } from "./type-info.ts";

/** Where something is registered: a connection, a cursor, a pool, a map of adapters; undefined for the program. */
export type AdaptersContext = AdaptersMap | { readonly adapters: AdaptersMap } | undefined;

/** The map of adapters that is meant. */
export function adaptersOf(context: AdaptersContext): AdaptersMap {
  if (context === undefined) return globalAdapters;
  const adapters: unknown = context instanceof AdaptersMap ? context : context?.adapters;
  if (adapters instanceof AdaptersMap) return adapters;
  throw new ProgrammingError(
    "types are registered for a connection, a cursor, a pool or a map of adapters; for all without one",
  );
}

/** Registers a type by what makes its codec; null when what is registered will do. */
export function registerInfo(
  info: TypeInfo,
  context: AdaptersContext,
  make: Recipe["make"] | null,
): void {
  const adapters = adaptersOf(context);
  for (const part of info.parts) {
    if (!adapters.registers(part.oid)) register(part, adapters, part.codecIn());
  }
  register(info, adapters, make);
}

function register(info: TypeInfo, adapters: AdaptersMap, make: Recipe["make"] | null): void {
  const { regtype: name, oid, arrayOid, delimiter } = info;
  if (make !== null) {
    adapters.registerRecipe({ name, oid, arrayOid, make });
    return;
  }
  // Arrays follow their elements, and what is built in has its codec.
  if (info.kind === "a" || (arrayOid !== 0 && adapters.knows(arrayOid))) return;
  const codec: Codec = adapters.knows(oid) ? adapters.codec(oid) : unknownCodec;
  adapters.register({ ...codec, name, oid, arrayOid, delimiter });
}
