/**
 * Reading a socket without its worker, for as long as that pays.
 *
 * Waking through the worker costs two changes of thread for every reply, which is most of the time of a
 * short statement to a near server. When replies have been coming within microseconds, the caller asks the
 * worker for the right to read. Where a read can be interrupted (interruption.ts) the descriptor is made to
 * block, and the system wakes the caller. Elsewhere it tries the descriptor again and again for a short while,
 * and goes back to sleeping in the bridge when nothing comes. How soon it asks again depends on how that went.
 *
 * Who reads is one word in the mailbox, and there is never more than one reader. The worker reads at the
 * start; it gives the right away only with nothing read and not handed over. Between operations the right
 * is the caller's but free to be taken: the worker takes it back when nothing has happened for a moment,
 * so notices and the end of an idle connection are still seen when they come.
 */
import { readSync } from "node:fs";
import { availableParallelism } from "node:os";
import { isHandled, isInterruptible, maySucceed } from "./interruption.ts";
import { hold, letGo, Reader, Word } from "./mailbox.ts";

/** How long to try without a pause, in milliseconds: replies that take longer are few when it pays. */
const SPIN = 0.1;
/** The same when this process has one core, which the server may be waiting for. */
const SPIN_ALONE = 0.02;
/** Then so long naps, in milliseconds. */
const NAPS: readonly number[] = [0.02, 0.05, 0.1, 0.2, 0.4, 0.8];
/** An operation through the worker that took no longer counts as quick, in milliseconds. */
const QUICK = 0.2;
/** The same where the system can wake the caller: longer ones are interrupted after some 20 milliseconds. */
const QUICK_TO_BLOCK = 5;
/** A nap lasts several times as long as waking through the worker: what one weighs, where an operation without takes one off. */
const NAP_WEIGHT = 8;
/** When naps weigh so much, the worker is the better reader. */
const MOST_NAPS = 64;
/** How many more quick operations than others are wanted before the right to read is asked for. */
const FEWEST = 4;
/** When reading directly served fewer operations than this, it did not pay, and twice as many are wanted. */
const WORTH = 16;
/** The most that is wanted. */
const MOST = 2048;
const READ_SIZE = 64 * 1024;
/** The most that is written to a descriptor that may have the caller wait, in bytes. */
export const MOST_AT_ONCE: number = 64 * 1024;

/** What takes received bytes, which may be overwritten afterwards, and says how far it got. */
export interface Taker {
  receive(bytes: Buffer, start: number, end: number): number;
}

/** The caller's side of reading directly. */
export class DirectReader {
  /** Whether the operation under way reads for itself. */
  active = false;
  /** Whether its reads wait in the system, until the worker ends that. */
  blocks = false;
  /** Whether somebody wanted to look without waiting, where reads wait. */
  isPeeked = false;
  /** Whether the other side has closed the connection, or it failed. */
  ended = false;
  /** How it failed; null when it didn't. */
  failure: Error | null = null;
  #words: Int32Array;
  #buffer: Buffer | null = null;
  #start = 0;
  #end = 0;
  #quick = 0;
  #wanted = FEWEST;
  #served = 0;
  #napped = 0;
  #spin = SPIN;
  #began = 0;

  constructor(words: Int32Array) {
    this.#words = words;
  }

  /** Goes on with other words, which say that all is over. */
  moveTo(words: Int32Array): void {
    this.#words = words;
    this.active = false;
    this.blocks = false;
  }

