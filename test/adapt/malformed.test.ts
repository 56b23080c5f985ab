// Mutated fields: whatever arrives, a loader gives a value or a DataError, in little time and memory, and
// never reads beyond the field. The mutations are the same in every run.

import { describe, expect, test } from "@jest/globals";
import { DataError } from "../../src/errors.ts";
import { codecOf, load } from "./forms.ts";
import { samples } from "./samples.ts";

const MUTATIONS = 400;

/** Numbers from 0 up to a limit, the same sequence for the same seed (mulberry32). */
function sequence(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

function mutated(field: Buffer, next: (limit: number) => number): Buffer {
  const bytes = Buffer.from(field);
  for (let count = next(3); count >= 0 && bytes.length > 0; count--) {
    const at = next(bytes.length);
    const interesting = [0, 0x7f, 0x80, 0xff, 0x7b, 0x7d, 0x22, 0x5c, 0x2d, 0x30];
    bytes[at] = next(2) === 0 ? next(256) : (interesting[next(interesting.length)] as number);
  }
  if (next(4) === 0) return bytes.subarray(0, next(bytes.length + 1));
  return next(6) === 0 ? Buffer.concat([bytes, bytes.subarray(0, next(9))]) : bytes;
}

describe.each(Object.keys(samples))("%s", (type) => {
  const codec = codecOf(type);

  test.each(["text", "binary"] as const)("malformed in %s", (format) => {
    const next = sequence(type.length * 7919 + format.length);
    const loader = format === "text" ? codec.loadText : codec.loadBinary;
    const fields = (samples[type] ?? []).map(([text, hex]) =>
      format === "text" ? Buffer.from(text) : Buffer.from(hex, "hex"),
    );
    const memory = process.memoryUsage.rss();
    for (const field of fields) {
      for (let round = 0; round < MUTATIONS; round++) {
        const bytes = mutated(field, next);
        try {
          load(loader, bytes);
        } catch (error) {
          if (!(error instanceof DataError)) {
            throw new Error(`${bytes.toString("hex")} made the loader fail`, { cause: error });
          }
        }
      }
    }
    expect(process.memoryUsage.rss() - memory).toBeLessThan(256 << 20);
  });
});
