/**
 * Having a connection to oneself for several conversations: what a COPY and a stream need.
 *
 * Between the conversations the program runs, and what the server has begun stays open. So whoever occupies
 * a connection says how to end that early: what can be done at once, and what has to be waited for.
 */
import { OperationalError, ProgrammingError } from "../errors.ts";
import type { Conversation } from "../protocol/effects.ts";

/** Who occupies a connection. */
export interface Occupation {
  /** What it is, as errors name it: `copy()`. */
  readonly what: string;
  /** Makes an end: drops what still comes, refuses what the server waits for. Called once, sends nothing itself. */
  interrupt(reason: string): void;
  /** Waits for the end of what the server has begun; throws only what ended the connection. */
  settle(): Conversation<void>;
}

/** The error of a statement that would have to wait for its own caller. */
export function occupied(what: string): ProgrammingError {
  return new ProgrammingError(
    `the connection is in the middle of ${what}, whose block this was called from: it would wait for itself; ` +
      "leave the block first, or use another connection",
    { code: "ERR_MAHOUT_OCCUPIED", outcome: "not sent" },
  );
}

/** The error of a call that comes out of the middle of an operation. */
export function busy(): OperationalError {
  return new OperationalError(
    "the connection is in the middle of an operation, which this was called from; " +
      "neither handlers nor the items of executeMany() can use it: take another connection, or fetch the items before",
    { code: "ERR_MAHOUT_BUSY" },
  );
}

/**
 * How long what still comes may take to come before it is cancelled, in milliseconds: a small rest is on its
 * way already, and asking for an end costs a connection.
 */
export const REST_GRACE = 5;
/** How long the server may take to refuse what it was told to refuse before it is cancelled, in milliseconds. */
export const REFUSAL_GRACE = 1_000;
