/**
 * COPY in the blocking shell: the core's operations, as they are.
 *
 * Until it ends, the connection is refused to everything else.
 */
import { CopyBase } from "../core/copy-base.ts";
import type { CopyCore } from "../core/copy.ts";
import { reasonOf } from "../core/copy-reason.ts";
import { recapture } from "../core/recapture.ts";
import { ProgrammingError } from "../errors.ts";
import type { Conversation } from "../protocol/effects.ts";
import type { TupleRow } from "../rows.ts";
import { REFUSAL_GRACE, REST_GRACE } from "../transport/occupation.ts";
import type { BlockingStay } from "../transport/stay-blocking.ts";

/** The block of a COPY. */
export type CopyFunction<T> = (copy: Copy) => T;

/** A COPY under way: takes data, or gives it. */
export class Copy extends CopyBase {
  readonly #stay: BlockingStay;
  readonly #onEnd: (core: CopyCore) => void;
  #isOver = false;

  /** Made by {@link Cursor.copy}. @internal */
  constructor(core: CopyCore, stay: BlockingStay, onEnd: (core: CopyCore) => void) {
    super(core);
    this.#stay = stay;
    this.#onEnd = onEnd;
  }

  /** Begins. @internal */
  start(): this {
    try {
      this.#stay.run(this.core.start());
      return this;
    } catch (error) {
      this.#abandon(reasonOf(error));
      throw recapture(error);
    }
  }

  /** Calls the block's function and ends the COPY as it ended. @internal */
  use<T>(use: CopyFunction<T>): T {
    try {
      const value = use(this);
      if (typeof (value as { then?: unknown } | null | undefined)?.then === "function") {
        throw new ProgrammingError(
          "the function of a blocking copy() gave a promise; nothing can be awaited here",
        );
      }
      if (this.direction === "in") this.finish();
      return value;
    } catch (error) {
      this.#abandon(reasonOf(error));
      throw error;
    } finally {
      this.close();
    }
  }

  #run<T>(conversation: Conversation<T>): T {
    try {
      return this.#stay.run(conversation);
    } catch (error) {
      throw recapture(error);
    } finally {
      if (this.core.ended) this.#end();
    }
  }

  #takes(write: () => boolean): boolean {
    try {
      return write();
    } catch (error) {
      if (this.core.ended) this.#end();
      throw recapture(this.#stay.explain(error));
    }
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stay.leave();
    this.#onEnd(this.core);
  }

  #abandon(reason: string): void {
    if (!this.#isOver && !this.core.ended) {
      this.#stay.abandon(reason, this.core.isIn ? REFUSAL_GRACE : REST_GRACE);
    }
    this.#end();
  }

  /**
   * Writes data as it is, in any pieces.
   *
   * @throws ProgrammingError for a string in binary format; the server's error when it has refused what came
   * before.
   */
  write(data: string | Uint8Array): void {
    if (this.#takes(() => this.core.write(data))) this.#run(this.core.send());
  }

  /**
   * Writes a row: an array with a value for each column, null for NULL. One that is refused leaves nothing
   * behind, and others can follow.
   *
   * @throws ProgrammingError and DataError for values that can't be copied, naming the column; the server's
   * error when it has refused what came before.
   */
  writeRow(values: readonly unknown[]): void {
    if (this.#takes(() => this.core.writeRow(values))) this.#run(this.core.send());
  }

  /** Writes the rows of an iterable; throws as {@link writeRow} does. */
  writeRows(rows: Iterable<readonly unknown[]>): void {
    for (const row of rows) this.writeRow(row);
  }

  /** Writes all data of an iterable, at the server's pace. Throws what it throws, and as {@link write} does. */
  from(source: Iterable<string | Uint8Array>): void {
    for (const chunk of source) this.write(chunk);
  }

  /**
   * Says that all data was written, and waits until the server has taken it. At the end of a block's function
   * it happens by itself; the disposable form needs it: without it nothing is copied.
   *
   * @throws the server's error when it refuses the data.
   */
  finish(): void {
    this.#run(this.core.finish());
  }

  /** The next data as it came, whole rows of it; undefined after the last. */
  read(): Buffer | undefined {
    return this.#run(this.core.read());
  }

  /**
   * The next row, as an array; undefined after the last.
   *
   * @throws ProgrammingError for csv and other forms than PostgreSQL's plain text and binary.
   */
  readRow(): TupleRow | undefined {
    return this.core.nextRow() ?? this.#run(this.core.readRow());
  }

  /** Goes through the rows that are left, as arrays; throws as {@link readRow} does. */
  *rows(): Generator<TupleRow, void, undefined> {
    for (let row = this.readRow(); row !== undefined; row = this.readRow()) yield row;
  }

  /** Goes through the data that is left, as it came. */
  *[Symbol.iterator](): Generator<Buffer, void, undefined> {
    for (let piece = this.read(); piece !== undefined; piece = this.read()) yield piece;
  }

  /**
   * Ends the COPY: one that takes data and was not finished fails, so that nothing is copied; what one that
   * gives data has left is dropped. Does nothing when it has ended.
   */
  close(): void {
    this.#abandon("the COPY was left without finish()");
  }

  /** Closes the COPY at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }
}
