/**
 * COPY in the asynchronous shell: the core's operations, awaited, and streams on either side.
 *
 * A COPY has the connection to itself from its first message to its last; statements of others wait in line.
 * It ends when the server has ended it, which is not always when the block is left: what is left to end then
 * is ended there, within a bounded time.
 */
import { Readable, Writable } from "node:stream";
import { callbackify } from "node:util";
import { CopyBase } from "../core/copy-base.ts";
import type { CopyCore } from "../core/copy.ts";
import { reasonOf } from "../core/copy-reason.ts";
import { recapture } from "../core/recapture.ts";
import type { Conversation } from "../protocol/effects.ts";
import type { TupleRow } from "../rows.ts";
import { REFUSAL_GRACE, REST_GRACE } from "../transport/occupation.ts";
import type { Limits } from "../transport/limits.ts";
import type { Stay } from "../transport/stay.ts";
import type { AsyncConnection } from "./connection.ts";
import { CopyRows } from "./copy-rows.ts";
import { feed } from "./copy-source.ts";
import { OccupiedScope } from "./occupied.ts";
import { PulledRows } from "./pulled-rows.ts";

/** What data can be copied from: chunks of text or bytes, a stream of Node.js or of the web, an iterable. */
export type AsyncCopySource<T> = AsyncIterable<T> | Iterable<T>;

/** The block of a COPY. */
export type AsyncCopyFunction<T> = (copy: AsyncCopy) => Promise<T> | T;

const DONE: Promise<void> = Promise.resolve();

/** A COPY under way: takes data, or gives it. */
export class AsyncCopy extends CopyBase {
  readonly #stay: Stay;
  readonly #scope: OccupiedScope;
  readonly #onEnd: (core: CopyCore) => void;
  #isOver = false;

  /** Made by {@link AsyncCursor.copy}. @internal */
  constructor(core: CopyCore, stay: Stay, scope: OccupiedScope, onEnd: (core: CopyCore) => void) {
    super(core);
    this.#stay = stay;
    this.#scope = scope;
    this.#onEnd = onEnd;
  }

  /** Waits for its turn and begins. @internal */
  async start(limits: Limits): Promise<this> {
    try {
      await this.#stay.enter(limits);
      await this.#stay.run(this.core.start());
      return this;
    } catch (error) {
      await this.#abandon(reasonOf(error));
      throw recapture(error);
    }
  }

  /** Calls the block's function and ends the COPY as it ended. @internal */
  async use<T>(use: AsyncCopyFunction<T>): Promise<T> {
    try {
      const value = await this.#scope.run(() => use(this));
      if (this.direction === "in") await this.finish();
      return value;
    } catch (error) {
      await this.#abandon(reasonOf(error));
      throw error;
    } finally {
      await this.close();
    }
  }

