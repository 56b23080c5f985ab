/**
 * Where a COPY stands, as far as the server has said.
 */
import { ProgrammingError } from "../errors.ts";
import type { CopyReply } from "../protocol/copy-reply.ts";
import { Result } from "../protocol/result.ts";
import type { Session } from "../protocol/session.ts";
import { errorFromDiagnostic, QueryCanceled } from "../sqlstate.ts";
import { notCopy } from "./copy-reason.ts";
import type { ResultSet } from "./execute.ts";

/** State of one COPY. */
export abstract class CopyState {
  /** The statement as it is sent. */
  abstract readonly text: string;
  /** The server's answer; null before the statement was sent. */
  protected reply: CopyReply | null = null;
  /** Told when the COPY is over, well or not. Must not throw. */
  readonly endWatchers: Set<() => void> = new Set();
  /** Why the COPY was ended before its time; null when it wasn't. */
  protected interruption: string | null = null;
  readonly #session: Session;

  protected constructor(session: Session) {
    this.#session = session;
  }

  /** The answer, which must have begun. */
  protected expect(): CopyReply {
    if (this.reply === null) throw new ProgrammingError("the COPY has not begun");
    return this.reply;
  }

  /** Which way the data goes. */
  get direction(): "in" | "out" {
    return this.expect().direction ?? "out";
  }

  /** Whether the server takes data, as far as it has said. */
  get isIn(): boolean {
    return this.reply?.direction === "in";
  }

  /** The data's format. */
  get format(): "text" | "binary" {
    return this.expect().format === 1 ? "binary" : "text";
  }

  /** How many columns are copied. */
  get columnCount(): number {
    return this.expect().columnCount;
  }

  /** Whether the server owes nothing more. */
  get ended(): boolean {
    return this.reply?.settled ?? false;
  }

  /** The command's tag; null when the COPY hasn't ended, or not well. */
  get tag(): string | null {
    const { reply } = this;
    return reply?.settled && !reply.error && !reply.failure ? reply.tag : null;
  }

  /** What the cursor shows of it. */
  get result(): ResultSet[] {
    if (this.tag === null) return [];
    const result = new Result(null);
    result.tag = this.tag;
    return [{ result, description: null }];
  }

  /** Why the COPY ended, as a fresh error; null when it hasn't, or ended well. */
  protected failure(): Error | null {
    const { reply } = this;
    if (!reply?.settled) return null;
    if (reply.error) return errorFromDiagnostic(reply.error, { statement: this.text });
    if (reply.failure) return this.#session.endReason() ?? reply.failure;
    return reply.isOther ? notCopy(this.text) : null;
  }

  /** The error of what can't go on because the COPY was ended. */
  protected stopped(): Error {
    const message = `the COPY was stopped: ${this.interruption}`;
    return new QueryCanceled(message, { statement: this.text });
  }

  /** The answer, of a COPY in this direction that has not failed. */
  protected check(direction: "in" | "out"): CopyReply {
    const reply = this.directed(direction);
    const failure = this.failure();
    if (failure) throw failure;
    return reply;
  }

  /** The answer, of a COPY in this direction. */
  protected directed(direction: "in" | "out"): CopyReply {
    const reply = this.expect();
    if (reply.direction !== direction) {
      throw new ProgrammingError(
        direction === "in"
          ? "this COPY gives data; use read(), rows() or readRow()"
          : "this COPY takes data; use write(), writeRow() or from()",
      );
    }
    return reply;
  }
}
