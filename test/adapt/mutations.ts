// Mutated fields for every loader: whatever arrives, a loader gives a value or a DataError, in little time and
// memory, and never reads beyond its field.

import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Load } from "../../src/adapt/registry.ts";
import { Interval } from "../../src/adapt/types/interval-value.ts";
import { DataError } from "../../src/errors.ts";
import { Writer } from "../../src/protocol/writer.ts";
import { arbitraries } from "./arbitraries.ts";
import { codecOf } from "./forms.ts";
import { samples } from "./samples.ts";

/** The bytes on both sides of a field: two readings that differ have read them. */
const AROUND = [Buffer.from("7777777777777777"), Buffer.alloc(16, 0x31)] as const;
const INTERESTING = [0, 1, 0x7f, 0x80, 0xff, 0x7b, 0x7d, 0x22, 0x5c, 0x2d, 0x30, 0x2c, 0x27];
const MOST_BYTES = 256 << 20;
const SLOWEST = 1000;

type Draw = (limit: number) => number;

/** Numbers from 0 up to a limit, the same sequence for the same seed (mulberry32). */
function sequence(seed: number): Draw {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

function mutated(field: Buffer, draw: Draw): Buffer {
  const bytes = Buffer.from(field);
  for (let count = draw(3); count >= 0 && bytes.length > 0; count--) {
    const at = draw(bytes.length);
    bytes[at] = draw(2) === 0 ? draw(256) : (INTERESTING[draw(INTERESTING.length)] as number);
  }
  if (draw(4) === 0) return bytes.subarray(0, draw(bytes.length + 1));
  return draw(6) === 0 ? Buffer.concat([bytes, bytes.subarray(0, draw(9))]) : bytes;
}

/** What comes of reading the bytes in the midst of others: a value that can be compared, or the error's text. */
function outcome(loader: Load, field: Buffer, around: Buffer): unknown {
  const bytes = Buffer.concat([around, field, around]);
  try {
    return { value: loader(bytes, around.length, around.length + field.length) };
  } catch (error) {
    if (error instanceof DataError) return error.message;
    throw new Error(`${field.toString("hex")} made the loader fail`, { cause: error });
  }
}

/** The samples of a type and of its arrays, with drawn values among them, in both formats. */
function fieldsOf(type: string, format: "text" | "binary"): Buffer[] {
  const codec = codecOf(type);
  const fields = (samples[type] ?? []).map(([text, hex]) =>
    format === "text" ? Buffer.from(text) : Buffer.from(hex, "hex"),
  );
  const arbitrary = arbitraries[type];
  for (const value of arbitrary ? fc.sample(arbitrary, { numRuns: 20, seed: 1 }) : []) {
    const out = new Writer();
    if (format === "text") fields.push(Buffer.from(codec.dumpText(value)));
    else if (codec.dumpBinary(value, out))
      fields.push(Buffer.from(out.bytes.subarray(0, out.length)));
  }
  return fields;
}

/** Every type with a loader, with its arrays. */
export const mutatedTypes: readonly string[] = [
  ...new Set([
    ...Object.keys(samples),
    ...Object.keys(arbitraries).flatMap((type) => [type, `${type}[]`]),
  ]),
];

/** Defines the tests: so many mutations for each type and format. */
export function testMutations(count: number): void {
  test.each(mutatedTypes.flatMap((type) => [[type, "text"] as const, [type, "binary"] as const]))(
    "%s in %s",
    (type, format) => {
      const draw = sequence(type.length * 7919 + type.charCodeAt(0) * 31 + format.length);
      const codec = codecOf(type);
      const loader = format === "text" ? codec.loadText : codec.loadBinary;
      const fields = fieldsOf(type, format);
      if (fields.length === 0) fields.push(Buffer.from("{}"), Buffer.alloc(12));
      const memory = process.memoryUsage.rss();
      let slowest = 0;
      for (let round = 0; round < count; round++) {
        const field = mutated(fields[round % fields.length] as Buffer, draw);
        const begun = performance.now();
        const [one, other] = [outcome(loader, field, AROUND[0]), outcome(loader, field, AROUND[1])];
        slowest = Math.max(slowest, performance.now() - begun);
        if (!isSame(one, other)) {
          throw new Error(`${field.toString("hex")} is read together with what lies around it`);
        }
      }
      expect(slowest).toBeLessThan(SLOWEST);
      expect(process.memoryUsage.rss() - memory).toBeLessThan(MOST_BYTES);
    },
  );
}

function isSame(one: unknown, other: unknown): boolean {
  return shownOf(one) === shownOf(other);
}

function shownOf(outcome: unknown): string {
  if (typeof outcome === "string") return outcome;
  return JSON.stringify(outcome, (_key, value: unknown) => {
    if (typeof value === "bigint") return `${value}n`;
    if (typeof value === "number" && !Number.isFinite(value)) return String(value);
    return value instanceof Interval ? value.toString() : value;
  });
}
