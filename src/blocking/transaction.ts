/**
 * Transaction blocks of the blocking shell. Blocks inside blocks are savepoints; there is nobody to wait for.
 */
import type { Query, QueryParameters } from "../core/query.ts";
import { transactionChannel, transactionContext } from "../core/channels.ts";
import { Retry } from "../core/retry.ts";
import { TransactionCore } from "../core/transaction.ts";
import type { TransactionOptions } from "../core/transaction.ts";
import type { DictRow } from "../rows.ts";
import type { ExecuteOptions } from "../core/options.ts";
import { checkOrder, refusePromise } from "../core/blocks.ts";
import { ProgrammingError, Rollback } from "../errors.ts";
import { pause } from "../transport/pause.ts";
import { keepShape, nobody } from "../shapes.ts";
import type { Connection } from "./connection.ts";
import type { Cursor } from "./cursor.ts";
import { refuseSignal } from "./driver.ts";
import { observed } from "./observed.ts";

/** A block's function. */
export type TransactionFunction<T, Row = DictRow> = (transaction: Transaction<Row>) => T;

/** A transaction block: a transaction, or a savepoint inside of one. */
export class Transaction<Row = DictRow> extends TransactionCore {
  /** The connection that the block is on. */
  readonly connection: Connection<unknown>;
  readonly #options: TransactionOptions;
  #disposable = false;

  /** Made by {@link Connection.transaction}. @internal */
  constructor(connection: Connection<unknown>, options: TransactionOptions) {
    super(options);
    this.connection = connection;
    this.#options = options;
  }

  #begin(): void {
    const { core } = this.connection;
    core.checkOpen();
    this.connection.driver.perform(core.transactions.enter(this), {
      timeout: this.#options.timeout,
    });
  }

  #end(keeps: boolean, why: "error" | "choice"): void {
    const { transactions } = this.connection.core;
    const { timeout } = this.#options;
    this.connection.driver.perform(transactions.leave(this, keeps, why), { timeout });
  }

  /** Takes back the block; what goes wrong then is shown by the status. */
  #abandon(why: "error" | "choice"): void {
    try {
      this.#end(false, why);
    } catch {
      // The reason for leaving is what counts.
    }
  }

  /** Runs a function as the block. @internal */
  around<T>(run: TransactionFunction<T, Row>): T {
    this.#begin();
    let value: T;
    try {
      value = run(this);
      refusePromise("transaction", value);
    } catch (error) {
      const isMeant =
        error instanceof Rollback && (error.transaction === null || error.transaction === this);
      this.#abandon(isMeant ? "choice" : "error");
      if (isMeant) return undefined as T;
      throw error;
    }
    this.#end(!this.forceRollback, "choice");
    return value;
  }

  /** Begins a block that is ended by {@link commit}, {@link rollback} or its disposal. @internal */
  start(): this {
    this.#disposable = true;
    this.#begin();
    return this;
  }

  /**
   * Commits the block (a savepoint is released), and ends it.
   *
   * @throws ProgrammingError when the block is a function's, which commits when it returns, or has ended;
   * InFailedSqlTransaction when a statement in it had failed; the server's error.
   */
  commit(): void {
    this.#finish(!this.forceRollback);
  }

  /**
   * Takes back what the block did, and ends it.
   *
   * @throws ProgrammingError when the block is a function's, which throws {@link Rollback}, or has ended.
   */
  rollback(): void {
    this.#finish(false);
  }

  #finish(keeps: boolean): void {
    if (!this.#disposable) {
      throw new ProgrammingError(
        "a block with a function commits when the function returns; throw Rollback to undo it",
      );
    }
    this.checkActive();
    this.#end(keeps, "choice");
  }

  /** Executes a statement on the block's connection, if the block is open. */
  execute<R = Row>(
    query: Query,
    parameters?: QueryParameters,
    options?: ExecuteOptions<R>,
  ): Cursor<R> {
    this.checkActive();
    return this.connection.execute<R>(query, parameters, options);
  }

  /** Executes a statement on the block's connection, if the block is open, and gives its rows. */
  query<R = Row>(query: Query, parameters?: QueryParameters, options?: ExecuteOptions<R>): R[] {
    this.checkActive();
    return this.connection.query<R>(query, parameters, options);
  }

  /** Opens a block inside of this one; see {@link Connection.transaction}. */
  transaction<T>(run: TransactionFunction<T, Row>, options?: TransactionOptions): T;
  /** Opens a block inside of this one that its user ends. */
  transaction(options?: TransactionOptions): Transaction<Row>;
  transaction<T>(
    runOrOptions?: TransactionFunction<T, Row> | TransactionOptions,
    options?: TransactionOptions,
  ): T | Transaction<Row> {
    this.checkActive();
    return transaction(this.connection, runOrOptions, options);
  }

  /** Takes back what was not committed, at the end of a `using` block. */
  [Symbol.dispose](): void {
    if (this.status === "active") this.#abandon("choice");
  }
}

/** Either form of a block. */
export function transaction<T, Row>(
  connection: Connection<unknown>,
  runOrOptions: TransactionFunction<T, Row> | TransactionOptions | undefined,
  options: TransactionOptions | undefined,
): T | Transaction<Row> {
  refuseSignal(options);
  if (typeof runOrOptions !== "function") {
    refuseSignal(runOrOptions);
    checkOrder("transaction()", runOrOptions, options);
    if (runOrOptions?.retry !== undefined)
      throw new ProgrammingError("only a block with a function can be repeated");
    return new Transaction<Row>(connection, runOrOptions ?? {}).start();
  }
  const retry = new Retry(options?.retry);
  for (;;) {
    const block = new Transaction<Row>(connection, options ?? {});
    try {
      return observed(
        transactionChannel,
        () => transactionContext(connection.core, "blocking", block),
        () => block.around(runOrOptions),
      );
    } catch (error) {
      const delay = block.outermost && !connection.closed ? retry.delayAfter(error) : null;
      if (delay === null) throw error;
      pause(delay);
    }
  }
}

keepShape(new Transaction(nobody, {}));
