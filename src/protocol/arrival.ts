/**
 * What a conversation can wait for besides whole replies: that something has come, once or again and again.
 *
 * An arrival looks to a driver like a reply: it is settled or not, may have failed, and resumes one waiter.
 */
import { keepShape } from "../shapes.ts";
import type { Waiter } from "./replies.ts";

/** Anything that a driver waits for without a promise: a reply, or a piece of one. */
export interface Awaitable {
  /** Tells it from the other effects. */
  readonly kind: "reply";
  /** Whether there is nothing to wait for. */
  readonly settled: boolean;
  /** Why it can't come any more; thrown into the conversation that waits. */
  readonly failure: Error | null;
  /** Whether the next conversation may write while this one waits. */
  readonly handsOver: boolean;
  /** Who waits. */
  waiter: Waiter | null;
}

/** Something that is awaited, and comes when {@link settle} is called. */
export class Arrival implements Awaitable {
  readonly kind = "reply";
  settled = false;
  failure: Error | null = null;
  handsOver = false;
  waiter: Waiter | null = null;

  /** It has come, or never will because of `failure`: whoever waits goes on. */
  settle(failure: Error | null = null): void {
    this.settled = true;
    this.failure = failure;
    const { waiter } = this;
    if (waiter) {
      this.waiter = null;
      waiter.resume();
    }
  }
}

keepShape(new Arrival());
