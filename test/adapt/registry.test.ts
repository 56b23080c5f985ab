// The layers of the registry: what is inherited when, what is found by which name, and codecs that follow others.

import { describe, expect, test } from "@jest/globals";
import { globalAdapters } from "../../src/adapt/builtins.ts";
import { AdaptersMap, type Codec } from "../../src/adapt/registry.ts";
import { int8AsString } from "../../src/adapt/types/integer.ts";
import { text } from "../../src/adapt/types/text.ts";
import { ProgrammingError } from "../../src/errors.ts";
import { dumpHex, loadText } from "./forms.ts";

const INT4 = 23;
const INT4_ARRAY = 1007;
const INT8 = 20;

const child = (parent: AdaptersMap = globalAdapters): AdaptersMap => new AdaptersMap(parent);
const readAs = (value: unknown) => (): unknown => value;

describe("layers", () => {
  test("start as their parent is at that moment, and stay so", () => {
    const parent = child();
    parent.registerLoader(INT4, readAs("early"));
    const early = child(parent);
    parent.registerLoader(INT4, readAs("late"));
    const late = child(parent);
    expect([early, late].map((map) => loadText(map.codec(INT4), "1"))).toEqual(["early", "late"]);
  });

  test("change for nobody but what is made of them later", () => {
    const parent = child();
    const one = child(parent);
    const other = child(parent);
    one.registerLoader(INT4, readAs("one"));
    one.registerDumper(Set, () => "set");
    one.registerRecipe({ name: "new", oid: 99_999, arrayOid: 99_998, make: () => text });
    for (const map of [parent, other, globalAdapters]) {
      expect(loadText(map.codec(INT4), "1")).toBe(1);
      expect(map.convert(new Set(), text)).toBeInstanceOf(Set);
      expect(map.knows(99_999)).toBe(false);
    }
    expect(loadText(child(one).codec(INT4), "1")).toBe("one");
    expect(child(one).convert(new Set(), text)).toBe("set");
    expect(child(one).knows(99_998)).toBe(true);
  });

  test("say when they have changed", () => {
    const map = child();
    const versions = new Set([map.version]);
    map.registerLoader(INT4, readAs(0));
    versions.add(map.version);
    map.registerDumper(Set, String);
    versions.add(map.version);
    map.registerDumper(INT4, String);
    versions.add(map.version);
    map.register(int8AsString);
    versions.add(map.version);
    map.registerRecipe({ name: "new", oid: 99_999, arrayOid: 0, make: () => text });
    versions.add(map.version);
    map.assume(globalAdapters);
    versions.add(map.version);
    expect(versions.size).toBe(7);
    expect(loadText(map.codec(INT4), "1")).toBe(1);
  });
});

describe("names", () => {
  test.each([
    ["int4", 23],
    ["int4[]", 1007],
    ["point", 600],
    ["point[]", 1017],
    ["jsonpath", 4072],
  ])("%s is known", (name, oid) => {
    const map = child();
    map.registerLoader(name, readAs("read"));
    expect(loadText(map.codec(oid), "")).toBe("read");
  });

  test("of types that are registered are known, too", () => {
    const map = child();
    map.registerRecipe({ name: "mood", oid: 70_001, arrayOid: 70_002, make: () => text });
    map.registerLoader("mood", readAs("read"));
    expect(loadText(map.codec(70_001), "x")).toBe("read");
    expect(loadText(map.codec(70_002), "{x}")).toEqual(["read"]);
    expect(map.nameOf(70_002)).toBe("mood[]");
  });

  test.each<[give: (map: AdaptersMap) => unknown, message: RegExp]>([
    [(map) => map.registerLoader("mood", readAs(1)), /no type named "mood".*TypeInfo\.fetch/],
    [(map) => map.registerDumper("mood", String), /no type named "mood".*TypeInfo\.fetch/],
    [(map) => map.registerLoader("__proto__", readAs(1)), /no type named "__proto__"/],
    [(map) => map.registerLoader(-1, readAs(1)), /-1 is not the oid/],
    [(map) => map.registerLoader(1.5, readAs(1)), /1\.5 is not the oid/],
    [(map) => map.registerDumper({} as never, String), /by a class.*not by object/],
    [(map) => map.registerDumper(Set, 1 as never), /a dumper must be a function, not number/],
    [(map) => map.registerLoader(23, null as never), /a loader must be a function, not object/],
    [(map) => map.registerLoader(23, readAs(1), 2 as never), /0 \(text\) or 1 \(binary\), not 2/],
  ])("case %#: what can't be registered is refused", (give, message) => {
    const map = child();
    const { version } = map;
    expect(() => give(map)).toThrow(ProgrammingError);
    expect(() => give(map)).toThrow(message);
    expect(map.version).toBe(version);
  });
});

