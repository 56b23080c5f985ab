/**
 * What a cursor is before it has a result: whose it is, how its rows are built, and what its statements become.
 */
import { AdaptersMap, type Layer } from "../adapt/registry.ts";
import { InterfaceError } from "../errors.ts";
import type { DuplicateColumns, RowFactory } from "../rows.ts";
import { checkDuplicates, factoryUnder } from "../rows.ts";
import type { ConnectionBase } from "./connection-base.ts";
import type { ExecuteContext, ExecuteRequest } from "./extended.ts";
import { requestOf } from "./operations.ts";
import type { ExecuteOptions, RunOptions } from "./options.ts";
import type { Query, QueryParameters } from "./query.ts";

/** What a cursor needs of its connection. */
export interface Adapted {
  /** The connection's layer of the registry. */
  readonly adapters: AdaptersMap;
  /** What becomes of columns with the same name. */
  readonly duplicateColumns: DuplicateColumns;
}

/** Settings of a cursor. */
export abstract class CursorFace<Row> {
  /** How many rows `fetchMany()` gives when it isn't told; 1 by default. */
  arraySize = 1;
  /** The statement that was executed last; null before. */
  query: string | null = null;
  /** The connection that the cursor belongs to. */
  abstract readonly connection: ConnectionBase<unknown>;

  /** How the rows of the last call are built, if it said so. */
  protected callFactory: RowFactory<Row> | null = null;
  /** What becomes of columns with the same name in the last call, if it said so. */
  protected callDuplicates: DuplicateColumns | null = null;
  #duplicates: DuplicateColumns;
  readonly #core: Adapted;
  #rowFactory: RowFactory<Row>;
  #adapters: AdaptersMap | null = null;
  /** What the connection's adapters were when the cursor was made. */
  readonly #inherited: Layer;
  #closed = false;

  constructor(core: Adapted, rowFactory: RowFactory<Row>) {
    if (!((core as Adapted | undefined)?.adapters instanceof AdaptersMap)) {
      throw new InterfaceError("a cursor is made with conn.cursor()");
    }
    this.#core = core;
    this.#inherited = core.adapters.layer;
    this.#rowFactory = rowFactory;
    this.#duplicates = core.duplicateColumns;
  }

  /** Whether the cursor was closed; it can't be used any more then. */
  get closed(): boolean {
    return this.#closed;
  }

  /** How rows are built. A change applies to rows that were received but not fetched yet. */
  get rowFactory(): RowFactory<Row> {
    return this.#rowFactory;
  }

  set rowFactory(factory: RowFactory<Row>) {
    this.#rowFactory = factory;
    this.callFactory = null;
  }

  /** What becomes of columns with the same name; see {@link CursorOptions}. */
  get duplicateColumns(): DuplicateColumns {
    return this.#duplicates;
  }

  set duplicateColumns(policy: DuplicateColumns) {
    this.#duplicates = checkDuplicates(policy);
    this.callDuplicates = null;
  }

  /** The way in force to build rows. */
  protected get activeFactory(): RowFactory<Row> {
    const factory = this.callFactory ?? this.#rowFactory;
    return factoryUnder(this.callDuplicates ?? this.#duplicates, factory);
  }

  /** What builds the rows of one call that keeps none. */
  protected rowsOf<R>(options: ExecuteOptions<R> | undefined): RowFactory<R> {
    const factory = (options?.rowFactory ?? this.#rowFactory) as RowFactory<R>;
    return factoryUnder(checkDuplicates(options?.duplicateColumns ?? this.#duplicates), factory);
  }

  /** The cursor's own adapters: they start as the connection's were when it was made; changes stay here. */
  get adapters(): AdaptersMap {
    this.#adapters ??= new AdaptersMap(this.#inherited);
    return this.#adapters;
  }

  /** The adapters in force: the cursor's own once somebody asked for them, or the connection's have changed. */
  protected get activeAdapters(): AdaptersMap {
    if (this.#adapters !== null) return this.#adapters;
    const { adapters } = this.#core;
    return adapters.layer === this.#inherited ? adapters : this.adapters;
  }

  /** What statements of this cursor work on. */
  protected get context(): ExecuteContext {
    return this.connection.core.contextOf(this.activeAdapters);
  }

  /** Makes the request of one execution. */
  protected requestOf(
    query: Query,
    parameters: QueryParameters | undefined,
    options: RunOptions | undefined,
  ): ExecuteRequest {
    return requestOf(this.context, query, parameters, options);
  }

  /** It can't be used any more. */
  protected markClosed(): void {
    this.#closed = true;
  }

  /** Refuses the use of a closed cursor. */
  protected checkOpen(): void {
    if (this.#closed)
      throw new InterfaceError("the cursor is closed", { code: "ERR_MAHOUT_CURSOR_CLOSED" });
  }
}

/** For cursors that are only kept, see {@link keepShape}: nobody's connection. */
export const NO_CONNECTION = {
  core: { adapters: new AdaptersMap(), duplicateColumns: "last" } satisfies Adapted,
} as never;
