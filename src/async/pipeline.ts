/**
 * Pipeline blocks of the asynchronous shell.
 *
 * What pipelining means is the core's; a block here takes its turn among the blocks of the connection, as
 * transactions do.
 */
import type { Query, QueryParameters } from "../core/query.ts";
import { checkOrder } from "../core/blocks.ts";
import { PipelineFace } from "../core/pipeline-face.ts";
import { recapture } from "../core/recapture.ts";
import type { DictRow } from "../rows.ts";
import { keepShape, nobody } from "../shapes.ts";
import type { AsyncConnection } from "./connection.ts";
import type { AsyncCursor } from "./cursor.ts";
import type { AsyncExecuteOptions, AsyncLimits } from "./options.ts";
import { Seat } from "./seats.ts";

/** A block's function. */
export type AsyncPipelineFunction<T, Row = DictRow> = (
  pipeline: AsyncPipeline<Row>,
) => Promise<T> | T;

/** A pipeline block: statements are sent at once, and one Sync serves many of them. */
export class AsyncPipeline<Row = DictRow> extends PipelineFace {
  /** The connection that the block is on. */
  readonly connection: AsyncConnection<unknown>;
  readonly #limits: AsyncLimits;
  readonly #seat: Seat;

  /** Made by {@link AsyncConnection.pipeline}. @internal */
  constructor(connection: AsyncConnection<unknown>, limits: AsyncLimits) {
    super();
    this.connection = connection;
    this.#limits = limits;
    this.#seat = new Seat(connection, Seat.current(connection));
  }

  async #begin(): Promise<void> {
    const { core } = this.connection;
    await this.#seat.take(this.#limits);
    this.#seat.sit();
    try {
      core.checkOpen();
      await this.connection.driver.perform(core.pipeline.enter(this.#limits.timeout), this.#limits);
    } catch (error) {
      this.#seat.leave();
      throw recapture(error);
    }
    this.mark(true);
  }

  async #end(): Promise<void> {
    this.mark(false);
    try {
      await this.connection.driver.perform(this.connection.core.pipeline.leave(), {
        ...this.#limits,
        ends: true,
      });
    } catch (error) {
      throw recapture(error);
    } finally {
      this.#seat.leave(true);
    }
  }

  /** Runs a function as the block. @internal */
  async around<T>(run: AsyncPipelineFunction<T, Row>): Promise<T> {
    await this.#begin();
    let value: T;
    try {
      value = await this.#seat.run(() => run(this));
    } catch (error) {
      // What was sent is sent; its errors are mostly what the function threw.
      await this.#end().catch(() => {});
      throw error;
    }
    await this.#end();
    return value;
  }

  /** Begins a block that is ended by its disposal. @internal */
  async start(): Promise<this> {
    await this.#begin();
    return this;
  }

  /** Enters the caller's context. @internal */
  enter(): void {
    this.#seat.enter();
  }

  /**
   * Ends the series of statements sent so far and waits for all their answers.
   *
   * @throws the first error of the series, with the statement's number as `index`, even if somebody has seen
   * it already: outside of a transaction it undid the whole series.
   */
  async sync(limits?: AsyncLimits): Promise<void> {
    this.checkOpen();
    try {
      const { driver, core } = this.connection;
      await driver.perform(core.pipeline.sync(), { ...limits, ends: true });
    } catch (error) {
      throw recapture(error);
    }
  }

  /** Sends a statement and gives a cursor, whose results are waited for when they are fetched. */
  async execute<R = Row>(
    query: Query,
    parameters?: QueryParameters,
    options?: AsyncExecuteOptions<R>,
  ): Promise<AsyncCursor<R>> {
    this.checkOpen();
    return this.connection.execute<R>(query, parameters, options);
  }

  /** Sends a statement; the promise is for its rows. Those of several statements cost one wait. */
  query<R = Row>(
    query: Query,
    parameters?: QueryParameters,
    options?: AsyncExecuteOptions<R>,
  ): Promise<R[]> {
    try {
      this.checkOpen();
    } catch (error) {
      return Promise.reject(error as Error);
    }
    return this.connection.query<R>(query, parameters, options);
  }

  /**
   * Ends the block, at the end of an `await using` block, after a {@link sync}.
   *
   * @throws as {@link sync} does.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.open) return;
    this.#seat.exit();
    await this.#end();
  }
}

/** Either form of a block. */
export function pipeline<T, Row>(
  connection: AsyncConnection<unknown>,
  runOrLimits: AsyncPipelineFunction<T, Row> | AsyncLimits | undefined,
  limits: AsyncLimits | undefined,
): Promise<T | AsyncPipeline<Row>> {
  if (typeof runOrLimits === "function")
    return new AsyncPipeline<Row>(connection, limits ?? {}).around(runOrLimits);
  try {
    checkOrder("pipeline()", runOrLimits, limits);
  } catch (error) {
    return Promise.reject(error as Error);
  }
  const block = new AsyncPipeline<Row>(connection, runOrLimits ?? {});
  // Before anything is awaited: after that it would be another context.
  block.enter();
  return block.start();
}

keepShape(new AsyncPipeline(nobody, {}));
