/**
 * Which JavaScript values hold bytes, and their text form.
 *
 * Kept apart from the codec of bytea because types that are not registered take such values, too.
 */
import { isAnyArrayBuffer, isDataView, isUint8Array } from "node:util/types";

/** The bytes of a Uint8Array, DataView, ArrayBuffer or SharedArrayBuffer, not copied; else null. */
export function bytesOf(value: unknown): Uint8Array | null {
  if (isUint8Array(value)) return value;
  if (isDataView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return isAnyArrayBuffer(value) ? new Uint8Array(value) : null;
}

/** Bytes in the hex form of bytea. */
export function hexOf(bytes: Uint8Array): string {
  return `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")}`;
}
