// Rows as they arrive: kept as the bytes that they are, and refused when they are not what they claim.

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { ProtocolError } from "../../src/errors.ts";
import { rowDescription } from "../../src/protocol/messages.ts";
import { Result, ROW_HEADER } from "../../src/protocol/result.ts";
import * as backend from "../support/backend-messages.ts";

const { field, int16, int32, message } = backend;

function resultOf(columns: number): Result {
  const names = Array.from({ length: columns }, (_, index) => `c${index}`);
  const description = backend.rowDescription(...names);
  return new Result(rowDescription(description, 5, description.length));
}

/** What lies in the blocks, read without any care. */
function rowsOf(result: Result): (string | null)[][] {
  const rows = [];
  for (const { bytes, start, end, rows: count } of result.blocks) {
    let counted = 0;
    for (let at = start; at < end; counted++) {
      const next = at + 1 + bytes.readInt32BE(at + 1);
      const row = [];
      for (let from = at + ROW_HEADER; from < next;) {
        const length = bytes.readInt32BE(from);
        from += 4;
        row.push(length < 0 ? null : bytes.toString("utf8", from, from + length));
        from += Math.max(length, 0);
      }
      rows.push(row);
      at = next;
    }
    expect(counted).toBe(count);
  }
  expect(rows).toHaveLength(result.rowCount);
  return rows;
}

const cell = fc.option(fc.string({ unit: "grapheme", maxLength: 80 }));

describe("rows", () => {
  test("are kept whatever they hold and however they arrive", () => {
    const table = fc
      .integer({ min: 0, max: 6 })
      .chain((width) =>
        fc
          .array(fc.array(cell, { minLength: width, maxLength: width }), { maxLength: 30 })
          .map((rows) => ({ width, rows })),
      );
    fc.assert(
      fc.property(table, fc.array(fc.nat(400), { maxLength: 8 }), ({ width, rows }, sizes) => {
        const stream = Buffer.concat(rows.map((row) => backend.dataRow(...row)));
        const result = resultOf(width);
        let at = 0;
        // Takes whole rows out of windows of any size; what is cut off comes again in the next.
        for (const size of [...sizes, stream.length]) {
          at = result.take(Buffer.from(stream), at, Math.min(at + size, stream.length));
        }
        expect(at).toBe(stream.length);
        expect(rowsOf(result)).toEqual(rows);
      }),
      { numRuns: 500, seed: 6 },
    );
  });

  test("are kept apart from those of other results", () => {
    const results = Array.from({ length: 300 }, () => resultOf(1));
    for (let round = 0; round < 3; round++) {
      for (const [index, result] of results.entries()) {
        const row = backend.dataRow(`${index}/${round}`.padEnd((index * 7) % 900, "."));
        result.take(row, 0, row.length);
      }
    }
    for (const [index, result] of results.entries()) {
      const texts = [0, 1, 2].map((round) => `${index}/${round}`.padEnd((index * 7) % 900, "."));
      expect(rowsOf(result)).toEqual(texts.map((text) => [text]));
    }
  });

  test("are copied: what they came in may be overwritten", () => {
    const result = resultOf(1);
    for (const text of ["short", "x".repeat(100), "y".repeat(2000)]) {
      const row = backend.dataRow(text);
      result.take(row, 0, row.length);
      row.fill(0xff);
    }
    expect(rowsOf(result).map(([text]) => text?.length)).toEqual([5, 100, 2000]);
  });

  test("end where another message begins, or where the bytes do", () => {
    const row = backend.dataRow("1");
    const result = resultOf(1);
    const stream = Buffer.concat([row, row, backend.commandComplete("SELECT 2"), row]);
    expect(result.take(stream, 0, stream.length)).toBe(row.length * 2);
    expect(result.take(stream, 0, row.length - 1)).toBe(0);
    expect(result.rowCount).toBe(2);
  });

  test("fill several blocks when there are many", () => {
    const result = resultOf(1);
    const stream = Buffer.concat(
      Array.from({ length: 5000 }, (_, index) => backend.dataRow(`${index}`.repeat(20))),
    );
    for (let at = 0; at < stream.length;)
      at = result.take(stream, at, Math.min(at + 65_536, stream.length));
    expect(result.blocks.length).toBeGreaterThan(1);
    expect(rowsOf(result)).toHaveLength(5000);
  });
});

