/**
 * What both shells' server cursors share: a result that stays on the server and is fetched in pieces.
 *
 * DECLARE, FETCH and MOVE go through the extended protocol: DECLARE because it may have parameters, FETCH
 * because its columns can come in binary. A cursor is a portal (manual, 54.2.3), so it is described and
 * closed by messages that can't fail a transaction: closing one that is gone is no error.
 *
 * Two places have to be told apart. The server's is behind the last row that was fetched; the program's is
 * behind the last row that it was given. They differ after a loop was left early: the rest of the page is
 * given first by whatever fetches next. `fetchOne()` fetches one row and no page, though that is slow,
 * because `where current of` means the server's place, and `for update` locks what is fetched.
 */
import { typesSaid } from "../adapt/types/typed-values.ts";
import { BoundParameters, checkParameters } from "../adapt/parameters.ts";
import { NotSupportedError, ProgrammingError } from "../errors.ts";
import type { Conversation } from "../protocol/effects.ts";
import { Result } from "../protocol/result.ts";
import type { DuplicateColumns, RowFactory } from "../rows.ts";
import type { ConnectionBase } from "./connection-base.ts";
import type { ScrollMode } from "./cursor.ts";
import { checkMode, CursorCore } from "./cursor.ts";
import { Description } from "./description.ts";
import { requestOf, shownOption } from "./operations.ts";
import type { ExecuteOptions } from "./options.ts";
import type { Query, QueryParameters } from "./query.ts";
import { Place } from "./place.ts";
import {
  checkCursorName,
  closePortal,
  declareCursor,
  describePortal,
  runPortal,
} from "./portal.ts";
import { Statement } from "./statements.ts";

/** FETCH and MOVE count no further. */
const MOST_ROWS = 2 ** 31 - 1;
const ITERSIZE = 100;
const OPTIONS: ReadonlySet<string> = new Set([
  "rowFactory",
  "duplicateColumns",
  "scrollable",
  "withHold",
  "itersize",
]);

/** How a server cursor is to be. */
export interface ServerCursorOptions<Row> {
  /** How rows are built; the connection's way by default. */
  readonly rowFactory?: RowFactory<Row>;
  /** What becomes of columns with the same name; the connection's way by default. */
  readonly duplicateColumns?: DuplicateColumns;
  /** Whether one can go back: SCROLL (true), NO SCROLL (false), or whatever the plan allows (null, the default). */
  readonly scrollable?: boolean | null;
  /** Whether it lives on when its transaction has ended, which copies its rows then; false by default. */
  readonly withHold?: boolean;
  /** How many rows a loop fetches at a time: 100 by default. */
  readonly itersize?: number;
}

/** State and conversations of a server cursor. */
export abstract class ServerCursorCore<Row> extends CursorCore<Row> {
  /** The name that the server knows it by. */
  readonly name: string;
  /** Whether one can go back; null for whatever the plan allows. */
  readonly scrollable: boolean | null;
  /** Whether it lives on when its transaction has ended. */
  readonly withHold: boolean;
  readonly #place = new Place();
  #itersize = ITERSIZE;
  #description: Description | null = null;
  #binary: boolean | undefined;
  /** Whether there may be something on the server that is ours to close. */
  #used = false;

  constructor(
    connection: ConnectionBase<unknown>,
    name: string,
    rowFactory: RowFactory<Row>,
    options: ServerCursorOptions<Row>,
  ) {
    super(connection.core, rowFactory);
    for (const option of Object.keys(options)) {
      if (!OPTIONS.has(option)) {
        throw new ProgrammingError(
          `there is no option "${option}" for a server cursor; there are ${[...OPTIONS].join(", ")}`,
        );
      }
    }
    this.name = checkCursorName(name);
    this.scrollable = options.scrollable ?? null;
    this.withHold = options.withHold ?? false;
    if (options.duplicateColumns !== undefined) this.duplicateColumns = options.duplicateColumns;
    if (options.itersize !== undefined) this.itersize = options.itersize;
  }

  /** How many rows a loop fetches at a time. */
  get itersize(): number {
    return this.#itersize;
  }

  set itersize(size: number) {
    if (!Number.isInteger(size) || size < 1 || size > MOST_ROWS) {
      throw new ProgrammingError(
        `itersize must be a number of rows from 1, not ${shownOption(size)}`,
      );
    }
    this.#itersize = size;
  }

  /** The columns; null before anything was executed or fetched. */
  override get description(): CursorCore<Row>["description"] {
    return this.#description?.describe(this.activeAdapters) ?? null;
  }

  /** Always -1: nobody knows how many rows there are before all were fetched. */
  override get rowCount(): number {
    return -1;
  }

  /** The number of the next row, counted from 0; null when the cursor was opened elsewhere, until it is known. */
  override get rowNumber(): number | null {
    const { row } = this.#place;
    return row === null ? null : row - this.rowsAhead;
  }