  /** Takes the right to read if it is free to be taken. */
  enter(): void {
    const before = Atomics.compareExchange(this.#words, Word.reader, Reader.free, Reader.caller);
    this.active = before === Reader.free;
    this.blocks = this.active && this.#isBlocking;
  }

  get #isBlocking(): boolean {
    return Atomics.load(this.#words, Word.blocking) === 1;
  }

  /** Begins an operation. */
  begin(): void {
    this.enter();
    // A clock costs as much as a good part of the rest, so it is only looked at where it decides something.
    if (!this.active) this.#began = performance.now();
  }

  /** Whether the worker should be asked for the right to read. */
  get wanted(): boolean {
    return !this.active && this.#quick >= this.#wanted;
  }

  /** Whether the descriptor should make the caller wait: who also looks without waiting can't have that. */
  wantsToBlock(): boolean {
    const wants = !this.isPeeked && isInterruptible();
    this.isPeeked = false;
    return wants;
  }

  /** Whether this has become a waste: replies come too late to be tried for, or to be waited for in the system. */
  get tired(): boolean {
    return this.active && (this.#napped >= MOST_NAPS || (this.blocks && !this.#isBlocking));
  }

  /** Notes the worker's answer: it may have had a reason to keep the right. */
  asked(): void {
    this.#quick = 0;
    this.#served = 0;
    this.#napped = 0;
    this.#spin = availableParallelism() > 1 ? SPIN : SPIN_ALONE;
    this.active = Atomics.load(this.#words, Word.reader) === Reader.caller;
    this.blocks = this.active && this.#isBlocking;
  }

  /** Leaves the right free to be taken back. */
  release(): void {
    if (!this.active) return;
    this.active = false;
    Atomics.add(this.#words, Word.activity, 1);
    Atomics.store(this.#words, Word.reader, Reader.free);
  }

  /** Ends an operation, and notes how quick it was if it `waited`: what is only sent is quick anyhow. */
  leave(waited: boolean): void {
    if (this.active) this.release();
    else if (!waited) return;
    else if (performance.now() - this.#began < (maySucceed ? QUICK_TO_BLOCK : QUICK)) this.#quick++;
    else if (this.#quick > 0) this.#quick--;
  }

  /** Gives the right back to the worker, which has to be told. */
  giveBack(): void {
    const paid = this.#served >= WORTH && this.#napped < MOST_NAPS;
    this.active = false;
    this.blocks = false;
    this.#wanted = paid ? FEWEST : Math.min(this.#wanted * 2, MOST);
    Atomics.store(this.#words, Word.reader, Reader.worker);
  }

  /** Leaves the reading to the worker for now, which has to be told where reads wait. */
  stepBack(): void {
    this.#quick = 0;
    if (!this.blocks) return;
    this.active = false;
    this.blocks = false;
    Atomics.store(this.#words, Word.reader, Reader.worker);
  }

  /**
   * Hands what was read and not taken yet to `taker`, which says how far it got.
   *
   * @returns whether there was anything.
   */
  receive(taker: Taker): boolean {
    if (this.#start === this.#end) return false;
    this.#start = taker.receive(this.#buffer as Buffer, this.#start, this.#end);
    return true;
  }

  /** Whether something was read, or the end found, that nobody has taken. */
  get hasNews(): boolean {
    return this.#start !== this.#end || this.ended;
  }

  /** Tries to read, once or for a short while; returns whether anything came, the end included. */
  read(patiently: boolean): boolean {
    if (!this.active) return false;
    this.#buffer ??= Buffer.allocUnsafeSlow(READ_SIZE);
    if (this.blocks) return patiently && isHandled() && this.#try(0);
    if (this.#try(0) || (patiently && this.#try(performance.now() + this.#spin))) {
      if (this.#napped > 0) this.#napped--;
      return true;
    }
    if (!patiently) return false;
    this.#napped += NAP_WEIGHT;
    for (const nap of NAPS) {
      Atomics.wait(this.#words, Word.nap, 0, nap);
      if (this.#try(0)) return true;
    }
    return false;
  }

  /** Tries to read at least once, and until then. */
  #try(until: number): boolean {
    const words = this.#words;
    const descriptor = Atomics.load(words, Word.descriptor);
    // An attempt that finds nothing throws; its stack would be most of its cost.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    // The descriptor is ours while this word is up, as in writing.
    hold(words);
    try {
      do {
        if (descriptor < 0 || Atomics.load(words, Word.closing) === 1) return false;
        if (this.#attempt(descriptor)) return true;
      } while (until > 0 && performance.now() < until);
      return false;
    } finally {
      letGo(words);
      Error.stackTraceLimit = stackTraceLimit;
    }
  }

  #attempt(descriptor: number): boolean {
    try {
      this.#start = 0;
      this.#end = readSync(descriptor, this.#buffer as Buffer, 0, READ_SIZE, null);
      if (this.#end === 0) this.ended = true;
      else this.#served++;
      return true;
    } catch (error) {
      this.#end = 0;
      const { code } = error as { code?: string };
      if (code === "EAGAIN" || code === "EINTR") return false;
      this.ended = true;
      this.failure = error as Error;
      return true;
    }
  }
}
