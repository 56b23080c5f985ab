/**
 * The answer to a statement whose rows are taken while they arrive.
 *
 * Rows wait here as bytes until somebody takes them; how many bytes that is shows in
 * {@link Reply.backlog}, by which the driver knows when to stop reading (manual, 54.2.3).
 */
import type { Diagnostic } from "../errors.ts";
import { keepShape } from "../shapes.ts";
import { Arrival } from "./arrival.ts";
import type { ColumnDescription } from "./messages.ts";
import { ExtendedReply } from "./extended-reply.ts";
import { Result } from "./result.ts";

/** The answer to Bind, Execute and Sync, given out in pieces. */
export class StreamReply extends ExtendedReply {
  /** Comes with each piece, and with the end. */
  readonly arrival: Arrival = new Arrival();
  #rest: Result | null = null;
  #spare: Buffer | null = null;
  #discards = false;
  #hasNews = false;

  /** A reply with rows of these columns. */
  constructor(columns: readonly ColumnDescription[]) {
    super("2xz", columns);
  }

  /** The command's tag; null before the end. */
  get tag(): string | null {
    return this.results[0]?.tag ?? null;
  }

  override rows(bytes: Buffer, start: number, end: number): number {
    const next = super.rows(bytes, start, end);
    if (this.#discards) this.#renew();
    else this.backlog += next - start;
    this.#hasNews = true;
    return next;
  }

  #renew(): void {
    this.current = new Result(this.columns, this.#spare);
    this.#spare = null;
    this.backlog = 0;
  }

  /** Takes back rows that were all read: their memory is used again. */
  recycle(rows: Result): void {
    const block = rows.blocks[0];
    // Small results lie in memory that is others', too.
    if (block?.start === 0 && block.limit === block.bytes.length) this.#spare = block.bytes;
  }

  /** Takes the rows that have arrived; null when there are none. */
  take(): Result | null {
    if (this.#discards || this.backlog === 0) return null;
    const rows = this.current ?? this.results[0] ?? this.#rest;
    // The statement's own result keeps its tag, its rows are given out once.
    if (this.current) this.#renew();
    this.backlog = 0;
    return rows;
  }

  /** Drops what has arrived, and what will. */
  discard(): void {
    this.#discards = true;
    this.backlog = 0;
    if (this.current) this.#renew();
  }

  override refuse(error: Diagnostic): void {
    // What came before the error was no error.
    this.#rest = this.current;
    super.refuse(error);
  }

  override arrived(): void {
    if (!this.#hasNews) return;
    this.#hasNews = false;
    this.arrival.settle();
  }

  override release(): void {
    super.release();
    // Whoever waits takes what has come before it looks at how it ended.
    this.arrival.settle();
  }
}

keepShape(new StreamReply([]));
