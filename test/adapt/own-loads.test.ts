// Which loaders run no code of the program's, so that rows may be read where they arrive.

import { expect, test } from "@jest/globals";
import { globalAdapters } from "../../src/adapt/builtins.ts";
import { isOwnLoad } from "../../src/adapt/own-loads.ts";
import { AdaptersMap } from "../../src/adapt/registry.ts";
import { jsonCodec } from "../../src/adapt/types/json.ts";

const INT4 = 23;
const INT4_ARRAY = 1007;
const JSONB = 3802;
const UNREGISTERED = 99_999;

const own = (adapters: AdaptersMap, oid: number): boolean[] => {
  const codec = adapters.codec(oid);
  return [isOwnLoad(codec, 0), isOwnLoad(codec, 1)];
};

test("what is built in is ours, its arrays and what nobody has registered too", () => {
  for (const oid of [INT4, INT4_ARRAY, JSONB, UNREGISTERED])
    expect(own(globalAdapters, oid)).toEqual([true, true]);
});

test("what a program registers isn't, nor are arrays of it", () => {
  const adapters = new AdaptersMap(globalAdapters);
  adapters.registerLoader(INT4, () => 1);
  expect(own(adapters, INT4)).toEqual([false, true]);
  expect(own(adapters, INT4_ARRAY)).toEqual([false, true]);
  adapters.registerLoader(INT4, () => 1, 1);
  expect(own(adapters, INT4)).toEqual([false, false]);
  expect(own(adapters, INT4_ARRAY)).toEqual([false, false]);
  adapters.register(jsonCodec("jsonb", { parse: (text) => text }));
  expect(own(adapters, JSONB)).toEqual([false, false]);
  expect(own(globalAdapters, INT4)).toEqual([true, true]);
});

test("what is ours stays so where only something else of its type is changed", () => {
  const adapters = new AdaptersMap(globalAdapters);
  adapters.register({ ...adapters.codec(INT4), keepsBounds: true });
  adapters.registerDumper(INT4, (value) => value);
  expect(own(adapters, INT4)).toEqual([true, true]);
  expect(own(adapters, INT4_ARRAY)).toEqual([true, true]);
});