  /** Rows that were fetched and not given yet, which happens when a loop was left. */
  protected get rowsAhead(): number {
    const given = super.rowNumber;
    return given === null ? 0 : super.rowCount - given;
  }

  /** Whether a loop has come to its end. */
  protected get isOver(): boolean {
    return this.#place.atEnd && this.rowsAhead === 0;
  }

  /** In a pipeline, ends what was sent before: a cursor waits for its answers. */
  protected apart<T>(query: Query, conversation: Conversation<T>): Conversation<T> {
    const text = typeof query === "string" ? query : "DECLARE";
    return this.connection.core.pipeline.apart(text, conversation);
  }

  /** Opens the cursor for a query, closing what it was open for. */
  protected *declare(
    given: Query,
    parameters: QueryParameters | undefined,
    options: ExecuteOptions<Row> | undefined,
  ): Conversation<void> {
    const request = requestOf(this.context, given, parameters, options);
    const { text: query } = request;
    checkParameters(request.parameters);
    const closing = this.#used;
    this.begin(query, options);
    this.#description = null;
    this.#place.forget();
    this.#binary = options?.binary;
    this.#used = true;
    const { columns, result } = yield* declareCursor(this.context, {
      name: this.name,
      scrollable: this.scrollable,
      withHold: this.withHold,
      query,
      parametersOf: (oids) => new BoundParameters(request.parameters, oids, this.activeAdapters),
      parameterCount: request.parameters.length,
      typesSaid: typesSaid(request.parameters),
      closing,
    });
    this.#learn(columns ?? []);
    this.#place.begin();
    this.takeMore({ result, description: null });
  }

  /** Decides, for good, in which formats this cursor's columns come. */
  #learn(columns: Description["columns"]): Description {
    const statement = new Statement("");
    statement.describe([], columns);
    const { description } = statement.shape(this.activeAdapters, this.#binary);
    this.#description = description as Description;
    return this.#description;
  }

  /** The next rows, `count` or as many as there are; Infinity for all. */
  protected *fetch(count: number): Conversation<Row[]> {
    this.checkOpen();
    if (count !== Infinity && !(Number.isInteger(count) && count >= 0)) {
      throw new ProgrammingError(
        `fetchMany takes a whole number of rows, not ${shownOption(count)}`,
      );
    }
    const missing = count - this.rowsAhead;
    if (missing > 0) yield* this.fetchPage(missing);
    return count === 0 ? [] : this.nextRows(count);
  }

  /** Fetches up to `count` rows to be given. */
  protected *fetchPage(count: number): Conversation<void> {
    this.checkOpen();
    this.#used = true;
    const known = this.#description ?? this.#learn(yield* describePortal(this.context, this.name));
    const size = count > MOST_ROWS ? "ALL" : String(count);
    const result = yield* runPortal(this.context, `FETCH FORWARD ${size}`, this.name, known);
    const columns = result.columns as Description["columns"];
    const description = known.equals(columns) ? known : new Description(columns);
    this.#description = description;
    this.#place.forward(result.rowCount, count);
    this.takeMore({ result, description });
  }

  /** Moves the program's place, and with it the server's. */
  protected *moveTo(value: number, mode: ScrollMode): Conversation<void> {
    this.checkOpen();
    checkMode(mode);
    if (!Number.isInteger(value) || Math.abs(value) > MOST_ROWS) {
      throw new RangeError(`a cursor can't scroll by or to ${String(value)} rows`);
    }
    const ahead = this.rowsAhead;
    const { row } = this.#place;
    const step = mode === "relative" ? value : row === null ? null : value - (row - ahead);
    if (step === 0) return;
    if (step !== null && step > 0 && step <= ahead) return this.move(step, "relative");
    const plan = this.#place.plan(step === null ? null : step - ahead, value);
    this.#used = true;
    const result =
      plan.command === null
        ? new Result(null)
        : yield* runPortal(this.context, plan.command, this.name, null);
    const empty = new Result(this.#description?.columns ?? null);
    empty.tag = result.tag ?? this.statusMessage;
    this.takeOnly({ result: empty, description: this.#description });
    plan.moved(Number(/\d+$/.exec(empty.tag ?? "")?.[0] ?? 0));
  }

  /** Closes the cursor on the server, where there is still something to close, and here. */
  protected *closeBoth(): Conversation<void> {
    const { pipeline } = this.connection.core;
    yield* pipeline.settle();
    const { session } = this.context;
    const status = session.transactionStatus;
    const lives = status === "T" || this.withHold || (status === "I" && this.query === null);
    try {
      if (this.#used && lives && !session.ended) yield* closePortal(this.context, this.name);
    } finally {
      this.shut();
    }
  }
}

/** The error of an operation that only a client cursor has. */
export function clientOnly(operation: string): NotSupportedError {
  return new NotSupportedError(
    `a server cursor has no ${operation}(); use a client cursor: conn.cursor().${operation}()`,
  );
}
