/**
 * Streams of the asynchronous shell: rows as they come, with the connection to themselves until they end.
 */
import type { StreamCore } from "../core/stream.ts";
import type { Limits } from "../transport/limits.ts";
import { REST_GRACE } from "../transport/occupation.ts";
import type { Stay } from "../transport/stay.ts";
import type { AsyncConnection } from "./connection.ts";
import { OccupiedScope } from "./occupied.ts";
import type { RowSource } from "./pulled-rows.ts";
import { PulledRows } from "./pulled-rows.ts";

/** The rows of one stream. */
class StreamRows<Row> implements RowSource<Row> {
  row!: Row;
  readonly #connection: AsyncConnection<unknown>;
  readonly #core: StreamCore<Row>;
  readonly #limits: Limits;
  readonly #show: () => void;
  readonly #scope: OccupiedScope;
  #stay: Stay | null = null;
  #isOpen = false;
  /** Rows that are decoded already, and how many of them were given. */
  #rows: Row[] = [];
  #given = 0;

  constructor(
    connection: AsyncConnection<unknown>,
    core: StreamCore<Row>,
    limits: Limits,
    show: () => void,
  ) {
    this.#connection = connection;
    this.#core = core;
    this.#limits = limits;
    this.#show = show;
    this.#scope = new OccupiedScope(connection.core, core.what);
  }

  begin(): void {
    this.#stay = this.#connection.driver.occupy(this.#core);
    // Before anything is awaited: the context is that of the loop.
    this.#scope.enter();
  }

  advance(): boolean {
    if (this.#given === this.#rows.length) {
      this.#rows = this.#core.nextRows();
      this.#given = 0;
      if (this.#rows.length === 0) return false;
    }
    this.row = this.#rows[this.#given++] as Row;
    return true;
  }

  async more(): Promise<boolean> {
    const stay = this.#stay as Stay;
    try {
      if (!this.#isOpen) {
        this.#isOpen = true;
        await stay.enter(this.#limits);
        await stay.run(this.#core.start());
        this.#show();
      }
      return await stay.run(this.#core.more());
    } catch (error) {
      throw stay.explain(error);
    }
  }

  async end(): Promise<void> {
    const stay = this.#stay as Stay;
    if (this.#core.ended) {
      stay.leave();
      await stay.halted;
    } else await stay.abandon("the stream was left", REST_GRACE);
    this.#scope.close();
    this.#show();
  }
}

/** Gives the rows of a stream; `show` is told when there is something new to be shown of it. */
export function streamRows<Row>(
  connection: AsyncConnection<unknown>,
  core: StreamCore<Row>,
  limits: Limits,
  show: () => void,
): AsyncGenerator<Row, void, undefined> {
  return new PulledRows(new StreamRows(connection, core, limits, show));
}

/** The limits of one call: its own, or the connection's. */
export function limitsOf(
  core: { timeoutOf(options: { timeout?: number } | undefined): number | undefined },
  options: { readonly timeout?: number; readonly signal?: AbortSignal } | undefined,
): Limits {
  return { signal: options?.signal, timeout: core.timeoutOf(options) };
}
