/**
 * Row factories: what a row is for the program that fetched it.
 *
 * A factory is called once for each result with its columns and returns a maker, which is called for each
 * row with the values in order. `dictRow` and `tupleRow` are known to the decoder, which builds their rows
 * without the array in between. As in psycopg, a factory may be set on a connection, on a cursor, or given
 * to one call, and a change applies to rows that have been received but not fetched.
 */
import { ProgrammingError } from "./errors.ts";

/** What a factory learns about a column. */
export interface RowColumn {
  /** The column's name or alias. */
  readonly name: string;
  /** The type's oid. */
  readonly typeOid: number;
}

/** Makes a row from the values of its columns, in order; SQL's NULL is null. */
export type RowMaker<Row> = (values: readonly unknown[]) => Row;

/** Called once for each result; returns what makes its rows. */
export type RowFactory<Row> = (columns: readonly RowColumn[]) => RowMaker<Row>;

/** A row as a plain object, one property for each column. */
// eslint-disable-next-line typescript/no-explicit-any -- the shape of a row is the query's to know
export type DictRow = Record<string, any>;

/** A row as an array of values. */
// eslint-disable-next-line typescript/no-explicit-any -- the shape of a row is the query's to know
export type TupleRow = any[];

/**
 * Rows as plain objects; the default. Of columns with the same name the last one is kept, unless the option
 * `duplicateColumns` says that they are an error; {@link tupleRow} keeps all.
 */
export function dictRow<Row extends DictRow = DictRow>(
  columns: readonly RowColumn[],
): RowMaker<Row> {
  const template = rowTemplate(columns);
  const names = columns.map((column) => column.name);
  return (values) => {
    const row = { ...template };
    for (let index = 0; index < names.length; index++) row[names[index] as string] = values[index];
    return row as Row;
  };
}

/** Rows as arrays, in the columns' order, duplicate names included. */
export function tupleRow<Row extends TupleRow = TupleRow>(
  _columns: readonly RowColumn[],
): RowMaker<Row> {
  return (values) => [...values] as Row;
}

/**
 * Each row as the value of its first column.
 *
 * @throws ProgrammingError for a result without columns.
 */
export function scalarRow<T>(columns: readonly RowColumn[]): RowMaker<T> {
  if (columns.length === 0)
    throw new ProgrammingError("scalarRow needs at least one column, the result has none");
  return (values) => values[0] as T;
}

/** Each row as an instance of `type`, constructed with one object of the columns' values. */
// eslint-disable-next-line typescript/no-explicit-any -- the argument is a row of the query's columns
export function classRow<T>(type: new (row: any) => T): RowFactory<T> {
  return kwargsRow((row) => new type(row));
}

/** Each row as what `make` returns when called with the values as its arguments. */
// eslint-disable-next-line typescript/no-explicit-any -- the arguments are the query's columns
export function argsRow<T>(make: (...values: any[]) => T): RowFactory<T> {
  const factory: RowFactory<T> = () => (values) => make(...values);
  positional.add(factory);
  return factory;
}

/** Each row as what `make` returns when called with one object of the columns' values. */
export function kwargsRow<T, Row extends DictRow = DictRow>(make: (row: Row) => T): RowFactory<T> {
  return (columns) => {
    const dict = dictRow<Row>(columns);
    return (values) => make(dict(values));
  };
}

/** What becomes of columns with the same name where rows are built by names. */
export type DuplicateColumns = "last" | "error";

/** Factories that never look at names, so that columns of the same name are no harm. */
const positional = new WeakSet<object>([tupleRow, scalarRow]);
/** The strict form of factories, and back. */
const strict = new WeakMap<object, RowFactory<never>>();
const plain = new WeakMap<object, RowFactory<never>>();

/** Factories that run no code of the program's, strict or not. */
const own = new WeakSet<object>([dictRow, tupleRow, scalarRow]);

/** Whether a factory is one of our own: it can be used wherever rows arrive, whoever called for them. */
export function isOwnFactory(factory: object): boolean {
  return own.has(factory);
}

/** The factory, refusing results with duplicate names if the policy says so; the same one every time. */
export function factoryUnder<Row>(
  policy: DuplicateColumns,
  factory: RowFactory<Row>,
): RowFactory<Row> {
  if (policy === "last" || positional.has(factory)) return factory;
  const known = strict.get(factory);
  if (known) return known as RowFactory<unknown> as RowFactory<Row>;
  const made: RowFactory<Row> = (columns) => {
    refuseDuplicates(columns);
    return factory(columns);
  };
  if (own.has(factory)) own.add(made);
  strict.set(factory, made as RowFactory<unknown> as RowFactory<never>);
  plain.set(made, factory as RowFactory<unknown> as RowFactory<never>);
  return made;
}

/**
 * The factory behind a strict one, for columns that it takes; any other one as it is.
 *
 * @throws ProgrammingError as the strict one does.
 */
export function factoryFor<Row>(
  factory: RowFactory<Row>,
  columns: readonly RowColumn[],
): RowFactory<Row> {
  const inner = plain.get(factory);
  if (inner === undefined) return factory;
  refuseDuplicates(columns);
  return inner as RowFactory<unknown> as RowFactory<Row>;
}

function refuseDuplicates(columns: readonly RowColumn[]): void {
  const seen = new Set<string>();
  for (const { name } of columns) {
    if (seen.has(name)) {
      throw new ProgrammingError(
        `the result has several columns named ${JSON.stringify(name)}; name them with "as", or use tupleRow`,
        { code: "ERR_MAHOUT_DUPLICATE_COLUMNS" },
      );
    }
    seen.add(name);
  }
}

/**
 * Checks a policy.
 *
 * @throws ProgrammingError for anything but `"last"` and `"error"`.
 */
export function checkDuplicates(policy: DuplicateColumns | undefined): DuplicateColumns {
  if (policy === undefined || policy === "last" || policy === "error") return policy ?? "last";
  throw new ProgrammingError(
    `duplicateColumns is "last" or "error", not ${JSON.stringify(policy) ?? typeof policy}`,
  );
}

/**
 * An object with every column's name as an own property. Copies of it have their shape at once, and a
 * column named `__proto__` is a property like any other, because the property exists before it is set.
 */
export function rowTemplate(columns: readonly RowColumn[]): DictRow {
  const template: DictRow = {};
  for (const { name } of columns) {
    if (name === "__proto__") {
      Object.defineProperty(template, name, {
        value: null,
        writable: true,
        enumerable: true,
        configurable: true,
      });
    } else {
      template[name] = null;
    }
  }
  // What is parsed has its properties inside of the object, where added ones lie beside it. Copies are made ten
  // times as fast by that, and are smaller.
  return JSON.parse(JSON.stringify(template)) as DictRow;
}
