/**
 * Types that a database was asked for as a whole: what is known of a type that nobody registered.
 *
 * There can be thousands, as every table has a row type, and most of them are never seen; so they are recipes, of
 * which codecs are made when they are asked for, and a set of them is shared by all who know it. Never changed.
 */
import type { Recipe } from "./recipe.ts";
import { arrayRecipe } from "./recipe.ts";

/** A set of types, with their arrays. */
export class FetchedTypes {
  /** What makes a type's codec, by its oid. */
  readonly byOid: ReadonlyMap<number, Recipe>;
  /** A type's oid by the name that the server gives it. */
  readonly byName: ReadonlyMap<string, number>;

  private constructor(byOid: ReadonlyMap<number, Recipe>, byName: ReadonlyMap<string, number>) {
    this.byOid = byOid;
    this.byName = byName;
  }

  /** A set of types of which none is an array; of two with the same oid, the later one. */
  static of(recipes: Iterable<Recipe>): FetchedTypes {
    const byOid = new Map<number, Recipe>();
    const byName = new Map<string, number>();
    const add = (recipe: Recipe): void => {
      byOid.set(recipe.oid, recipe);
      byName.set(recipe.name, recipe.oid);
    };
    for (const recipe of recipes) {
      add(recipe);
      if (recipe.arrayOid !== 0) add(arrayRecipe(recipe));
    }
    return new FetchedTypes(byOid, byName);
  }

  /** These and others; what both have is as the others say. */
  with({ byOid, byName }: FetchedTypes): FetchedTypes {
    return new FetchedTypes(
      new Map([...this.byOid, ...byOid]),
      new Map([...this.byName, ...byName]),
    );
  }
}
