// The buffer that everything is written into: bytes as the protocol wants them, room as it is needed,
// and no trace of what was refused.

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { DataError } from "../../src/errors.ts";
import { checkText, LARGEST_MESSAGE, Writer } from "../../src/protocol/writer.ts";

const bytesOf = (out: Writer): Buffer => Buffer.from(out.bytes.subarray(0, out.length));

function written(write: (out: Writer) => void): Buffer {
  const out = new Writer();
  write(out);
  return bytesOf(out);
}

describe("numbers", () => {
  test.each<[string, (out: Writer) => void, number[]]>([
    ["int8", (out) => out.int8(255), [255]],
    ["int16", (out) => out.int16(0x1234), [0x12, 0x34]],
    ["int16 below zero", (out) => out.int16(-2), [0xff, 0xfe]],
    ["int16 unsigned", (out) => out.int16(65_535), [0xff, 0xff]],
    ["int32", (out) => out.int32(0x12345678), [0x12, 0x34, 0x56, 0x78]],
    ["int32 below zero", (out) => out.int32(-2), [0xff, 0xff, 0xff, 0xfe]],
    ["int32 unsigned", (out) => out.int32(4_294_967_295), [0xff, 0xff, 0xff, 0xff]],
    ["int64", (out) => out.int64(-2n), [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe]],
    ["float32", (out) => out.float32(1.5), [0x3f, 0xc0, 0, 0]],
    ["float64", (out) => out.float64(-0), [0x80, 0, 0, 0, 0, 0, 0, 0]],
  ])("%s is big-endian", (_, write, expected) => {
    expect([...written(write)]).toEqual(expected);
  });

  test("are written into whatever room there is", () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { maxLength: 700 }), (values) => {
        const out = new Writer();
        for (const value of values) {
          out.int8(value);
          out.int16(value);
          out.int32(value);
          out.int64(BigInt(value));
          out.float64(value);
        }
        const view = new DataView(new Uint8Array(bytesOf(out)).buffer);
        for (const [index, value] of values.entries()) {
          const at = index * 23;
          expect(view.getInt8(at)).toBe((value << 24) >> 24);
          expect(view.getInt16(at + 1)).toBe((value << 16) >> 16);
          expect(view.getInt32(at + 3)).toBe(value);
          expect(view.getBigInt64(at + 7)).toBe(BigInt(value));
          expect(view.getFloat64(at + 15)).toBe(value);
        }
        expect(view.byteLength).toBe(values.length * 23);
      }),
      { numRuns: 30, seed: 54 },
    );
  });

  test("can be set afterwards", () => {
    const out = new Writer();
    out.int32(0);
    out.int32(0);
    out.setInt16(1, 0x1234);
    out.setInt32(4, -1);
    expect([...bytesOf(out)]).toEqual([0, 0x12, 0x34, 0, 0xff, 0xff, 0xff, 0xff]);
  });
});

