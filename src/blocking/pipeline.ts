/**
 * Pipeline blocks of the blocking shell.
 */
import type { Query, QueryParameters } from "../core/query.ts";
import { refusePromise } from "../core/blocks.ts";
import type { ExecuteOptions, Limits } from "../core/options.ts";
import { PipelineFace } from "../core/pipeline-face.ts";
import type { DictRow } from "../rows.ts";
import { keepShape, nobody } from "../shapes.ts";
import type { Connection } from "./connection.ts";
import type { Cursor } from "./cursor.ts";

/** A block's function. */
export type PipelineFunction<T, Row = DictRow> = (pipeline: Pipeline<Row>) => T;

/** A pipeline block: statements are sent at once, and one Sync serves many of them. */
export class Pipeline<Row = DictRow> extends PipelineFace {
  /** The connection that the block is on. */
  readonly connection: Connection<unknown>;
  readonly #limits: Limits;

  /** Made by {@link Connection.pipeline}. @internal */
  constructor(connection: Connection<unknown>, limits: Limits) {
    super();
    this.connection = connection;
    this.#limits = limits;
  }

  /** Begins a block that is ended by its disposal. @internal */
  start(): this {
    const { core } = this.connection;
    core.checkOpen();
    this.connection.driver.perform(core.pipeline.enter(this.#limits.timeout), this.#limits);
    this.mark(true);
    return this;
  }

  #end(): void {
    this.mark(false);
    this.connection.driver.perform(this.connection.core.pipeline.leave(), this.#limits);
  }

  /** Runs a function as the block. @internal */
  around<T>(run: PipelineFunction<T, Row>): T {
    this.start();
    let value: T;
    try {
      value = run(this);
      refusePromise("pipeline", value);
    } catch (error) {
      try {
        this.#end();
      } catch {
        // What was sent is sent; its errors are mostly what the function threw.
      }
      throw error;
    }
    this.#end();
    return value;
  }

  /**
   * Ends the series of statements sent so far and waits for all their answers.
   *
   * @throws the first error of the series, with the statement's number as `index`, even if somebody has seen
   * it already: outside of a transaction it undid the whole series.
   */
  sync(limits?: Limits): void {
    this.checkOpen();
    this.connection.driver.perform(this.connection.core.pipeline.sync(), limits);
  }

  /** Sends a statement and gives a cursor, whose results are waited for when they are fetched. */
  execute<R = Row>(
    query: Query,
    parameters?: QueryParameters,
    options?: ExecuteOptions<R>,
  ): Cursor<R> {
    this.checkOpen();
    return this.connection.execute<R>(query, parameters, options);
  }

  /** Sends a statement and waits for its rows, and so for what was sent before it. */
  query<R = Row>(query: Query, parameters?: QueryParameters, options?: ExecuteOptions<R>): R[] {
    this.checkOpen();
    return this.connection.query<R>(query, parameters, options);
  }

  /**
   * Ends the block, at the end of a `using` block, after a {@link sync}.
   *
   * @throws as {@link sync} does.
   */
  [Symbol.dispose](): void {
    if (this.open) this.#end();
  }
}

keepShape(new Pipeline(nobody, {}));
