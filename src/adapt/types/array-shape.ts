/**
 * Which JavaScript values are lists, and whether nested lists have the shape that an array needs.
 *
 * PostgreSQL's arrays are rectangular: all lists of one level have the same length and the same depth. What is
 * not is refused with the place where it differs.
 */
import { isUint8Array } from "node:util/types";
import { DataError } from "../../errors.ts";
import { MOST_DIMENSIONS } from "./array-text.ts";

/** An array, or a typed array other than of bytes. */
export type List = ArrayLike<unknown>;

/** Whether the value is sent as an array: arrays and typed arrays are, but bytes are bytea. */
export function isList(value: unknown): value is List {
  if (Array.isArray(value)) return true;
  return ArrayBuffer.isView(value) && !isUint8Array(value) && "length" in value;
}

/**
 * The lengths of the lists of each level; none at all for an empty array.
 *
 * @param takesArrays whether lists within the list are single elements, as for json.
 * @throws DataError for lists that are not rectangular, too deep, or hold undefined.
 */
export function dimensionsOf(type: string, list: List, takesArrays: boolean): number[] {
  const dimensions: number[] = [];
  let level: unknown = list;
  do {
    dimensions.push((level as List).length);
    if (dimensions.length > MOST_DIMENSIONS) {
      throw new DataError(`${type} takes at most ${MOST_DIMENSIONS} levels of nested arrays`);
    }
    level = (level as List)[0];
  } while (!takesArrays && isList(level));
  check(type, list, dimensions, 0, takesArrays, "");
  return dimensions.includes(0) ? [] : dimensions;
}

function check(
  type: string,
  list: List,
  dimensions: readonly number[],
  depth: number,
  takesArrays: boolean,
  place: string,
): void {
  const due = dimensions[depth] as number;
  if (list.length !== due) {
    throw new DataError(
      `${type} takes nested arrays of equal length; ${place} has ${list.length} elements instead of ${due}`,
    );
  }
  const isInnermost = depth === dimensions.length - 1;
  if (isInnermost && ArrayBuffer.isView(list)) return;
  for (let index = 0; index < due; index++) {
    const element = list[index];
    if (element === undefined) {
      throw new DataError(`${type} got undefined at ${place}[${index}]; use null for NULL`);
    }
    if (isInnermost && takesArrays) continue;
    if (isList(element) === isInnermost) {
      throw new DataError(
        `${type} takes nested arrays of equal depth; ${place}[${index}] is ${isInnermost ? "an" : "no"} array`,
      );
    }
    if (!isInnermost) {
      check(type, element as List, dimensions, depth + 1, takesArrays, `${place}[${index}]`);
    }
  }
}