describe("text", () => {
  test("is UTF-8, short or long, from any place in the buffer", () => {
    const text = fc.string({ unit: "binary-ascii", maxLength: 90 });
    const any = fc.oneof(
      text,
      fc.string({ unit: "binary", maxLength: 60 }),
      fc.string({ unit: "grapheme" }),
    );
    fc.assert(
      fc.property(any, fc.nat(1100), (value, before) => {
        const clean = value.replace(/[\0\p{Surrogate}]/gu, "");
        const out = new Writer();
        out.raw(Buffer.alloc(before, 0xee));
        out.utf8(clean);
        out.int8(1);
        expect(bytesOf(out).subarray(before)).toEqual(
          Buffer.concat([Buffer.from(clean), Buffer.of(1)]),
        );
      }),
      { numRuns: 1000, seed: 8 },
    );
  });

  test.each([0, 1, 39, 40, 41, 1023, 1024, 1025, 65_536, 65_537, 200_000])(
    "of %d characters takes the bytes that it has",
    (length) => {
      for (const unit of ["x", "é", "€"]) {
        const value = unit.repeat(length);
        expect(written((out) => out.cstring(value)).equals(Buffer.from(`${value}\0`))).toBe(true);
      }
    },
  );

  /** Text that PostgreSQL has no room for, and where that is. */
  const refused: readonly [what: string, value: string, index: number][] = [
    ["NUL", "\0", 0],
    ["NUL in short text", "a\0b", 1],
    ["NUL at the end of long text", `${"x".repeat(100)}\0`, 100],
    ["NUL behind other letters", "é\0", 1],
    ["the first half of a pair", "a\ud83d", 1],
    ["the second half of a pair", "\ude00a", 0],
    ["two halves the wrong way round", "\ude00\ud83d", 0],
    ["a half in long text", `${"x".repeat(100)}\ud83dx`, 100],
    ["a half behind a whole", "😀\ud83d", 2],
  ];

  test.each(refused)("with %s is refused, naming the place", (_, value, index) => {
    const out = new Writer();
    out.cstring("before");
    const before = bytesOf(out);
    for (const write of [() => out.utf8(value), () => out.cstring(value), () => checkText(value)]) {
      expect(write).toThrow(DataError);
      expect(write).toThrow(`at index ${index}`);
    }
    expect(bytesOf(out)).toEqual(before);
  });

  test("is let pass when it is well-formed", () => {
    for (const value of ["", "😀", "\ufffd", "\u{10ffff}", "\x01\x7f", "\ufeff"]) {
      expect(() => checkText(value)).not.toThrow();
    }
  });
});

describe("messages", () => {
  test("tell their length, the type byte not counted", () => {
    const out = new Writer();
    for (const body of ["", "abc"]) {
      const mark = out.start(0x51);
      out.utf8(body);
      out.finish(mark);
    }
    expect(bytesOf(out).toString("latin1")).toBe("Q\0\0\0\x04Q\0\0\0\x07abc");
  });

  test("are taken back whole", () => {
    const out = new Writer();
    out.cstring("kept");
    const mark = out.start(0x51);
    out.raw(Buffer.alloc(5000, 1));
    out.rewind(mark);
    expect(bytesOf(out).toString()).toBe("kept\0");
  });

  test("longer than PostgreSQL takes are refused and taken back", () => {
    const out = new Writer();
    out.cstring("kept");
    const mark = out.start(0x51);
    // As if so much had been written: no test should need a gigabyte.
    out.length = mark + 1 + LARGEST_MESSAGE + 1;
    expect(() => out.finish(mark)).toThrow(DataError);
    expect(bytesOf(out).toString()).toBe("kept\0");
    out.start(0x51);
    out.length = mark + 1 + LARGEST_MESSAGE;
    out.finish(mark);
    expect(out.bytes.readInt32BE(mark + 1)).toBe(LARGEST_MESSAGE);
  });
});

describe("the storage", () => {
  test("keeps what was written when it grows", () => {
    const out = new Writer();
    const expected: Buffer[] = [];
    for (let size = 1; size < 5000; size += 97) {
      const piece = Buffer.alloc(size, size & 0xff);
      out.raw(piece);
      expected.push(piece);
    }
    expect(bytesOf(out)).toEqual(Buffer.concat(expected));
  });

  test("is kept for the next messages, unless it has become very large", () => {
    const out = new Writer();
    out.raw(Buffer.alloc(100_000));
    const { bytes } = out;
    out.clear();
    expect([out.length, out.bytes]).toEqual([0, bytes]);
    out.raw(Buffer.alloc(1_000_000));
    out.clear();
    expect(out.bytes.length).toBeLessThan(10_000);
  });

  test("is another one after it was handed over", () => {
    const out = new Writer();
    out.cstring("first");
    const first = out.detach();
    out.cstring("second");
    expect([first.toString(), bytesOf(out).toString()]).toEqual(["first\0", "second\0"]);
    expect(first.buffer).not.toBe(out.bytes.buffer);
  });
});
