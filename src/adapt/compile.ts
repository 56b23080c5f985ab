/**
 * Row readers made for one result's shape.
 *
 * A loop over a result's columns calls a different loader at the same place in the code each time, which
 * the engine cannot optimise. Where many rows are read, a reader is therefore written out for the number of
 * columns at hand and compiled: each column gets its own place, and the engine inlines its loader there.
 *
 * The text that is compiled depends on that number and on nothing else. Names, types and values never
 * become code: they come in as arguments. Where the program runs with
 * `--disallow-code-generation-from-strings` the plain loop is used instead and gives the same rows.
 */
import type { Load } from "./registry.ts";

/** Reads the row whose first field begins at `at`. */
export type RowReader<Row> = (bytes: Buffer, at: number) => Row;

/** Past this many columns the compiled text would be longer than it is worth. */
const MOST_COLUMNS = 200;

let serial = 0;
let allowed = true;

/** Compiles a reader of objects; null where that is not possible. */
export function compileObjectReader(
  loads: readonly Load[],
  names: readonly string[],
  template: object,
): RowReader<object> | null {
  const keys = names.map((_, index) => `K${index}`);
  const stores = keys.map((key, index) => `row[${key}] = v${index};`).join("");
  const make = compile(loads.length, ["T", ...keys], `const row = { ...T };${stores}return row;`);
  return make ? (make(...loads, template, ...names) as RowReader<object>) : null;
}

/** Compiles a reader of arrays; null where that is not possible. */
export function compileArrayReader(loads: readonly Load[]): RowReader<unknown[]> | null {
  const values = loads.map((_, index) => `v${index}`);
  const make = compile(loads.length, [], `return [${values.join(",")}];`);
  return make ? (make(...loads) as RowReader<unknown[]>) : null;
}

function compile(
  count: number,
  names: readonly string[],
  ending: string,
): ((...args: unknown[]) => unknown) | null {
  if (!allowed || count > MOST_COLUMNS) return null;
  let body = "let n = 0, e = 0;";
  const loads: string[] = [];
  for (let index = 0; index < count; index++) {
    loads.push(`L${index}`);
    body += `n = (b[p] << 24) | (b[p + 1] << 16) | (b[p + 2] << 8) | b[p + 3]; p += 4; let v${index} = null; if (n >= 0) { e = p + n; v${index} = L${index}(b, p, e); p = e; }`;
  }
  // Equal texts would share what the engine learns about them; the number keeps each reader's own.
  const text = `"use strict"; return function readRow(b, p) { ${body} ${ending} }; // ${serial++}`;
  try {
    // eslint-disable-next-line typescript/no-implied-eval -- no input but a count reaches the text, see above
    return new Function(...loads, ...names, text) as (...args: unknown[]) => unknown;
  } catch {
    allowed = false;
    return null;
  }
}
