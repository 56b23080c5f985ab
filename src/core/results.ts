/**
 * What can be read from results without a cursor.
 */
import type { AdaptersMap } from "../adapt/registry.ts";
import { ROW_HEADER } from "../protocol/result.ts";
import type { RowFactory } from "../rows.ts";
import type { ResultSet } from "./execute.ts";
import { RowWalk } from "./row-walk.ts";

/** The count at the end of a command's tag; -1 for commands that count nothing. */
export function countOf(tag: string): number {
  const match = / (\d+)$/.exec(tag);
  return match ? Number(match[1]) : -1;
}

/** All rows of the last result that has any, which is what `query()` gives. */
export function lastRows<Row>(
  sets: readonly ResultSet[],
  adapters: AdaptersMap,
  factory: RowFactory<Row>,
): Row[] {
  for (let index = sets.length - 1; index >= 0; index--) {
    const { result, description } = sets[index] as ResultSet;
    if (description) {
      const read = description.plan(adapters, factory).reader(result.rowCount);
      const only = result.rowCount === 1 ? result.blocks[0] : undefined;
      if (only) return [read(only.bytes, only.start + ROW_HEADER)];
      return new RowWalk(result).take(Infinity, read);
    }
  }
  return [];
}
