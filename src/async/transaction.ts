/**
 * Transaction blocks of the asynchronous shell: whose turn it is, and when to wait.
 *
 * A block belongs to the asynchronous context that opened it. One opened inside of it is a savepoint; one
 * opened by another context waits until it has ended. What beginning and ending mean is the core's.
 */
import type { Query, QueryParameters } from "../core/query.ts";
import { isWatched, transactionChannel, transactionContext } from "../core/channels.ts";
import { checkOrder } from "../core/blocks.ts";
import { recapture } from "../core/recapture.ts";
import { Retry } from "../core/retry.ts";
import { TransactionCore } from "../core/transaction.ts";
import type { TransactionOptions } from "../core/transaction.ts";
import type { DictRow } from "../rows.ts";
import { ProgrammingError, Rollback } from "../errors.ts";
import { keepShape, nobody } from "../shapes.ts";
import type { AsyncConnection } from "./connection.ts";
import type { AsyncCursor } from "./cursor.ts";
import { checkNotFeeding } from "./items.ts";
import { observed } from "./observed.ts";
import type { AsyncExecuteOptions } from "./options.ts";
import { Seat } from "./seats.ts";

/** How a block is to be, and what ends the wait for its turn. */
export interface AsyncTransactionOptions extends TransactionOptions {
  /** Ends the wait for the block's turn; what the block does once it has begun is not its concern. */
  readonly signal?: AbortSignal;
}

/** A block's function. */
export type AsyncTransactionFunction<T, Row = DictRow> = (
  transaction: AsyncTransaction<Row>,
) => Promise<T> | T;

/** A transaction block: a transaction, or a savepoint inside of one. */
export class AsyncTransaction<Row = DictRow> extends TransactionCore {
  /** The connection that the block is on. */
  readonly connection: AsyncConnection<unknown>;
  readonly #seat: Seat;
  readonly #options: AsyncTransactionOptions;
  #disposable = false;
  #ending: Promise<void> | null = null;

  /** Made by {@link AsyncConnection.transaction}. @internal */
  constructor(
    connection: AsyncConnection<unknown>,
    options: AsyncTransactionOptions,
    parent: Seat | null,
  ) {
    super(options);
    this.connection = connection;
    this.#seat = new Seat(connection, parent);
    this.#options = options;
  }

