/**
 * A plan: how the rows of one kind of result are read, chosen once and used for every row.
 *
 * It holds a loader for each column, picked from the registry by type and format, and a reader made of
 * them for the row factory at hand. A prepared statement keeps its plan, so a query of one row that runs a
 * thousand times pays for the choice once. Readers start as a plain loop and are compiled when they have
 * proved to be worth it.
 */
import type { ColumnDescription } from "../protocol/messages.ts";
import { int32 } from "../protocol/bytes.ts";
import type { RowFactory } from "../rows.ts";
import { dictRow, factoryFor, rowTemplate, tupleRow } from "../rows.ts";
import { keepShape } from "../shapes.ts";
import type { RowReader } from "./compile.ts";
import { compileArrayReader, compileObjectReader } from "./compile.ts";
import { AdaptersMap } from "./registry.ts";
import type { Load } from "./registry.ts";

/** So many rows are read by the loop before a reader is compiled. */
const ROWS_BEFORE_COMPILING = 400;

/** Reads the rows of one kind of result. */
export class RowPlan<Row> {
  readonly #columns: readonly ColumnDescription[];
  readonly #given: RowFactory<Row>;
  readonly #factory: RowFactory<Row>;
  readonly #adapters: AdaptersMap;
  readonly #version: number;
  readonly #loads: Load[];
  #reader: RowReader<Row>;
  #rowsRead = 0;

  /** Chooses the loaders for the columns from `adapters`, and the way to build rows from `factory`. */
  constructor(
    columns: readonly ColumnDescription[],
    adapters: AdaptersMap,
    factory: RowFactory<Row>,
  ) {
    this.#columns = columns;
    this.#given = factory;
    this.#factory = factoryFor(factory, columns);
    this.#adapters = adapters;
    this.#version = adapters.version;
    this.#loads = columns.map(({ typeOid, format }) => {
      const codec = adapters.codec(typeOid);
      return format === 1 ? codec.loadBinary : codec.loadText;
    });
    this.#reader = this.#interpret();
  }

  /** Whether the plan still is what would be chosen now. */
  fits(columns: readonly ColumnDescription[], adapters: AdaptersMap, factory: unknown): boolean {
    return (
      this.#columns === columns &&
      this.#given === factory &&
      this.#adapters === adapters &&
      this.#version === adapters.version
    );
  }

  /** Gets a reader that is going to be used for `rows` rows. */
  reader(rows: number): RowReader<Row> {
    if (this.#rowsRead < ROWS_BEFORE_COMPILING) {
      this.#rowsRead += rows;
      if (this.#rowsRead >= ROWS_BEFORE_COMPILING) this.#reader = this.#compile() ?? this.#reader;
    }
    return this.#reader;
  }

  #compile(): RowReader<Row> | null {
    const loads = this.#loads;
    const factory: unknown = this.#factory;
    if (factory === dictRow) {
      const names = this.#columns.map((column) => column.name);
      return compileObjectReader(loads, names, rowTemplate(this.#columns)) as RowReader<Row> | null;
    }
    const values = compileArrayReader(loads);
    if (factory === tupleRow || values === null) return values as RowReader<Row> | null;
    const make = this.#factory(this.#columns);
    return (bytes, at) => make(values(bytes, at));
  }

  #interpret(): RowReader<Row> {
    const loads = this.#loads;
    const factory: unknown = this.#factory;
    if (factory === dictRow)
      return objectReader(loads, this.#columns) as RowReader<unknown> as RowReader<Row>;
    if (factory === tupleRow) return arrayReader(loads) as RowReader<unknown> as RowReader<Row>;
    const values = arrayReader(loads);
    const make = this.#factory(this.#columns);
    return (bytes, at) => make(values(bytes, at));
  }
}

function objectReader(
  loads: readonly Load[],
  columns: readonly ColumnDescription[],
): RowReader<object> {
  const template = rowTemplate(columns);
  const names = columns.map((column) => column.name);
  return (bytes, start) => {
    const row = { ...template };
    let at = start;
    for (let index = 0; index < loads.length; index++) {
      const length = int32(bytes, at);
      at += 4;
      if (length < 0) {
        row[names[index] as string] = null;
      } else {
        row[names[index] as string] = (loads[index] as Load)(bytes, at, at + length);
        at += length;
      }
    }
    return row;
  };
}

function arrayReader(loads: readonly Load[]): RowReader<unknown[]> {
  return (bytes, start) => {
    const row: unknown[] = [];
    let at = start;
    for (let index = 0; index < loads.length; index++) {
      const length = int32(bytes, at);
      at += 4;
      if (length < 0) {
        row.push(null);
      } else {
        row.push((loads[index] as Load)(bytes, at, at + length));
        at += length;
      }
    }
    return row;
  };
}

keepShape(new RowPlan([], new AdaptersMap(), dictRow));
