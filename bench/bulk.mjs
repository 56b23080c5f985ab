// Many rows, for COPY, streams and executeMany(): the rows of bench_rows over and over, as values for
// drivers that take rows, and encoded beforehand for those that take bytes.

import { ROWS, Tally, valuesFor } from "./values.mjs";

const lazily = (make) => {
  let made;
  return () => (made ??= make());
};

/** The rows of bench_rows, as arrays; many rows are these again and again. */
export const rowPool = lazily(() =>
  Array.from({ length: ROWS }, (_, index) => {
    const { text, float, time, flag } = valuesFor(index + 1);
    return [index + 1, text, float, time, flag];
  }),
);

/** How often the pool makes so many rows. */
export const passes = (n) => Array.from({ length: n / ROWS }, () => undefined);

/** The sums of n rows. */
export function tallyOf(n) {
  const tally = new Tally();
  // Without the pool, which whoever only reads rows must not have in memory.
  for (let k = 1; k <= ROWS; k++) {
    const { text, float, time, flag } = valuesFor(k);
    tally.add(k, text, float, time, flag);
  }
  return Object.fromEntries(Object.entries(tally).map(([key, sum]) => [key, (sum * n) / ROWS]));
}

/** The pool in COPY's text format, in pieces of 64 KiB as a file would give them. */
export const textPieces = lazily(() => {
  const lines = rowPool().map(([id, name, score, created, active]) =>
    [id, name, score, created.toISOString(), active ? "t" : "f"].join("\t"),
  );
  const text = Buffer.from(`${lines.join("\n")}\n`);
  const pieces = [];
  for (let at = 0; at < text.length; at += 65_536) pieces.push(text.subarray(at, at + 65_536));
  return pieces;
});

/** Microseconds from 1970 to 2000, where PostgreSQL's binary time begins. */
const EPOCH = 946_684_800_000_000n;

const fields = {
  int4: [4, (bytes, at, value) => bytes.writeInt32BE(value, at)],
  float8: [8, (bytes, at, value) => bytes.writeDoubleBE(value, at)],
  time: [8, (bytes, at, value) => bytes.writeBigInt64BE(BigInt(value) * 1_000n - EPOCH, at)],
  bool: [1, (bytes, at, value) => bytes.writeUInt8(value ? 1 : 0, at)],
};

/** A value in binary format. */
export function binaryOf(type, value) {
  if (type === "text") return Buffer.from(value);
  const [length, write] = fields[type];
  const bytes = Buffer.alloc(length);
  write(bytes, 0, value);
  return bytes;
}

const columnTypes = ["int4", "text", "float8", "time", "bool"];

function binaryRow(row) {
  const parts = [Buffer.from([0, columnTypes.length])];
  for (const [i, type] of columnTypes.entries()) {
    const value = binaryOf(type, row[i]);
    parts.push(binaryOf("int4", value.length), value);
  }
  return Buffer.concat(parts);
}

/** What comes before and after the rows in COPY's binary format. */
export const binaryFrame = {
  head: Buffer.concat([Buffer.from("PGCOPY\n\xff\r\n\0", "latin1"), Buffer.alloc(8)]),
  tail: Buffer.from([0xff, 0xff]),
};

/** The pool in COPY's binary format. */
export const binaryPool = lazily(() => Buffer.concat(rowPool().map(binaryRow)));