  /** Begins the block, whose turn it is; null when that is done. */
  #enter(): Promise<void> | null {
    const { core, driver } = this.connection;
    this.#seat.sit();
    try {
      core.checkOpen();
      checkNotFeeding(core);
      // Mostly there is nothing to wait for, and every promise less is one less to be followed.
      if (driver.quiet && core.transactions.enterAtOnce(this)) return null;
    } catch (error) {
      this.#seat.leave();
      throw recapture(error);
    }
    return this.#enterInTurn();
  }

  async #enterInTurn(): Promise<void> {
    const { core, driver } = this.connection;
    try {
      const { timeout } = this.#options;
      await driver.perform(core.transactions.enter(this), { timeout, alone: true });
    } catch (error) {
      this.#seat.leave();
      throw recapture(error);
    }
  }

  #leave(keeps: boolean, why: "error" | "choice"): Promise<void> {
    const { timeout } = this.#options;
    const { driver, core } = this.connection;
    // In a pipeline the last command travels behind the statements; else what they led to is looked at first.
    const alone = !core.pipeline.hasWork;
    const limits = { timeout, alone, ends: true };
    return driver.perform(core.transactions.leave(this, keeps, why), limits);
  }

  async #end(keeps: boolean, why: "error" | "choice"): Promise<void> {
    try {
      await this.#leave(keeps, why);
    } catch (error) {
      throw recapture(error);
    } finally {
      // One that was refused before it began can be tried again, unless nobody is there to do it.
      if (!this.#disposable || this.status !== "active") this.#seat.leave();
    }
  }

  /** Runs a function as the block. @internal */
  async around<T>(run: AsyncTransactionFunction<T, Row>): Promise<T> {
    // Also where nothing has to be waited for: what was called beside it goes first.
    await this.#seat.take(this.#options);
    const entering = this.#enter();
    if (entering !== null) await entering;
    let value: T;
    try {
      value = await this.#seat.run(() => run(this));
    } catch (error) {
      const isMeant =
        error instanceof Rollback && (error.transaction === null || error.transaction === this);
      // What went wrong on the way out is shown by the status; the reason for leaving is what counts.
      await this.#end(false, isMeant ? "choice" : "error").catch(() => {});
      if (isMeant) return undefined as T;
      throw error;
    }
    // As #end() does it, without a promise of its own.
    try {
      await this.#leave(!this.forceRollback, "choice");
    } catch (error) {
      throw recapture(error);
    } finally {
      this.#seat.leave();
    }
    return value;
  }

  /** Puts the caller's context inside of the block. @internal */
  enter(): void {
    this.#seat.enter();
  }

  /** Begins a block that is ended by {@link commit}, {@link rollback} or its disposal. @internal */
  async start(): Promise<this> {
    this.#disposable = true;
    await this.#seat.take(this.#options);
    await this.#enter();
    return this;
  }

  /**
   * Commits the block (a savepoint is released), and ends it.
   *
   * @throws ProgrammingError when the block is a function's, which commits when it returns, or has ended;
   * InFailedSqlTransaction when a statement in it had failed; the server's error.
   */
  async commit(): Promise<void> {
    await this.#finish(!this.forceRollback);
  }

  /**
   * Takes back what the block did, and ends it.
   *
   * @throws ProgrammingError when the block is a function's, which throws {@link Rollback}, or has ended.
   */
  async rollback(): Promise<void> {
    await this.#finish(false);
  }

  async #finish(keeps: boolean): Promise<void> {
    if (!this.#disposable) {
      throw new ProgrammingError(
        "a block with a function commits when the function returns; throw Rollback to undo it",
      );
    }
    this.checkActive();
    if (this.#ending) throw new ProgrammingError("the transaction block is being ended already");
    this.#seat.exit();
    await (this.#ending = this.#end(keeps, "choice").finally(() => (this.#ending = null)));
  }

  /** Executes a statement on the block's connection, if the block is open. */
  async execute<R = Row>(
    query: Query,
    parameters?: QueryParameters,
    options?: AsyncExecuteOptions<R>,
  ): Promise<AsyncCursor<R>> {
    this.checkActive();
    return this.connection.execute<R>(query, parameters, options);
  }

  /** Executes a statement on the block's connection, if the block is open, and gives its rows. */
  query<R = Row>(
    query: Query,
    parameters?: QueryParameters,
    options?: AsyncExecuteOptions<R>,
  ): Promise<R[]> {
    // The connection's own promise: in a pipeline nobody has to look at it.
    return this.#whenActive(() => this.connection.query<R>(query, parameters, options));
  }

  #whenActive<T>(run: () => Promise<T>): Promise<T> {
    try {
      this.checkActive();
    } catch (error) {
      return Promise.reject(error as Error);
    }
    return run();
  }

  /** Opens a block inside of this one; see {@link AsyncConnection.transaction}. */
  transaction<T>(
    run: AsyncTransactionFunction<T, Row>,
    options?: AsyncTransactionOptions,
  ): Promise<T>;
  /** Opens a block inside of this one that its user ends. */
  transaction(options?: AsyncTransactionOptions): Promise<AsyncTransaction<Row>>;
  transaction<T>(
    runOrOptions?: AsyncTransactionFunction<T, Row> | AsyncTransactionOptions,
    options?: AsyncTransactionOptions,
  ): Promise<T | AsyncTransaction<Row>> {
    return this.#whenActive(() => transaction(this.connection, runOrOptions, options, this.#seat));
  }

  /** Takes back what was not committed, at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ending?.catch(() => {});
    if (this.status === "active") await this.#finish(false).catch(() => {});
  }
}

/** Either form of a block, inside of `within` or wherever the running context is. */
export function transaction<T, Row>(
  connection: AsyncConnection<unknown>,
  runOrOptions: AsyncTransactionFunction<T, Row> | AsyncTransactionOptions | undefined,
  options: AsyncTransactionOptions | undefined,
  within: Seat | null = null,
): Promise<T | AsyncTransaction<Row>> {
  const parent = Seat.current(connection, within);
  if (typeof runOrOptions === "function") {
    const given = options ?? {};
    return given.retry === undefined && !isWatched(transactionChannel)
      ? once(connection, runOrOptions, given, parent)
      : repeated(connection, runOrOptions, given, parent);
  }
  if (runOrOptions?.retry !== undefined)
    return Promise.reject(new ProgrammingError("only a block with a function can be repeated"));
  let block: AsyncTransaction<Row>;
  try {
    checkOrder("transaction()", runOrOptions, options);
    block = new AsyncTransaction<Row>(connection, runOrOptions ?? {}, parent);
  } catch (error) {
    return Promise.reject(error as Error);
  }
  // Before anything is awaited: after that it would be another context.
  block.enter();
  return block.start();
}

function once<T, Row>(
  connection: AsyncConnection<unknown>,
  run: AsyncTransactionFunction<T, Row>,
  options: AsyncTransactionOptions,
  parent: Seat | null,
): Promise<T> {
  try {
    return new AsyncTransaction<Row>(connection, options, parent).around(run);
  } catch (error) {
    return Promise.reject(error as Error);
  }
}

async function repeated<T, Row>(
  connection: AsyncConnection<unknown>,
  run: AsyncTransactionFunction<T, Row>,
  options: AsyncTransactionOptions,
  parent: Seat | null,
): Promise<T> {
  const retry = new Retry(options.retry);
  for (;;) {
    const block = new AsyncTransaction<Row>(connection, options, parent);
    try {
      return await observed(
        transactionChannel,
        () => transactionContext(connection.core, "async", block),
        () => block.around(run),
      );
    } catch (error) {
      const delay = block.outermost && !connection.closed ? retry.delayAfter(error) : null;
      if (delay === null) throw error;
      await new Promise<void>((resolve) => setTimeout(resolve, delay));
    }
  }
}

keepShape(new AsyncTransaction(nobody, {}, null));
