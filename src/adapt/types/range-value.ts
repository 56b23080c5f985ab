/**
 * Ranges and multiranges as JavaScript values.
 *
 * A range is two bounds and whether they belong to it; null is no bound. Nothing is normalized here: what equals
 * what, for discrete types above all, is the server's to say. Numbers, bigints and Dates have an order that
 * JavaScript knows. Of strings it depends on the type: ranges that were read know it. PostgreSQL manual, 8.17.
 */
import { isDate } from "node:util/types";
import { DataError, ProgrammingError } from "../../errors.ts";
import { quoteField } from "./quoted-fields.ts";
import { kindOf } from "./refuse.ts";

/** Which of its two bounds belong to a range: `[` and `]` do. */
export type RangeBounds = "[)" | "[]" | "(]" | "()";

/** An order: negative when the first comes first, positive when the second does, 0 when they are equal. */
export type Compare<T = unknown> = (one: T, other: T) => number;

const BOUNDS: readonly unknown[] = ["[)", "[]", "(]", "()"];

/** A range of values, as of PostgreSQL's range types. */
export class Range<T = unknown> {
  /** Where it begins; null when it has no beginning, or is empty. */
  readonly lower: T | null;
  /** Where it ends; null when it has no end, or is empty. */
  readonly upper: T | null;
  /** Which bounds belong to it; those that aren't there don't. */
  readonly bounds: RangeBounds;
  /** Whether nothing is in it. */
  readonly isEmpty: boolean;
  #compare: Compare | null = null;

  /**
   * Makes a range.
   *
   * @param lower null for none. @param upper null for none.
   * @param bounds `[)` by default: the lower one belongs to the range, the upper one doesn't.
   * @param isEmpty for a range that has no bounds because nothing is in it.
   * @throws ProgrammingError for bounds that are none of the four, or for an empty range with bounds.
   */
  constructor(
    lower: T | null = null,
    upper: T | null = null,
    bounds: RangeBounds = "[)",
    isEmpty = false,
  ) {
    if (!BOUNDS.includes(bounds))
      throw new ProgrammingError(`bounds of a range are one of ${BOUNDS.join(" ")}`);
    if (isEmpty && (lower !== null || upper !== null))
      throw new ProgrammingError("an empty range has no bounds");
    this.lower = lower;
    this.upper = upper;
    this.bounds = `${lower === null ? "(" : (bounds[0] as "[" | "(")}${
      upper === null ? ")" : (bounds[1] as "]" | ")")
    }`;
    this.isEmpty = isEmpty;
  }

  /** Makes a range with nothing in it. */
  static empty<T = never>(): Range<T> {
    return new Range<T>(null, null, "()", true);
  }

  /** Gives a range the order of its type, and the range. @internal */
  static ordered<T>(range: Range<T>, compare: Compare<T> | null): Range<T> {
    range.#compare = compare as Compare | null;
    return range;
  }

  /** Whether the lower bound belongs to the range. */
  get lowerInc(): boolean {
    return this.bounds.startsWith("[");
  }

  /** Whether the upper bound belongs to the range. */
  get upperInc(): boolean {
    return this.bounds.endsWith("]");
  }

  /** Whether the range has no beginning. */
  get lowerInf(): boolean {
    return this.lower === null && !this.isEmpty;
  }

  /** Whether the range has no end. */
  get upperInf(): boolean {
    return this.upper === null && !this.isEmpty;
  }

  /**
   * Whether a value is in the range.
   *
   * @param compare the order; needed for what JavaScript can't compare, such as strings in a range that was
   * not read from a server.
   * @throws ProgrammingError when there is no order.
   */
  contains(value: T, compare: Compare<T> = this.#compare ?? naturalOrder): boolean {
    if (this.isEmpty) return false;
    const { lower, upper } = this;
    const afterLower = lower === null ? 1 : compare(value, lower);
    if (!(afterLower > 0 || (afterLower === 0 && this.lowerInc))) return false;
    const beforeUpper = upper === null ? -1 : compare(value, upper);
    return beforeUpper < 0 || (beforeUpper === 0 && this.upperInc);
  }

