/**
 * The answer to one statement that is bound and executed many times before a single Sync.
 *
 * How many times is not known when the first answers come, so the reply is told what was written as it is
 * written. Answers are counted, not kept: an item costs two messages and no object, unless its result was
 * asked for. Whoever writes waits for {@link ManyReply.reached}, which is how the window between writing and
 * answers stays bounded. After an error the server skips to the Sync (manual, 54.2.3), and so does this.
 */
import type { Diagnostic } from "../errors.ts";
import { ProtocolError } from "../errors.ts";
import { keepShape } from "../shapes.ts";
import { Arrival } from "./arrival.ts";
import { frameLength } from "./frames.ts";
import type { ColumnDescription } from "./messages.ts";
import { Backend, commandTag } from "./messages.ts";
import type { ReplyContext } from "./replies.ts";
import { ResultReply, surprise } from "./replies.ts";
import { Result, ROW_HEADER } from "./result.ts";

/** Takes the answers to many executions of one statement. */
export class ManyReply extends ResultReply {
  /** How many items were written. */
  written = 0;
  /** How many items were answered. */
  done = 0;
  /** The rows that all items together touched or gave; -1 for a command that counts nothing. */
  rowCount = -1;
  /** The tag of the last item that was answered, once all that were written are. */
  tag: string | null = null;
  /** The item that the server refused, counted from 0; null when the error is not about an item. */
  failedItem: number | null = null;
  /** Called when the server has refused an item, or the session has ended. */
  onFailure: (() => void) | null = null;
  readonly #columns: readonly ColumnDescription[] | null;
  readonly #keeps: boolean;
  #bound = false;
  #synced = false;
  #arrival: Arrival | null = null;
  #awaited = 0;

  /** A reply for a statement with the given columns; `keeps` its results, or only counts them. */
  constructor(columns: readonly ColumnDescription[] | null, keeps: boolean) {
    super();
    this.#columns = columns;
    this.#keeps = keeps;
  }

  /** Whether the server has taken the first item's values, so it may have been executed. */
  get begun(): boolean {
    return this.done > 0 || this.#bound;
  }

  /** Comes when `count` items were answered, or when no more will be. */
  reached(count: number): Arrival {
    const arrival = new Arrival();
    if (this.done >= count || this.error || this.skipped || this.settled)
      arrival.settle(this.failure);
    else this.#arrival = arrival;
    this.#awaited = count;
    return arrival;
  }

  /** Takes that the Sync was written: nothing follows. */
  sync(): void {
    this.#synced = true;
  }

  override rows(bytes: Buffer, start: number, end: number): number {
    if (!this.#bound) throw surprise(Backend.dataRow);
    if (this.#keeps) return super.rows(bytes, start, end);
    if (this.#columns === null)
      throw new ProtocolError("the server sent a row for a statement that has none");
    let at = start;
    while (end - at >= ROW_HEADER && bytes[at] === Backend.dataRow) {
      const next = at + 1 + frameLength(bytes, at);
      if (next > end) break;
      at = next;
    }
    return at;
  }

  override accept(
    type: number,
    bytes: Buffer,
    start: number,
    end: number,
    context: ReplyContext,
  ): void {
    switch (type) {
      case Backend.bindComplete:
        if (this.#bound || this.error || this.done === this.written) throw surprise(type);
        this.#bound = true;
        if (this.#keeps && this.#columns) this.current = new Result(this.#columns);
        return;
      case Backend.commandComplete:
        if (!this.#bound) throw surprise(type);
        this.#count(bytes, end - 1);
        return this.#complete(bytes, start, end);
      case Backend.emptyQueryResponse:
        if (!this.#bound || this.current) throw surprise(type);
        return this.#complete(bytes, start, start);
      case Backend.readyForQuery:
        if (!this.#synced) throw surprise(type);
        if (!this.error && !this.skipped && this.done < this.written) throw surprise(type);
        this.settled = true;
        return;
      default:
        // The Sync is the conversation's to write, which has seen what this is by then.
        if (!this.#bound || !this.copy(type, context, false)) throw surprise(type);
    }
  }

  /** Adds the number that a tag ends with. */
  #count(bytes: Buffer, end: number): void {
    let at = end;
    let value = 0;
    let unit = 1;
    for (; at > 0; at--, unit *= 10) {
      const digit = (bytes[at - 1] as number) - 0x30;
      if (digit < 0 || digit > 9) break;
      value += digit * unit;
    }
    if (at === end || bytes[at - 1] !== 0x20) return;
    this.rowCount = Math.max(this.rowCount, 0) + value;
  }

  #complete(bytes: Buffer, start: number, end: number): void {
    this.#bound = false;
    this.done++;
    const isLast = this.done === this.written;
    if (isLast || this.#keeps) {
      this.tag = end > start ? commandTag(bytes, start, end) : "";
      if (this.#keeps) this.complete(this.tag);
    }
    if (this.done === this.#awaited) this.#arrive();
  }

  override refuse(error: Diagnostic): void {
    if (this.error) throw surprise(Backend.errorResponse);
    this.error = error;
    if (this.done < this.written) this.failedItem = this.done;
    this.#bound = false;
    this.current = null;
    this.onFailure?.();
    this.#arrive();
  }

  override skip(): void {
    super.skip();
    this.onFailure?.();
    this.#arrive();
  }

  override release(): void {
    super.release();
    if (this.failure) this.onFailure?.();
    this.#arrive();
  }

  #arrive(): void {
    const arrival = this.#arrival;
    if (arrival) {
      this.#arrival = null;
      arrival.settle(this.failure);
    }
  }
}

keepShape(new ManyReply(null, false));