  async #run<T>(conversation: Conversation<T>): Promise<T> {
    try {
      return await this.#stay.run(conversation);
    } catch (error) {
      throw recapture(error);
    } finally {
      if (this.core.ended) this.#end();
    }
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stay.leave();
    this.#scope.close();
    this.#onEnd(this.core);
  }

  async #abandon(reason: string): Promise<void> {
    if (this.core.ended) await this.#stay.halted;
    else await this.#stay.abandon(reason, this.core.isIn ? REFUSAL_GRACE : REST_GRACE);
    this.#end();
  }

  /** Gives an error of something that was not run the words of the limit that caused it. */
  #refused(error: unknown): Promise<never> {
    if (this.core.ended) this.#end();
    return Promise.reject(recapture(this.#stay.explain(error)) as Error);
  }

  /**
   * Writes data as it is, in any pieces; resolved when there is room for more.
   *
   * @throws ProgrammingError for a string in binary format; the server's error when it has refused what came
   * before.
   */
  write(data: string | Uint8Array): Promise<void> {
    try {
      if (!this.core.write(data)) return DONE;
    } catch (error) {
      return this.#refused(error);
    }
    return this.#run(this.core.send());
  }

  /**
   * Writes a row: an array with a value for each column, null for NULL. One that is refused leaves nothing
   * behind, and others can follow.
   *
   * @throws ProgrammingError and DataError for values that can't be copied, naming the column; the server's
   * error when it has refused what came before.
   */
  writeRow(values: readonly unknown[]): Promise<void> {
    try {
      if (!this.core.writeRow(values)) return DONE;
    } catch (error) {
      return this.#refused(error);
    }
    return this.#run(this.core.send());
  }

  /**
   * Writes the rows of an iterable, which may be asynchronous; throws what it throws, and as {@link writeRow}
   * does. When the COPY ends early, an asynchronous one is not waited for.
   */
  async writeRows(rows: AsyncCopySource<readonly unknown[]>): Promise<void> {
    const { core } = this;
    if (isIterable(rows)) {
      for (const row of rows) {
        if (this.#takes(() => core.writeRow(row))) await this.#run(core.send());
      }
    } else {
      await this.#feed(rows, (row) =>
        this.#takes(() => core.writeRow(row)) ? this.#run(core.send()) : null,
      );
    }
  }

  async #feed<T>(source: AsyncIterable<T>, take: (item: T) => Promise<void> | null): Promise<void> {
    // Sending to a COPY that has ended says how it ended.
    if (!(await feed(source, this.core, take))) await this.#run(this.core.send());
  }

  #takes(write: () => boolean): boolean {
    try {
      return write();
    } catch (error) {
      if (this.core.ended) this.#end();
      throw recapture(this.#stay.explain(error));
    }
  }

  /**
   * Writes all data of a stream of Node.js or of the web, or of an iterable, at the server's pace. Throws what
   * the source throws, and as {@link write} does. When the COPY ends early, the source is told that no more is
   * wanted, and not waited for.
   */
  async from(source: AsyncCopySource<string | Uint8Array>): Promise<void> {
    if (isAsyncIterable(source)) await this.#feed(source, (chunk) => this.write(chunk));
    else for await (const chunk of source) await this.write(chunk);
  }

  /**
   * Says that all data was written, and waits until the server has taken it. At the end of a block's function
   * it happens by itself; the disposable form needs it: without it nothing is copied.
   *
   * @throws the server's error when it refuses the data.
   */
  async finish(): Promise<void> {
    await this.#run(this.core.finish());
  }

  /** The next data as it came, whole rows of it; undefined after the last. */
  read(): Promise<Buffer | undefined> {
    return this.#run(this.core.read());
  }

  /**
   * The next row, as an array; undefined after the last.
   *
   * @throws ProgrammingError for csv and other forms than PostgreSQL's plain text and binary.
   */
  readRow(): Promise<TupleRow | undefined> {
    return this.#run(this.core.readRow());
  }

  /** Goes through the rows that are left, as arrays; throws as {@link readRow} does. */
  rows(): AsyncGenerator<TupleRow, void, undefined> {
    return new PulledRows(new CopyRows(this.core, () => this.#run(this.core.more())));
  }

  /** Goes through the data that is left, as it came. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    for (let piece = await this.read(); piece !== undefined; piece = await this.read()) yield piece;
  }

  /** The data that is left, as a stream of Node.js; `Readable.toWeb()` makes one of the web of it. */
  readable(): Readable {
    return Readable.from(this, { objectMode: false });
  }

  /**
   * Takes data as a stream of Node.js; `Writable.toWeb()` makes one of the web of it. Its end does not finish
   * the COPY; its destruction with an error makes the COPY fail. It is destroyed when the COPY ends early.
   */
  writable(): Writable {
    const { endWatchers } = this.core;
    const ended = (): void => void this.#stop(writable);
    const writable = new Writable({
      write: (chunk: Uint8Array, _encoding, callback) => {
        callbackify(() => this.write(chunk))(callback);
      },
      destroy: (error, callback) => {
        endWatchers.delete(ended);
        const end = callbackify(() => (error ? this.#abandon(reasonOf(error)) : DONE));
        end((failure) => callback(failure ?? error));
      },
    });
    endWatchers.add(ended);
    return writable;
  }

  /** Tells a stream that nobody takes its data any more; one that nobody listens to has no error event. */
  async #stop(writable: Writable): Promise<void> {
    try {
      await this.#run(this.core.send());
    } catch (error) {
      const isHeard = writable.listenerCount("error") > 0;
      writable.destroy(isHeard && this.core.tag === null ? (error as Error) : undefined);
    }
  }

  /**
   * Ends the COPY: one that takes data and was not finished fails, so that nothing is copied; what one that
   * gives data has left is dropped. Does nothing when it has ended.
   */
  async close(): Promise<void> {
    await this.#abandon("the COPY was left without finish()");
  }

  /** Closes the COPY at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Begins a COPY, in its turn, and runs its block if there is one. */
export async function beginCopy(
  connection: AsyncConnection<unknown>,
  core: CopyCore,
  limits: Limits,
  use: AsyncCopyFunction<unknown> | null,
  onEnd: (core: CopyCore) => void,
): Promise<unknown> {
  const stay = connection.driver.occupy(core);
  const scope = new OccupiedScope(connection.core, core.what);
  // The caller's own context, which is left behind with the first await.
  if (use === null) scope.enter();
  const copy = await new AsyncCopy(core, stay, scope, onEnd).start(limits);
  return use === null ? copy : copy.use(use);
}

function isAsyncIterable<T>(source: AsyncCopySource<T>): source is AsyncIterable<T> {
  return typeof (source as Partial<AsyncIterable<T>>)[Symbol.asyncIterator] === "function";
}

function isIterable<T>(source: AsyncCopySource<T>): source is Iterable<T> {
  return typeof (source as Partial<Iterable<T>>)[Symbol.iterator] === "function";
}
