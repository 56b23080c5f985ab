/**
 * Arrays whose first element doesn't have the number 1: the class that keeps lower bounds, and their text.
 *
 * JavaScript numbers the elements of arrays from 0, PostgreSQL from any integer, 1 by default. Plain arrays leave
 * that out, which is what nearly everybody wants; who needs it registers the element's codec with `keepsBounds`.
 * PostgreSQL manual, 8.15.6.
 */
import { DataError } from "../../errors.ts";
import { malformed, shown } from "./refuse.ts";

const LEAST = -2147483648;
const MOST = 2147483647;

/** An array with the numbers of the first elements of its dimensions. */
export class BoundedArray<T = unknown> {
  /** The elements, nested for each dimension. */
  readonly values: readonly T[];
  /** The number of the first element in each dimension, the outermost first; none for an empty array. */
  readonly lowerBounds: readonly number[];

  /**
   * Pairs elements with lower bounds.
   *
   * @throws DataError for bounds that are no integers of 32 bits.
   */
  constructor(values: readonly T[], lowerBounds: readonly number[]) {
    for (const bound of lowerBounds) {
      if (!Number.isInteger(bound) || bound < LEAST || bound > MOST) {
        throw new DataError(`${shown(bound)} is no lower bound of an array (${LEAST} to ${MOST})`);
      }
    }
    this.values = values;
    this.lowerBounds = [...lowerBounds];
  }

  /** The elements: JSON has no bounds. */
  toJSON(): readonly T[] {
    return this.values;
  }
}

/**
 * The lower bounds of a value that is about to be written; null for a plain array.
 *
 * @throws DataError when they don't fit the array's dimensions.
 */
export function lowerBoundsOf(
  type: string,
  value: unknown,
  dimensions: readonly number[],
): readonly number[] | null {
  if (!(value instanceof BoundedArray)) return null;
  const { lowerBounds } = value;
  // An empty array has no dimensions, whatever is said of them.
  if (dimensions.length === 0) return null;
  if (lowerBounds.length !== dimensions.length) {
    throw new DataError(
      `${type} got ${lowerBounds.length} lower bounds for ${dimensions.length} dimensions`,
    );
  }
  for (const [level, first] of lowerBounds.entries()) {
    if (first + (dimensions[level] as number) - 1 <= MOST) continue;
    throw new DataError(
      `${type} takes elements with numbers up to ${MOST}; ${first} is too high a bound`,
    );
  }
  return lowerBounds;
}

/** Bounds as they stand before an array's text, `[2:3]=`; nothing when all of them are 1. */
export function boundsText(lowerBounds: readonly number[], dimensions: readonly number[]): string {
  if (lowerBounds.every((first) => first === 1)) return "";
  const ranges = lowerBounds.map(
    (first, level) => `[${first}:${first + (dimensions[level] as number) - 1}]`,
  );
  return `${ranges.join("")}=`;
}

const BOUNDS = /^(?:\[-?\d{1,10}:-?\d{1,10}\]){1,6}=/;

/** The lower bounds that an array's text begins with, or as many ones as it has dimensions. */
export function readBoundsText(type: string, text: string): number[] {
  if (text.startsWith("[")) {
    const [head] = BOUNDS.exec(text) ?? [];
    if (head === undefined) throw malformed(type, "bounds that don't end");
    return Array.from(head.matchAll(/\[(-?\d+)/g), ([, first]) => Number(first));
  }
  const [braces = ""] = /^\{*/.exec(text) ?? [];
  return text === "{}" ? [] : Array.from(braces, () => 1);
}
