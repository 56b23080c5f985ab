/**
 * A description shared by all executions of a statement: columns, and the plan that reads them.
 *
 * Keeping the two together is what makes a repeated small query cheap: the plan is chosen at the first
 * fetch and fits until the registry, the row factory or the columns change.
 */
import { RowPlan } from "../adapt/plan.ts";
import type { AdaptersMap } from "../adapt/registry.ts";
import type { ColumnDescription } from "../protocol/messages.ts";
import type { RowFactory } from "../rows.ts";
import { keepShape } from "../shapes.ts";
import { Column } from "./column.ts";

/** Columns as they were shown last, and what named their types. */
interface Shown {
  readonly adapters: AdaptersMap;
  readonly version: number;
  readonly columns: readonly Column[];
}

/** Columns of a result and how to read them. */
export class Description {
  /** The columns as the server described them. */
  readonly columns: readonly ColumnDescription[];
  #plan: RowPlan<unknown> | null = null;
  #public: Shown | null = null;

  /** Describes the given columns. */
  constructor(columns: readonly ColumnDescription[]) {
    this.columns = columns;
  }

  /** The plan for this row factory; the last one is kept. */
  plan<Row>(adapters: AdaptersMap, factory: RowFactory<Row>): RowPlan<Row> {
    const kept = this.#plan;
    if (kept?.fits(this.columns, adapters, factory)) return kept as RowPlan<Row>;
    const plan = new RowPlan(this.columns, adapters, factory);
    this.#plan = plan as RowPlan<unknown>;
    return plan;
  }

  /** The columns as programs see them. */
  describe(adapters: AdaptersMap): readonly Column[] {
    const { version } = adapters;
    let shown = this.#public;
    if (shown?.adapters !== adapters || shown.version !== version) {
      const columns = Object.freeze(this.columns.map((column) => new Column(column, adapters)));
      this.#public = shown = { adapters, version, columns };
    }
    return shown.columns;
  }

  /** Whether a new description says the same. */
  equals(columns: readonly ColumnDescription[]): boolean {
    return (
      columns.length === this.columns.length &&
      columns.every((column, index) => {
        const mine = this.columns[index] as ColumnDescription;
        return (
          column.name === mine.name &&
          column.typeOid === mine.typeOid &&
          column.format === mine.format &&
          column.typeModifier === mine.typeModifier &&
          column.tableOid === mine.tableOid &&
          column.tableColumn === mine.tableColumn
        );
      })
    );
  }
}

keepShape(new Description([]));
