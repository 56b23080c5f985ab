/**
 * The six range types that are built in, and their multiranges.
 */
import type { AdaptersMap, Recipe } from "../registry.ts";
import { builtin } from "../oids.ts";
import { multirangeCodec } from "./multirange.ts";
import { rangeCodec } from "./range.ts";

function pair(subtype: string, rangeName: string, multirangeName: string): Recipe[] {
  const range = builtin(rangeName);
  const multirange = builtin(multirangeName);
  const { oid } = builtin(subtype);
  return [
    { ...range, make: (adapters: AdaptersMap) => rangeCodec(range, oid, adapters) },
    {
      ...multirange,
      make: (adapters: AdaptersMap) => multirangeCodec(multirange, range.oid, adapters),
    },
  ];
}

/** Recipes of the built-in ranges and multiranges. */
export const ranges: readonly Recipe[] = [
  ...pair("int4", "int4range", "int4multirange"),
  ...pair("int8", "int8range", "int8multirange"),
  ...pair("numeric", "numrange", "nummultirange"),
  ...pair("date", "daterange", "datemultirange"),
  ...pair("timestamp", "tsrange", "tsmultirange"),
  ...pair("timestamptz", "tstzrange", "tstzmultirange"),
];
