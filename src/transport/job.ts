/**
 * A conversation under way, driven by a socket: the asynchronous one of the two drive loops.
 *
 * Replies are the hot case, and are waited for without a promise: the session resumes the job when the
 * reply is settled. Everything else a conversation asks for is rare and goes through promises.
 */
import type { Conversation } from "../protocol/effects.ts";
import type { Awaitable } from "../protocol/arrival.ts";
import type { Waiter } from "../protocol/replies.ts";
import { keepShape, nobody } from "../shapes.ts";
import type { SocketTransport } from "./socket.ts";

/** A job, as whoever hands out the wire sees it. */
export interface Runner extends Waiter {
  /** Whether nothing may follow this job on the wire before it has ended. */
  readonly alone: boolean;
  /** Whether it belongs to what a pipeline has under way. */
  readonly joins?: boolean;
  /** Whether it has begun. */
  readonly started: boolean;
  /** Begins the conversation. */
  start(): void;
}

/** Who hands out the wire to jobs. */
export interface Turnstile {
  /** The job has written everything it will write. */
  handOver(job: Runner): void;
  /** The job wants the wire again; it is resumed when it has it. */
  regain(job: Runner): void;
  /** The job has ended. */
  ended(job: Runner): void;
}

/** One conversation and the promise of its outcome. */
export class Job<T> implements Runner {
  /** The outcome. */
  readonly promise: Promise<T>;
  /** Whether nothing may follow this job on the wire before it has ended. */
  alone = false;
  /** Whether it belongs to what a pipeline has under way. */
  joins = false;
  /** Whether it has begun. */
  started = false;
  readonly #conversation: Conversation<T>;
  readonly #transport: SocketTransport;
  readonly #turnstile: Turnstile | null;
  #waitingFor: Awaitable | null = null;
  #resolve!: (value: T) => void;
  #reject!: (error: unknown) => void;

  constructor(
    conversation: Conversation<T>,
    transport: SocketTransport,
    turnstile: Turnstile | null,
  ) {
    this.#conversation = conversation;
    this.#transport = transport;
    this.#turnstile = turnstile;
    this.promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Begins the conversation. */
  start(): void {
    this.started = true;
    this.#step(null);
  }

  /** Ends a job that has not begun. */
  withdraw(error: unknown): void {
    this.#reject(error);
  }

  /** Goes on after the awaited reply was settled. */
  resume(): void {
    const reply = this.#waitingFor;
    this.#waitingFor = null;
    this.#step(reply?.failure ?? null);
  }

  #step(thrown: unknown): void {
    let error = thrown;
    try {
      for (;;) {
        const step = error === null ? this.#conversation.next() : this.#conversation.throw(error);
        error = null;
        if (step.done) {
          this.#resolve(step.value);
          break;
        }
        const effect = step.value;
        this.#transport.schedule();
        if (effect.kind === "reply") {
          if (effect.settled) {
            error = effect.failure;
            continue;
          }
          this.#waitingFor = effect;
          effect.waiter = this;
          if (effect.handsOver && !this.alone) this.#turnstile?.handOver(this);
          return;
        }
        if (effect.kind === "turn") {
          if (this.#turnstile === null) continue;
          this.#turnstile.regain(this);
          return;
        }
        this.#transport.perform(effect).then(
          () => this.#step(null),
          (failure: unknown) => this.#step(failure),
        );
        return;
      }
    } catch (failure) {
      this.#reject(failure);
    }
    this.#transport.schedule();
    this.#turnstile?.ended(this);
  }
}

/** Drives a conversation that needs no turn: connecting, cancelling, closing. */
export function drive<T>(conversation: Conversation<T>, transport: SocketTransport): Promise<T> {
  const job = new Job(conversation, transport, null);
  job.start();
  return job.promise;
}

keepShape(new Job(nobody, nobody, null));
