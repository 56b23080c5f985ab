/**
 * What a pool has to be able to do with connections, of whatever kind they are.
 *
 * The policies know connections through this and nothing else: real ones implement it in
 * connection-keeper.ts, and a simulation with scripts.
 */
import type { Member } from "./member.ts";

/** How a connection was returned. */
export interface Restored {
  /** Whether it can be lent again. */
  readonly usable: boolean;
  /** Whether a transaction had been left open. */
  readonly inTransaction: boolean;
}

/** What a list of connections has to know about them. */
export interface Warden<C> {
  /** Closes one, whatever it does; bounded, and never rejected. Undefined when it is closed already. */
  close(conn: C): Promise<void> | undefined;
  /** Whether it has not ended. */
  isAlive(conn: C): boolean;
  /** Calls `ended` once if it ends by itself. */
  watch(conn: C, ended: (reason: Error) => void): void;
}

/** Everything that is done with connections. */
export interface Keeper<C> extends Warden<C> {
  /** Makes one, ready to be lent; the signal ends the attempt. */
  connect(signal: AbortSignal): Promise<C>;
  /** Whether each is to be checked before it is lent. */
  readonly checksAlways: boolean;
  /** Asks whether it can be lent; rejected when not. The pool gives it a time. */
  check(conn: C): Promise<void>;
  /** Makes it fit to be lent to somebody else; told at once where nothing has to be done, and never rejected. */
  restore(conn: C): Restored | Promise<Restored>;
}

/** What a request may say. */
export interface Request {
  /** How long it waits, in milliseconds; the pool's `timeout` by default. */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** What its asynchronous context holds already, of the same pool. */
  readonly held?: readonly object[] | undefined;
  /** Where it was made, if anybody wants to know. */
  readonly stack?: string | null;
}

/** What the policies tell, and what is not theirs to know. */
export interface PoolHost<C, L> {
  /** Makes a loan of a connection; a failure where there can be none, and the connection is retired. */
  issue(member: Member<C>): L | Promise<L>;
  tell(event: PoolEvent): void;
  /** No connection could be made for long. */
  gaveUp(): void;
  /** A request has to wait although its context holds connections; an error ends the wait. */
  nested(held: readonly object[]): Error | null;
  /** Has `abort` called when the signal fires; returns what ends that. */
  onAbort(signal: AbortSignal, abort: () => void): () => void;
}

/** What a pool tells those who watch it. */
export type PoolEvent =
  /** A connection was made. */
  | { readonly kind: "connected" }
  /** A connection ended by itself. */
  | { readonly kind: "disconnected"; readonly error: Error }
  /** An attempt to connect failed; the next one comes after `delay` milliseconds at the latest. */
  | { readonly kind: "error"; readonly error: Error; readonly delay: number }
  /** No connection could be made for `reconnectTimeout`. */
  | { readonly kind: "reconnectFailed"; readonly error: Error }
  /** A connection failed its check, and the idle ones that were like it were closed. */
  | { readonly kind: "checkFailed"; readonly error: Error }
  /** A connection came back in a state that nobody else can use; `problem` names it. */
  | { readonly kind: "badReturn"; readonly problem: string }
  /** A connection is lent for longer than `leakDetection` allows; `stack` shows who asked for it. */
  | { readonly kind: "leak"; readonly heldFor: number; readonly stack: string }
  /** The pool was closed. */
  | { readonly kind: "closed" };
