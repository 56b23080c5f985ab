// Cutting a stream into frames: the same frames however the bytes arrive, and nothing that isn't the
// protocol gets past the header.

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { ProtocolError } from "../../src/errors.ts";
import { Frames, type FrameSink, frameLength } from "../../src/protocol/frames.ts";
import { Backend } from "../../src/protocol/messages.ts";
import * as backend from "../support/backend-messages.ts";
import * as recordings from "./recordings.ts";

/** Notes each frame as type and body; frames may be overwritten after the call, so they are copied. */
class Notes implements FrameSink {
  readonly frames: string[] = [];
  /** Stops after this many frames. */
  most = Infinity;

  frame(type: number, bytes: Buffer, start: number, end: number): boolean {
    this.frames.push(String.fromCharCode(type) + bytes.toString("hex", start, end));
    return this.frames.length < this.most;
  }

  rows(bytes: Buffer, start: number, end: number): number {
    return this.#run(Backend.dataRow, bytes, start, end);
  }

  data(bytes: Buffer, start: number, end: number): number {
    return this.#run(Backend.copyData, bytes, start, end);
  }

  #run(type: number, bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (end - at >= 5 && bytes[at] === type) {
      const next = at + 1 + frameLength(bytes, at);
      if (next > end) break;
      this.frame(type, bytes, at + 5, next);
      at = next;
    }
    return at;
  }
}

/** Cuts pieces, each in a buffer that is overwritten once it was taken. */
function framesOf(pieces: readonly Buffer[]): string[] {
  const frames = new Frames();
  frames.trust();
  const notes = new Notes();
  for (const piece of pieces) {
    const reused = Buffer.from(piece);
    expect(frames.cut(reused, 0, reused.length, notes)).toBe(reused.length);
    reused.fill(0xee);
  }
  expect(frames.incomplete).toBe(false);
  return notes.frames;
}

/** What the stream holds, found without any care. */
function plainly(stream: Buffer): string[] {
  const frames = [];
  for (let at = 0; at < stream.length;) {
    const next = at + 1 + stream.readInt32BE(at + 1);
    frames.push(String.fromCharCode(stream[at] as number) + stream.toString("hex", at + 5, next));
    at = next;
  }
  return frames;
}

describe.each(Object.entries(recordings))("the recorded stream %p", (_, stream) => {
  const expected = plainly(stream);

  test("is cut into its frames", () => {
    expect(expected.length).toBeGreaterThan(15);
    expect(framesOf([stream])).toEqual(expected);
  });

  test("is cut the same wherever it is split in two", () => {
    for (let at = 0; at <= stream.length; at++) {
      expect(framesOf([stream.subarray(0, at), stream.subarray(at)])).toEqual(expected);
    }
  });

  test("is cut the same byte by byte", () => {
    expect(framesOf(Array.from(stream, (byte) => Buffer.of(byte)))).toEqual(expected);
  });

  test("is cut the same in any pieces", () => {
    const cuts = fc.array(fc.nat(stream.length), { maxLength: 40 });
    fc.assert(
      fc.property(cuts, (points) => {
        const sorted = [0, ...points.sort((a, b) => a - b), stream.length];
        const pieces = sorted.slice(1).map((to, index) => stream.subarray(sorted[index], to));
        expect(framesOf(pieces)).toEqual(expected);
      }),
      { numRuns: 200, seed: 18 },
    );
  });

  test("is cut the same from the middle of a buffer", () => {
    const padded = Buffer.concat([Buffer.alloc(7, 0xff), stream, Buffer.alloc(7, 0xff)]);
    const notes = new Notes();
    expect(new Frames().cut(padded, 7, padded.length - 7, notes)).toBe(padded.length - 7);
    expect(notes.frames).toEqual(expected);
  });
});

describe("a frame that was begun", () => {
  test("is not handed on before it is whole, and tells so", () => {
    const frames = new Frames();
    const notes = new Notes();
    const message = backend.commandComplete("SELECT 1");
    for (let at = 0; at < message.length - 1; at++) {
      frames.cut(message, at, at + 1, notes);
      expect([notes.frames.length, frames.incomplete]).toEqual([0, true]);
    }
    frames.cut(message, message.length - 1, message.length, notes);
    expect([notes.frames.length, frames.incomplete]).toEqual([1, false]);
  });

  test("costs memory for what arrived and not for what was announced", () => {
    const before = process.memoryUsage();
    const many = Array.from({ length: 64 }, () => {
      const frames = new Frames();
      frames.trust();
      const begun = Buffer.concat([backend.frame("D", 0x3fffffff), Buffer.alloc(10_000)]);
      frames.cut(begun, 0, begun.length, new Notes());
      return frames;
    });
    const after = process.memoryUsage();
    expect(many.every(({ incomplete }) => incomplete)).toBe(true);
    // 64 GiB were announced.
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(16 * 1024 * 1024);
  });

  test("may not be long before the server is known", () => {
    for (const type of ["E", "N", "D"]) {
      const begun = Buffer.concat([backend.frame(type, 0x3fffffff), Buffer.alloc(10)]);
      const cut = (): unknown => new Frames().cut(begun, 0, begun.length, new Notes());
      expect(cut).toThrow("impossible length");
      const later = new Frames();
      later.cut(begun, 0, 3, new Notes());
      expect(() => later.cut(begun, 3, begun.length, new Notes())).toThrow("impossible length");
    }
  });

  test("may be long when its type may carry data", () => {
    const long = backend.dataRow("x".repeat(3_000_000));
    expect(framesOf([long.subarray(0, 1_000_000), long.subarray(1_000_000)])).toEqual(
      plainly(long),
    );
  });
});

