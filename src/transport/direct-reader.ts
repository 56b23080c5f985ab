/**
 * Reading a socket without its worker, for as long as that pays.
 *
 * Waking through the worker costs two changes of thread for every reply, which is most of the time of a
 * short statement to a near server. When replies have been coming within microseconds, the caller asks the
 * worker for the right to read: it then tries the descriptor itself, again and again for a short while, and
 * goes back to sleeping in the bridge when nothing comes. How soon it asks again depends on how that went.
 *
 * Who reads is one word in the mailbox, and there is never more than one reader. The worker reads at the
 * start; it gives the right away only with nothing read and not handed over. Between operations the right
 * is the caller's but free to be taken: the worker takes it back when nothing has happened for a moment,
 * so notices and the end of an idle connection are still seen when they come.
 */
import { readSync } from "node:fs";
import { Reader, Word } from "./mailbox.ts";

/** How long to try without a pause, in milliseconds. */
const SPIN = 0.1;
/** Then so long naps, in milliseconds: the server may be waiting for this very core. */
const NAPS: readonly number[] = [0.02, 0.05, 0.1, 0.2, 0.4, 0.8];
/** An operation through the worker that took no longer counts as quick, in milliseconds. */
const QUICK = 0.15;
/** Waits longer than this, in milliseconds, should be slept through; so many in a row end it. */
const SLOW = 0.2;
const MOST_SLOW = 8;
/** After so many operations it is compared with how long they took through the worker. */
const TRIAL = 24;
/** How much the newest operation counts in what they took on average. */
const WEIGHT = 0.1;
/** Quick operations in a row before the right to read is asked for. */
const FEWEST = 8;
/** When reading directly served fewer operations than this, it did not pay, and twice as many are wanted. */
const WORTH = 32;
/** The most that is wanted. */
const MOST = 2048;
const READ_SIZE = 64 * 1024;

/** The caller's side of reading directly. */
export class DirectReader {
  /** Whether the operation under way reads for itself. */
  active = false;
  /** Whether the other side has closed the connection, or it failed. */
  ended = false;
  /** How it failed; null when it didn't. */
  failure: Error | null = null;
  readonly #words: Int32Array;
  #buffer: Buffer | null = null;
  #start = 0;
  #end = 0;
  #quick = 0;
  #wanted = FEWEST;
  #served = 0;
  #slow = 0;
  #began = 0;
  #throughWorker = 0;
  #directly = 0;

  constructor(words: Int32Array) {
    this.#words = words;
  }

  /** Takes the right to read if it is free to be taken. */
  enter(): void {
    const before = Atomics.compareExchange(this.#words, Word.reader, Reader.free, Reader.caller);
    this.active = before === Reader.free;
  }

  /** Begins an operation. */
  begin(): void {
    this.enter();
    this.#began = performance.now();
  }

  /** Whether the worker should be asked for the right to read. */
  get wanted(): boolean {
    return !this.active && this.#quick >= this.#wanted;
  }

  /** Whether this has become a waste: replies are slow, or come no sooner than through the worker. */
  get tired(): boolean {
    if (!this.active) return false;
    if (this.#slow >= MOST_SLOW) return true;
    return this.#served >= TRIAL && this.#directly > this.#throughWorker;
  }

  /** Notes the worker's answer: it may have had a reason to keep the right. */
  asked(): void {
    this.#quick = 0;
    this.#served = 0;
    this.#slow = 0;
    this.#directly = 0;
    this.#began = performance.now();
    this.active = Atomics.load(this.#words, Word.reader) === Reader.caller;
  }

  /** Leaves the right free to be taken back. */
  release(): void {
    if (!this.active) return;
    this.active = false;
    Atomics.add(this.#words, Word.activity, 1);
    Atomics.store(this.#words, Word.reader, Reader.free);
  }

  /** Ends an operation, and notes how long it took. */
  leave(): void {
    const took = performance.now() - this.#began;
    if (this.active) {
      this.#directly += (took - this.#directly) * WEIGHT;
      this.release();
    } else if (took < QUICK) {
      this.#quick++;
      this.#throughWorker += (took - this.#throughWorker) * WEIGHT;
    } else {
      this.#quick = Math.max(0, this.#quick - FEWEST);
    }
  }

  /** Gives the right back to the worker, which has to be told. */
  giveBack(): void {
    this.active = false;
    const paid = this.#served >= WORTH && this.#directly <= this.#throughWorker;
    this.#wanted = paid ? FEWEST : Math.min(this.#wanted * 2, MOST);
    Atomics.store(this.#words, Word.reader, Reader.worker);
  }

  /**
   * Hands what was read and not taken yet to `take`, which says how far it got.
   *
   * @returns whether there was anything.
   */
  receive(take: (bytes: Buffer, start: number, end: number) => number): boolean {
    if (this.#start === this.#end) return false;
    this.#start = take(this.#buffer as Buffer, this.#start, this.#end);
    return true;
  }

  /** Tries to read, once or for a short while; returns whether anything came, the end included. */
  read(patiently: boolean): boolean {
    if (!this.active) return false;
    this.#buffer ??= Buffer.allocUnsafeSlow(READ_SIZE);
    const began = performance.now();
    let came = this.#try(patiently ? began + SPIN : 0);
    for (let nap = 0; !came && patiently && nap < NAPS.length; nap++) {
      Atomics.wait(this.#words, Word.nap, 0, NAPS[nap]);
      came = this.#try(0);
    }
    this.#slow = came && performance.now() - began < SLOW ? 0 : this.#slow + 1;
    return came;
  }

  /** Tries to read at least once, and until then. */
  #try(until: number): boolean {
    const words = this.#words;
    const descriptor = Atomics.load(words, Word.descriptor);
    // An attempt that finds nothing throws; its stack would be most of its cost.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    // The descriptor is ours while this word is up, as in writing.
    Atomics.store(words, Word.writing, 1);
    try {
      do {
        if (descriptor < 0 || Atomics.load(words, Word.closing) === 1) return false;
        if (this.#attempt(descriptor)) return true;
      } while (until > 0 && performance.now() < until);
      return false;
    } finally {
      Atomics.store(words, Word.writing, 0);
      Atomics.notify(words, Word.writing);
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
      if ((error as { code?: string }).code === "EAGAIN") return false;
      this.ended = true;
      this.failure = error as Error;
      return true;
    }
  }
}
