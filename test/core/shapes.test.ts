// Classes whose objects live for one statement can be made without calls into the engine.

import { describe, expect, test } from "@jest/globals";
import * as mahout from "../../src/index.ts";
import { keptShapes } from "../../src/shapes.ts";

type Class = abstract new (...args: never) => object;

/** The classes above a class, the nearest first. */
function* above(Class: Class): Generator<Class, void, undefined> {
  let Base = Object.getPrototypeOf(Class) as Class;
  for (; Base !== Function.prototype; Base = Object.getPrototypeOf(Base) as Class) yield Base;
}

/** The members of a class that are private to the engine, too. */
function hiddenMembers(Class: Class): string[] {
  const code = String(Class).replace(/\/\*[^]*?\*\//g, "");
  const members = code.matchAll(/^ *(?:get |set |async |\*)*(#[a-z]\w*)/gim);
  return Array.from(members, ([, name]) => String(name));
}

const kept = Array.from(new Set(keptShapes().map((object) => object.constructor as Class)));

test("members that are private to the engine are found", () => {
  const names = kept.map((Class) => [Class.name, hiddenMembers(Class)] as const);
  expect(Object.fromEntries(names)).toMatchObject({
    Job: expect.arrayContaining(["#conversation", "#step"]),
    AwaitedRows: ["#resolve", "#finisher"],
  });
  expect(names.length).toBeGreaterThan(20);
});

describe("above classes of which many objects are made there is none that V8 doesn't look through", () => {
  // A pool makes a subclass of these, and an object of it for each loan.
  const bases = [mahout.AsyncConnection, mahout.Connection].map(
    (Class) => [Class.name, Class] as const,
  );
  test.each(bases)("%s", (_, Class) => {
    expect([Class, ...above(Class)].flatMap(hiddenMembers)).toEqual([]);
  });

  // What programs see hides what is none of their business, whatever that costs.
  const seen = new Set<unknown>(Object.values(mahout));
  const heirs = kept.filter((Class) => !seen.has(Class) && !above(Class).next().done);
  test.each(heirs.map((Class) => [Class.name, Class] as const))("%s", (_, Class) => {
    expect(Array.from(above(Class)).flatMap(hiddenMembers)).toEqual([]);
  });
});
