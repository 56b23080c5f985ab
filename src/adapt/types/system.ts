/**
 * Types of the server's own bookkeeping: pg_lsn, tid, txid_snapshot and pg_snapshot as string; xid and cid as
 * number, xid8 as bigint.
 *
 * What has parts is text, as all of the server's functions print it and take it; what is one number is a number.
 * Transaction numbers have no order that survives their wraparound, xid8 has. PostgreSQL manual, 8.20 and 66.1.
 */
import { DataError } from "../../errors.ts";
import { int32, uint16, uint32 } from "../../protocol/bytes.ts";
import type { Writer } from "../../protocol/writer.ts";
import { BINARY } from "../format.ts";
import { builtin } from "../oids.ts";
import type { Codec } from "../registry.ts";
import { unsignedInteger } from "./integer.ts";
import { malformed, outOfRange, shown, wrongKind, wrongLength } from "./refuse.ts";
import { stringCodec } from "./string-codec.ts";
import { readLatin1 } from "./utf8.ts";

const MOST_INT4 = 0xffffffff;

/** xid, a transaction's number with 32 bits, as number. */
export const xid: Codec = unsignedInteger("xid");

/** cid, a command's number within its transaction, as number. */
export const cid: Codec = unsignedInteger("cid");

const LSN = /^([0-9a-f]{1,8})\/([0-9a-f]{1,8})$/i;

/** pg_lsn, a place in the write-ahead log, as string: `0/16B3748`. */
export const pgLsn: Codec = stringCodec("pg_lsn", {
  takes: "a string like 0/16B3748",
  loadBinary(bytes, start, end) {
    if (end - start !== 8) throw wrongLength("pg_lsn", 8, end - start);
    const [high, low] = [uint32(bytes, start), uint32(bytes, start + 4)];
    return `${high.toString(16)}/${low.toString(16)}`.toUpperCase();
  },
  write(text, out) {
    const [, high, low] = LSN.exec(text) ?? [];
    if (high === undefined || low === undefined) return false;
    out.int32(Number.parseInt(high, 16));
    out.int32(Number.parseInt(low, 16));
    return true;
  },
});

const TID = /^\((0|[1-9]\d{0,9}),(0|[1-9]\d{0,4})\)$/;

/** tid, a row's place in its table, as string: `(0,1)`. */
export const tid: Codec = stringCodec("tid", {
  takes: "a string like (0,1)",
  loadBinary(bytes, start, end) {
    if (end - start !== 6) throw wrongLength("tid", 6, end - start);
    return `(${uint32(bytes, start)},${uint16(bytes, start + 4)})`;
  },
  write(text, out) {
    const [, block, row] = TID.exec(text) ?? [];
    if (Number(block ?? Infinity) > MOST_INT4 || Number(row) > 0xffff) return false;
    out.int32(Number(block));
    out.int16(Number(row));
    return true;
  },
});

const SNAPSHOT = /^(\d{1,19}):(\d{1,19}):((?:\d{1,19}(?:,\d{1,19})*)?)$/;
const MOST_INT8 = 2n ** 63n - 1n;

function snapshot(type: string): Codec {
  return stringCodec(type, {
    takes: "a string like 10:20:10,14",
    loadBinary(bytes, start, end) {
      const count = end - start >= 20 ? int32(bytes, start) : -1;
      if (count < 0 || end - start !== 20 + 8 * count) {
        throw malformed(type, "not as many transactions as it says");
      }
      const number = (index: number): bigint => bytes.readBigInt64BE(start + 4 + 8 * index);
      const running = Array.from({ length: count }, (_, index) => number(index + 2));
      return `${number(0)}:${number(1)}:${running.join()}`;
    },
    write: writeSnapshot,
  });
}

function writeSnapshot(text: string, out: Writer): boolean {
  const [, first, last, list] = SNAPSHOT.exec(text) ?? [];
  if (first === undefined || last === undefined || list === undefined) return false;
  const running = list === "" ? [] : list.split(",");
  out.int32(running.length);
  for (const digits of [first, last, ...running]) {
    const number = BigInt(digits);
    if (number > MOST_INT8) return false;
    out.int64(number);
  }
  return true;
}

/** pg_snapshot, which transactions were running, as string: `10:20:10,14`. */
export const pgSnapshot: Codec = snapshot("pg_snapshot");

/** txid_snapshot, the older form of pg_snapshot, as string. */
export const txidSnapshot: Codec = snapshot("txid_snapshot");

const MOST_XID8 = 2n ** 64n - 1n;

function xid8Value(value: unknown): bigint {
  const isNumber = typeof value === "number";
  if (!isNumber && typeof value !== "bigint") {
    throw wrongKind("xid8", "a bigint, a whole number or a string", value);
  }
  if (isNumber && !Number.isSafeInteger(value)) {
    throw new DataError(`${shown(value)} is not an exact integer, xid8 takes whole numbers`);
  }
  const exact = BigInt(value);
  if (exact < 0n || exact > MOST_XID8) throw outOfRange("xid8", value, `0 to ${MOST_XID8}`);
  return exact;
}

/** xid8, a transaction's number that never wraps around, as bigint. */
export const xid8: Codec = {
  ...builtin("xid8"),
  results: BINARY,
  loadText(bytes: Buffer, start: number, end: number): bigint {
    const text = end - start <= 20 ? readLatin1(bytes, start, end) : "";
    const value = /^\d+$/.test(text) ? BigInt(text) : -1n;
    if (value < 0n || value > MOST_XID8) throw malformed("xid8", "not a whole number in its range");
    return value;
  },
  loadBinary(bytes: Buffer, start: number, end: number): bigint {
    if (end - start !== 8) throw wrongLength("xid8", 8, end - start);
    return bytes.readBigUInt64BE(start);
  },
  dumpText: (value: unknown): string =>
    typeof value === "string" ? value : String(xid8Value(value)),
  dumpBinary(value: unknown, out: Writer): boolean {
    if (typeof value === "string") return false;
    out.int64(BigInt.asIntN(64, xid8Value(value)));
    return true;
  },
};
