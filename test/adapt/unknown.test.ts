// Types that nobody registered, and the registry of all that are.

import { describe, expect, test } from "@jest/globals";
import { globalAdapters } from "../../src/adapt/builtins.ts";
import { BUILTIN_TYPES, builtin } from "../../src/adapt/oids.ts";
import { Json } from "../../src/adapt/types/json-value.ts";
import { unknownCodec } from "../../src/adapt/types/unknown.ts";
import { DataError, ProgrammingError } from "../../src/errors.ts";
import { codecOf, dumpHex, loadHex, loadText } from "./forms.ts";

describe("a type that isn't registered", () => {
  test("loads as string from text, and never makes text of its binary form", () => {
    expect(loadText(unknownCodec, "żółw")).toBe("żółw");
    expect(() => loadHex(unknownCodec, "0220a0")).toThrow(DataError);
    expect(unknownCodec).toMatchObject({ oid: 0, results: 0 });
  });

  test.each<[value: unknown, text: string]>([
    ["as it is", "as it is"],
    [1.5, "1.5"],
    [-0, "-0"],
    [10n ** 30n, "1000000000000000000000000000000"],
    [true, "true"],
    [false, "false"],
    [new Date("2024-01-02T03:04:05.678Z"), "2024-01-02 03:04:05.678+00"],
    [new Date("-000043-03-15T00:00:00Z"), "0044-03-15 00:00:00+00 BC"],
    [[1, "a b", null, true], '{1,"a b",NULL,true}'],
    [
      [
        ["x", 'q"'],
        ["{", "NULL"],
      ],
      '{{x,"q\\""},{"{","NULL"}}',
    ],
    [[new Date(0)], '{"1970-01-01 00:00:00+00"}'],
    [[], "{}"],
    [Int32Array.of(1, 2), "{1,2}"],
    [Buffer.from("00ff", "hex"), "\\x00ff"],
    [[Buffer.from("00ff", "hex")], '{"\\\\x00ff"}'],
    [new Json({ a: "b" }), '{"a":"b"}'],
  ])("takes %p as %s", (value, text) => {
    expect(unknownCodec.dumpText(value)).toBe(text);
  });

  test("takes bytes as its own binary form, all else in text", () => {
    expect(dumpHex(unknownCodec, Buffer.from("00ff", "hex"))).toBe("00ff");
    for (const value of ["x", 1, 1n, true, [], {}, new Date(0)]) {
      expect(dumpHex(unknownCodec, value)).toBe(false);
    }
  });

  class Point {
    x = 1;
  }
  test.each<[value: unknown, kind: string]>([
    [new Point(), "a Point"],
    [{ a: 1 }, "an object"],
    [Object.create(null), "an object"],
    [new Map(), "a Map"],
    [() => 1, "a function"],
    [Symbol("s"), "a symbol"],
    [[new Point()], "a Point"],
  ])("refuses %p", (value, kind) => {
    expect(() => unknownCodec.dumpText(value)).toThrow(ProgrammingError);
    expect(() => unknownCodec.dumpText(value)).toThrow(
      `there is no dumper for ${kind}; send a string, or register a dumper for its class with adapters.registerDumper`,
    );
  });

  test("refuses what could only be guessed", () => {
    expect(() => unknownCodec.dumpText(new Date(NaN))).toThrow(DataError);
    expect(() => unknownCodec.dumpText([1, undefined])).toThrow("an array got undefined at [1]");
    expect(() => unknownCodec.dumpText([[1], 2])).toThrow(DataError);
  });
});

describe("the global registry", () => {
  // Ranges and the pseudo-type record are made of other types.
  const ofOthers = /range$|^record$/;
  const names = [...BUILTIN_TYPES].flatMap(([name, [, array]]) =>
    array !== 0 && !ofOthers.test(name) ? [name] : [],
  );

  test.each(names)("knows %s and its arrays", (type) => {
    expect(codecOf(type)).toMatchObject(builtin(type));
    expect(codecOf(`${type}[]`).name).toBe(`${type}[]`);
  });

  test("answers for other types with the codec of unknown ones", () => {
    expect(globalAdapters.knows(987_654)).toBe(false);
    expect(globalAdapters.codec(987_654)).toBe(unknownCodec);
  });
});

describe("the table of built-in types", () => {
  test("has each oid once", () => {
    const oids = [...BUILTIN_TYPES.values()].flat().filter((oid) => oid !== 0);
    expect(new Set(oids).size).toBe(oids.length);
    expect(Math.max(...oids)).toBeLessThan(10_000);
  });

  test("does not know other names", () => {
    expect(() => builtin("constructor")).toThrow("there is no built-in type named constructor");
  });
});
