/**
 * Infos from facts: each with the infos of the types that it consists of, which are made before it.
 */
import type { TypeFacts, TypeKind } from "./type-catalog.ts";

/** What infos are, as far as it matters for making them. */
interface Made<Info> {
  readonly parts: readonly Info[];
}

/** The class of the infos of each kind of types. */
export type InfoClasses<Info> = Readonly<
  Record<TypeKind, new (facts: TypeFacts, parts: readonly Info[]) => Info>
>;

/** Makes the infos of all these facts, by their oids. */
export function makeInfos<Info extends Made<Info>>(
  facts: readonly TypeFacts[],
  classes: InfoClasses<Info>,
): ReadonlyMap<number, Info> {
  const all = new Map(facts.map((each) => [each.oid, each]));
  const made = new Map<number, Info>();
  // What a type consists of is made before it, so the order in the map is the one of its parts.
  const make = (each: TypeFacts): Info => {
    const known = made.get(each.oid);
    if (known) return known;
    const parts = new Set<Info>();
    for (const oid of [each.baseOid, ...each.fields.map((field) => field.oid)]) {
      const below = all.get(oid);
      if (below === undefined) continue;
      const part = make(below);
      for (const one of [...part.parts, part]) parts.add(one);
    }
    const info = new classes[each.kind](each, Object.freeze([...parts]));
    made.set(each.oid, info);
    return info;
  };
  for (const each of facts) make(each);
  return made;
}