describe("dumpers", () => {
  test("of a type see every value, in arrays each element, and the type", () => {
    const map = child();
    const seen: unknown[] = [];
    map.registerDumper("int4", (value, type) => {
      seen.push([value, type.name]);
      return Number(value) + 1;
    });
    expect(map.codec(INT4).dumpText("1")).toBe("2");
    expect(dumpHex(map.codec(INT4), 1)).toBe("00000002");
    expect(map.codec(INT4_ARRAY).dumpText([1, null])).toBe("{2,NULL}");
    expect(seen).toEqual([
      ["1", "int4"],
      [1, "int4"],
      [1, "int4"],
    ]);
  });

  test("of a class are found for what extends it, and told the type", () => {
    class Animal {}
    class Dog extends Animal {}
    const map = child();
    map.registerDumper(Animal, (_, type) => `animal for ${type.name}`);
    expect(map.convert(new Dog(), text)).toBe("animal for text");
    expect(map.convert([new Dog(), 1], text)).toEqual(["animal for text", 1]);
    expect(map.convert(Object.create(null), text)).toEqual({});
  });
});

describe("codecs that are derived", () => {
  const boxOf = (oid: number) => ({
    name: "crate",
    oid: 80_001,
    arrayOid: 80_002,
    make: (adapters: AdaptersMap): Codec => ({
      ...adapters.codec(oid),
      name: "crate",
      oid: 80_001,
      arrayOid: 80_002,
    }),
  });

  test("follow what they are made of, in each layer by itself", () => {
    const map = child();
    map.registerRecipe(boxOf(INT8));
    expect(loadText(map.codec(80_001), "7")).toBe(7n);
    const own = child(map);
    own.register(int8AsString);
    expect(loadText(own.codec(80_001), "7")).toBe("7");
    expect(loadText(own.codec(80_002), "{7}")).toEqual(["7"]);
    expect(loadText(map.codec(80_001), "7")).toBe(7n);
    map.register(int8AsString);
    expect(loadText(map.codec(80_002), "{7}")).toEqual(["7"]);
  });

  test("are made once until something changes", () => {
    const map = child();
    map.registerRecipe(boxOf(INT8));
    expect(map.codec(80_001)).toBe(map.codec(80_001));
    const before = map.codec(80_001);
    map.registerDumper(Set, String);
    expect(map.codec(80_001)).not.toBe(before);
  });

  test("give way to a codec of the same type, and the other way around", () => {
    const map = child();
    map.registerRecipe(boxOf(INT8));
    map.register({ ...text, oid: 80_001, arrayOid: 80_002 });
    expect(loadText(map.codec(80_002), "{7}")).toEqual(["7"]);
    map.registerRecipe(boxOf(INT8));
    expect(loadText(map.codec(80_002), "{7}")).toEqual([7n]);
  });

  test("take loaders and dumpers of their own", () => {
    const map = child();
    map.registerRecipe(boxOf(INT8));
    map.registerLoader("crate", (bytes, start, end) => bytes.toString("latin1", start, end) + "!");
    map.registerDumper("crate", () => 5);
    expect(loadText(map.codec(80_002), "{7}")).toEqual(["7!"]);
    expect(dumpHex(map.codec(80_001), "x")).toBe("0000000000000005");
  });
});
