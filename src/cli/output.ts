/**
 * What the command prints: text for people, one JSON object a line for programs.
 */
import { inspect } from "node:util";
import { isDate } from "node:util/types";

/** What is printed of one thing: a row of a listing, by the names of its columns. */
export type Listed = object;

/** Writes to a stream of the process. */
export class Output {
  readonly json: boolean;
  /** Whether something that was asked for was not done: the process says so when it ends. */
  failed = false;
  readonly #stream: NodeJS.WritableStream & { readonly isTTY?: boolean };
  /** Whether the last line is one that the next overwrites. */
  #transient = false;

  constructor(json: boolean, stream: NodeJS.WritableStream & { readonly isTTY?: boolean }) {
    this.json = json;
    this.#stream = stream;
  }

  /** Whether a person looks at it. */
  get live(): boolean {
    return !this.json && this.#stream.isTTY === true;
  }

  /** Prints one thing: `text` for people, `value` for programs. */
  say(text: string, value: Listed): void {
    this.#line(this.json ? toJson(value) : text);
  }

  /** Shows a line that the next one overwrites; nothing unless somebody looks. */
  show(text: string): void {
    if (!this.live) return;
    this.#stream.write(`\r\x1b[2K${text}`);
    this.#transient = true;
  }

  /** Prints a listing: columns for people, one object a line for programs. */
  list(rows: readonly Listed[], nothing: string): void {
    if (this.json) return rows.forEach((row) => this.#line(toJson(row)));
    if (rows.length === 0) return this.#line(nothing);
    const columns = Object.keys(rows[0] ?? {});
    const cells = [
      columns,
      ...rows.map((row) => columns.map((name) => toText(Reflect.get(row, name)))),
    ];
    const widths = columns.map((_, index) =>
      Math.max(...cells.map((line) => (line[index] ?? "").length)),
    );
    for (const line of cells) {
      this.#line(
        line
          .map((cell, index) => cell.padEnd(widths[index] ?? 0))
          .join("  ")
          .trimEnd(),
      );
    }
  }

  #line(text: string): void {
    this.#stream.write(`${this.#transient ? "\r\x1b[2K" : ""}${text}\n`);
    this.#transient = false;
  }
}

/** JSON of anything: errors by what they say, bigints as numbers are written, and as text what has no JSON, as a result may. */
function toJson(value: Listed): string {
  try {
    return JSON.stringify(value, readable);
  } catch {
    const members = Object.entries(value).map(([name, one]) => [name, shown(one)] as const);
    return JSON.stringify(Object.fromEntries(members), readable);
  }
}

function readable(_name: string, one: unknown): unknown {
  if (typeof one === "bigint") return one.toString();
  if (isError(one)) return { name: one.name, message: one.message };
  return one;
}

function shown(value: unknown): unknown {
  try {
    JSON.stringify(value, readable);
    return value;
  } catch {
    return inspect(value);
  }
}

function isError(value: unknown): value is Error {
  return typeof value === "object" && value !== null && "message" in value && "stack" in value;
}

function toText(cell: unknown): string {
  if (cell === null || cell === undefined) return "-";
  if (isDate(cell)) return Number.isNaN(cell.getTime()) ? "-" : cell.toISOString();
  const text = typeof cell === "string" ? cell : inspect(cell, { breakLength: Infinity, depth: 4 });
  // One row, one line; and names of tasks are data, which must not steer a terminal.
  return text.replaceAll(/[\s\p{Cc}]+/gu, " ");
}
