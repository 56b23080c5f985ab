/**
 * The description of a result's columns, as programs see it.
 *
 * The numbers behind a type modifier are PostgreSQL's: a length with four bytes of overhead for character
 * types, precision and scale packed into one word for numeric (manual, 53.26 "pg_type"; psycopg's `Column`
 * shows the same attributes).
 */
import type { ColumnDescription } from "../protocol/messages.ts";
import type { AdaptersMap } from "../adapt/registry.ts";

const NUMERIC = new Set(["numeric", "numeric[]"]);
const LENGTH = new Set(["varchar", "bpchar", "varchar[]", "bpchar[]"]);
const BITS = new Set(["bit", "varbit", "bit[]", "varbit[]"]);
const TIMES = new Set(["time", "timetz", "timestamp", "timestamptz", "interval"]);
const HEADER = 4;

/** One column of a result. */
export class Column {
  /** The column's name or alias. */
  readonly name: string;
  /** The oid of its type. */
  readonly typeCode: number;
  /** The oid of its table, 0 when it is not a plain table column. */
  readonly tableOid: number;
  /** Its number in that table, 0 when it has none. */
  readonly tableColumn: number;
  /** The type's size in bytes; null when it varies. */
  readonly internalSize: number | null;
  /** The format the values came in: `text` or `binary`. */
  readonly format: "text" | "binary";
  readonly #typeName: string;
  readonly #modifier: number;

  /** Describes a column; `adapters` knows its type's name. */
  constructor(column: ColumnDescription, adapters: AdaptersMap) {
    this.name = column.name;
    this.typeCode = column.typeOid;
    this.tableOid = column.tableOid;
    this.tableColumn = column.tableColumn;
    this.internalSize = column.typeSize > 0 ? column.typeSize : null;
    this.format = column.format === 1 ? "binary" : "text";
    this.#typeName = adapters.nameOf(column.typeOid);
    this.#modifier = column.typeModifier;
  }

  /** The type as SQL writes it, e.g. `varchar(10)` or `numeric(8,2)`; the oid for an unregistered type. */
  get typeDisplay(): string {
    const base = this.#typeName.replace(/\[\]$/, "");
    const suffix = this.#typeName.endsWith("[]") ? "[]" : "";
    if (this.precision !== null && this.scale !== null)
      return `${base}(${this.precision},${this.scale})${suffix}`;
    if (this.displaySize !== null) return `${base}(${this.displaySize})${suffix}`;
    if (this.precision !== null) return `${base}(${this.precision})${suffix}`;
    return this.#typeName;
  }

  /** The declared length of character and bit types; null when there is none. */
  get displaySize(): number | null {
    if (this.#modifier < 0) return null;
    if (LENGTH.has(this.#typeName)) return this.#modifier - HEADER;
    return BITS.has(this.#typeName) ? this.#modifier : null;
  }

  /** The declared precision of numeric and time types; null when there is none. */
  get precision(): number | null {
    if (this.#modifier < 0) return null;
    if (NUMERIC.has(this.#typeName)) return ((this.#modifier - HEADER) >> 16) & 0xffff;
    if (!TIMES.has(this.#typeName.replace(/\[\]$/, ""))) return null;
    const precision = this.#modifier & 0xffff;
    return precision === 0xffff ? null : precision;
  }

  /** The declared scale of numeric; null when there is none. */
  get scale(): number | null {
    if (this.#modifier < 0 || !NUMERIC.has(this.#typeName)) return null;
    // Eleven bits, signed: PostgreSQL 15 and newer allow a negative scale.
    return ((((this.#modifier - HEADER) & 0x7ff) ^ 1024) - 1024) | 0;
  }
}
