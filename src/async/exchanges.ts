/**
 * Exchanges that are awaited: a statement that is prepared costs one reply and one promise.
 *
 * Errors are made where no program has called anything, so what fails goes on in an asynchronous function: from
 * there the engine knows who awaits it (see recapture.ts).
 */
import { Exchange, NO_EXECUTION, RowsExchange } from "../core/exchange.ts";
import type { Execution } from "../core/exchange.ts";
import type { ResultSet } from "../core/execute.ts";
import { lastRows } from "../core/results.ts";
import type { Conversation } from "../protocol/effects.ts";
import type { RowFactory } from "../rows.ts";
import { keepShape, nobody } from "../shapes.ts";
import type { Resolve } from "./promising.ts";
import { failing, keep, kept, outcome } from "./promising.ts";

/** Who runs what is left of a conversation when its first part has been written and answered. */
export interface Finisher {
  finish<T>(rest: Conversation<T>): Promise<T>;
}

/** An execution whose rows are awaited. */
export class AwaitedRows<Row> extends RowsExchange<Row> {
  /** Its rows. */
  readonly promise: Promise<Row[]> = new Promise<never>(keep);
  readonly #resolve: Resolve<Row[]> = kept();
  readonly #finisher: Finisher;

  constructor(execution: Execution, factory: RowFactory<Row>, finisher: Finisher) {
    super(execution, factory);
    this.#finisher = finisher;
  }

  protected override succeeded(): void {
    this.#resolve(this.take() ?? failing(this.unreadable?.error));
  }

  protected override failed(rest: Conversation<ResultSet[]>): void {
    const { adapters } = this.context;
    const rows = (sets: ResultSet[]): Row[] => lastRows(sets, adapters, this.factory);
    // A pipeline tells of it, whoever looks at this.
    const told = this.isPipelined ? () => void this.promise.catch(() => {}) : undefined;
    this.#resolve(outcome(this.#finisher.finish(rest), rows, told));
  }
}

/** An execution whose result is awaited, and read later. */
export class AwaitedResult<T> extends Exchange {
  /** What `show` gave. */
  readonly promise: Promise<T> = new Promise<never>(keep);
  readonly #resolve: Resolve<T> = kept();
  readonly #show: (sets: ResultSet[]) => T;
  readonly #finisher: Finisher;

  /** The promise is for what `show` makes of the result; it must not throw. */
  constructor(execution: Execution, show: (sets: ResultSet[]) => T, finisher: Finisher) {
    super(execution);
    this.#show = show;
    this.#finisher = finisher;
  }

  protected override succeeded(): void {
    this.#resolve(this.#show(this.sets()));
  }

  protected override failed(rest: Conversation<ResultSet[]>): void {
    this.#resolve(outcome(this.#finisher.finish(rest), this.#show));
  }
}

keepShape(new AwaitedRows(NO_EXECUTION, nobody, nobody));
keepShape(new AwaitedResult(NO_EXECUTION, (sets) => sets, nobody));
