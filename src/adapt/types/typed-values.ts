/**
 * Wrappers that say which type a number is of, where nothing else does.
 *
 * The server tells each parameter's type from the statement, so wrappers are needed only where it can't: in
 * `select $1`, where it takes text, and in calls of functions that take anything. The type is then sent along
 * with the statement. Everywhere else the wrapper is its value. Values are checked when they are wrapped.
 */
import { DataError } from "../../errors.ts";
import { BUILTIN_TYPES } from "../oids.ts";
import { outOfRange, shown, wrongKind } from "./refuse.ts";

/** A value with its type. */
export abstract class TypedValue<T = unknown> {
  /** The value, as the type is read by default. */
  readonly value: T;
  /** The type's name, as PostgreSQL spells it. */
  readonly typeName: string;

  protected constructor(typeName: string, value: T) {
    this.typeName = typeName;
    this.value = value;
  }

  /** The type's oid. @internal */
  get typeOid(): number {
    return BUILTIN_TYPES.get(this.typeName)?.[0] ?? 0;
  }

  /** The value, for arithmetic and comparison. */
  valueOf(): T {
    return this.value;
  }

  /** The value itself: in JSON a wrapper leaves no trace. */
  toJSON(): T {
    return this.value;
  }

  /** The value's text. */
  toString(): string {
    return String(this.value);
  }
}

/** What a value is when it may be a wrapper. */
export function bare(value: unknown): unknown {
  return typeof value === "object" && value instanceof TypedValue ? value.value : value;
}

function whole(type: string, least: number, most: number, value: number | bigint): number {
  if (typeof value !== "bigint" && typeof value !== "number") {
    throw wrongKind(type, "a number or a bigint", value);
  }
  if (typeof value === "number" && !Number.isInteger(value)) {
    throw new DataError(`${shown(value)} is not an integer, ${type} takes whole numbers`);
  }
  if (value < least || value > most) throw outOfRange(type, value, `${least} to ${most}`);
  return Number(value);
}

/** A number of the type int2. */
export class Int2 extends TypedValue<number> {
  /** @throws DataError for what isn't whole or out of range. */
  constructor(value: number | bigint) {
    super("int2", whole("int2", -32768, 32767, value));
  }
}

/** A number of the type int4. */
export class Int4 extends TypedValue<number> {
  /** @throws DataError for what isn't whole or out of range. */
  constructor(value: number | bigint) {
    super("int4", whole("int4", -2147483648, 2147483647, value));
  }
}

/** A number of the type oid. */
export class Oid extends TypedValue<number> {
  /** @throws DataError for what isn't whole or out of range. */
  constructor(value: number | bigint) {
    super("oid", whole("oid", 0, 4294967295, value));
  }
}

/** A transaction's number with 32 bits, of the type xid; `Xid` is the name of a two-phase transaction. */
export class TransactionId extends TypedValue<number> {
  /** @throws DataError for what isn't whole or out of range. */
  constructor(value: number | bigint) {
    super("xid", whole("xid", 0, 4294967295, value));
  }
}

function exact(type: string, least: bigint, most: bigint, value: number | bigint): bigint {
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    throw new DataError(`${shown(value)} is not an exact integer; give ${type} a bigint`);
  }
  if (typeof value !== "number" && typeof value !== "bigint") {
    throw wrongKind(type, "a bigint or a number", value);
  }
  const big = BigInt(value);
  if (big < least || big > most) throw outOfRange(type, value, `${least} to ${most}`);
  return big;
}

/** A number of the type int8; its value is a bigint. */
export class Int8 extends TypedValue<bigint> {
  /** @throws DataError for what isn't whole, out of range, or a number that has lost digits. */
  constructor(value: number | bigint) {
    super("int8", exact("int8", -(2n ** 63n), 2n ** 63n - 1n, value));
  }
}

/** A transaction's number that does not wrap around, of the type xid8; its value is a bigint. */
export class FullTransactionId extends TypedValue<bigint> {
  /** @throws DataError for what isn't whole, out of range, or a number that has lost digits. */
  constructor(value: number | bigint) {
    super("xid8", exact("xid8", 0n, 2n ** 64n - 1n, value));
  }
}

/** A number of the type float4. */
export class Float4 extends TypedValue<number> {
  /** @throws DataError for a number that would become infinite or 0. */
  constructor(value: number) {
    const rounded = Math.fround(value);
    if (Number.isFinite(value) && (!Number.isFinite(rounded) || (rounded === 0 && value !== 0))) {
      throw outOfRange("float4", value, "1.4e-45 to 3.4e38");
    }
    super("float4", number("float4", value));
  }
}

/** A number of the type float8. */
export class Float8 extends TypedValue<number> {
  constructor(value: number) {
    super("float8", number("float8", value));
  }
}

function number(type: string, value: unknown): number {
  if (typeof value === "number") return value;
  throw wrongKind(type, "a number", value);
}

const DECIMAL = /^(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,6})?|NaN|-?Infinity)$/i;

/** A number of the type numeric; its value is a string with all its digits. */
export class Numeric extends TypedValue<string> {
  /** @throws DataError for a string that is no number. */
  constructor(value: string | number | bigint) {
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "bigint") {
      throw wrongKind("numeric", "a string, a number or a bigint", value);
    }
    const text = String(value);
    if (!DECIMAL.test(text)) throw new DataError(`${shown(value)} is no number for numeric`);
    super("numeric", text);
  }
}

/** No types are said. */
const NONE: readonly number[] = Object.freeze([]);

/** The types of the parameters that say theirs, 0 for others; an empty list when none does. */
export function typesSaid(values: readonly unknown[]): readonly number[] {
  for (const value of values) {
    if (typeof value === "object" && value instanceof TypedValue) {
      return values.map((each) => (each instanceof TypedValue ? each.typeOid : 0));
    }
  }
  return NONE;
}