test("a sink can stop after each frame, and goes on where it stopped", () => {
  const stream = recordings.start;
  const frames = new Frames();
  const notes = new Notes();
  for (let at = 0, count = 1; at < stream.length; count++) {
    notes.most = count;
    // The first read ends in the middle of a frame.
    const end = count === 1 ? 7 : stream.length;
    const stopped = frames.cut(stream, at, end, notes);
    if (count > 1) expect(notes.frames).toHaveLength(count - 1 + Number(stopped > at));
    at = stopped;
  }
  expect(notes.frames).toEqual(plainly(stream));
});

/** Types whose messages carry data or text of any length. */
const LONG = "TtDdVENA";
const LETTERS = Object.values(Backend).map((type) => String.fromCharCode(type));

describe("a header", () => {
  const refused = (bytes: Buffer): string => {
    const frames = new Frames();
    try {
      frames.cut(bytes, 0, bytes.length, new Notes());
    } catch (error) {
      expect(error).toBeInstanceOf(ProtocolError);
      return (error as Error).message;
    }
    return "";
  };

  test.each([0, 1, 3, -1, -2, -2_147_483_648, 0x7fffffff, 0x40000004])(
    "with the length %d is refused for every type, before its body has come",
    (length) => {
      for (const letter of LETTERS) {
        expect(refused(backend.frame(letter, length))).toContain(`length (${length})`);
      }
    },
  );

  test("of a message that is always short is refused when it is long", () => {
    for (const letter of LETTERS) {
      const long = LONG.includes(letter);
      expect([letter, refused(backend.frame(letter, 30_005)) === ""]).toEqual([letter, long]);
      expect([letter, refused(backend.frame(letter, 30_004))]).toEqual([letter, ""]);
    }
  });

  test("of a row that has no room for its number of fields is refused", () => {
    for (const length of [4, 5]) {
      const whole = Buffer.concat([backend.frame("D", length), Buffer.alloc(length - 4)]);
      expect(refused(whole)).toContain(`length (${length})`);
      expect(refused(Buffer.concat([whole, recordings.simple]))).toContain(`length (${length})`);
      const frames = new Frames();
      frames.cut(whole, 0, 3, new Notes());
      expect(() => frames.cut(whole, 3, whole.length, new Notes())).toThrow(ProtocolError);
    }
  });

  test("of an unknown type is refused with its first byte", () => {
    for (let type = 0; type < 256; type++) {
      const known = LETTERS.includes(String.fromCharCode(type));
      expect([type, refused(Buffer.of(type)) === ""]).toEqual([type, known]);
      expect([type, refused(Buffer.of(type, 0, 0, 0, 9)) === ""]).toEqual([type, known]);
    }
  });

  test("is refused when it arrives byte by byte, too", () => {
    const frames = new Frames();
    const notes = new Notes();
    const bytes = backend.frame("Z", 0);
    for (let at = 0; at < 4; at++) frames.cut(bytes, at, at + 1, notes);
    expect(() => frames.cut(bytes, 4, 5, notes)).toThrow(ProtocolError);
  });

  test("names what it could not read", () => {
    expect(refused(Buffer.from("HTTP/1.1 400"))).toContain('"H"');
    expect(refused(Buffer.from("\x16\x03\x01"))).toContain("0x16");
  });
});

test("any bytes give frames, wait for more, or are refused; never anything else", () => {
  const letter = fc.constantFrom(...LETTERS, "x", "\0");
  const length = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer());
  const frame = fc
    .tuple(letter, length, fc.uint8Array({ maxLength: 40 }))
    .map(([type, size, body]) => backend.frame(type, size, body));
  const stream = fc.array(frame, { maxLength: 6 }).map((parts) => Buffer.concat(parts));
  fc.assert(
    fc.property(stream, fc.nat(200), (bytes, at) => {
      const outcome = (pieces: readonly Buffer[]): [string[], boolean] => {
        const frames = new Frames();
        const notes = new Notes();
        try {
          for (const piece of pieces) frames.cut(piece, 0, piece.length, notes);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
          return [notes.frames, false];
        }
        return [notes.frames, true];
      };
      expect(outcome([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(outcome([bytes]));
    }),
    { numRuns: 3000, seed: 54 },
  );
});
