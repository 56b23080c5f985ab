// Composites, records, enums, domains and hstore without a server: their forms, and bytes that no server sends.

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { globalAdapters } from "../../src/adapt/builtins.ts";
import { AdaptersMap, type Codec } from "../../src/adapt/registry.ts";
import { compositeCodec } from "../../src/adapt/types/composite.ts";
import { domainCodec } from "../../src/adapt/types/domain.ts";
import { hstoreCodec } from "../../src/adapt/types/hstore.ts";
import { DataError } from "../../src/index.ts";
import { dumpHex, load, loadHex, loadText } from "./forms.ts";

const adapters = new AdaptersMap(globalAdapters);
const [SPOT, LIST] = [70_001, 70_003];
const FIELDS = [
  { name: "x", oid: 23 },
  { name: "label", oid: 25 },
];
const spotType = { name: "spot", oid: SPOT, arrayOid: 70_002 };
adapters.registerRecipe({
  ...spotType,
  make: (own) => compositeCodec(spotType, FIELDS, {}, own),
});
const listType = { name: "list", oid: LIST, arrayOid: 0 };
adapters.registerRecipe({
  ...listType,
  make: (own) => domainCodec(listType, { base: 70_002, isOverArrays: true }, own),
});
const spot = adapters.codec(SPOT);
const spots = adapters.codec(70_002);
const list = adapters.codec(LIST);
const record = adapters.codec(2249);
const hstore = hstoreCodec({ name: "hstore", oid: 70_010, arrayOid: 0 }, false);

const SPOT_HEX =
  "00000002" + "00000017" + "00000004" + "00000007" + "00000019" + "00000003" + "612c62";

test.each<[codec: Codec, text: string, hex: string, value: unknown]>([
  [spot, '(7,"a,b")', SPOT_HEX, { x: 7, label: "a,b" }],
  [spot, "(,)", "0000000200000017ffffffff00000019ffffffff", { x: null, label: null }],
  [spot, '(,"")', "0000000200000017ffffffff0000001900000000", { x: null, label: "" }],
  [hstore, "", "00000000", {}],
  [
    hstore,
    '"a"=>"1", "b"=>NULL',
    "00000002" + "0000000161" + "0000000131" + "0000000162" + "ffffffff",
    { a: "1", b: null },
  ],
])("case %#: is read and written in both forms", (codec, text, hex, value) => {
  expect(loadText(codec, text)).toStrictEqual(value);
  expect(loadHex(codec, hex)).toStrictEqual(value);
  expect(codec.dumpText(value)).toBe(text);
  expect(dumpHex(codec, value)).toBe(hex);
});

test("strings go as they are, and take the whole value with them into text", () => {
  expect(spot.dumpText("(1,x)")).toBe("(1,x)");
  for (const value of ["(1,x)", { x: "1", label: "x" }]) expect(dumpHex(spot, value)).toBe(false);
  expect(spot.dumpText({ x: "1", label: "x" })).toBe("(1,x)");
  expect(dumpHex(list, ["(1,x)"])).toBe(false);
});

describe("what no server sends is an error", () => {
  test.each<[codec: Codec, text: string]>([
    [spot, ""],
    [spot, "("],
    [spot, "7,x"],
    [spot, "(7,x"],
    [spot, '(7,"x)'],
    [spot, "(7,x,y)"],
    [spot, "(7)"],
    [spot, "(7,x)x)"],
    [record, "(a)b)"],
    [hstore, '"a"=>"1",'],
    [hstore, '"a"=>"1", '],
    [hstore, "a=>1"],
    [hstore, '"a"=>"1""b"=>"2"'],
    [hstore, '"a"=>"1'],
  ])("case %#: text", (codec, text) => {
    expect(() => loadText(codec, text)).toThrow(DataError);
  });

  test.each<[codec: Codec, hex: string]>([
    [spot, ""],
    [spot, "7fffffff"],
    [spot, "ffffffff"],
    [spot, SPOT_HEX + "00"],
    [spot, SPOT_HEX.slice(0, -2)],
    [spot, SPOT_HEX.replace("00000019", "00000017")],
    [spot, SPOT_HEX.replace("00000002", "00000003")],
    [record, "0000000100000017"],
    [record, "00000001000000170000ffff00"],
    [hstore, "00"],
    [hstore, "7fffffff"],
    [hstore, "00000001ffffffffffffffff"],
    [hstore, "0000000100000001617fffffff"],
    [hstore, "0000000000"],
  ])("case %#: bytes", (codec, hex) => {
    expect(() => loadHex(codec, hex)).toThrow(DataError);
  });

  test("bytes that were changed are read as something, or are an error", () => {
    const texts = ['(7,"a,b""\\\\")', '{"(1,x)",NULL,"(,\\"\\")"}', '"a"=>"1", "b"=>NULL'].map(
      (text) => Buffer.from(text),
    );
    const good = [
      ...texts,
      Buffer.from(SPOT_HEX, "hex"),
      Buffer.from("00000002" + "0000000161" + "0000000131" + "0000000162" + "ffffffff", "hex"),
    ];
    const change = fc.tuple(
      fc.nat(),
      fc.oneof(fc.nat(255), fc.constantFrom(0, 0x22, 0x28, 0x29, 0x2c, 0x5c, 0x7f, 0xff)),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...good),
        fc.array(change, { minLength: 1, maxLength: 3 }),
        fc.nat(),
        (bytes, changes, cut) => {
          const changed = Buffer.from(bytes.subarray(0, 1 + (cut % (bytes.length * 2))));
          for (const [at, to] of changes) changed[at % changed.length] = to;
          for (const codec of [spot, spots, list, record, hstore]) {
            for (const loader of [codec.loadText, codec.loadBinary]) {
              try {
                load(loader, changed);
              } catch (error) {
                expect(error).toBeInstanceOf(DataError);
              }
            }
          }
        },
      ),
      { numRuns: 1500 },
    );
  });
});
