/**
 * The line: who may write on a connection, first come first served.
 *
 * One conversation writes at a time. One that has written everything hands the wire over before its answer
 * has come, so statements of independent callers travel together and cost one round trip, each with its
 * own Sync: order, errors and results are those of one after the other. A job that stands alone (it
 * carries a signal or a deadline, and may have to be cancelled) begins when nothing is owed to others, and
 * nothing follows it before it has ended: a cancel request can only hit what it was meant for.
 */
import type { Conversation } from "../protocol/effects.ts";
import type { Session } from "../protocol/session.ts";
import type { Runner, Turnstile } from "./job.ts";
import { Job } from "./job.ts";
import type { CancelTarget } from "./limits.ts";
import type { Occupation } from "./occupation.ts";
import type { SocketTransport } from "./socket.ts";
import { Stay } from "./stay.ts";

/** Stands for whoever writes past the line. */
const PASSING: Runner = { alone: false, started: true, start() {}, resume() {} };

/** The queue of one connection. */
export class Line implements Turnstile {
  readonly #session: Session;
  readonly #transport: SocketTransport;
  #queue: Runner[] = [];
  #head = 0;
  #holder: Runner | null = null;
  #pumping = false;
  readonly #stays: Set<Stay> = new Set();

  constructor(session: Session, transport: SocketTransport) {
    this.#session = session;
    this.#transport = transport;
    transport.onDrain = () => this.#pump();
  }

  /** Runs a conversation in its turn. */
  run<T>(conversation: Conversation<T>): Promise<T> {
    const job = new Job(conversation, this.#transport, this);
    this.#enter(job);
    return job.promise;
  }

  /**
   * Sends past the line, which is vacant, what writes all there is to write at once. Values are the program's, and
   * what it calls while they are written waits: it would end up in the middle of a message.
   */
  pass(exchange: { send(): boolean }): boolean {
    this.#holder = PASSING;
    try {
      return exchange.send();
    } finally {
      this.#holder = null;
      if (this.#head < this.#queue.length) this.#pump();
    }
  }

  /** Whether somebody who writes all there is to write at once may do so now, past the line. */
  get isVacant(): boolean {
    return (
      this.#holder === null &&
      this.#head === this.#queue.length &&
      this.#stays.size === 0 &&
      !this.#session.ended &&
      !this.#transport.congested
    );
  }

  /** Runs what is left of a conversation whose first part was written past the line. */
  finish<T>(rest: Conversation<T>): Promise<T> {
    const job = new Job(rest, this.#transport, this);
    job.start();
    return job.promise;
  }

  /** Lets a job that stands alone get in line; one that `joins` does not wait for a pipeline's answers. */
  runAlone<T>(conversation: Conversation<T>, joins = false): Job<T> {
    const job = new Job(conversation, this.#transport, this);
    job.alone = true;
    job.joins = joins;
    this.#enter(job);
    return job;
  }

  /** Lets a stay get in line: a place that is kept until it is left. */
  stay(target: CancelTarget, occupation: Occupation): Stay {
    const stay = new Stay(this, this.#transport, target, occupation);
    this.#stays.add(stay);
    this.#enter(stay.runner);
    return stay;
  }

  /** See {@link StayLine.left}. */
  left(stay: Stay): void {
    this.#stays.delete(stay);
  }

  /** Whether there are stays: whoever has one must not wait for its end. */
  get hasStays(): boolean {
    return this.#stays.size > 0;
  }

  /** Who stays now; null when nobody does. */
  get occupant(): Stay | null {
    for (const stay of this.#stays) if (stay.begun) return stay;
    return null;
  }

  /** Whether anybody waits for a turn. */
  get isAwaited(): boolean {
    return this.#head < this.#queue.length;
  }

  /** See {@link StayLine.waitsFor}. */
  get waitsFor(): `waiting for ${string}` {
    const { occupant } = this;
    if (occupant === null) return "waiting for its turn";
    return `waiting for ${occupant.what} to end, which has the connection to itself`;
  }

  /** Whether nobody writes, waits for a turn, or stays. */
  get quiet(): boolean {
    return this.#holder === null && this.#head === this.#queue.length && this.#stays.size === 0;
  }

  /** Takes a job that has not begun out of the line; false when it has. */
  leave(job: Runner): boolean {
    if (job.started) return false;
    const index = this.#queue.indexOf(job, this.#head);
    if (index >= 0) this.#queue.splice(index, 1);
    return index >= 0;
  }

  #enter(job: Runner): void {
    if (this.#holder === null && this.#head === this.#queue.length && this.#mayStart(job)) {
      this.#holder = job;
      job.start();
    } else {
      this.#queue.push(job);
      this.#pump();
    }
  }

  #mayStart(job: Runner): boolean {
    if (this.#session.ended) return true;
    if (!job.alone) {
      if (!this.#transport.congested) return true;
      // The end of the connection is no drain, and whoever waits has to hear of it.
      this.#session.onIdle = () => this.#pump();
      return false;
    }
    if (this.#session.owedCount === 0 || (job.joins && this.#session.lazy)) return true;
    // A pipeline's answers don't come by themselves, and no job may be left whose end would say that they have.
    this.#session.flushWanted = this.#session.lazy;
    this.#session.onIdle = () => this.#pump();
    this.#transport.schedule();
    return false;
  }

  /** See {@link Turnstile.handOver}. */
  handOver(job: Runner): void {
    if (this.#holder !== job) return;
    this.#holder = null;
    this.#pump();
  }

  /** See {@link Turnstile.regain}. */
  regain(job: Runner): void {
    if (this.#holder === null || this.#holder === job) {
      this.#holder = job;
      job.resume();
    } else {
      this.#queue.splice(this.#head, 0, job);
    }
  }

  /** See {@link Turnstile.ended}. */
  ended(job: Runner): void {
    if (this.#holder === job) this.#holder = null;
    if (this.#head < this.#queue.length) this.#pump();
  }

  /** Starts what may start. A loop and no recursion: thousands may be waiting. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#holder === null && this.#head < this.#queue.length) {
      const job = this.#queue[this.#head] as Runner;
      if (!job.started && !this.#mayStart(job)) break;
      this.#head++;
      if (this.#head === this.#queue.length || this.#head >= 1024) {
        this.#queue = this.#queue.slice(this.#head);
        this.#head = 0;
      }
      this.#holder = job;
      if (job.started) job.resume();
      else job.start();
    }
    this.#pumping = false;
  }
}
