// Names of two-phase transactions: parts to string and back, as the JDBC driver and psycopg do it.

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { DataError, ProgrammingError, Xid } from "../../src/index.ts";

/** Names as other drivers write them: base64 of the parts' bytes, joined by underscores. */
const joined: [formatId: number, gtrid: string, bqual: string, name: string][] = [
  [42, "gtrid", "bqual", "42_Z3RyaWQ=_YnF1YWw="],
  [0, "", "", "0__"],
  [2 ** 31 - 1, "a", "bc", "2147483647_YQ==_YmM="],
  [1, "it's \\ _1_", "\u00e9\u20ac", "1_aXQncyBcIF8xXw==_w6nigqw="],
  [7, "x".repeat(64), "y".repeat(64), `7_${"eHh4".repeat(21)}eA==_${"eXl5".repeat(21)}eQ==`],
];

describe("a name with parts", () => {
  test.each(joined)("%i %j %j is %s", (formatId, gtrid, bqual, name) => {
    const xid = Xid.fromParts(formatId, gtrid, bqual);
    expect(String(xid)).toBe(name);
    expect(Buffer.byteLength(name)).toBeLessThan(200);
    const back = Xid.fromString(name);
    expect([back.formatId, back.gtrid, back.bqual]).toEqual([formatId, gtrid, bqual]);
    expect(String(back)).toBe(name);
  });

  test("is known as nothing more until it is recovered, and can't be changed", () => {
    const xid = Xid.fromParts(1, "a", "b");
    expect([xid.prepared, xid.owner, xid.database]).toEqual([null, null, null]);
    expect(Object.isFrozen(xid)).toBe(true);
  });
});

describe("a name without parts", () => {
  const whole: [why: string, name: string][] = [
    ["any text", "transfer 17"],
    ["quotes and backslashes", 'it\'s \\ "x"'],
    ["characters of any kind", "\u00dcberweisung \ud83d\ude00"],
    ["two parts", "1_YQ=="],
    ["four parts", "1_YQ==_YQ==_YQ=="],
    ["no number", "x_YQ==_YQ=="],
    ["a negative number, which some write", "-1_YQ==_YQ=="],
    ["a number that is too large", "2147483648_YQ==_YQ=="],
    ["a number of its own style", "007_YQ==_YQ=="],
    ["no base64", "1_a!_b!"],
    ["base64 without padding", "1_YQ_YQ"],
    ["base64 with loose bits", "1_YR==_YQ=="],
    ["bytes that are no text", "1_/w==_YQ=="],
    ["a NUL character", "1_AA==_YQ=="],
    ["a part that is too long", `1_${"eHh4".repeat(22)}_YQ==`],
    ["199 bytes", "x".repeat(199)],
  ];
  test.each(whole)("%s: %s", (_why, name) => {
    const xid = Xid.fromString(name);
    expect([xid.formatId, xid.gtrid, xid.bqual]).toEqual([null, name, null]);
    expect(String(xid)).toBe(name);
  });
});

test("a name that was recovered says by whom and when", () => {
  const prepared = new Date(0);
  const xid = Xid.recovered("42_Z3RyaWQ=_YnF1YWw=", prepared, "ada", "app");
  expect(xid).toMatchObject({
    formatId: 42,
    gtrid: "gtrid",
    bqual: "bqual",
    prepared,
    owner: "ada",
    database: "app",
  });
});

describe("refused", () => {
  const refused: [
    what: string,
    make: () => Xid,
    kind: abstract new (...given: never[]) => Error,
    names: RegExp,
  ][] = [
    ["a negative format", () => Xid.fromParts(-1, "a", "b"), ProgrammingError, /formatId.*-1/],
    ["a format too large", () => Xid.fromParts(2 ** 31, "a", "b"), ProgrammingError, /2147483648/],
    ["half a format", () => Xid.fromParts(0.5, "a", "b"), ProgrammingError, /0\.5/],
    ["NaN", () => Xid.fromParts(NaN, "a", "b"), ProgrammingError, /NaN/],
    ["a format as text", () => Xid.fromParts("1" as never, "a", "b"), ProgrammingError, /formatId/],
    ["a long gtrid", () => Xid.fromParts(1, "x".repeat(65), "b"), ProgrammingError, /gtrid.*65/],
    [
      "a long bqual",
      () => Xid.fromParts(1, "a", "\u00e9".repeat(33)),
      ProgrammingError,
      /bqual.*66/,
    ],
    ["no gtrid", () => Xid.fromParts(1, null as never, "b"), ProgrammingError, /gtrid.*null/],
    ["no bqual", () => Xid.fromParts(1, "a", undefined as never), ProgrammingError, /bqual/],
    ["NUL in a part", () => Xid.fromParts(1, "a\0", "b"), DataError, /NUL/],
    ["half a pair in a part", () => Xid.fromParts(1, "a", "\ud83d"), DataError, /surrogate/],
    ["an empty name", () => Xid.fromString(""), ProgrammingError, /empty/],
    ["no name", () => Xid.fromString(undefined as never), ProgrammingError, /undefined/],
    ["a long name", () => Xid.fromString("\u00e9".repeat(100)), ProgrammingError, /199.*200/],
    ["NUL in a name", () => Xid.fromString("a\0"), DataError, /NUL/],
  ];
  test.each(refused)("%s", (_what, make, kind, names) => {
    let error: unknown;
    try {
      make();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(kind);
    expect((error as Error).message).toMatch(names);
  });
});

test("any parts come back as they were, and any name stays the same", () => {
  const part = fc.string({ unit: "grapheme", maxLength: 16 }).filter((text) => {
    return Buffer.byteLength(text) <= 64 && !text.includes("\0");
  });
  fc.assert(
    fc.property(fc.nat(), part, part, (formatId, gtrid, bqual) => {
      const back = Xid.fromString(String(Xid.fromParts(formatId, gtrid, bqual)));
      expect([back.formatId, back.gtrid, back.bqual]).toEqual([formatId, gtrid, bqual]);
    }),
    { seed: 1986 },
  );
  const piece = fc.constantFrom("1", "0", "_", "YQ==", "YQ=", "=", "/w==", "A", "\u00e9");
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 12 }), (pieces) => {
      expect(String(Xid.fromString(pieces.join("")))).toBe(pieces.join(""));
    }),
    { numRuns: 2000, seed: 1986 },
  );
});
