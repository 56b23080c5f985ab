// Values of range and multirange types as servers print and send them; part of samples.ts.

import { Multirange, Range } from "../../src/adapt/types/range-value.ts";
import type { Sample } from "./samples.ts";

/** Samples of the built-in range types. */
export const rangeSamples: Readonly<Record<string, readonly Sample[]>> = {
  int4range: [
    ["[1,5)", "0200000004000000010000000400000005", new Range(1, 5)],
    ["empty", "01", Range.empty()],
    ["(,)", "18", new Range()],
  ],
  int8range: [
    ["[-9007199254740993,)", "1200000008ffdfffffffffffff", new Range(-9007199254740993n, null)],
  ],
  numrange: [
    ["(,1.50]", "0c0000000c000200000000000200011388", new Range(null, "1.50", "(]")],
    [
      "[NaN,NaN]",
      "060000000800000000c00000000000000800000000c0000000",
      new Range("NaN", "NaN", "[]"),
    ],
  ],
  daterange: [
    [
      "[2024-01-01,2024-02-01)",
      "02000000040000223e000000040000225d",
      new Range("2024-01-01", "2024-02-01"),
    ],
    [
      "[-infinity,infinity)",
      "020000000480000000000000047fffffff",
      new Range("-infinity", "infinity"),
    ],
    ['["0044-03-15 BC",)', "1200000004fff49d7b", new Range("0044-03-15 BC", null)],
  ],
  tsrange: [
    [
      '["2024-01-01 00:00:00","2024-01-01 00:00:00.000001"]',
      "06000000080002b0d5d4e94000000000080002b0d5d4e94001",
      new Range("2024-01-01 00:00:00", "2024-01-01 00:00:00.000001", "[]"),
    ],
  ],
  tstzrange: [
    [
      '("1970-01-01 00:00:00+00",infinity)',
      "0000000008fffca2fec4c82000000000087fffffffffffffff",
      new Range<unknown>(new Date(0), Infinity, "()"),
    ],
  ],
  int4multirange: [
    ["{}", "00000000", new Multirange()],
    [
      "{[1,2),[5,7)}",
      "00000002000000110200000004000000010000000400000002000000110200000004000000050000000400000007",
      new Multirange([new Range(1, 2), new Range(5, 7)]),
    ],
  ],
  int8multirange: [["{(,)}", "000000010000000118", new Multirange([new Range()])]],
  nummultirange: [
    [
      "{[0.5,1],(2,)}",
      "000000020000001d060000000a0001ffff0000000113880000000a000100000000000000010000000f100000000a00010000000000000002",
      new Multirange([new Range("0.5", "1", "[]"), new Range("2", null, "()")]),
    ],
  ],
  datemultirange: [
    [
      "{[2024-01-01,2024-02-01)}",
      "000000010000001102000000040000223e000000040000225d",
      new Multirange([new Range("2024-01-01", "2024-02-01")]),
    ],
  ],
  tsmultirange: [
    [
      '{["2024-01-01 00:00:00",)}',
      "000000010000000d12000000080002b0d5d4e94000",
      new Multirange([new Range("2024-01-01 00:00:00", null)]),
    ],
  ],
  tstzmultirange: [
    [
      '{["1970-01-01 00:00:00+00",)}',
      "000000010000000d1200000008fffca2fec4c82000",
      new Multirange([new Range(new Date(0), null)]),
    ],
  ],
  "int4range[]": [
    [
      '{"[1,2)",NULL,empty}',
      "000000010000000100000f400000000300000001000000110200000004000000010000000400000002ffffffff0000000101",
      [new Range(1, 2), null, Range.empty()],
    ],
  ],
  "int4multirange[]": [
    [
      '{"{[1,2),[4,5)}",NULL}',
      "00000001000000010000116300000002000000010000002e00000002000000110200000004000000010000000400000002000000110200000004000000040000000400000005ffffffff",
      [new Multirange([new Range(1, 2), new Range(4, 5)]), null],
    ],
  ],
};