/** Bodies of rows that are not what they claim, for a result of two columns. */
const lies: readonly [what: string, row: Buffer][] = [
  ["too few fields", message("D", int16(1), field("1"))],
  ["too many fields", message("D", int16(3), field("1"), field("2"), field("3"))],
  ["no fields", message("D", int16(0))],
  ["a number of fields below zero", message("D", int16(-1), field("1"), field("2"))],
  ["the most fields that can be counted", message("D", int16(65_535), field("1"))],
  ["fewer fields than it says", message("D", int16(2), field("1"))],
  ["more fields than it says", message("D", int16(2), field("1"), field("2"), field("3"))],
  ["a field longer than the row", message("D", int16(2), field("1"), int32(5), "2")],
  ["a first field longer than the row", message("D", int16(2), int32(99), "1", field("2"))],
  ["a field of the greatest length", message("D", int16(2), field("1"), int32(0x7fffffff), "2")],
  ["a field of length -2", message("D", int16(2), field("1"), int32(-2))],
  ["a field of the least length", message("D", int16(2), int32(-0x80000000), field("2"))],
  ["half a length", message("D", int16(2), field("1"), int16(0))],
  ["a byte left over", message("D", int16(2), field("1"), field("2"), "3")],
  ["nothing but a number", message("D", int16(2))],
];

describe("a row with", () => {
  test.each(lies)("%s is refused", (_, row) => {
    // Nothing that lies around it can make up for it.
    for (const around of [
      Buffer.alloc(0),
      Buffer.alloc(64),
      Buffer.alloc(64, 0xff),
      backend.dataRow("1", "2"),
    ]) {
      const bytes = Buffer.concat([row, around]);
      expect(() => resultOf(2).take(bytes, 0, bytes.length)).toThrow(ProtocolError);
    }
  });

  test.each(lies)("%s is refused after good ones, too", (_, row) => {
    const bytes = Buffer.concat([backend.dataRow("1", "2"), row]);
    expect(() => resultOf(2).take(bytes, 0, bytes.length)).toThrow(ProtocolError);
  });
});

test("a statement without rows takes none, not even an empty one", () => {
  const row = message("D", int16(0));
  expect(() => new Result(null).take(row, 0, row.length)).toThrow(
    "a row for a statement that has none",
  );
});

test("a result without columns can have rows", () => {
  const result = resultOf(0);
  const row = message("D", int16(0));
  expect(result.take(Buffer.concat([row, row]), 0, row.length * 2)).toBe(row.length * 2);
  expect(rowsOf(result)).toEqual([[], []]);
});

test("a row of any bytes is refused, or each of its fields lies within it", () => {
  const length = fc.oneof(fc.integer({ min: -3, max: 12 }), fc.integer());
  const part = fc.oneof(
    length.map(int32),
    fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
    cell.map((text) => field(text)),
  );
  const row = fc
    .tuple(fc.constantFrom(2, 2, 2, 1, 3), fc.array(part, { maxLength: 4 }))
    .map(([count, parts]) => message("D", int16(count), ...parts));
  let taken = 0;
  fc.assert(
    fc.property(row, (bytes) => {
      const result = resultOf(2);
      try {
        expect(result.take(bytes, 0, bytes.length)).toBe(bytes.length);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
        expect(result.rowCount).toBe(0);
        return;
      }
      taken++;
      expect(rowsOf(result).map((fields) => fields.length)).toEqual([2]);
    }),
    { numRuns: 5000, seed: 7 },
  );
  expect(taken).toBeGreaterThan(50);
});
