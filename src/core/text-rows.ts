/**
 * Rows of a statement that the driver sends by itself: strings, whatever the program has registered.
 */
import { int32 } from "../protocol/bytes.ts";
import type { Result } from "../protocol/result.ts";
import { ROW_HEADER } from "../protocol/result.ts";

/** The rows of a result in text. */
export function rowsOf({ blocks, columns }: Result): (string | null)[][] {
  const width = columns?.length ?? 0;
  const rows: (string | null)[][] = [];
  for (const { bytes, start, end } of blocks) {
    for (let at = start; at < end; at += 1 + int32(bytes, at + 1)) {
      const row: (string | null)[] = [];
      let field = at + ROW_HEADER;
      for (let index = 0; index < width; index++) {
        const length = int32(bytes, field);
        field += 4;
        row.push(length < 0 ? null : bytes.toString("utf8", field, field + length));
        if (length > 0) field += length;
      }
      rows.push(row);
    }
  }
  return rows;
}