  /** Whether the other range has the same bounds; the server may call others equal, too. */
  equals(other: Range<T>): boolean {
    return (
      this.isEmpty === other.isEmpty &&
      this.bounds === other.bounds &&
      isSame(this.lower, other.lower) &&
      isSame(this.upper, other.upper)
    );
  }

  /** The range for people to read, such as `[1, 5)`. */
  toString(): string {
    if (this.isEmpty) return "empty";
    const [open = "", close = ""] = this.bounds;
    return `${open}${shownBound(this.lower)}, ${shownBound(this.upper)}${close}`;
  }
}

/** Ranges that neither touch nor overlap, in their order, as of PostgreSQL's multirange types. */
export class Multirange<T = unknown> {
  /** The ranges. */
  readonly ranges: readonly Range<T>[];

  /**
   * Makes a multirange; the server orders and joins the ranges.
   *
   * @throws ProgrammingError for what is no range.
   */
  constructor(ranges: Iterable<Range<T>> = []) {
    const list = [...ranges];
    for (const range of list) {
      if (!(range instanceof Range))
        throw new ProgrammingError(`a Multirange takes instances of Range, not ${kindOf(range)}`);
    }
    this.ranges = Object.freeze(list);
  }

  /** How many ranges there are. */
  get length(): number {
    return this.ranges.length;
  }

  /** Whether a value is in one of the ranges; see {@link Range.contains}. */
  contains(value: T, compare?: Compare<T>): boolean {
    return this.ranges.some((range) =>
      compare ? range.contains(value, compare) : range.contains(value),
    );
  }

  /** Whether the other multirange has the same ranges. */
  equals(other: Multirange<T>): boolean {
    const { ranges } = other;
    return (
      this.length === ranges.length &&
      this.ranges.every((range, index) => range.equals(ranges[index] as Range<T>))
    );
  }

  /** Goes through the ranges. */
  [Symbol.iterator](): Iterator<Range<T>> {
    return this.ranges[Symbol.iterator]();
  }

  /** The multirange for people to read. */
  toString(): string {
    return `{${this.ranges.join(", ")}}`;
  }
}

/** The text form of a range. */
export function rangeText(range: Range, dump: (bound: unknown) => string): string {
  if (range.isEmpty) return "empty";
  const lower = range.lower === null ? "" : quoteField(dump(range.lower));
  const upper = range.upper === null ? "" : quoteField(dump(range.upper));
  return `${range.bounds.slice(0, 1)}${lower},${upper}${range.bounds.slice(1)}`;
}

function shownBound(bound: unknown): string {
  if (bound === null) return "";
  return isDate(bound) ? bound.toISOString() : String(bound as string);
}

function isSame(one: unknown, other: unknown): boolean {
  if (isDate(one) && isDate(other)) return one.getTime() === other.getTime();
  return Object.is(one, other);
}

/** The order of numbers, bigints and Dates, and of classes with a static `compare`, as Temporal's are. */
function naturalOrder(one: unknown, other: unknown): number {
  const isNumeric = [one, other].every(
    (value) => typeof value === "number" || typeof value === "bigint" || isDate(value),
  );
  if (isNumeric) {
    const [a, b] = [one as number, other as number];
    if (Number.isNaN(a) || Number.isNaN(b)) throw new DataError("NaN has no place in a range");
    return a < b ? -1 : a > b ? 1 : 0;
  }
  const kind = (one as { constructor?: { compare?: unknown } } | null)?.constructor;
  if (typeof kind?.compare === "function") return (kind.compare as Compare)(one, other);
  throw new ProgrammingError(
    `there is no order for ${kindOf(one)} and ${kindOf(other)}; give contains() a function that compares`,
  );
}
