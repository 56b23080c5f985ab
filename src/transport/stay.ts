/**
 * A stay: a place in the line that is kept over several conversations.
 *
 * It begins when nothing is owed to others, and until it ends nothing of others is written; they wait
 * behind it in their order. Its own conversations run one after the other. A limit counts for the stay as a
 * whole: when it is reached, what the server has begun is made to end, over a cancel request of its own,
 * and the place is given up when both have ended. The same is done, without a limit, when a block is left
 * early.
 */
import { MahoutError } from "../errors.ts";
import type { Conversation } from "../protocol/effects.ts";
import { keepShape, nobody } from "../shapes.ts";
import { onAbort } from "./abort.ts";
import type { Runner, Turnstile } from "./job.ts";
import { Job } from "./job.ts";
import type { CancelTarget, Explain, Limits } from "./limits.ts";
import { aborted, abortedBefore, expired, isCancellation, stopStatement } from "./limits.ts";
import type { Occupation } from "./occupation.ts";
import type { SocketTransport } from "./socket.ts";

/** The line that a stay is in. */
export interface StayLine {
  /** Takes what has not begun out of the line; false when it has. */
  leave(runner: Runner): boolean;
  /** Its place is free. */
  ended(runner: Runner): void;
  /** A stay has ended, or never began. */
  left(stay: Stay): void;
  /** What whoever is in the line waits for. */
  readonly waitsFor: `waiting for ${string}`;
}

/** The place itself, with a line of its own. */
class Place implements Runner, Turnstile {
  readonly alone = true;
  started = false;
  readonly entered: Promise<void>;
  readonly #line: StayLine;
  readonly #queue: Runner[] = [];
  #current: Runner | null = null;
  #left = false;
  #enter!: () => void;
  #refuse!: (error: unknown) => void;

  constructor(line: StayLine) {
    this.#line = line;
    this.entered = new Promise((resolve, reject) => {
      this.#enter = resolve;
      this.#refuse = reject;
    });
  }

  get idle(): boolean {
    return this.#current === null && this.#queue.length === 0;
  }

  start(): void {
    this.started = true;
    this.#enter();
  }

  withdraw(error: unknown): void {
    this.#refuse(error);
  }

  // Never waits for its turn again: it hands nothing over.
  resume(): void {}
  handOver(): void {}

  add(job: Runner): void {
    this.#queue.push(job);
    this.#pump();
  }

  regain(job: Runner): void {
    job.resume();
  }

  ended(): void {
    this.#current = null;
    this.#pump();
  }

  leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.#pump();
  }

  #pump(): void {
    if (this.#current !== null) return;
    const next = this.#queue.shift();
    if (next) {
      this.#current = next;
      next.start();
    } else if (this.#left) {
      this.#line.ended(this);
    }
  }
}

/** A place in the line that is kept until it is left. */
export class Stay {
  readonly #line: StayLine;
  readonly #place: Place;
  readonly #transport: SocketTransport;
  readonly #target: CancelTarget;
  readonly #occupation: Occupation;
  #why: Explain | null = null;
  #halting: Promise<void> | null = null;
  #over = false;
  #timer: NodeJS.Timeout | undefined;
  #forget: (() => void) | undefined;

  /** Made by the line, see {@link Line.stay}. */
  constructor(
    line: StayLine,
    transport: SocketTransport,
    target: CancelTarget,
    occupation: Occupation,
  ) {
    this.#line = line;
    this.#place = new Place(line);
    this.#transport = transport;
    this.#target = target;
    this.#occupation = occupation;
  }

  /** What stands in the line. */
  get runner(): Runner {
    return this.#place;
  }

  /** What it is for, as errors name it. */
  get what(): string {
    return this.#occupation.what;
  }

  /** Whether it has the connection now. */
  get begun(): boolean {
    return this.#place.started;
  }

  /** Whether it is the program's turn: nothing is asked of the server. */
  get idle(): boolean {
    return this.#place.idle;
  }

  /** Whether it has ended, or never began. */
  get over(): boolean {
    return this.#over;
  }

  /**
   * Waits for the place, within the limits, which go on counting.
   *
   * @throws QueryCanceled when a limit was reached before.
   */
  async enter({ signal, timeout }: Limits): Promise<void> {
    if (signal?.aborted) {
      this.#finish();
      throw abortedBefore(signal);
    }
    if (signal)
      this.#forget = onAbort(signal, () =>
        this.#stop((stage, error) => aborted(signal, stage, error)),
      );
    if (timeout !== undefined)
      this.#timer = setTimeout(
        () => this.#stop((stage, error) => expired(timeout, stage, error)),
        timeout,
      );
    await this.#place.entered;
  }

  #stop(explain: Explain): void {
    if (this.#why || this.#over || this.#halting) return;
    this.#why = explain;
    if (this.#place.started) {
      void this.#halt(explain("client").message, 0);
    } else {
      const { waitsFor } = this.#line;
      this.#finish();
      this.#place.withdraw(explain(waitsFor));
    }
  }

  /** Runs a conversation in its turn; throws what it throws, in the words of the limit that caused it. */
  async run<T>(conversation: Conversation<T>): Promise<T> {
    const job = new Job(conversation, this.#transport, this.#place);
    job.alone = true;
    this.#place.add(job);
    try {
      return await job.promise;
    } catch (error) {
      throw this.explain(error);
    }
  }

  /** The error in the words of the limit that caused it, if one did. */
  explain(error: unknown): unknown {
    if (!this.#why || !isCancellation(error)) return error;
    return this.#why("server", error);
  }

  /** Ends what the server has begun, cancelling it when that takes longer than `grace` milliseconds, and leaves. */
  abandon(reason: string, grace: number): Promise<void> {
    return this.#over ? this.halted : this.#halt(reason, grace);
  }

  /** What ends it early, if anything does: only after that it is known whether the connection is of use. */
  get halted(): Promise<void> {
    return this.#halting ?? Promise.resolve();
  }

  #halt(reason: string, grace: number): Promise<void> {
    this.#halting ??= this.#end(reason, grace);
    return this.#halting;
  }

  async #end(reason: string, grace: number): Promise<void> {
    this.#occupation.interrupt(reason);
    this.#transport.schedule();
    const ended = this.run(this.#occupation.settle());
    let stopping: Promise<void> | undefined;
    const stop = (): void => {
      stopping = stopStatement(this.#target, this.#transport, ended);
    };
    const timer = grace > 0 ? setTimeout(stop, grace) : undefined;
    if (grace === 0) stop();
    try {
      await ended;
    } catch (error) {
      // The connection is gone, and tells why to whoever uses it. Anything else would be ours to know.
      if (!(error instanceof MahoutError)) throw error;
    } finally {
      clearTimeout(timer);
      await stopping;
      this.#finish();
    }
  }

  /** Gives the place up; what has been run has ended. */
  leave(): void {
    // A cancel request may be under way: whoever comes next must not be hit.
    if (this.#halting === null) this.#finish();
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#forget?.();
    this.#line.left(this);
    if (this.#place.started) this.#place.leave();
    else this.#line.leave(this.#place);
  }
}

keepShape(new Stay(nobody, nobody, nobody, nobody));
